//! The node under watch: every address it reaches out to, seen by the kernel, and every byte
//! it sends to a public peer. Nothing of its own transaction may be among them.

use std::net::SocketAddr;
use std::time::Duration;

use anonet_tests::lab::{
    Auth, Chain, FakeSocks, Monerod, Node, Tap, Target, Transaction, contains_part, free_port, onions, throughout, wait_for,
};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
const VIRTUAL_PORT: u16 = 18083;
/// Longer than the mean embargo of monerod's Dandelion++ (39 s), after which a node that
/// treated the transaction as an ordinary one would have sent it to everyone.
const WATCH: Duration = Duration::from_secs(45);

/// A node that is given a public peer, whose line is tapped, and a tor zone with one peer.
struct Scene {
    node: Node,
    public_peer: Monerod,
    tap: Tap,
    hidden_port: u16,
    onion: String,
    proxy_port: u16,
}

impl Scene {
    /// Starts the node and waits until the public link is up.
    fn start(proxy_port: u16, hidden_port: u16, onion: String) -> Self {
        let public_peer = Monerod::start(Chain::shared(), &["--synced"]);
        let tap = Tap::start(public_peer.p2p_port());
        let node = Node::start(&[
            "--add-peer",
            &format!("127.0.0.1:{}", tap.port()),
            "--proxy",
            &format!("tor,127.0.0.1:{proxy_port},4"),
            "--add-peer",
            &format!("{onion}:{VIRTUAL_PORT}"),
        ]);
        wait_for("the public link is up", 60 * SECOND, || match public_peer.connections().len() {
            0 => Err(node.status()),
            _ => Ok(()),
        });
        Self { node, public_peer, tap, hidden_port, onion, proxy_port }
    }

    fn hidden_peer(&self) -> Monerod {
        let address = format!("{}:{VIRTUAL_PORT}", self.onion);
        Monerod::hidden(Chain::shared(), "tor", 9, &address, self.hidden_port)
    }

    fn proxy(&self) -> FakeSocks {
        FakeSocks::start_on(self.proxy_port, &json!({"*": self.hidden_port}), Auth::Any)
    }

    /// No public byte is part of the transaction, in either of its two forms.
    fn assert_public_link_is_clean(&self, transaction: &Transaction) {
        let sent = self.tap.sent();
        assert!(!sent.is_empty(), "the tap hears the link");
        for (number, bytes) in sent {
            assert!(!contains_part(&bytes, &transaction.bytes), "connection {number} carried a part of the transaction");
            let id = transaction.id_bytes();
            assert!(!bytes.windows(id.len()).any(|window| window == id), "connection {number} carried the transaction's id");
        }
        assert_eq!(self.public_peer.pool(), Vec::<String>::new());
    }

    /// The kernel saw the node reach out to its proxy and its public peer, and to nobody else.
    fn assert_nothing_else_was_reached(self) {
        let loopback = |port| Target::Inet(SocketAddr::from(([127, 0, 0, 1], port)));
        let data_dir = self.node.data_dir().display().to_string();
        let rpc_port = self.node.rpc_port();
        let trace = self.node.stop_and_trace();
        let mut expected = vec![loopback(self.proxy_port), loopback(self.tap.port())];
        expected.sort();
        assert_eq!(trace.targets(), expected);
        for bound in trace.bound() {
            let own = match &bound {
                Target::Unix(path) => path.starts_with(&data_dir),
                inet => *inet == loopback(rpc_port),
            };
            assert!(own, "bound {bound}");
        }
    }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn without_its_proxy_an_own_transaction_stays_at_home() {
    let transaction = Chain::shared().transaction(1);
    let scene = Scene::start(free_port(), free_port(), onions(1).remove(0));
    let said = scene.node.submit_ok(&transaction);
    assert!(said.contains("held"), "{said}");
    throughout(WATCH, || scene.assert_public_link_is_clean(&transaction));
    scene.node.stashed_as(&transaction, "held").expect("it is held");

    let hidden = scene.hidden_peer();
    let proxy = scene.proxy();
    wait_for("it is in the hidden peer's pool", 60 * SECOND, || hidden.holds(&transaction));
    let sent = proxy.sent();
    assert!(sent.iter().any(|(_, bytes)| contains_part(bytes, &transaction.bytes)), "the search finds it where it is");
    throughout(WATCH, || scene.assert_public_link_is_clean(&transaction));
    scene.assert_nothing_else_was_reached();
}

/// Every option that reaches out or listens, at once: both anonymity networks, a hidden service, a daemon, a public peer.
#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn with_every_option_only_what_is_named_is_reached_and_the_daemon_is_not_told() {
    const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
    let transaction = Chain::shared().transaction(2);
    let (names, hidden_port, inbound_port) = (onions(2), free_port(), free_port());
    let hidden = Monerod::hidden(Chain::shared(), "tor", 9, &format!("{}:{VIRTUAL_PORT}", names[0]), hidden_port);
    let [tor, i2p] = [Auth::Require, Auth::None].map(|auth| FakeSocks::start(&json!({"*": hidden_port}), auth));
    let public_peer = Monerod::start(Chain::shared(), &["--synced"]);
    let tap = Tap::start(public_peer.p2p_port());
    let daemon = Monerod::start(Chain::shared(), &["--synced"]);
    let node = Node::start(&[
        "--proxy",
        &format!("tor,127.0.0.1:{},4", tor.port()),
        "--proxy",
        &format!("i2p,127.0.0.1:{},4", i2p.port()),
        "--anonymous-inbound",
        &format!("{}:{VIRTUAL_PORT},127.0.0.1:{inbound_port},25", names[1]),
        "--daemon-address",
        &format!("127.0.0.1:{}", daemon.rpc_port()),
        "--add-peer",
        &format!("127.0.0.1:{}", tap.port()),
        "--add-peer",
        &format!("{}:{VIRTUAL_PORT}", names[0]),
        "--add-peer",
        B32,
    ]);
    for zone in ["tor", "i2p", "public"] {
        wait_for(&format!("the {zone} link is up"), 60 * SECOND, || {
            let zone = node.zone(zone);
            if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
        });
    }
    node.submit_ok(&transaction);
    wait_for("it is in the hidden peer's pool", 60 * SECOND, || hidden.holds(&transaction));
    throughout(WATCH, || {
        for monerod in [&public_peer, &daemon] {
            assert_eq!(monerod.pool(), Vec::<String>::new());
        }
        for (_, bytes) in tap.sent().into_iter().chain(i2p.sent()) {
            assert!(!contains_part(&bytes, &transaction.bytes), "it went by tor alone");
        }
    });
    let loopback = |port| Target::Inet(SocketAddr::from(([127, 0, 0, 1], port)));
    let (data_dir, rpc_port) = (node.data_dir().display().to_string(), node.rpc_port());
    let trace = node.stop_and_trace();
    let mut expected = [tor.port(), i2p.port(), tap.port(), daemon.rpc_port()].map(loopback);
    expected.sort();
    assert_eq!(trace.targets(), expected);
    let inet: Vec<Target> =
        trace.bound().into_iter().filter(|bound| !matches!(bound, Target::Unix(path) if path.starts_with(&data_dir))).collect();
    let mut expected = [rpc_port, inbound_port].map(loopback);
    expected.sort();
    assert_eq!(inet, expected);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn when_its_proxy_dies_an_own_transaction_stays_at_home() {
    let transaction = Chain::shared().transaction(3);
    let scene = Scene::start(free_port(), free_port(), onions(1).remove(0));
    let hidden = scene.hidden_peer();
    let proxy = scene.proxy();
    wait_for("the tor link is up", 60 * SECOND, || {
        let zone = scene.node.zone("tor");
        if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
    });
    drop(proxy);
    scene.node.submit_ok(&transaction);
    throughout(WATCH, || scene.assert_public_link_is_clean(&transaction));
    scene.node.stashed_as(&transaction, "held").expect("it is held");

    let _proxy = scene.proxy();
    wait_for("it is in the hidden peer's pool", 60 * SECOND, || hidden.holds(&transaction));
    scene.assert_public_link_is_clean(&transaction);
    scene.assert_nothing_else_was_reached();
}
