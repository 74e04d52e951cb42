//! The guards: single lines on which privacy hangs, and for each the test that fails without it.
//!
//! `tests/guards.toml` has the list. The program `guards` takes one away after the other in a copy of the repository, and runs
//! the test that is named with it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One guard.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Guard {
    /// What it is there for, as `ARCHITECTURE.md` says it.
    pub name: String,
    /// The file that it is in, from the root of the repository.
    pub file: PathBuf,
    /// What is taken away: this text stands once in the file.
    pub remove: String,
    /// What is put in its place.
    #[serde(default)]
    pub instead: String,
    /// Where the test is: `core`, or one of `tests/tests`.
    pub suite: String,
    /// The test that fails then, with its path.
    pub test: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    guard: Vec<Guard>,
}

/// The root of the repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is in a directory of the workspace")
}

/// All guards.
///
/// # Panics
/// If the list cannot be read.
#[must_use]
pub fn all() -> Vec<Guard> {
    let text = include_str!("../guards.toml");
    toml::from_str::<List>(text).unwrap_or_else(|error| panic!("tests/guards.toml: {error}")).guard
}

/// Whether there is a test of this name: in a module of `core` or of the runtime (`smol`), or else in a file of this crate's tests
/// or the runtime's.
#[must_use]
pub fn test_stands(suite: &str, test: &str) -> bool {
    let (module, name) = test.rsplit_once("::").unwrap_or(("", test));
    let place = module.trim_end_matches("tests").trim_end_matches("::").replace("::", "/");
    let module = |sources: &str| ["/tests.rs", ".rs", "/mod.rs"].map(|end| format!("{sources}/{place}{end}")).to_vec();
    let files = match suite {
        "core" => module("core/src"),
        "smol" => module("runtime-smol/src"),
        suite => ["tests", "runtime-smol"].map(|part| format!("{part}/tests/{suite}.rs")).to_vec(),
    };
    let call = format!("fn {name}(");
    files.iter().any(|file| std::fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(&call)))
}

impl Guard {
    /// The file's text without the guard.
    ///
    /// # Errors
    /// How often the guard stands in `text`, if not once.
    pub fn delete_from(&self, text: &str) -> Result<String, usize> {
        match text.matches(&self.remove).count() {
            1 => Ok(text.replacen(&self.remove, &self.instead, 1)),
            count => Err(count),
        }
    }

    /// What `cargo` is told to run the test alone.
    #[must_use]
    pub fn arguments(&self) -> Vec<&str> {
        let mut arguments = match self.suite.as_str() {
            "core" => vec!["test", "-p", "anonet-core", "--lib"],
            suite => vec!["test", "-p", "anonet-tests", "--test", suite],
        };
        arguments.extend(["--locked", "--", "--exact", &self.test]);
        arguments
    }

    /// Its row in `ARCHITECTURE.md`.
    #[must_use]
    pub fn row(&self) -> String {
        let place = match self.suite.as_str() {
            "core" => String::from("core"),
            suite => format!("`{suite}.rs`"),
        };
        format!("| {} | {place}: `{}` |", self.name, self.test)
    }
}
