//! Our node and a real monerod through a real Tor network, in both directions.

use std::sync::OnceLock;
use std::time::Duration;

use anonet_tests::lab::{Chain, Monerod, Node, TorNet, Transaction, free_port, onions, wait_for};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;

/// One network for the whole program; it ends with it.
struct Lab {
    net: TorNet,
    monerod_port: u16,
    node_port: u16,
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let (monerod_port, node_port) = (free_port(), free_port());
        let net = TorNet::start(&[("monerod", VIRTUAL_PORT, monerod_port), ("node", VIRTUAL_PORT, node_port)]);
        Lab { net, monerod_port, node_port }
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

fn assert_handed(node: &Node, transaction: &Transaction) {
    let entry = wait_for("status says handed", MINUTE, || node.stashed_as(transaction, "handed"));
    assert_eq!(entry["zone"], "tor", "{entry}");
    assert_eq!(entry["peers_handed_to"], 1, "{entry}");
    assert_eq!(entry["size"], transaction.bytes.len(), "{entry}");
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerod_gets_our_transactions_over_its_hidden_service() {
    let (lab, chain) = (lab(), Chain::shared());
    let address = lab.address("monerod");
    let socks = lab.net.socks_port();
    let monerod = Monerod::hidden(chain, "tor", socks, &address, lab.monerod_port);
    let node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--add-peer", &address]);
    wait_for("the node has a link", MINUTE, || {
        let zone = node.zone("tor");
        if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
    });
    let zone = node.zone("tor");
    assert_eq!(zone["proxy_state"], "up", "{zone}");
    assert_eq!(zone["isolates"], true, "{zone}");
    assert_eq!(zone["max_outgoing"], 4, "{zone}");

    let small = chain.transaction(1);
    node.submit_ok(&small);
    wait_for("it is in monerod's pool", MINUTE, || monerod.holds(&small));
    assert_handed(&node, &small);

    let large = chain.transaction(4);
    let hex: String = large.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let answer = node.rpc("/send_raw_transaction", &json!({"tx_as_hex": hex}));
    assert_eq!(answer["status"], "OK", "{answer}");
    wait_for("it is in monerod's pool", MINUTE, || monerod.holds(&large));
    assert_handed(&node, &large);
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerod_hands_us_its_transaction_over_our_hidden_service() {
    let (lab, chain) = (lab(), Chain::shared());
    let address = lab.address("node");
    let inbound = format!("{address},127.0.0.1:{},25", lab.node_port);
    let node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--anonymous-inbound", &inbound]);
    let proxy = format!("tor,127.0.0.1:{},10,disable_noise", lab.net.socks_port());
    let monerod = Monerod::start(chain, &["--tx-proxy", &proxy, "--add-exclusive-node", &address]);
    let link = wait_for("monerod has a link to us", 2 * MINUTE, || monerod.connections().pop().ok_or("no connection"));
    assert_eq!(link["incoming"], false, "{link}");
    assert!(link.to_string().contains(lab.net.onion("node")), "{link}");
    monerod.sync_peer();

    let transaction = chain.transaction(2);
    monerod.submit(&transaction);
    let entry = wait_for("status lists it as received", MINUTE, || node.received(&transaction).ok_or_else(|| node.status()));
    assert_eq!(entry["verdict"], "pending", "{entry}");
    assert_eq!(entry["zone"], "tor", "{entry}");
    assert_eq!(node.zone("tor")["incoming"], 1);
    assert_eq!(node.stashed(&transaction), None, "a foreign one is not ours");
    assert!(!monerod.connections().is_empty(), "the link stays up");
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn tor_says_why_a_service_cannot_be_reached() {
    let lab = lab();
    let proxy = format!("tor,127.0.0.1:{},4", lab.net.extended_port());
    let nobody = format!("{}:{VIRTUAL_PORT}", onions(1)[0]);
    let node = Node::start(&["--no-public", "--proxy", &proxy, "--add-peer", &nobody]);
    let transaction = Chain::shared().transaction(1);
    let said = node.submit_ok(&transaction);
    assert!(said.contains("held"), "{said}");
    node.wait_for_problem(&["descriptor"], MINUTE);
    let entry = node.stashed_as(&transaction, "held").expect("it is kept");
    assert!(entry["why"].is_string(), "{entry}");
    assert_eq!(node.zone("tor")["proxy_state"], "up", "tor itself works");
    node.stop();
}
