//! `--config`: options from a TOML file, under the names that they have on the command line.
//!
//! Every entry becomes an argument behind those of the command line, so both have one grammar and one meaning: what an
//! option can be given once is taken from the command line if it stands there, what it can be given often is added up.

mod entry;
mod error;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use self::entry::Entry;
pub(super) use self::error::ConfigFileError;
use self::error::Fault;
use super::args::{Cli, Command};
use super::run_args::RunArgs;

/// The longest file, in bytes.
const MAX_LEN: u64 = 1 << 20;

/// Where the options of a file stand, for messages.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigFile {
    path: PathBuf,
    /// The option and the line of each value that is in use, in the order of the file.
    places: Vec<(String, usize)>,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The only value on the command line.
    CommandLine,
    /// One of several there.
    Value {
        /// Its number, from 1 on.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// In a file.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => Ok(()),
            Self::Value { number, count } => write!(f, " (value {number} of {count})"),
            Self::Line { path, line } => write!(f, " ({}, line {line})", path.display()),
        }
    }
}

/// Why there is no usable command line.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandLineError {
    /// Wrong arguments, or a wish for help.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
    /// The file of `--config`.
    #[error(transparent)]
    File(#[from] ConfigFileError),
}

/// Reads the arguments of a process, and the file that they name.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, CommandLineError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = Cli::command().try_get_matches_from(&arguments)?;
    let (command, options) = matches.subcommand().unwrap_or(("run", &matches));
    let Some(path) = config_path(options) else { return Ok(Cli::from_arg_matches(&matches)?) };
    let (path, mut places) = (path.clone(), Vec::new());
    for entry in read(&path)? {
        if !applies(&entry, command, options) {
            continue;
        }
        places.extend(entry.values.iter().map(|(_, line)| (entry.name.clone(), *line)));
        arguments.extend(entry.arguments());
    }
    let mut cli = Cli::from_arg_matches(&Cli::command().try_get_matches_from(arguments)?)?;
    cli.options_mut(|args| args.file = ConfigFile { path, places });
    Ok(cli)
}

/// The file, if the command takes one and was given one.
fn config_path(options: &ArgMatches) -> Option<&PathBuf> {
    options.try_get_one("config").ok().flatten()
}

/// Whether the command has such an option, and the command line does not override it.
fn applies(entry: &Entry, command: &str, options: &ArgMatches) -> bool {
    let root = Cli::command();
    let option = root.find_subcommand(command).and_then(|command| entry::option(command, &entry.name));
    option.is_some_and(|option| {
        entry::is_list(option) || options.value_source(option.get_id().as_str()) != Some(ValueSource::CommandLine)
    })
}

/// Reads and checks the file: what comes back is a valid command line of `run`, entry by entry.
fn read(path: &Path) -> Result<Vec<Entry>, ConfigFileError> {
    let unreadable = |error| ConfigFileError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(unreadable)?;
    // of the open file, so that nobody can exchange it between the two looks
    let metadata = file.metadata().map_err(unreadable)?;
    if ![0, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) {
        return Err(ConfigFileError::Foreign { path: path.to_owned() });
    }
    let mode = metadata.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(ConfigFileError::Writable { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(ConfigFileError::TooLong { path: path.to_owned() });
    }
    let at = |line, fault| ConfigFileError::Entry { path: path.to_owned(), line, fault };
    let text = str::from_utf8(&bytes).map_err(|error| at(entry::line(&bytes, error.valid_up_to()), Fault::NotText))?;
    let entries = entry::entries(text).map_err(|(line, fault)| at(line, fault))?;
    let secret = entries.iter().flat_map(|entry| &entry.values).find(|(value, _)| is_secret(value));
    match secret {
        Some((_, line)) if mode & 0o044 != 0 => Err(at(*line, Fault::Exposed)),
        _ => Ok(entries),
    }
}

/// Whether a value holds a user name or password of a proxy.
fn is_secret(value: &str) -> bool {
    value.contains('@')
}

impl ConfigFile {
    /// Where value number `index` of `count` values of an option was given.
    pub(super) fn place(&self, option: &str, index: usize, count: usize) -> Place {
        let mut lines = self.places.iter().filter(|(name, _)| name == option).map(|(_, line)| *line);
        let from_command_line = count.saturating_sub(lines.clone().count());
        match index.checked_sub(from_command_line).and_then(|place| lines.nth(place)) {
            Some(line) => Place::Line { path: self.path.clone(), line },
            None if count == 1 => Place::CommandLine,
            None => Place::Value { number: index + 1, count },
        }
    }
}

impl Cli {
    /// Changes the options of `run`, if this is about running.
    fn options_mut(&mut self, change: impl FnOnce(&mut RunArgs)) {
        match &mut self.command {
            None => change(&mut self.run),
            Some(Command::Run(args)) => change(args),
            Some(Command::Check(args)) => change(&mut args.run),
            Some(_) => {}
        }
    }
}
