//! The commands that run `anonetd`, and what they say.

use std::env;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::watch::Trace;

/// No command of ours takes longer, in seconds; a hanging one fails the test.
const COMMAND_SECONDS: &str = "60";

/// Whether a node runs under `strace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watching {
    No,
    Strace,
}

/// How a node is started, the same each time.
#[derive(Debug)]
pub(super) struct Launch {
    /// Holds `data`, `log` and `trace`.
    pub(super) dir: PathBuf,
    pub(super) rpc_port: u16,
    pub(super) options: Vec<String>,
    pub(super) watching: Watching,
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

    /// The policy with which transactions leave at once, as most tests are not about when, unless the options name one.
    fn at_once(&self) -> &'static [&'static str] {
        let named = self.options.iter().any(|option| option == "--relay-policy");
        if named { &[] } else { &["--relay-policy", "fluff"] }
    }

    /// Starts the node; what it prints is added to the log.
    pub(super) fn spawn(&self) -> Child {
        let mut command = Command::new(program());
        command
            .args(["run", "--network", "regtest", "--log-level", "info"])
            .args(["--rpc-bind", &format!("127.0.0.1:{}", self.rpc_port)])
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(self.at_once())
            .args(&self.options);
        if self.watching == Watching::Strace {
            command = Trace::wrap(&command, &self.trace());
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log()).expect("the log can be opened");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be cloned"))
            .stderr(log)
            .env_remove("RUST_LOG")
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }
}

/// Runs `anonetd` to its end; it is ended with code 124 if it takes too long.
///
/// # Panics
///
/// When the program is missing.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    let mut command = Command::new("timeout");
    command.arg(COMMAND_SECONDS).arg(program()).args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG");
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
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
