//! What can be wrong with a configuration file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a configuration file cannot be used.
#[derive(Debug, Error)]
pub(in super::super) enum ConfigFileError {
    #[error("--config: cannot read {path} ({error}): correct its name or its permissions", path = path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("--config: others can change {path}, and so send your transactions elsewhere: run chmod go-w on it", path = path.display())]
    Writable { path: PathBuf },
    #[error(
        "--config: {path} belongs to another user, who can change it, and so send your transactions elsewhere: run chown on it",
        path = path.display()
    )]
    Foreign { path: PathBuf },
    #[error("--config: {path} is longer than 1 MiB: give a TOML file with options", path = path.display())]
    TooLong { path: PathBuf },
    #[error("{path}, line {line}: {fault}", path = path.display())]
    Entry { path: PathBuf, line: usize, fault: Fault },
}

/// What is wrong with an entry. No message repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum Fault {
    #[error("this is not UTF-8 text")]
    NotText,
    #[error("this is not TOML ({0}): write option = value, with text in quotes")]
    Syntax(String),
    #[error("there is no option {0}; the names are those of anonetd run --help, without the dashes before them")]
    Unknown(String),
    #[error("there is no option {0}: {1} exists")]
    Misspelt(String, String),
    #[error("{0} is for the command line: remove it here")]
    NotHere(String),
    #[error("sections mean nothing here: write the options one below the other, without [{0}]")]
    Section(String),
    #[error("{0}: write {1}")]
    WrongType(String, &'static str),
    #[error("{0}")]
    Value(String),
    #[error("the file holds the login of a proxy and others can read it: run chmod go-r on it")]
    Exposed,
}
