//! One case for every option, and what comes of an own transaction in it.

use std::net::SocketAddr;
use std::time::Duration;

use anonet_tests::lab::{Chain, Node, Options, Start, Transaction, anonetd, free_port, wait_for};

use super::shore::{B32, STRANGER, Shore, VIRTUAL_PORT, public_seeds};

/// Options that stand in no case, and why they cannot change what is sent to whom.
pub(super) const WITHOUT_CASE: &[(&str, &str)] = &[
    ("help", "prints and ends"),
    ("json", "another form of what is printed"),
    ("watch", "prints again and again what the control socket says"),
    ("wait", "until when `submit` waits for the control socket; every case submits with it"),
    ("timeout", "for how long `submit` waits for the control socket"),
    ("data-dir", "every case has one, and the oracle holds all writing to it"),
];

/// What becomes of an own transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A hidden peer has it.
    Handed,
    /// Nobody has it.
    Kept,
    /// Nobody knows beforehand.
    Either,
}

/// A node with some options.
#[derive(Clone, Debug)]
pub(super) struct Case {
    options: Vec<String>,
    fate: Fate,
    /// The number of its transaction: 2 where it may go public, as there is no anonymity network.
    number: usize,
    environment: Vec<(String, String)>,
    further: Vec<SocketAddr>,
}

/// A case that runs.
pub(super) struct Running {
    node: Node,
    case: Case,
}

impl Case {
    fn new(line: &str, fate: Fate) -> Self {
        let options = line.split_whitespace().map(str::to_owned).collect();
        Self { options, fate, number: 1, environment: Vec::new(), further: Vec::new() }
    }

    /// The options that it is a case of.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.options.iter().filter_map(|word| Some(word.strip_prefix("--")?.to_owned())).collect();
        // those of its file count as well
        if let Some(file) = Options::read(&self.options).one("config") {
            let text = std::fs::read_to_string(file).expect("it was written");
            names.extend(text.lines().filter_map(|line| Some(line.split_once(" =")?.0.to_owned())));
        }
        names
    }

    fn transaction(&self) -> Transaction {
        Chain::shared().transaction(self.number)
    }

    /// Starts it and hands it its transaction.
    pub(super) fn start(self) -> Running {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let mut start = Start::default();
        (start.environment, start.further) = (self.environment.clone(), self.further.clone());
        let node = Node::start_with(&options, start);
        let (transaction, data_dir) = (self.transaction(), node.data_dir());
        node.knows(&transaction);
        let [file, data_dir] = [&transaction.file, &data_dir].map(|path| path.to_string_lossy().into_owned());
        let output = anonetd(["submit", &file, "--wait", "held", "--data-dir", &data_dir]);
        assert!(output.status.success(), "{options:?}: {output:?}");
        Running { node, case: self }
    }
}

impl Running {
    /// Waits until its transaction has fared as it should.
    pub(super) fn settle(self) -> Node {
        let transaction = self.case.transaction();
        let what = format!("{:?}, {}", self.case.fate, self.case.options.join(" "));
        wait_for(&what, Duration::from_secs(90), || {
            let entry = self.node.stashed(&transaction).ok_or("it is not in the stash")?;
            let kept = entry["state"] == "held" || entry["state"] == "queued";
            match self.case.fate {
                Fate::Handed if entry["state"] == "handed" => Ok(()),
                Fate::Kept if kept && entry["peers_handed_to"] == 0 => Ok(()),
                Fate::Either => Ok(()),
                _ => Err(entry.to_string()),
            }
        });
        self.node
    }
}

/// The words that stand for what is around, and what they stand for.
fn fill(shore: &Shore, line: &str) -> String {
    let (certificate, key, fingerprint) = &shore.certificate;
    let inbound = || format!("{}:{VIRTUAL_PORT},127.0.0.1:{},25", shore.names[2], free_port());
    let mut line = line.to_owned();
    for (word, value) in [
        ("TOR", format!("tor,127.0.0.1:{},4", shore.tor.port())),
        ("I2P", format!("i2p,127.0.0.1:{},4", shore.i2p.port())),
        ("UNISOLATED", format!("tor,127.0.0.1:{},4", shore.i2p.port())),
        ("NOBODY", "tor,127.0.0.1:9,4".to_owned()),
        ("EXIT", format!("socks5://alice:a-password-of-the-exit@127.0.0.1:{}", shore.exit.port())),
        ("ONION", format!("{}:{VIRTUAL_PORT}", shore.names[1])),
        ("SERVICE", inbound()),
        ("B32", B32.to_owned()),
        ("PEER", format!("127.0.0.1:{}", shore.tap.port())),
        ("STRANGER", STRANGER.to_owned()),
        ("DAEMON", format!("127.0.0.1:{}", shore.public.rpc_port())),
        ("HTTPS", format!("https://127.0.0.1:{}", shore.public.rpc_port())),
        ("LOGIN", "alice:a-password-of-the-rpc".to_owned()),
        ("CERTIFICATE", certificate.display().to_string()),
        ("KEY", key.display().to_string()),
        ("FINGERPRINT", fingerprint.clone()),
        ("BANS", shore.file("bans", &format!("{}\n", shore.names[1]))),
        ("PASSPHRASE", shore.file("passphrase", "a passphrase of the stash\n")),
        ("CONFIG", config(shore)),
    ] {
        line = line.split(' ').map(|given| if given == word { &value } else { given }).collect::<Vec<_>>().join(" ");
    }
    while let Some((before, after)) = line.split_once("PORT") {
        line = format!("{before}{}{after}", free_port());
    }
    line
}

fn config(shore: &Shore) -> String {
    let lines = format!(
        "proxy = [\"tor,127.0.0.1:{},4\"]\nno-public = true\nadd-peer = [\"{}:{VIRTUAL_PORT}\"]\nrpc-login = \"{}\"\n",
        shore.tor.port(),
        shore.names[1],
        "alice:a-password-of-the-file"
    );
    shore.file("config.toml", &lines)
}

/// Every option, by itself or with those that it needs.
pub(super) fn cases(shore: &Shore) -> Vec<Case> {
    use Fate::{Either, Handed, Kept};
    const COURIERS: &str = "--no-public --proxy TOR --add-peer ONION --relay-policy courier --courier-every 1 \
        --courier-release 0 --courier-uptime 0,0 --courier-first-record 0,1 --courier-gap 0.1,0.2 --courier-linger 3,4 \
        --courier-rest 60 --courier-age 1,2";
    let lines = [
        ("--tx-proxy TOR --add-peer ONION --add-peer PEER --out-peers 3", Handed),
        ("--no-public --proxy I2P --add-peer B32 --stash memory", Handed),
        ("--no-public --proxy TOR --proxy I2P --add-peer B32 --weaker-zone only-alone", Either),
        ("--no-public --proxy NOBODY --proxy I2P --add-peer B32 --weaker-zone as-fallback", Handed),
        ("--proxy TOR --proxy EXIT --add-peer ONION --add-priority-node STRANGER --log-level trace", Handed),
        ("--proxy NOBODY --proxy EXIT --add-peer ONION --add-peer STRANGER", Kept),
        ("--proxy NOBODY --add-peer ONION --add-priority-node PEER --add-peer STRANGER", Kept),
        ("--proxy TOR --seed-node ONION --seed-node PEER --seed-node STRANGER", Either),
        ("--proxy TOR --add-exclusive-node ONION --add-peer PEER --add-peer STRANGER", Handed),
        ("--proxy TOR --add-exclusive-node PEER --add-peer ONION", Kept),
        ("--offline --proxy TOR --proxy I2P --add-peer ONION --add-peer PEER --daemon-address DAEMON", Kept),
        ("--proxy TOR --add-peer ONION --p2p-bind-ip 127.0.0.1 --p2p-bind-port PORT --in-peers 4 --hide-my-port", Handed),
        (
            "--proxy TOR --add-peer ONION --p2p-use-ipv6 --p2p-bind-ipv6-address ::1 --p2p-bind-port-ipv6 PORT \
             --max-connections-per-ip 2",
            Handed,
        ),
        ("--no-public --proxy TOR --add-peer ONION --anonymous-inbound SERVICE --daemon-address DAEMON", Handed),
        ("--no-public --proxy TOR --add-peer ONION --ban-list BANS", Kept),
        ("--no-public --proxy TOR --add-peer ONION --relay-policy noise --pad-transactions", Either),
        ("--proxy TOR --add-peer ONION --add-peer PEER --relay-policy courier --privacy fast", Either),
        (COURIERS, Either),
        ("--no-public --proxy TOR --add-peer ONION --no-sync --proxy-allow-dns-leaks --retry-pause 1,2", Handed),
        ("--no-public --proxy UNISOLATED --add-peer ONION", Kept),
        ("--no-public --proxy UNISOLATED --add-peer ONION --allow-no-isolation", Handed),
        ("--no-public --proxy TOR --add-peer ONION --rpc-bind none --log-level debug", Handed),
        (
            "--no-public --proxy TOR --add-peer ONION --rpc-bind 0.0.0.0:PORT --confirm-external-bind --rpc-login LOGIN \
             --restricted-rpc --rpc-ssl enabled --rpc-ssl-certificate CERTIFICATE --rpc-ssl-private-key KEY \
             --rpc-ssl-ca-certificates CERTIFICATE --rpc-ssl-allowed-fingerprints FINGERPRINT",
            Handed,
        ),
        ("--no-public --proxy TOR --add-peer ONION --rpc-ssl autodetect --rpc-ssl-allow-any-cert", Handed),
        (
            "--no-public --proxy TOR --add-peer ONION --daemon-address HTTPS --daemon-ssl enabled \
             --daemon-ssl-ca-certificates CERTIFICATE --daemon-ssl-certificate CERTIFICATE --daemon-ssl-private-key KEY",
            Handed,
        ),
        ("--no-public --proxy TOR --add-peer ONION --daemon-address HTTPS --daemon-ssl-allow-any-cert", Handed),
        // a name that must go to the proxy as it is
        (
            "--no-public --proxy TOR --add-peer ONION --daemon-address https://daemon.example:18089 --daemon-proxy EXIT \
             --daemon-ssl-allowed-fingerprints FINGERPRINT",
            Handed,
        ),
        // as far away as a daemon may be without a proxy
        (
            "--no-public --proxy TOR --add-peer ONION --daemon-address https://203.0.113.7:18080 \
             --daemon-ssl-allowed-fingerprints FINGERPRINT",
            Handed,
        ),
        ("--no-public --proxy TOR --add-peer ONION --daemon-address ONION", Handed),
        ("--no-public --proxy TOR --add-peer ONION --stash disk --stash-passphrase-file PASSPHRASE", Handed),
        ("--config CONFIG", Handed),
    ];
    let mut cases: Vec<Case> = lines.iter().map(|(line, fate)| Case::new(&fill(shore, line), *fate)).collect();
    cases.extend(on_other_networks(shore));
    let mut secret = Case::new(&fill(shore, "--no-public --proxy NOBODY --add-peer ONION --log-level trace"), Kept);
    secret.environment =
        [("ANONET_STASH_PASSPHRASE", "a passphrase of the environment"), ("RPC_LOGIN", "alice:a password of it")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    cases.push(secret);
    cases
}

/// Without peers of the user: the default configuration, which nothing but an island can hold back, and its like.
fn on_other_networks(shore: &Shore) -> Vec<Case> {
    let lines = [
        ("--network mainnet --relay-policy courier", Fate::Kept, 2),
        ("--network mainnet --proxy TOR", Fate::Either, 1),
        ("--network mainnet --proxy NOBODY --relay-policy courier", Fate::Kept, 1),
        ("--network testnet --proxy TOR", Fate::Kept, 1),
        ("--network stagenet --proxy I2P --no-public", Fate::Kept, 1),
    ];
    let case = |&(line, fate, number): &(&str, Fate, usize)| Case {
        number,
        further: public_seeds(),
        ..Case::new(&fill(shore, line), fate)
    };
    lines.iter().map(case).collect()
}

/// Switches that could depend on each other, in all combinations.
pub(super) fn combinations(shore: &Shore) -> Vec<Case> {
    let switches: [&[&str]; 5] = [
        &["--no-public", "--add-peer PEER --add-peer STRANGER", "--proxy EXIT --add-peer STRANGER"],
        &["--proxy TOR --add-peer ONION", "--proxy NOBODY --add-peer ONION", "--proxy UNISOLATED --add-peer ONION"],
        &["", "--proxy I2P --add-peer B32 --weaker-zone as-fallback"],
        &["--relay-policy fluff", "--relay-policy noise", "--relay-policy courier --privacy fast --courier-every 1"],
        &["", "--daemon-address DAEMON --anonymous-inbound SERVICE"],
    ];
    let mut lines = vec![String::new()];
    for switch in switches {
        lines = lines.iter().flat_map(|line| switch.iter().map(move |value| format!("{line} {value}"))).collect();
    }
    lines.iter().map(|line| Case::new(&fill(shore, line), Fate::Either)).collect()
}

/// Arguments of `submit` without a node.
pub(super) fn submissions(shore: &Shore, file: &str) -> Vec<Vec<String>> {
    let fingerprint = &shore.certificate.2;
    let exit = format!("127.0.0.1:{}", shore.exit.port());
    let lines = [
        // the exit leads to no daemon, and nobody listens on port 9
        format!("--daemon-address {}:18089 --proxy {exit} --network mainnet", shore.names[3]),
        format!("--daemon-address {}:18089 --proxy 127.0.0.1:9", shore.names[3]),
        format!("--daemon-address https://daemon.example --proxy {exit} --daemon-ssl-allowed-fingerprints {fingerprint}"),
        format!("--daemon-address https://{STRANGER} --daemon-ssl-allowed-fingerprints {fingerprint}"),
        "--daemon-address daemon.example".to_owned(),
        "--daemon-address 127.0.0.1:9".to_owned(),
    ];
    let words = |line: &String| ["submit", file].into_iter().chain(line.split(' ')).map(str::to_owned).collect();
    lines.iter().map(words).collect()
}
