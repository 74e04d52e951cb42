//! Our own node, as the program that users run.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::anonetd::{Launch, Start, describe, run};
use super::http::post;
use super::monerod::Transaction;
use super::process::{WorkDir, free_port, output_of};
use super::wait_for;
use super::watch::Trace;

/// A clean stop takes less than a second; this leaves room for a busy machine.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// A start takes less than 100 ms; tracing and a busy machine make it slower.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How much of the log is shown when a test fails.
const LOG_TAIL: usize = 30;

/// A running `anonetd` on the regtest network with a data directory of its own.
///
/// It runs under `strace`. At each of its ends, by whatever means, its system calls are compared with what its options say,
/// and its log and its files are searched for what does not belong there; anything of that fails the test.
#[derive(Debug)]
pub struct Node {
    process: Child,
    launch: Launch,
    /// Bytes and ids of the transactions that it may have.
    transactions: Mutex<BTreeSet<(Vec<u8>, Vec<u8>)>>,
    /// Whether its end was looked at.
    judged: bool,
    _dir: WorkDir,
}

impl Node {
    /// Runs the node with further options of `anonetd run` and waits until it answers.
    ///
    /// # Panics
    ///
    /// When the program is missing, ends, or does not answer.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(options, Start::default())
    }

    /// The same, under conditions of its own.
    ///
    /// # Panics
    ///
    /// As [`Node::start`].
    #[must_use]
    pub fn start_with(options: &[&str], start: Start) -> Self {
        let dir = WorkDir::new("node");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let launch = Launch { dir: dir.path().to_owned(), rpc_port: free_port(), options, start };
        let mut node = Self { process: launch.spawn(), launch, transactions: Mutex::default(), judged: false, _dir: dir };
        node.wait_until_it_answers();
        node
    }

    /// Stops the node cleanly and starts it again with the same options and data.
    pub fn restart(&mut self) {
        self.end();
        self.start_again();
    }

    /// Stops the node cleanly, for [`Node::start_again`].
    pub fn halt(&mut self) {
        self.end();
    }

    /// Ends the node as `kill -9` does, for [`Node::start_again`].
    ///
    /// # Panics
    ///
    /// When it has ended before.
    pub fn kill(&mut self) {
        let running = self.process.try_wait().expect("our own child").is_none();
        assert!(running, "anonetd ended before it was killed");
        self.process.kill().and_then(|()| self.process.wait()).expect("our own child");
        self.judge();
    }

    /// Gives it other options for the next start.
    pub fn set_options(&mut self, options: &[&str]) {
        self.launch.options = options.iter().map(|&option| option.to_owned()).collect();
    }

    /// Starts a node that has ended, with the same data.
    pub fn start_again(&mut self) {
        self.process = self.launch.spawn();
        self.judged = false;
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&mut self) {
        wait_for("anonetd answers `status`", ANSWER_WITHIN, || {
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("anonetd ended by itself with {status}");
            }
            let output = self.status_output();
            let answer = serde_json::from_slice::<Value>(&output.stdout);
            if output.status.success() && answer.is_ok() { Ok(()) } else { Err(describe(&output)) }
        });
    }

    /// What `anonetd status --json` prints.
    ///
    /// # Panics
    ///
    /// When it fails or prints no JSON.
    #[must_use]
    pub fn status(&self) -> Value {
        let output = self.status_output();
        assert!(output.status.success(), "status: {}", describe(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("status is no JSON, {error}: {}", describe(&output)))
    }

    fn status_output(&self) -> Output {
        run(["status".as_ref(), "--json".as_ref(), "--data-dir".as_ref(), self.data_dir().as_os_str()])
    }

    /// The zone of that name in `status`.
    ///
    /// # Panics
    ///
    /// When the node has no such zone.
    #[must_use]
    pub fn zone(&self, name: &str) -> Value {
        let status = self.status();
        find(&status["zones"], "name", name).unwrap_or_else(|| panic!("no zone {name}: {status}"))
    }

    /// The stash entry of a transaction in `status`.
    #[must_use]
    pub fn stashed(&self, transaction: &Transaction) -> Option<Value> {
        self.knows(transaction);
        find(&self.status()["stash"], "txid", &transaction.id)
    }

    /// The entry of a transaction that a peer sent, in `status`.
    #[must_use]
    pub fn received(&self, transaction: &Transaction) -> Option<Value> {
        self.knows(transaction);
        find(&self.status()["received"], "txid", &transaction.id)
    }

    /// The stash entry, once it is in `state`, in the form that `wait_for` takes.
    ///
    /// # Errors
    ///
    /// The entry as it is instead.
    pub fn stashed_as(&self, transaction: &Transaction, state: &str) -> Result<Value, String> {
        match self.stashed(transaction) {
            Some(entry) if entry["state"] == state => Ok(entry),
            other => Err(format!("its stash entry is {other:?}")),
        }
    }

    /// The node may have this transaction, so it is searched for in what the node leaves behind.
    ///
    /// # Panics
    ///
    /// When another thread panicked here.
    pub fn knows(&self, transaction: &Transaction) {
        let mut transactions = self.transactions.lock().expect("nobody panics here");
        transactions.insert((transaction.bytes.clone(), transaction.id_bytes()));
    }

    /// Runs `anonetd submit` on a transaction's file.
    #[must_use]
    pub fn submit(&self, transaction: &Transaction) -> Output {
        self.knows(transaction);
        run(["submit".as_ref(), transaction.file.as_os_str(), "--data-dir".as_ref(), self.data_dir().as_os_str()])
    }

    /// Runs `anonetd submit` and returns all that it said.
    ///
    /// # Panics
    ///
    /// When it does not end with 0.
    pub fn submit_ok(&self, transaction: &Transaction) -> String {
        let begin = super::now();
        let output = self.submit(transaction);
        super::tell(begin, "`submit` ends");
        let said = describe(&output);
        assert!(output.status.success(), "submit: {said}");
        said
    }

    /// Posts JSON to a path of its RPC, as a wallet does, and returns the answer.
    ///
    /// # Panics
    ///
    /// When it does not answer with JSON.
    #[must_use]
    pub fn rpc(&self, path: &str, body: &Value) -> Value {
        post(self.launch.rpc_port, path, body, ANSWER_WITHIN).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Everything logged since the first start.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.launch.log()).unwrap_or_default()
    }

    /// Waits for a log line of level WARN or ERROR that contains one of these, in any case.
    ///
    /// # Panics
    ///
    /// When there is none in time.
    pub fn wait_for_problem(&self, causes: &[&str], timeout: Duration) -> String {
        wait_for(&format!("a log line with {causes:?}"), timeout, || {
            let log = self.log();
            let line = log.lines().find(|line| names_problem(line, causes));
            line.map(str::to_owned).ok_or_else(|| format!("the log ends\n{}", tail(&log)))
        })
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.launch.data_dir()
    }

    /// Where it takes wallets.
    #[must_use]
    pub fn rpc_port(&self) -> u16 {
        self.launch.rpc_port
    }

    /// Ends it with SIGTERM and returns its log.
    ///
    /// # Panics
    ///
    /// When it does not end with code 0 within 5 s.
    pub fn stop(mut self) -> String {
        self.end();
        self.log()
    }

    /// The same, and returns what its system calls were.
    ///
    /// # Panics
    ///
    /// As [`Node::stop`].
    #[must_use]
    pub fn stop_and_trace(mut self) -> Trace {
        self.end();
        Trace::read(&self.launch.trace())
    }

    /// Looks at what an ended node did and left behind.
    fn judge(&mut self) {
        self.judged = true;
        let transactions = self.transactions.lock().expect("nobody panics here");
        let finds = self.launch.judge(&Trace::read(&self.launch.trace()), &*transactions);
        assert!(finds.is_empty(), "anonetd {}: did what it should not: {finds:#?}", self.launch.options.join(" "));
    }

    fn end(&mut self) {
        // not Child::kill, which is SIGKILL
        let pid = self.process.id().to_string();
        output_of(Command::new("kill").args(["-TERM", &pid]))
            .unwrap_or_else(|reason| panic!("anonetd ended before it was told to: {reason}"));
        let process = &mut self.process;
        let status = wait_for("anonetd ends after SIGTERM", STOP_WITHIN, || {
            let ended: Option<ExitStatus> = process.try_wait().expect("our own child");
            ended.ok_or("still running")
        });
        assert_eq!(status.code(), Some(0), "exit code after SIGTERM: {status}");
        self.judge();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the node's log ends\n{}\n---", tail(&self.log()));
        }
        if let Ok(None) = self.process.try_wait() {
            let ended = self.process.kill().and_then(|()| self.process.wait());
            if let Err(error) = ended {
                eprintln!("lab: anonetd {}: {error}", self.process.id());
            }
        }
        if !self.judged && !std::thread::panicking() {
            self.judge();
        }
    }
}

fn find(list: &Value, key: &str, wanted: &str) -> Option<Value> {
    let mut entries = list.as_array()?.iter();
    entries.find(|entry| entry[key] == wanted).cloned()
}

fn names_problem(line: &str, causes: &[&str]) -> bool {
    let lower = line.to_lowercase();
    let level = line.contains("WARN") || line.contains("ERROR");
    level && causes.iter().any(|cause| lower.contains(&cause.to_lowercase()))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
}
