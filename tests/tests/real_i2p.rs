//! Our node and a real monerod through a real I2P router, in both directions.

use std::sync::OnceLock;
use std::time::Duration;

use anonet_tests::lab::{Chain, I2pNet, Monerod, Node, free_port, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

/// One network for the whole program; it ends with it.
struct Lab {
    net: I2pNet,
    monerod_port: u16,
    node_port: u16,
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let (monerod_port, node_port) = (free_port(), free_port());
        let net = I2pNet::start(&[("monerod", monerod_port), ("node", node_port)]);
        Lab { net, monerod_port, node_port }
    })
}

impl Lab {
    fn proxy(&self) -> String {
        format!("i2p,127.0.0.1:{},4", self.net.socks_port())
    }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerod_gets_our_transaction_over_its_destination() {
    let (lab, chain) = (lab(), Chain::shared());
    let host = lab.net.b32("monerod");
    let monerod = Monerod::hidden(chain, "i2p", lab.net.socks_port(), &format!("{host}:18080"), lab.monerod_port);
    let node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--add-peer", host]);
    wait_for("the node has a link", 2 * MINUTE, || {
        let zone = node.zone("i2p");
        if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
    });
    let zone = node.zone("i2p");
    assert_eq!(zone["proxy_state"], "up", "{zone}");
    assert_eq!(zone["isolates"], false, "{zone}");

    let transaction = chain.transaction(1);
    node.submit_ok(&transaction);
    wait_for("it is in monerod's pool", MINUTE, || monerod.holds(&transaction));
    let entry = wait_for("status says handed", MINUTE, || node.stashed_as(&transaction, "handed"));
    assert_eq!(entry["zone"], "i2p", "{entry}");
    assert_eq!(entry["peers_handed_to"], 1, "{entry}");
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerod_hands_us_its_transaction_over_our_destination() {
    let (lab, chain) = (lab(), Chain::shared());
    let address = format!("{}:18080", lab.net.b32("node"));
    let inbound = format!("{address},127.0.0.1:{},25", lab.node_port);
    let node = Node::start(&["--no-public", "--proxy", &lab.proxy(), "--anonymous-inbound", &inbound]);
    let proxy = format!("i2p,127.0.0.1:{},10,disable_noise", lab.net.socks_port());
    let monerod = Monerod::start(chain, &["--tx-proxy", &proxy, "--add-exclusive-node", &address]);
    wait_for("monerod has a link to us", 2 * MINUTE, || monerod.connections().pop().ok_or("no connection"));
    monerod.sync_peer();

    let transaction = chain.transaction(2);
    monerod.submit(&transaction);
    let entry = wait_for("status lists it as received", MINUTE, || node.received(&transaction).ok_or_else(|| node.status()));
    assert_eq!(entry["verdict"], "pending", "{entry}");
    assert_eq!(entry["zone"], "i2p", "{entry}");
    node.stop();
}
