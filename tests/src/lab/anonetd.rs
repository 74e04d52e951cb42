//! The commands that run `anonetd`, and what they say.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};

use super::audit::{Knowledge, audit};
use super::reach::Reach;
use super::watch::{Trace, Watching};

/// No command of ours takes longer, in seconds; a hanging one fails the test.
const COMMAND_SECONDS: &str = "60";

/// What a node is started with beside options.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Start {
    /// How closely it is watched.
    pub watching: Watching,
    /// Environment variables, which are taken for secrets.
    pub environment: Vec<(String, String)>,
    /// Whom it may reach although no option says so, such as the peers that are built in.
    pub further: Vec<SocketAddr>,
}

impl Start {
    /// Watched so that it is not slowed down: for suites that measure time.
    #[must_use]
    pub fn unhindered() -> Self {
        Self { watching: Watching::Openings, ..Self::default() }
    }
}

impl Default for Start {
    fn default() -> Self {
        Self { watching: Watching::All, environment: Vec::new(), further: Vec::new() }
    }
}

/// How a node is started, the same each time.
#[derive(Debug)]
pub(super) struct Launch {
    /// Holds `data`, `log` and `trace`.
    pub(super) dir: PathBuf,
    pub(super) rpc_port: u16,
    pub(super) options: Vec<String>,
    pub(super) start: Start,
}

impl Launch {
    pub(super) fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    pub(super) fn trace(&self) -> PathBuf {
        self.dir.join("trace")
    }

    /// The arguments of the program: what most tests want, unless the options say otherwise. Transactions leave at once, as
    /// few tests are about when.
    fn arguments(&self) -> Vec<String> {
        let rpc = format!("127.0.0.1:{}", self.rpc_port);
        let data_dir = self.data_dir().display().to_string();
        let usual = [
            ("--network", "regtest"),
            ("--log-level", "info"),
            ("--rpc-bind", &rpc),
            ("--relay-policy", "fluff"),
            ("--data-dir", &data_dir),
        ];
        let named = |name: &str| self.options.iter().any(|option| option == name);
        let missing = usual.into_iter().filter(|(name, _)| !named(name)).flat_map(|(name, value)| [name, value]);
        ["run"].into_iter().chain(missing).map(str::to_owned).chain(self.options.iter().cloned()).collect()
    }

    /// Starts the node under `strace`; what it prints is added to the log.
    pub(super) fn spawn(&self) -> Child {
        let mut command = Command::new(program());
        command.args(self.arguments()).envs(self.start.environment.iter().map(|(name, value)| (name, value)));
        let _ = fs::remove_file(self.trace());
        let mut command = Trace::wrap(&command, &self.trace(), self.start.watching);
        let log = OpenOptions::new().create(true).append(true).open(self.log()).expect("the log can be opened");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be cloned"))
            .stderr(log)
            .env_remove("RUST_LOG")
            .spawn()
            .unwrap_or_else(|error| panic!("strace: {error}; install the package strace"))
    }

    /// What the node may reach and write.
    fn reach(&self) -> Reach {
        let mut reach = Reach::of(&self.arguments());
        reach.also(self.start.further.iter().copied());
        reach
    }

    /// Everything that a node that has ended did and left behind and should not have; it knew these transactions: the bytes
    /// and id of each.
    pub(super) fn judge<'t>(&self, trace: &Trace, transactions: impl IntoIterator<Item = &'t (Vec<u8>, Vec<u8>)>) -> Vec<String> {
        let mut knowledge = Knowledge::of(&self.arguments(), &self.start.environment);
        for (bytes, id) in transactions {
            knowledge.transaction(bytes, id);
        }
        let output = fs::read(self.log()).expect("the log can be read");
        let mut finds = self.reach().foreign(trace);
        finds.extend(audit(&knowledge, &output, &self.data_dir()));
        finds
    }
}

/// Runs `anonetd` under `strace` to its end; it is ended with code 124 if it takes too long.
///
/// # Panics
///
/// When the program or `strace` is missing, and when it reaches out to anybody, or writes any file, of which its arguments
/// do not say so.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let arguments: Vec<String> = arguments.into_iter().map(|argument| argument.as_ref().to_string_lossy().into_owned()).collect();
    let mut anonetd = Command::new(program());
    anonetd.args(&arguments);
    let trace = env::temp_dir().join(format!("anonet-trace-{}-{}", id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let traced = Trace::wrap_command(&anonetd, &trace);
    let mut command = Command::new("timeout");
    command.arg(COMMAND_SECONDS).arg(traced.get_program()).args(traced.get_args()).stdin(Stdio::null()).env_remove("RUST_LOG");
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = fs::read_to_string(&trace);
    let _ = fs::remove_file(&trace);
    let text = text.unwrap_or_else(|error| panic!("strace: {error}; install the package strace: {}", describe(&output)));
    let foreign = Reach::of(&arguments).foreign(&Trace::parse(&text));
    assert!(foreign.is_empty(), "anonetd {}: beyond what its arguments say: {foreign:#?}", arguments.join(" "));
    output
}

/// The exit status and all output, to show.
pub(super) fn describe(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The built program: next to this test program, or what `ANONET_BIN` names.
fn program() -> PathBuf {
    let path = env::var_os("ANONET_BIN").map_or_else(next_to_us, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing; build it with `cargo build -p anonet-smol --locked` or name one with ANONET_BIN",
        path.display()
    );
    path
}

/// `target/PROFILE/anonetd`, seen from `target/PROFILE/deps/TEST`.
fn next_to_us() -> PathBuf {
    let this = env::current_exe().expect("a running program has a path");
    this.ancestors().nth(2).unwrap_or(Path::new("")).join("anonetd")
}
