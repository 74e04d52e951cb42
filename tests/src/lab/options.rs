//! The options that a command line of `anonetd` and the file of its `--config` give, for what is to be expected of it.

use std::fs;

/// The commands of `anonetd`; without one the options are those of `run`.
const COMMANDS: [&str; 8] = ["run", "submit", "abandon", "status", "decode", "check", "completions", "demo"];

/// Names and values, in order; a name without a value has none.
#[derive(Clone, Debug, Default)]
pub struct Options {
    command: Option<String>,
    given: Vec<(String, Option<String>)>,
}

impl Options {
    /// Reads arguments, and the configuration file if they name one.
    ///
    /// # Panics
    ///
    /// When that file cannot be read.
    #[must_use]
    pub fn read(arguments: &[String]) -> Self {
        let mut options =
            Self { command: arguments.first().filter(|word| COMMANDS.contains(&word.as_str())).cloned(), given: Vec::new() };
        let mut words = arguments.iter().peekable();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix("--") else { continue };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                // an option without a value may stand before an argument, which is then taken for one
                None => (option, words.next_if(|next| !next.starts_with("--")).cloned()),
            };
            options.given.push((name.to_owned(), value));
        }
        if let Some(file) = options.one("config").map(str::to_owned) {
            options.read_file(&file);
        }
        options
    }

    /// The command line goes before the file.
    fn read_file(&mut self, file: &str) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let table: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (name, value) in table {
            match value {
                toml::Value::Boolean(false) => {}
                toml::Value::Boolean(true) => self.given.push((name, None)),
                toml::Value::Array(list) => self.given.extend(list.iter().map(|value| (name.clone(), Some(text_of(value))))),
                value => self.given.push((name, Some(text_of(&value)))),
            }
        }
    }

    /// The command.
    #[must_use]
    pub fn command(&self) -> &str {
        self.command.as_deref().unwrap_or("run")
    }

    /// Whether an option is given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// The first value of an option.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        self.given.iter().filter(|(given, _)| given == name).find_map(|(_, value)| value.as_deref())
    }

    /// All values of an option.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(move |(given, _)| given == name).filter_map(|(_, value)| value.as_deref())
    }
}

fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        other => panic!("no option has such a value: {other:?}"),
    }
}
