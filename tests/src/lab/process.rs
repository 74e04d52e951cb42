//! Running the lab's tools, work directories, and free ports.

use std::env;
use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use serde_json::Value;

/// How often the start of a peer is tried.
const ATTEMPTS: u32 = 3;

/// Waits until its standard input ends, then stops what `$1` started in `$2` and removes that.
/// The end of this process ends the input too, so not even SIGKILL leaves a network behind.
const CLEAN_UP: &str = r#"
read -r _
status=0
if [ -n "$1" ]; then "$1" stop "$2" || status=$?; fi
[ -n "${ANONET_KEEP:-}" ] || rm -rf "$2"
exit "$status"
"#;

/// The folder of the Python tools.
pub(super) fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lab")
}

/// A command that runs the lab tool `name`.
pub(super) fn tool(name: &str) -> Command {
    let mut command = Command::new(lab().join(name));
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    command
}

/// Runs a command to its end and returns what it printed, or why it failed.
pub(super) fn output_of(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!(
            "{command:?} ended with {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// Runs a command to its end and reads what it printed as JSON.
pub(super) fn json_of(command: &mut Command) -> Result<Value, String> {
    let text = output_of(command)?;
    serde_json::from_str(&text).map_err(|error| format!("{command:?} printed no JSON: {error}"))
}

/// Tries to start a peer, at most three times.
///
/// # Panics
///
/// When no attempt worked, with the last reason.
pub(super) fn start<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    for number in 1..=ATTEMPTS {
        match attempt() {
            Ok(started) => return started,
            Err(reason) => eprintln!("lab: {what}, attempt {number} of {ATTEMPTS}: {reason}"),
        }
    }
    panic!("lab: {what} did not start in {ATTEMPTS} attempts; the reasons are above");
}

/// A directory of one test, removed when dropped or when this process ends, however it ends.
///
/// `ANONET_KEEP=1` keeps it.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    cleaner: Child,
}

impl WorkDir {
    /// Makes a directory whose name shows `what` it is for.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    pub fn new(what: &str) -> Self {
        Self::with_cleaner(what, OsStr::new(""))
    }

    /// The same, and `TOOL stop DIR` is run before the directory is removed.
    pub(super) fn stopped_by(what: &str, name: &str) -> Self {
        Self::with_cleaner(what, lab().join(name).as_os_str())
    }

    fn with_cleaner(what: &str, stopper: &OsStr) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("anonet-{what}-{}-{number}", id()));
        std::fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if env::var_os("ANONET_KEEP").is_some_and(|value| !value.is_empty()) {
            eprintln!("lab: keeping {}", path.display());
        }
        let cleaner = Command::new("sh")
            .args(["-c", CLEAN_UP, "lab-clean-up"])
            .args([stopper, path.as_os_str()])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh runs");
        Self { path, cleaner }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        match self.cleaner.wait() {
            Ok(status) if status.success() => {}
            ended => eprintln!("lab: cleaning {} up: {ended:?}", self.path.display()),
        }
    }
}

/// A loopback port that nothing listens on, another one at each call.
///
/// Below the range from which the kernel picks the local ports of outgoing connections and
/// the one from which the tools pick theirs, so that it stays free until it is used.
///
/// # Panics
///
/// When no port of the range is free.
#[must_use]
pub fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // two test programs that run side by side start at different places
    let start = (id() % 100) as u16 * 100;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free loopback port in {FIRST}..{}", FIRST + COUNT);
}
