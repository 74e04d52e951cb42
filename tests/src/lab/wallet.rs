//! Real wallets: monero-wallet-rpc, and monero-wallet-cli on the files that it leaves.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::post;
use super::process::{WorkDir, free_port};
use super::wait_for;

/// The name of the wallet's file, and its password.
const NAME: &str = "wallet";
const PASSWORD: &str = "lab";

/// Syncing and building a transaction take seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// No command of monero-wallet-cli takes longer, in seconds; a hanging one fails the test.
const COMMAND_SECONDS: &str = "120";

/// A new wallet in a running monero-wallet-rpc.
#[derive(Debug)]
pub struct Wallet {
    process: Option<Child>,
    rpc_port: u16,
    daemon: Vec<String>,
    dir: WorkDir,
}

impl Wallet {
    /// Starts one that trusts the daemon at `IP:PORT`, with a new empty wallet.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(daemon: &str) -> Self {
        Self::start_with(&["--daemon-address", daemon, "--trusted-daemon", "--daemon-ssl", "disabled"])
    }

    /// Starts one with these options that say where its daemon is.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_with(daemon: &[&str]) -> Self {
        let dir = WorkDir::new("wallet");
        fs::write(dir.path().join("empty.conf"), "").expect("a file in our own directory");
        let daemon = daemon.iter().map(|&option| option.to_owned()).collect();
        let mut wallet = Self { process: None, rpc_port: free_port(), daemon, dir };
        wallet.open_program();
        wallet.ask("create_wallet", &json!({ "filename": NAME, "password": PASSWORD, "language": "English" }));
        wallet
    }

    fn open_program(&mut self) {
        let mut command = self.program("monero-wallet-rpc");
        command.args(["--rpc-bind-ip", "127.0.0.1", "--rpc-bind-port", &self.rpc_port.to_string()]);
        command.args(["--rpc-ssl", "disabled", "--disable-rpc-login", "--wallet-dir"]).arg(self.dir.path());
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let port = self.rpc_port;
        wait_for("monero-wallet-rpc answers", ANSWER_WITHIN, || {
            let ended = process.try_wait().expect("our own child");
            assert!(ended.is_none(), "monero-wallet-rpc ended by itself: {ended:?}");
            call(port, "get_version", &json!({}))
        });
        self.process = Some(process);
    }

    /// A wallet program on this wallet's files.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        let dir = self.dir.path();
        command.arg("--config-file").arg(dir.join("empty.conf")).args(&self.daemon);
        command.arg("--shared-ringdb-dir").arg(dir.join("rings")).arg("--log-file").arg(dir.join(format!("{name}.log")));
        command.args(["--log-level", "0"]).env("HOME", dir).stdin(Stdio::null());
        command
    }

    /// Asks it something.
    ///
    /// # Panics
    ///
    /// When it answers with an error.
    pub fn ask(&self, method: &str, params: &Value) -> Value {
        call(self.rpc_port, method, params).unwrap_or_else(|error| panic!("wallet: {method}: {error}"))
    }

    /// Its address.
    ///
    /// # Panics
    ///
    /// When it does not say.
    #[must_use]
    pub fn address(&self) -> String {
        self.ask("get_address", &json!({}))["address"].as_str().expect("it has an address").to_owned()
    }

    /// Reads new blocks and the pool, and says how many blocks it knows now. It reads some by itself, too.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn refresh(&self) -> u64 {
        self.try_refresh().unwrap_or_else(|error| panic!("wallet: {error}"))
    }

    /// The same for a way that may not be there yet.
    ///
    /// # Errors
    ///
    /// What the wallet says.
    pub fn try_refresh(&self) -> Result<u64, String> {
        call(self.rpc_port, "refresh", &json!({}))?;
        let answer = call(self.rpc_port, "get_height", &json!({}))?;
        answer["height"].as_u64().ok_or_else(|| answer.to_string())
    }

    /// Why it cannot refresh.
    ///
    /// # Panics
    ///
    /// When it can.
    #[must_use]
    pub fn refusal(&self) -> String {
        self.try_refresh().expect_err("a wallet that must not get through")
    }

    /// Sends 0.1 XMR to itself and returns the transaction's id.
    ///
    /// # Panics
    ///
    /// When it cannot.
    #[must_use]
    pub fn transfer(&self) -> String {
        let to = json!([{ "address": self.address(), "amount": 100_000_000_000_u64 }]);
        let made = self.ask("transfer", &json!({ "destinations": to }));
        made["tx_hash"].as_str().expect("it has an id").to_owned()
    }

    /// What it says of one of its transactions: `pending`, `failed`, `pool`, `out` or `in`, and its height.
    ///
    /// # Errors
    ///
    /// All of its transactions but mined ones, if it is not among them.
    pub fn standing(&self, id: &str) -> Result<(String, u64), String> {
        let wanted = json!({ "pending": true, "failed": true, "pool": true, "out": true });
        let all = self.ask("get_transfers", &wanted);
        for kind in ["failed", "pending", "out", "pool"] {
            let mut entries = all[kind].as_array().into_iter().flatten();
            if let Some(entry) = entries.find(|entry| entry["txid"] == id) {
                return Ok((kind.to_owned(), entry["height"].as_u64().unwrap_or(0)));
            }
        }
        Err(all.to_string())
    }

    /// Runs one command of monero-wallet-cli on the same wallet, with `yes` to whatever it asks, and returns what it
    /// printed. The program of this value is closed meanwhile.
    ///
    /// # Panics
    ///
    /// When it cannot be run.
    pub fn command_line(&mut self, words: &[&str]) -> String {
        self.close_program();
        let mut command = Command::new("timeout");
        let cli = self.program("monero-wallet-cli");
        command.arg(COMMAND_SECONDS).arg(cli.get_program()).args(cli.get_args()).env("HOME", self.dir.path());
        command.arg("--wallet-file").arg(self.dir.path().join(NAME)).args(["--password", PASSWORD]).arg("--command").args(words);
        let answers = self.dir.path().join("answers");
        fs::write(&answers, format!("{PASSWORD}\ny\ny\ny\n")).expect("a file in our own directory");
        let output = command.stdin(fs::File::open(answers).expect("just written")).output();
        let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.open_program();
        self.ask("open_wallet", &json!({ "filename": NAME, "password": PASSWORD }));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Where its files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn close_program(&mut self) {
        if let Some(mut process) = self.process.take() {
            // it saves the wallet
            let _ = call(self.rpc_port, "stop_wallet", &json!({}));
            wait_for("monero-wallet-rpc ends", ANSWER_WITHIN, || match process.try_wait() {
                Ok(Some(_)) => Ok(()),
                other => Err(format!("{other:?}")),
            });
        }
    }
}

impl Drop for Wallet {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take()
            && let Err(error) = process.kill().and_then(|()| process.wait())
        {
            eprintln!("lab: monero-wallet-rpc {}: {error}", process.id());
        }
    }
}

fn call(port: u16, method: &str, params: &Value) -> Result<Value, String> {
    let request = json!({ "jsonrpc": "2.0", "id": "0", "method": method, "params": params });
    let mut answer = post(port, "/json_rpc", &request, ANSWER_WITHIN)?;
    match answer.get("error") {
        Some(error) => Err(error.to_string()),
        None => Ok(answer["result"].take()),
    }
}
