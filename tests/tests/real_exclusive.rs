//! `--add-exclusive-node`: what it names is reached, and nothing else is, as the proxy's log and the kernel say.

use std::net::SocketAddr;
use std::time::Duration;

use anonet_tests::lab::{
    Auth, Chain, FakeSocks, Monerod, Node, Tap, Target, contains_part, free_port, onions, throughout, wait_for,
};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
const VIRTUAL_PORT: u16 = 18083;
/// Long enough for many rounds of dialling: a node that wants peers looks every few hundred milliseconds.
const WATCH: Duration = Duration::from_secs(30);

/// An exclusive onion, two onions and a public peer that are merely known, and the proxy that reaches all of them.
struct Scene {
    names: Vec<String>,
    hidden: Monerod,
    proxy: FakeSocks,
    public_peer: Monerod,
    tap: Tap,
}

impl Scene {
    fn start() -> Self {
        let (names, target) = (onions(3), free_port());
        let address = format!("{}:{VIRTUAL_PORT}", names[0]);
        let hidden = Monerod::hidden(Chain::shared(), "tor", 9, &address, target);
        let proxy = FakeSocks::start(&json!({"*": target}), Auth::Any);
        let public_peer = Monerod::start(Chain::shared(), &["--synced"]);
        let tap = Tap::start(public_peer.p2p_port());
        Self { names, hidden, proxy, public_peer, tap }
    }

    /// Starts a node under `strace` that knows all of them, with further options.
    fn node(&self, further: &[&str]) -> Node {
        let proxy = format!("tor,127.0.0.1:{},4", self.proxy.port());
        let mut options = vec!["--proxy".to_owned(), proxy, "--add-exclusive-node".to_owned(), self.onion(0)];
        for known in [self.onion(1), self.onion(2)] {
            options.extend(["--add-peer".to_owned(), known]);
        }
        options.extend(further.iter().map(|&option| option.to_owned()));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let node = Node::start(&options);
        wait_for("the exclusive onion is linked", 60 * SECOND, || {
            let zone = node.zone("tor");
            if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
        });
        node
    }

    fn onion(&self, number: usize) -> String {
        format!("{}:{VIRTUAL_PORT}", self.names[number])
    }

    fn public(&self) -> String {
        format!("127.0.0.1:{}", self.tap.port())
    }

    /// The proxy was asked for the exclusive onion alone, and the kernel for these loopback ports alone.
    fn assert_only_reached(&self, node: Node, ports: &[u16]) {
        let asked = self.proxy.connects();
        let strangers: Vec<_> = asked.iter().filter(|connect| connect.name.as_deref() != Some(&self.names[0])).collect();
        assert!(!asked.is_empty() && strangers.is_empty(), "{strangers:?}");
        let mut expected: Vec<_> = ports.iter().map(|&port| Target::Inet(SocketAddr::from(([127, 0, 0, 1], port)))).collect();
        expected.sort();
        assert_eq!(node.stop_and_trace().targets(), expected);
    }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn with_an_exclusive_onion_nothing_else_is_dialled() {
    let scene = Scene::start();
    let node = scene.node(&["--add-peer", &scene.public()]);
    let transaction = Chain::shared().transaction(1);
    node.submit_ok(&transaction);
    wait_for("it is in the exclusive peer's pool", 60 * SECOND, || scene.hidden.holds(&transaction));
    throughout(WATCH, || {
        assert_eq!(node.zone("tor")["outgoing"], 1);
        assert_eq!(scene.public_peer.connections().len(), 0);
    });
    scene.assert_only_reached(node, &[scene.proxy.port()]);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn an_exclusive_onion_and_an_exclusive_ipv4_peer_both_work() {
    let scene = Scene::start();
    let node = scene.node(&["--add-exclusive-node", &scene.public()]);
    wait_for("the exclusive IPv4 peer is linked", 60 * SECOND, || match scene.public_peer.connections().len() {
        1 => Ok(()),
        count => Err(format!("{count} connections")),
    });
    let transaction = Chain::shared().transaction(2);
    node.submit_ok(&transaction);
    wait_for("it is in the exclusive onion's pool", 60 * SECOND, || scene.hidden.holds(&transaction));
    throughout(WATCH, || {
        assert_eq!((&node.zone("tor")["outgoing"], &node.zone("public")["outgoing"]), (&1.into(), &1.into()));
        assert_eq!(scene.public_peer.pool(), Vec::<String>::new());
    });
    for (number, bytes) in scene.tap.sent() {
        assert!(!contains_part(&bytes, &transaction.bytes), "connection {number} carried a part of the transaction");
    }
    scene.assert_only_reached(node, &[scene.proxy.port(), scene.tap.port()]);
}
