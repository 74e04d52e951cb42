//! Takes each guard away, one after the other, in a copy of the repository, and sees that the test that is named with it fails.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anonet_tests::guards::{self, Guard};
use clap::Parser;

/// Takes each guard of tests/guards.toml away in a copy of the repository, and sees that the test that is named with it fails.
#[derive(Debug, Parser)]
#[command(name = "guards", max_term_width = 100)]
struct Args {
    /// Only guards whose name or file contains one of these
    names: Vec<String>,
    /// Prints the table for ARCHITECTURE.md, and runs nothing
    #[arg(long)]
    table: bool,
}

/// What came of one guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The test failed, as it should.
    Caught,
    /// The test passed without the guard.
    Missed,
    /// What is left does not compile, or the test is not there.
    Broken,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let wanted = |guard: &Guard| {
        let file = guard.file.to_string_lossy();
        args.names.is_empty() || args.names.iter().any(|name| guard.name.contains(name) || file.contains(name.as_str()))
    };
    let chosen: Vec<Guard> = guards::all().into_iter().filter(wanted).collect();
    if args.table {
        chosen.iter().for_each(|guard| println!("{}", guard.row()));
        return ExitCode::SUCCESS;
    }
    match run(&chosen) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("guards: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs all; says how many were not caught.
fn run(chosen: &[Guard]) -> io::Result<usize> {
    let scratch = guards::root().join("target/guards");
    let copy = scratch.join("copy");
    copy_repository(&copy)?;
    let cargo = |guard: &Guard| {
        let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        cargo.args(guard.arguments()).current_dir(&copy).env("CARGO_TARGET_DIR", scratch.join("build"));
        cargo.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut missed = 0;
    for guard in chosen {
        print!("{} … ", guard.name);
        io::stdout().flush()?;
        let path = copy.join(&guard.file);
        let whole = fs::read_to_string(&path)?;
        let without = guard.delete_from(&whole).map_err(|count| io::Error::other(format!("stands {count} times in its file")))?;
        fs::write(&path, without)?;
        let output = cargo(guard);
        fs::write(&path, whole)?;
        let outcome = judge(guard, &output?);
        missed += usize::from(outcome != Outcome::Caught);
        println!("{outcome:?}");
    }
    println!("{} of {} guards caught", chosen.len() - missed, chosen.len());
    Ok(missed)
}

fn judge(guard: &Guard, output: &str) -> Outcome {
    let said = |end: &str| output.lines().any(|line| line == format!("test {} ... {end}", guard.test));
    match (said("FAILED"), said("ok")) {
        (true, _) => Outcome::Caught,
        (false, true) => Outcome::Missed,
        (false, false) => Outcome::Broken,
    }
}

/// Copies what the repository holds, changes that are not committed included; what is the same already keeps its time.
fn copy_repository(to: &Path) -> io::Result<()> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(guards::root())
        .output()?;
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let (from, to): (PathBuf, PathBuf) = (guards::root().join(name), to.join(name));
        // a name of a file that was deleted and is not committed
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(directory) = to.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::copy(&from, &to)?;
    }
    Ok(())
}
