//! monerod with a private regtest chain, and transactions that only it knows how to judge.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::post;
use super::process::{WorkDir, json_of, output_of, start, tool};
use super::tor::{pids_in, port_in};

/// How many transactions a chain comes with: one each of the sizes that `monero-regtest` makes.
const TRANSACTIONS: usize = 4;

/// A block takes some 10 ms.
const MINE_WITHIN: Duration = Duration::from_secs(120);

/// A private chain and transactions on it that were signed and never relayed.
#[derive(Debug)]
pub struct Chain {
    path: PathBuf,
    about: Value,
    _dir: Option<WorkDir>,
}

/// One of the transactions of a [`Chain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transaction {
    /// The file that holds it as one line of hex.
    pub file: PathBuf,
    /// Its id in lower-case hex.
    pub id: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Chain {
    /// The chain of this test program, made at the first call (18 s).
    ///
    /// With `ANONET_LAB_CHAIN=DIR` the one in that directory, made there if it is missing.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub fn shared() -> &'static Self {
        static CHAIN: OnceLock<Chain> = OnceLock::new();
        CHAIN.get_or_init(|| match env::var_os("ANONET_LAB_CHAIN") {
            Some(path) if !path.is_empty() => Self::open_or_make(PathBuf::from(path), None, TRANSACTIONS),
            _ => Self::with_transactions(TRANSACTIONS),
        })
    }

    /// A chain of one's own with so many transactions; takes longer, the more there are.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    pub fn with_transactions(count: usize) -> Self {
        let dir = WorkDir::new("chain");
        Self::open_or_make(dir.path().join("chain"), Some(dir), count)
    }

    fn open_or_make(path: PathBuf, dir: Option<WorkDir>, transactions: usize) -> Self {
        let about_file = path.join("chain.json");
        if !about_file.exists() {
            start("the chain", || {
                output_of(tool("monero-regtest").arg("chain").arg(&path).args(["--txs", &transactions.to_string()]))
            });
        }
        let text = fs::read(&about_file).expect("a made chain has a chain.json");
        let about = serde_json::from_slice(&text).expect("chain.json is JSON");
        Self { path, about, _dir: dir }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many blocks it has, and the id of the top one.
    ///
    /// # Panics
    ///
    /// When its description does not say.
    #[must_use]
    pub fn tip(&self) -> (u64, [u8; 32]) {
        let id = from_hex(self.about["top_id"].as_str().expect("it has a top block"));
        (self.about["height"].as_u64().expect("it has a height"), id.try_into().expect("an id has 32 bytes"))
    }

    /// A transaction, from 1 on; a shared chain has four. Of each four the first two fit one noise packet, the next takes two, and
    /// the last three.
    ///
    /// # Panics
    ///
    /// For any other number.
    #[must_use]
    pub fn transaction(&self, number: usize) -> Transaction {
        let entry = &self.about["txs"][number.wrapping_sub(1)];
        let name = entry["file"].as_str().unwrap_or_else(|| panic!("the chain has no transaction {number}"));
        let file = self.path.join(name);
        let hex = fs::read_to_string(&file).expect("the transaction's file can be read");
        let id = entry["hash"].as_str().expect("it has a hash").to_owned();
        Transaction { file, id, bytes: from_hex(hex.trim()) }
    }
}

impl Transaction {
    /// Its id as the 32 bytes that messages carry.
    #[must_use]
    pub fn id_bytes(&self) -> Vec<u8> {
        from_hex(&self.id)
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).expect("a hex digit") as u8;
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|p| digit(p[0]) << 4 | digit(p[1])).collect()
}

/// A monerod on a copy of the shared chain, on loopback, that dials nobody by itself.
#[derive(Debug)]
pub struct Monerod {
    state: Value,
    dir: WorkDir,
}

impl Monerod {
    /// Starts one with further options of `monero-regtest start`, such as `--synced`.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(chain: &Chain, options: &[&str]) -> Self {
        start("monerod", || {
            let dir = WorkDir::stopped_by("monerod", "monero-regtest");
            let mut command = tool("monero-regtest");
            command.arg("start").arg(dir.path()).arg("--chain").arg(chain.path()).args(options);
            let state = json_of(&mut command)?;
            Ok(Self { state, dir })
        })
    }

    /// One that takes transactions as the hidden service `address` (name and port), whose
    /// streams the network `zone` (`tor` or `i2p`) brings to `bind_port`.
    #[must_use]
    pub fn hidden(chain: &Chain, zone: &str, proxy_port: u16, address: &str, bind_port: u16) -> Self {
        Self::hidden_with_room(chain, (zone, proxy_port), address, bind_port, 40)
    }

    /// The same with room for so many incoming links.
    #[must_use]
    pub fn hidden_with_room(chain: &Chain, (zone, proxy_port): (&str, u16), address: &str, bind_port: u16, room: u32) -> Self {
        let proxy = format!("{zone},127.0.0.1:{proxy_port},10");
        let inbound = format!("{address},127.0.0.1:{bind_port},{room}");
        Self::start(chain, &["--synced", "--tx-proxy", &proxy, "--anonymous-inbound", &inbound])
    }

    /// The certificate that it makes for itself, unless it is started without TLS.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("data/rpc_ssl.crt")
    }

    /// Where it takes public peers.
    #[must_use]
    pub fn p2p_port(&self) -> u16 {
        port_in(&self.state, "p2p_port")
    }

    /// Where it takes wallets, and us as its client.
    #[must_use]
    pub fn rpc_port(&self) -> u16 {
        port_in(&self.state, "rpc_port")
    }

    /// The ids of the transactions in its pool.
    #[must_use]
    pub fn pool(&self) -> Vec<String> {
        let text = self.ask("pool", &[]);
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether its pool holds the transaction, in the form that `wait_for` takes.
    ///
    /// # Errors
    ///
    /// What the pool holds instead.
    pub fn holds(&self, transaction: &Transaction) -> Result<(), String> {
        let pool = self.pool();
        if pool.contains(&transaction.id) { Ok(()) } else { Err(format!("its pool holds {pool:?}")) }
    }

    /// Hands it a transaction by RPC, as a wallet does.
    pub fn submit(&self, transaction: &Transaction) {
        self.ask("submit", &[&transaction.file]);
    }

    /// Makes its chain longer by so many blocks.
    pub fn mine(&self, blocks: u32) {
        self.ask("mine", &[Path::new(&blocks.to_string())]);
    }

    /// The same, with the rewards for this address.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn mine_to(&self, blocks: u32, address: &str) {
        let params = json!({ "amount_of_blocks": blocks, "wallet_address": address });
        let request = json!({ "jsonrpc": "2.0", "id": "0", "method": "generateblocks", "params": params });
        let answer = post(self.rpc_port(), "/json_rpc", &request, MINE_WITHIN).unwrap_or_else(|error| panic!("lab: {error}"));
        assert!(answer["error"].is_null(), "{answer}");
    }

    /// Makes it call itself synchronized; before, it ignores transactions.
    pub fn sync_peer(&self) {
        self.ask("sync-peer", &[]);
    }

    /// Whether it takes itself for synchronized, with so many blocks or more.
    ///
    /// # Errors
    ///
    /// What it says instead.
    pub fn is_synchronized(&self, height: u64) -> Result<(), String> {
        let info = post(self.rpc_port(), "/get_info", &json!({}), Duration::from_secs(10))?;
        let is = info["synchronized"] == true && info["height"].as_u64() >= Some(height);
        if is { Ok(()) } else { Err(format!("height {}, synchronized: {}", info["height"], info["synchronized"])) }
    }

    /// Its `connections` and its `white` and `gray` lists, as its RPC gives them.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn peers(&self) -> Value {
        serde_json::from_str(&self.ask("peers", &[])).expect("peers prints JSON")
    }

    /// Its connections, as its RPC gives them.
    #[must_use]
    pub fn connections(&self) -> Vec<Value> {
        let peers = self.peers();
        let connections = peers["connections"].as_array();
        connections.cloned().unwrap_or_default()
    }

    /// The ids of its processes.
    #[must_use]
    pub fn pids(&self) -> Vec<u64> {
        pids_in(&self.state, "processes")
    }

    fn ask(&self, what: &str, further: &[&Path]) -> String {
        let mut command = tool("monero-regtest");
        command.arg(what).arg(self.dir.path()).args(further);
        output_of(&mut command).unwrap_or_else(|reason| panic!("lab: {reason}"))
    }
}
