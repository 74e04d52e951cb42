//! Exit codes, and the errors that lead to them.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use super::logging;

/// What the exit codes mean; ends every `--help`.
pub(super) const HELP: &str = "\
Exit codes:
  0  done; for `submit`: the node has accepted the transaction
  1  failed: bad data, no running node, a port or directory in use, a damaged file
  2  wrong usage: an unknown option, a value that makes no sense, a file that cannot be read";

/// The same for `check`.
pub(super) const CHECK_HELP: &str = "\
Exit codes:
  0  it works, perhaps with warnings
  1  something does not work
  2  wrong usage: an unknown option, a value that makes no sense, a file that cannot be read";

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line has to be corrected: code 2.
    Usage(String),
    /// Everything else that went wrong: code 1.
    Failed(String),
    /// The problem has been shown already, or nobody reads what is printed any more: code 1.
    Silent,
}

impl Failure {
    pub(super) fn usage(error: impl Display) -> Self {
        Self::Usage(error.to_string())
    }

    pub(super) fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// For a failed write to stdout. A reader that went away, as `head` does, is no news.
    pub(super) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Silent,
            _ => Self::Failed(format!("cannot write the output: {error}")),
        }
    }

    /// Prints the message to stderr and says the code.
    pub(super) fn report(&self) -> ExitCode {
        let (code, message) = match self {
            Self::Usage(message) => (2, message.as_str()),
            Self::Failed(message) => (1, message.as_str()),
            Self::Silent => (1, ""),
        };
        if !message.is_empty() {
            logging::say(message);
        }
        ExitCode::from(code)
    }
}
