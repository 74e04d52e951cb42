//! The log, on stderr, and what else is said there once it has begun.

mod panics;
mod queue;

use std::io::{self, IsTerminal, Write, stderr};
use std::panic;
use std::sync::{Arc, OnceLock};
use std::{env, thread};

use thiserror::Error;
use tracing_subscriber::EnvFilter;

use self::queue::Queue;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// `--log-level` is no level and no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("--log-level: write error, warn, info, debug or trace, or a filter such as info,anonet_smol=debug")]
pub(super) struct BadLogLevel;

/// Reads `--log-level`. A single word has to be a level: as a filter it would name a module, and silence all others.
pub(super) fn filter(text: &str) -> Result<EnvFilter, BadLogLevel> {
    let is_level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(text));
    if !is_level && !text.contains('=') {
        return Err(BadLogLevel);
    }
    EnvFilter::builder().parse(text).map_err(|_| BadLogLevel)
}

/// What is on its way to stderr, once the log has begun.
static LOG: OnceLock<Arc<Queue>> = OnceLock::new();

/// Writes the log to stderr from now on; coloured on a terminal unless `NO_COLOR` is set. Nobody waits for its reader: a
/// terminal that is held and a page that is looked at for long lose lines, which are counted, and stop nothing.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn start(filter: EnvFilter) -> io::Result<()> {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ansi = stderr().is_terminal() && !plain;
    let queue = queue()?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || &**queue).with_ansi(ansi).with_target(false);
    // it would complain on stderr, past the queue
    let log = log.log_internal_errors(false);
    // an embedder that has set a log up keeps it
    let _ = log.try_init();
    Ok(())
}

fn queue() -> io::Result<&'static Arc<Queue>> {
    if let Some(queue) = LOG.get() {
        return Ok(queue);
    }
    let queue = Arc::new(Queue::default());
    let writer = queue.clone();
    thread::Builder::new().name("log".into()).spawn(move || writer.write_to(stderr()))?;
    Ok(LOG.get_or_init(|| queue))
}

/// Prints a line to stderr, behind those of the log.
pub(super) fn say(line: &str) {
    let line = format!("anonetd: {line}\n");
    match LOG.get() {
        Some(queue) => queue.push_last(line.as_bytes()),
        // also when stderr is closed there is nobody to tell
        None => drop(stderr().write_all(line.as_bytes())),
    }
}

/// How many lines are lost, as they could not be written, and are not told of there yet.
pub(super) fn lost() -> u64 {
    LOG.get().map_or(0, |queue| queue.lost())
}

/// Has panics be told in the log's order and by its rules. To be dropped when all is done, by a panic as well: what is on its
/// way is written then, if its reader takes it within a second.
#[derive(Debug)]
pub(super) struct Ending(());

impl Ending {
    pub(super) fn prepare() -> Self {
        panic::set_hook(Box::new(panics::tell));
        Self(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(queue) = LOG.get() {
            queue.linger();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// Set where a test runs itself as the program that logs and panics.
    const PANICS: &str = "ANONET_TEST_PANICS";

    /// Writes so many lines and panics.
    fn log_and_panic(lines: usize) {
        let _ending = Ending::prepare();
        start(filter("info").unwrap()).unwrap();
        (0..lines).for_each(|number| tracing::info!("line {number:>100}"));
        panic!("what has {lines} lines to tell of its secrets");
    }

    /// This program, as it does that.
    fn panicking(lines: usize) -> Child {
        let this = format!("{}::a_panic_is_told_last_and_waits_for_no_reader", module_path!().split_once("::").unwrap().1);
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", &this, "--nocapture"]).env(PANICS, lines.to_string()).env_remove("RUST_BACKTRACE");
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test measures real time")]
    fn a_panic_is_told_last_and_waits_for_no_reader() {
        if let Some(lines) = env::var_os(PANICS) {
            return log_and_panic(lines.to_str().unwrap().parse().unwrap());
        }
        let mut read = panicking(1_000);
        let said: Vec<String> = BufReader::new(read.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
        let numbers = said.iter().filter_map(|line| line.rsplit_once("INFO line ")?.1.trim().parse().ok());
        assert_eq!(numbers.collect::<Vec<usize>>(), (0..1_000).collect::<Vec<_>>());
        let [last] = &said[1_000..] else { panic!("{:?}", &said[1_000..]) };
        assert!(last.starts_with("anonetd: a fault of this program, at runtime-smol/src/anonetd/logging.rs:"), "{last}");
        assert!(!last.contains("secrets"), "{last}");
        assert!(!read.wait().unwrap().success());

        // more than the pipe holds
        let mut unread = panicking(5_000);
        let begin = std::time::Instant::now();
        let held = unread.stderr.take();
        assert!(!unread.wait().unwrap().success());
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        drop(held);
    }

    #[test]
    fn levels_and_filters() {
        for text in ["error", "WARN", "info", "debug", "trace", "off", "info,anonet_smol=debug", "anonet_smol::driver=trace"] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for text in ["", "verbose", "5", "info debug", "a=b=c", "anonet_smol=loud"] {
            assert_eq!(filter(text).err(), Some(BadLogLevel), "{text}");
        }
    }
}
