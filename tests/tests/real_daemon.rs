//! Our node with a real daemon of its user: what it says of strangers' transactions, and what it shows of own ones.

use std::sync::OnceLock;
use std::time::Duration;

use anonet_tests::lab::{Chain, Monerod, Node, TorNet, Transaction, free_port, throughout, wait_for};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;

/// One network for the whole program; it ends with it.
struct Lab {
    net: TorNet,
    monerod_port: u16,
    node_port: u16,
    daemon_port: u16,
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let (monerod_port, node_port, daemon_port) = (free_port(), free_port(), free_port());
        let net = TorNet::start(&[
            ("monerod", VIRTUAL_PORT, monerod_port),
            ("node", VIRTUAL_PORT, node_port),
            ("daemon", VIRTUAL_PORT, daemon_port),
        ]);
        Lab { net, monerod_port, node_port, daemon_port }
    })
}

impl Lab {
    fn address(&self, service: &str) -> String {
        format!("{}:{VIRTUAL_PORT}", self.net.onion(service))
    }

    fn proxy(&self) -> String {
        format!("tor,127.0.0.1:{},4", self.net.socks_port())
    }
}

fn rpc_of(daemon: &Monerod) -> String {
    format!("127.0.0.1:{}", daemon.rpc_port())
}

fn daemon_is_up(node: &Node) {
    let entry = wait_for("the daemon is up", MINUTE, || {
        let status = node.status();
        if status["daemon"]["state"] == "up" { Ok(status["daemon"].clone()) } else { Err(status) }
    });
    assert_eq!(entry["synchronized"], true, "{entry}");
    let info = node.rpc("/get_info", &json!({}));
    assert_eq!((&info["height"], &info["synchronized"]), (&entry["height"], &true.into()), "{info}");
}

/// The entry of a transaction that a peer sent, once it has this verdict.
fn judged(node: &Node, transaction: &Transaction, verdict: &str) -> Result<Value, String> {
    match node.received(transaction) {
        Some(entry) if entry["verdict"] == verdict => Ok(entry),
        other => Err(format!("{other:?}, {}", node.status())),
    }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_transaction_from_a_hidden_monerod_waits_and_reaches_the_public_peer_that_we_alone_know() {
    let (lab, chain) = (lab(), Chain::shared());
    let daemon = Monerod::start(chain, &["--synced"]);
    let public = Monerod::start(chain, &["--synced"]);
    let address = lab.address("node");
    let inbound = format!("{address},127.0.0.1:{},25", lab.node_port);
    let peer = format!("127.0.0.1:{}", public.p2p_port());
    let node = Node::start(&[
        "--proxy",
        &lab.proxy(),
        "--anonymous-inbound",
        &inbound,
        "--add-peer",
        &peer,
        "--daemon-address",
        &rpc_of(&daemon),
    ]);
    daemon_is_up(&node);
    wait_for("a public link", MINUTE, || {
        let zone = node.zone("public");
        if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
    });
    let proxy = format!("tor,127.0.0.1:{},10", lab.net.socks_port());
    let sender = Monerod::start(chain, &["--tx-proxy", &proxy, "--add-exclusive-node", &address]);
    wait_for("monerod has a link to us", 2 * MINUTE, || sender.connections().pop().ok_or("no connection"));
    sender.sync_peer();

    let transaction = chain.transaction(1);
    sender.submit(&transaction);
    // noise is on, so it comes as a stem, within a few ticks of the channel
    wait_for("it has come and waits", 2 * MINUTE, || judged(&node, &transaction, "delayed"));
    throughout(3 * SECOND, || {
        assert_eq!(
            (daemon.pool().len(), public.pool().len()),
            (0, 0),
            "it waits 22 s in the mean, and so long almost never less"
        );
    });
    wait_for("the daemon has accepted it", 2 * MINUTE, || judged(&node, &transaction, "accepted"));
    daemon.holds(&transaction).unwrap();
    wait_for("the public peer has it", MINUTE, || public.holds(&transaction));
    assert_eq!(node.stashed(&transaction), None, "a foreign one is not ours");
    assert_eq!(node.zone("tor")["incoming"], 1, "the link stays up");
    node.stop();
}

/// monerod 0.18 sends noise, and transactions in it, only to peers that claim at least its own height.
#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_monerod_with_noise_goes_on_sending_to_our_hidden_service_while_the_chain_grows() {
    let (lab, chain) = (lab(), Chain::shared());
    let daemon = Monerod::start(chain, &["--synced"]);
    let address = lab.address("node");
    let inbound = format!("{address},127.0.0.1:{},25", lab.node_port);
    let rpc = rpc_of(&daemon);
    let node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--anonymous-inbound", &inbound, "--daemon-address", &rpc]);
    daemon_is_up(&node);
    let proxy = format!("tor,127.0.0.1:{},10", lab.net.socks_port());
    let side = format!("127.0.0.1:{}", daemon.p2p_port());
    let options = ["--tx-proxy", &proxy, "--add-exclusive-node", &address, "--add-exclusive-node", &side];
    let sender = Monerod::start(chain, &options);
    // its connection to us alone has a hidden name
    let shown = || {
        let connections = sender.connections();
        let ours = connections.iter().find(|link| link.to_string().contains(".onion"));
        ours.and_then(|link| link["height"].as_u64()).ok_or_else(|| format!("{connections:?}"))
    };
    wait_for("monerod has a link to us", 2 * MINUTE, shown);
    let mut height = chain.tip().0;
    for (number, blocks) in [(1, 5), (2, 40)] {
        for _ in 0..blocks {
            daemon.mine(1);
            height += 1;
        }
        let claimed = height.next_multiple_of(30);
        wait_for("monerod is shown a height at or above its own", 4 * MINUTE, || match shown()? {
            height if height == claimed => Ok(()),
            other => Err(format!("{other}, and not {claimed}: {}", node.status()["daemon"])),
        });
        let transaction = chain.transaction(number);
        sender.submit(&transaction);
        wait_for("it has come in noise", 6 * MINUTE, || match node.received(&transaction) {
            Some(entry) => Ok(entry),
            None => Err(format!("{:?}, {}", sender.connections(), node.status())),
        });
    }
    assert_eq!(node.zone("tor")["incoming"], 1, "the link stays up");
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn an_own_transaction_is_done_once_the_daemon_has_seen_it() {
    let (lab, chain) = (lab(), Chain::shared());
    let address = lab.address("monerod");
    let recipient = Monerod::hidden(chain, "tor", lab.net.socks_port(), &address, lab.monerod_port);
    let side = format!("127.0.0.1:{}", recipient.p2p_port());
    let daemon = Monerod::start(chain, &["--add-exclusive-node", &side]);
    let rpc = rpc_of(&daemon);
    let mut node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--add-peer", &address, "--daemon-address", &rpc]);
    daemon_is_up(&node);
    let transaction = chain.transaction(2);
    let said = node.submit_ok(&transaction);
    assert!(said.contains("handed"), "{said}");
    wait_for("the recipient has it", MINUTE, || recipient.holds(&transaction));
    wait_for("the daemon has it", MINUTE, || daemon.holds(&transaction));
    let entry = wait_for("status says seen", MINUTE, || node.stashed_as(&transaction, "seen"));
    assert_eq!((&entry["witness"], &entry["peers_handed_to"]), (&"daemon".into(), &1.into()), "{entry}");
    node.restart();
    assert_eq!(node.stashed(&transaction), None, "its row is gone from the disk");
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_restricted_daemon_behind_an_onion_is_used_as_far_as_it_goes() {
    let (lab, chain) = (lab(), Chain::shared());
    let restricted = format!("--extra=--rpc-restricted-bind-port={}", lab.daemon_port);
    let daemon = Monerod::start(chain, &["--synced", "--extra=--rpc-restricted-bind-ip=127.0.0.1", &restricted]);
    let address = lab.address("daemon");
    let node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--daemon-address", &address]);
    daemon_is_up(&node);
    let entry = wait_for("its pool was asked for", MINUTE, || {
        let entry = node.status()["daemon"].clone();
        if entry["pool"] == "untried" { Err(entry) } else { Ok(entry) }
    });
    assert!(entry["pool"] == "watched" || entry["pool"] == "hidden", "{entry}");
    assert_eq!(entry["address"], address.as_str(), "{entry}");
    drop(daemon);
    node.stop();
}
