//! The built `anonetd`, run on loopback with directories of its own.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "a part of test programs")]
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

pub mod monerod;
pub mod tls;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use anonet_smol::store::Documents;
use anonet_tests::lab::{Knowledge, audit};
use serde_json::Value;

pub const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:18083";
/// The id of `tor/tx-1.hex`.
pub const TX1: &str = "1706ce704043aae0e35543eaa6465282d42a7cc215ec10bc0a63b5cfaab6e151";

const PATIENCE: Duration = Duration::from_secs(20);

pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// The ids of `tor/tx-N.hex`, from 1 on.
pub const TXS: [&str; 3] = [
    TX1,
    "d89105e28d458a4da1122bba9590165fa15185a23dee60eff49805096c86aa32",
    "9e78b501d5189aed719b3a81c538bcac578e041f3322f340ad16fa8a1037f993",
];

pub fn tx1() -> PathBuf {
    tx(1)
}

pub fn tx(number: usize) -> PathBuf {
    vectors().join(format!("tor/tx-{number}.hex"))
}

pub fn tx1_hex() -> String {
    fs::read_to_string(tx1()).unwrap().trim().to_owned()
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A directory that goes with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        Self::below(&env::temp_dir())
    }

    /// One in memory where the system has that, for a test that would wait for the disk most of the time.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::below(if memory.is_dir() { memory } else { Path::new("/tmp") })
    }

    fn below(dir: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("anonetd-test-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = dir.join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port on which nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn anonetd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anonetd"));
    command.stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself, with this on its stdin.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // a command that refuses early does not read all of it
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running node whose tor proxy does not exist.
pub struct Daemon {
    child: Child,
    pub dir: Scratch,
    pub rpc_port: u16,
    options: Vec<String>,
    /// What the shell does in its process first.
    shell: String,
    /// Copies what the child says to the log.
    logger: Option<JoinHandle<()>>,
}

impl Daemon {
    pub fn start(options: &[&str]) -> Self {
        let proxy = format!("tor,127.0.0.1:{}", free_port());
        let usual = ["--no-public", "--add-peer", ONION, "--proxy", &proxy];
        Self::start_in(Scratch::new(), &[&usual, options].concat())
    }

    /// A node with these options and no others that matter.
    pub fn start_in(dir: Scratch, options: &[&str]) -> Self {
        Self::start_under("", dir, options)
    }

    /// The same, after the shell has done this in the node's process, such as `ulimit -n 64;`.
    pub fn start_under(shell: &str, dir: Scratch, options: &[&str]) -> Self {
        let rpc_port = free_port();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let (child, logger) = spawn(shell, &dir, rpc_port, &options);
        let daemon = Self { child, dir, rpc_port, options, shell: shell.to_owned(), logger: Some(logger) };
        daemon.wait_until_it_answers();
        daemon
    }

    /// Starts it again after it was stopped, on the same directory and with the same options.
    pub fn restart(&mut self) {
        let (child, logger) = spawn(&self.shell, &self.dir, self.rpc_port, &self.options);
        (self.child, self.logger) = (child, Some(logger));
        self.wait_until_it_answers();
    }

    /// The same with other options.
    pub fn restart_with(&mut self, options: &[&str]) {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        self.restart();
    }

    fn wait_until_it_answers(&self) {
        self.wait_for("an answer", |daemon| daemon.command("status").arg("--json").output().unwrap().status.success());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A subcommand for this node.
    pub fn command(&self, name: &str) -> Command {
        let mut command = anonetd();
        command.arg(name).arg("--data-dir").arg(self.data_dir());
        command
    }

    pub fn status(&self) -> Value {
        let output = self.command("status").arg("--json").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub fn wait_for(&self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            assert!(begin.elapsed() < PATIENCE, "{what} does not come; log:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it with a signal; returns its exit code and how long that took.
    pub fn stop(&mut self, signal: &str) -> (Option<i32>, Duration) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.wait()
    }

    /// Waits for its end; returns its exit code and how long that took.
    pub fn wait(&mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        let status = self.child.wait().unwrap();
        let took = begin.elapsed();
        self.logger.take().unwrap().join().unwrap();
        assert_eq!(self.finds(), Vec::<String>::new(), "everything stands where it belongs and nowhere else");
        (status.code(), took)
    }

    /// What the log and the directory hold of secrets that do not belong there.
    fn finds(&self) -> Vec<String> {
        let arguments: Vec<String> = ["run".to_owned()].into_iter().chain(self.options.iter().cloned()).collect();
        let mut knowledge = Knowledge::of(&arguments, &[]);
        for (number, id) in (1..).zip(TXS) {
            knowledge.transaction(&unhex(fs::read_to_string(tx(number)).unwrap().trim()), &unhex(id));
        }
        audit(&knowledge, self.log().as_bytes(), &self.data_dir())
    }

    /// Writes raw bytes to the RPC port and returns all that comes back until the end.
    pub fn rpc(&self, request: &[u8]) -> String {
        String::from_utf8(self.rpc_bytes(request)).unwrap()
    }

    /// Posts a document and returns the body of the answer.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = self.rpc_bytes(&[head.as_bytes(), body].concat());
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        answer[end + 4..].to_vec()
    }

    fn rpc_bytes(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.rpc_port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        // a reset after the answer is no loss
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Posts a document to the RPC as a wallet does.
    pub fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}",
            self.rpc_port
        );
        split(&self.rpc(request.as_bytes()))
    }
}

/// Runs the node. Its log goes through this process, so that a limit on what the node can write does not hit the log; and
/// it gets an error for a write beyond such a limit, not a signal.
pub fn spawn(shell: &str, dir: &Scratch, rpc_port: u16, options: &[String]) -> (Child, JoinHandle<()>) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{shell} trap '' XFSZ; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_anonetd")])
        .args(["run", "--network", "regtest", "--rpc-bind", &format!("127.0.0.1:{rpc_port}")])
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        // what leaves at once is what most tests are about; later options say otherwise
        .args(if options.iter().any(|option| option == "--relay-policy") { &[][..] } else { &["--relay-policy", "fluff"] })
        .args(options)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = fs::OpenOptions::new().create(true).append(true).open(dir.path().join("log")).unwrap();
    let mut said = child.stderr.take().unwrap();
    let logger = thread::spawn(move || drop(std::io::copy(&mut said, &mut log)));
    (child, logger)
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A document that holds one peer, heard of from somebody.
pub fn heard(peer: &str) -> Vec<u8> {
    let mut entry = vec![1, u8::try_from(peer.len()).unwrap()];
    entry.extend_from_slice(peer.as_bytes());
    let len = u16::try_from(entry.len()).unwrap().to_le_bytes();
    [b"anopeers\x01\x00", &len[..], &entry].concat()
}

/// Puts a document with peers where a node finds it at its start.
pub fn store_peers(path: &Path, document: &[u8]) {
    smol::block_on(async {
        let (documents, _) = Documents::open(path.to_owned()).await.unwrap();
        documents.save(vec![("peers".into(), document.to_vec())]).await.unwrap();
    });
}

/// Resident memory in KiB.
pub fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Status code and JSON body of an answer.
pub fn split(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}
