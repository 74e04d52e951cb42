//! From TOML to arguments.

use std::any::TypeId;
use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command, CommandFactory};
use toml::de::{DeTable, DeValue};

use super::super::args::Cli;
use super::Fault;

/// Options that make no sense in a file.
const NOT_HERE: [&str; 3] = ["config", "help", "version"];

/// One option with the values that a file gives it, and their lines.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) values: Vec<(String, usize)>,
    /// Whether the option has no value on the command line.
    is_switch: bool,
}

impl Entry {
    /// What would stand on the command line.
    pub(super) fn arguments(&self) -> impl Iterator<Item = OsString> {
        self.values.iter().map(|(value, _)| match self.is_switch {
            true => format!("--{}", self.name).into(),
            false => format!("--{}={value}", self.name).into(),
        })
    }
}

/// The option of this name.
pub(super) fn option<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|option| option.get_long() == Some(name))
}

/// Whether the option may be given several times.
pub(super) fn is_list(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Append)
}

/// The line of a byte, from 1 on.
pub(super) fn line(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|byte| **byte == b'\n').count()
}

/// All entries of a file, in its order, or the first fault with its line.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, (usize, Fault)> {
    let line = |at| line(text.as_bytes(), at);
    let document = DeTable::parse(text).map_err(|error| {
        // its `Display` would repeat the line
        (line(error.span().map_or(0, |span| span.start)), Fault::Syntax(error.message().replace('\n', " ")))
    })?;
    let root = Cli::command();
    let run = root.find_subcommand("run").unwrap_or(&root);
    let mut sorted: Vec<_> = document.get_ref().iter().collect();
    sorted.sort_by_key(|(key, _)| key.span().start);
    let mut entries = Vec::new();
    for (key, value) in sorted {
        let (name, at) = (key.get_ref().as_ref(), line(key.span().start));
        if matches!(value.get_ref(), DeValue::Table(_)) {
            return Err((at, Fault::Section(name.to_owned())));
        }
        let option = match option(run, name) {
            _ if NOT_HERE.contains(&name) => Err(Fault::NotHere(name.to_owned())),
            None => Err(unknown(name)),
            Some(option) => Ok(option),
        };
        let option = option.map_err(|fault| (at, fault))?;
        let values = match (is_list(option), value.get_ref()) {
            (true, DeValue::Array(items)) => items
                .iter()
                .map(|item| Ok((scalar(option, item.get_ref())?, line(item.span().start))))
                .collect::<Result<Vec<_>, Fault>>(),
            (true, _) => Err(Fault::WrongType(name.to_owned(), "a list, as in [\"…\", \"…\"]")),
            (false, item) => scalar(option, item).map(|text| vec![(text, at)]),
        };
        let is_switch = is_switch(option);
        let mut values = values.map_err(|fault| (at, fault))?;
        values.retain(|(value, _)| !(is_switch && value == "false"));
        let entry = Entry { name: name.to_owned(), values, is_switch };
        check(&entry)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// The text of a value that has the right type.
fn scalar(option: &Arg, value: &DeValue<'_>) -> Result<String, Fault> {
    let wrong = |form| Err(Fault::WrongType(option.get_long().unwrap_or_default().to_owned(), form));
    match value {
        DeValue::Boolean(value) if is_switch(option) => Ok(value.to_string()),
        _ if is_switch(option) => wrong("true or false"),
        DeValue::Integer(value) if is_number(option.get_value_parser()) => {
            match i64::from_str_radix(value.as_str(), value.radix()) {
                Ok(value) => Ok(value.to_string()),
                Err(_) => wrong("a smaller number"),
            }
        }
        _ if is_number(option.get_value_parser()) => wrong("a number, without quotes"),
        DeValue::String(value) => Ok(value.as_ref().to_owned()),
        _ => wrong("text in quotes"),
    }
}

fn is_switch(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

fn is_number(parser: &ValueParser) -> bool {
    let number = [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<i64>()];
    number.iter().any(|number| parser.type_id() == *number)
}

/// Whether the command line takes each value by itself.
fn check(entry: &Entry) -> Result<(), (usize, Fault)> {
    for (argument, (_, line)) in entry.arguments().zip(&entry.values) {
        if let Err(error) = Cli::command().try_get_matches_from(["anonetd".into(), "run".into(), argument]) {
            let said = error.to_string();
            let first = said.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
            let words: Vec<&str> = first.split_whitespace().collect();
            return Err((*line, Fault::Value(words.join(" "))));
        }
    }
    Ok(())
}

fn unknown(name: &str) -> Fault {
    let spelt = name.replace('_', "-");
    let root = Cli::command();
    if root.find_subcommand("run").is_some_and(|run| option(run, &spelt).is_some()) {
        return Fault::Misspelt(name.to_owned(), spelt);
    }
    let error = Cli::command().try_get_matches_from(["anonetd", "run", &format!("--{spelt}")]).err();
    let similar = error.as_ref().and_then(|error| match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(option)) => Some(option),
        Some(ContextValue::Strings(options)) => options.first(),
        _ => None,
    });
    match similar {
        Some(option) => Fault::Misspelt(name.to_owned(), option.trim_start_matches('-').to_owned()),
        None => Fault::Unknown(name.to_owned()),
    }
}
