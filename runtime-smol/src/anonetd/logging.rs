//! The log, on stderr.

use std::env;
use std::io::{IsTerminal, stderr};

use thiserror::Error;
use tracing_subscriber::EnvFilter;

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

/// Writes the log to stderr from now on; coloured on a terminal unless `NO_COLOR` is set.
pub(super) fn start(filter: EnvFilter) {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ansi = stderr().is_terminal() && !plain;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(ansi).with_target(false);
    // it would complain on stderr, which is where the log could not be written, and end the process for that
    let log = log.log_internal_errors(false);
    // an embedder that has set a log up keeps it
    let _ = log.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

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
