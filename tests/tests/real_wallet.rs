//! Real wallets that have our node for their daemon, whose own daemon is a monerod; what they send leaves over a real Tor
//! network to another monerod.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use anonet_tests::lab::{Chain, Monerod, Node, TorNet, Wallet, Wiretap, contains_part, free_port, throughout, wait_for};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;
const WALLETS_VIRTUAL_PORT: u16 = 18089;

/// How long a transaction is held while its wallet looks on. A wallet gives one up that its daemon has not shown for 500 s,
/// which is what the long form of these tests, with `ANONET_LONG=1`, goes beyond.
fn hold() -> Duration {
    if env::var_os("ANONET_LONG").is_some_and(|value| value == "1") { 15 * MINUTE } else { 20 * SECOND }
}

/// One network for the whole program; it ends with it.
struct Lab {
    net: TorNet,
    monerod_port: u16,
    /// Where the hidden service for wallets leads to.
    wallets_port: u16,
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let (monerod_port, wallets_port) = (free_port(), free_port());
        let net = TorNet::start(&[("monerod", VIRTUAL_PORT, monerod_port), ("wallets", WALLETS_VIRTUAL_PORT, wallets_port)]);
        Lab { net, monerod_port, wallets_port }
    })
}

/// A node whose recipient is not there yet, with a daemon that is listened in on, and a wallet with money.
struct Stage {
    address: String,
    daemon: Monerod,
    tap: Wiretap,
    node: Node,
    wallet: Wallet,
}

impl Stage {
    fn new() -> Self {
        let (lab, chain) = (lab(), Chain::shared());
        let address = format!("{}:{VIRTUAL_PORT}", lab.net.onion("monerod"));
        let daemon = Monerod::start(chain, &["--synced"]);
        let tap = Wiretap::before(daemon.rpc_port());
        let proxy = format!("tor,127.0.0.1:{},4", lab.net.socks_port());
        let upstream = format!("127.0.0.1:{}", tap.port());
        let node = Node::start(&["--no-public", "--proxy", &proxy, "--add-peer", &address, "--daemon-address", &upstream]);
        let wallet = Wallet::start(&format!("127.0.0.1:{}", node.rpc_port()));
        // a coinbase output is spendable 60 blocks later, and a ring takes 16 spendable outputs
        daemon.mine_to(80, &wallet.address());
        assert!(wallet.refresh() >= chain.tip().0 + 80, "the wallet sees the blocks");
        wait_for("the node follows", MINUTE, || up(&node, chain.tip().0 + 80));
        Self { address, daemon, tap, node, wallet }
    }

    /// The recipient comes: a monerod that follows the daemon's chain and takes transactions at the hidden service.
    /// A monerod behind the onion. It can be reached once it has the chain: before that it drops what it is handed, unread.
    fn recipient(&self) -> Monerod {
        let (lab, behind) = (lab(), free_port());
        let inbound = format!("{},127.0.0.1:{behind},40", self.address);
        let proxy = format!("tor,127.0.0.1:{},10", lab.net.socks_port());
        let side = format!("127.0.0.1:{}", self.daemon.p2p_port());
        let chain = Chain::shared();
        let recipient =
            Monerod::start(chain, &["--tx-proxy", &proxy, "--anonymous-inbound", &inbound, "--add-exclusive-node", &side]);
        wait_for("the recipient has the chain", MINUTE, || recipient.is_synchronized(chain.tip().0 + 80));
        let _open = Wiretap::between(lab.monerod_port, behind);
        recipient
    }

    /// The transaction is held, its wallet sees it as pending, and the daemon has heard nothing of it.
    fn assert_held_unknown_and_pending(&self, id: &str) {
        self.wallet.refresh();
        assert_eq!(self.wallet.standing(id), Ok(("pending".into(), 0)));
        let status = self.node.status();
        assert_eq!((&status["stash"][0]["txid"], &status["stash"][0]["state"]), (&id.into(), &"held".into()), "{status}");
        assert_eq!(self.daemon.pool(), Vec::<String>::new());
        let heard = self.tap.heard();
        let entry = &self.node.rpc("/get_transaction_pool", &json!({}))["transactions"][0];
        let images = self.node.rpc("/get_transaction_pool", &json!({}))["spent_key_images"].clone();
        let mut secrets = vec![entry["id_hash"].clone()];
        secrets.extend(images.as_array().expect("it has inputs").iter().map(|image| image["id_hash"].clone()));
        for secret in secrets {
            let text = secret.as_str().expect("an id").to_owned();
            assert!(!contains(&heard, text.as_bytes()) && !contains(&heard, &bytes(&text)), "the daemon was asked about {text}");
        }
        let blob = entry["tx_blob"].as_str().expect("it has a blob");
        assert!(!contains_part(&heard, &bytes(blob)) && !contains_part(&heard, blob.as_bytes()), "the daemon has a part of it");
    }
}

fn up(node: &Node, height: u64) -> Result<(), Value> {
    let entry = node.status()["daemon"].clone();
    if entry["state"] == "up" && entry["height"].as_u64() >= Some(height) { Ok(()) } else { Err(entry) }
}

fn contains(heard: &[u8], part: &[u8]) -> bool {
    heard.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_transfer_stays_pending_while_it_is_held_and_is_confirmed_once_it_is_mined() {
    let stage = Stage::new();
    let id = stage.wallet.transfer();
    throughout(hold(), || stage.assert_held_unknown_and_pending(&id));

    let recipient = stage.recipient();
    wait_for("the recipient has it", 10 * MINUTE, || has(&recipient, &id));
    wait_for("the daemon has it", MINUTE, || has(&stage.daemon, &id));
    wait_for("the node has seen it", 2 * MINUTE, || {
        let status = stage.node.status();
        if status["stash"][0]["state"] == "seen" { Ok(()) } else { Err(status) }
    });
    stage.wallet.refresh();
    assert_eq!(stage.wallet.standing(&id), Ok(("pending".into(), 0)), "now the daemon shows it");
    stage.daemon.mine(1);
    wait_for("the wallet says confirmed", MINUTE, || {
        stage.wallet.refresh();
        match stage.wallet.standing(&id) {
            Ok((kind, height)) if kind == "out" && height > 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    stage.node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn the_command_line_wallet_sends_and_sees_its_transaction_as_pending() {
    let mut stage = Stage::new();
    let address = stage.wallet.address();
    let said = stage.wallet.command_line(&["transfer", &address, "0.1"]);
    assert!(said.contains("Transaction successfully submitted"), "{said}");
    let status = stage.node.status();
    let id = status["stash"][0]["txid"].as_str().unwrap_or_else(|| panic!("{status}\n{said}")).to_owned();
    assert!(said.contains(&id), "{said}");
    let shown = stage.wallet.command_line(&["show_transfers", "pending"]);
    assert!(shown.contains(&id) && !shown.contains("failed"), "{shown}");
    stage.assert_held_unknown_and_pending(&id);
    stage.node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_phone_reaches_its_node_through_a_hidden_service_with_its_login_alone() {
    let (lab, chain) = (lab(), Chain::shared());
    let daemon = Monerod::start(chain, &["--synced"]);
    let upstream = format!("127.0.0.1:{}", daemon.rpc_port());
    let login = ["--restricted-rpc", "--rpc-login", "alice:open sesame"];
    let node = Node::start(&[&login[..], &["--no-public", "--proxy", "tor,127.0.0.1:9", "--daemon-address", &upstream]].concat());
    let service = Wiretap::between(lab.wallets_port, node.rpc_port());
    let proxy = format!("127.0.0.1:{}", lab.net.socks_port());
    let address = format!("{}:{WALLETS_VIRTUAL_PORT}", lab.net.onion("wallets"));
    let way = ["--daemon-address", &address, "--proxy", &proxy, "--trusted-daemon", "--daemon-login"];
    let start = |login: &str| Wallet::start_with(&[&way[..], &[login]].concat());

    let stranger = start("alice:open barley");
    assert!(stranger.refusal().contains("no connection to daemon"), "{}", stranger.refusal());
    let wallet = start("alice:open sesame");
    wait_for("the node follows", MINUTE, || up(&node, chain.tip().0));
    daemon.mine_to(80, &wallet.address());
    wait_for("the wallet reaches it", MINUTE, || knows(&wallet, chain.tip().0 + 80));
    let id = wallet.transfer();
    wallet.refresh();
    assert_eq!(wallet.standing(&id), Ok(("pending".into(), 0)));
    let stash = node.status()["stash"].clone();
    assert_eq!((&stash[0]["txid"], &stash[0]["state"]), (&id.as_str().into(), &"held".into()), "{stash}");
    assert_reached_over_tls(&[&way[..], &["alice:open sesame"]].concat(), &service, &node, chain.tip().0 + 80);
    node.stop();
}

/// The same way with TLS, on the same port: by the certificate that the node made, or not at all.
fn assert_reached_over_tls(way: &[&str], service: &Wiretap, node: &Node, height: u64) {
    let log = node.log();
    let named = log.lines().find_map(|line| line.split_once("--daemon-ssl-allowed-fingerprints "));
    let (_, fingerprint) = named.unwrap_or_else(|| panic!("{log}"));
    let file = node.data_dir().join("rpc_ssl.crt").to_string_lossy().into_owned();
    let start = |pin: &[&str]| Wallet::start_with(&[way, &["--daemon-ssl", "enabled"], pin].concat());
    let before = service.heard().len();
    let stranger = start(&["--daemon-ssl-allowed-fingerprints", &"00".repeat(32)]);
    assert!(stranger.refusal().contains("no connection to daemon"), "{}", stranger.refusal());
    for pin in [["--daemon-ssl-allowed-fingerprints", fingerprint.trim()], ["--daemon-ssl-ca-certificates", &file]] {
        let wallet = start(&pin);
        wait_for("the wallet reaches it over TLS", MINUTE, || knows(&wallet, height));
    }
    let heard = service.heard().split_off(before);
    assert!(heard.len() > 1_000 && !contains(&heard, b"POST /"), "all of it is encrypted");
}

fn knows(wallet: &Wallet, height: u64) -> Result<(), String> {
    let knows = wallet.try_refresh()?;
    if knows >= height { Ok(()) } else { Err(format!("{knows} of {height} blocks")) }
}

fn has(monerod: &Monerod, id: &str) -> Result<(), String> {
    let pool = monerod.pool();
    if pool.iter().any(|there| there == id) { Ok(()) } else { Err(format!("its pool holds {pool:?}")) }
}
