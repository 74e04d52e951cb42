//! What the nodes of the oracle may see: proxies, a hidden peer behind them, a public peer with a listener on its line, which
//! is also the daemon.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anonet_tests::lab::{
    Auth, Chain, FakeSocks, Monerod, Node, Tap, Transaction, WorkDir, contains_part, free_port, onions, wait_for,
};
use serde_json::json;

pub(super) const VIRTUAL_PORT: u16 = 18083;
pub(super) const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
/// A public peer that is not there.
pub(super) const STRANGER: &str = "203.0.113.7:18080";
/// The public hosts that are built in, as `runtime-smol/src/options/seeds.rs` has them.
const SEEDS: [&str; 5] = ["176.9.0.187", "192.99.8.110", "37.187.74.171", "88.99.195.15", "5.104.84.64"];
const SEED_OF_MAINNET: &str = "88.198.163.90";
/// Ports of peers in mainnet, testnet and stagenet.
const PORTS: [u16; 3] = [18_080, 28_080, 38_080];

/// Whom a node without other peers asks, in any of the networks.
pub(super) fn public_seeds() -> Vec<SocketAddr> {
    let everywhere = PORTS.iter().flat_map(|port| SEEDS.map(|host| format!("{host}:{port}")));
    let all = everywhere.chain([format!("{SEED_OF_MAINNET}:{}", PORTS[0])]);
    all.map(|text| text.parse().expect("an address")).collect()
}

/// All that there is around the nodes.
pub(super) struct Shore {
    pub(super) names: Vec<String>,
    /// Takes a user and a password, as tor does.
    pub(super) tor: FakeSocks,
    /// Takes none, as i2pd does.
    pub(super) i2p: FakeSocks,
    /// Leads to the public peer, whatever it is asked for.
    pub(super) exit: FakeSocks,
    /// Behind `tor` and `i2p`.
    pub(super) _hidden: Monerod,
    pub(super) hidden_port: u16,
    /// A public peer and a daemon.
    pub(super) public: Monerod,
    /// On the line to its port for peers.
    pub(super) tap: Tap,
    /// A certificate, its key, and its fingerprint.
    pub(super) certificate: (PathBuf, PathBuf, String),
    pub(super) dir: WorkDir,
}

impl Shore {
    pub(super) fn start() -> Self {
        let (names, hidden_port, dir) = (onions(150), free_port(), WorkDir::new("shore"));
        let hidden = Monerod::hidden(Chain::shared(), "tor", 9, &format!("{}:{VIRTUAL_PORT}", names[0]), hidden_port);
        let public = Monerod::start(Chain::shared(), &["--synced"]);
        let tap = Tap::start(public.p2p_port());
        let [tor, i2p] = [Auth::Any, Auth::None].map(|auth| FakeSocks::start(&json!({"*": hidden_port}), auth));
        let exit = FakeSocks::start(&json!({"*": public.p2p_port()}), Auth::Any);
        let certificate = make_certificate(&dir);
        Self { names, tor, i2p, exit, _hidden: hidden, hidden_port, public, tap, certificate, dir }
    }

    /// A file of this content.
    pub(super) fn file(&self, name: &str, content: &str) -> String {
        write_private(self.dir.path().join(name), content)
    }

    /// No byte of the transaction of the nodes that have an anonymity network is where everybody sees it.
    pub(super) fn assert_nothing_of_ours_is_public(&self) {
        let Transaction { id, bytes, .. } = &Chain::shared().transaction(1);
        let id_bytes = Chain::shared().transaction(1).id_bytes();
        for (number, sent) in self.tap.sent().into_iter().chain(self.exit.sent()) {
            let has_id = sent.windows(id_bytes.len()).any(|window| window == id_bytes);
            assert!(!has_id && !contains_part(&sent, bytes), "public connection {number} carried the transaction");
        }
        assert!(!self.public.pool().contains(id), "the daemon or the public peer was given the transaction");
    }
}

/// One as the program makes it for itself.
fn make_certificate(dir: &WorkDir) -> (PathBuf, PathBuf, String) {
    const LABEL: &str = "--daemon-ssl-allowed-fingerprints ";
    let node = Node::start(&["--offline"]);
    let fingerprint = wait_for("a fingerprint", Duration::from_secs(10), || {
        let log = node.log();
        let found = log.split_once(LABEL).and_then(|(_, rest)| Some(rest.split_whitespace().next()?.to_owned()));
        found.ok_or(log)
    });
    let copy = |name: &str| {
        let text = fs::read_to_string(node.data_dir().join(name)).expect("it is made at the start");
        PathBuf::from(write_private(dir.path().join(name), &text))
    };
    let files = (copy("rpc_ssl.crt"), copy("rpc_ssl.key"), fingerprint);
    node.stop();
    files
}

fn write_private(path: PathBuf, content: &str) -> String {
    use std::os::unix::fs::PermissionsExt;

    fs::write(&path, content).expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    path.display().to_string()
}
