//! What is said of panics: each is a fault of this program, but for those that a store makes an error of.

use std::backtrace::Backtrace;
use std::env;
use std::panic::PanicHookInfo;

use super::say;
use crate::store;

/// Says where it is, and what it says itself if that is the same for everybody. Numbers and names in it may be somebody's
/// secrets: who looks for the fault sees them with `RUST_BACKTRACE` set.
pub(super) fn tell(panic: &PanicHookInfo<'_>) {
    if store::is_guarded() {
        return;
    }
    let place = panic.location().map_or_else(String::new, |place| format!("{}:{}", source(place.file()), place.line()));
    say(&words(&place, panic.payload().downcast_ref().copied()));
    if env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        say(&format!("{panic}\n{}", Backtrace::force_capture()));
    }
}

fn words(place: &str, same_for_all: Option<&str>) -> String {
    let said = same_for_all.map(|said| format!(" ({said})")).unwrap_or_default();
    format!("a fault of this program, at {place}{said}: report this line, and start the node again if it has ended")
}

/// A source file within its crate. Where that was on the machine that built this program is nobody's business.
fn source(file: &str) -> String {
    match file.rsplit_once("/src/") {
        Some((before, within)) => format!("{}/src/{within}", before.rsplit('/').next().unwrap_or(before)),
        None => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_place_and_what_to_do_and_a_source_no_home() {
        for (file, source_file) in [
            ("runtime-smol/src/anonetd/run.rs", "runtime-smol/src/anonetd/run.rs"),
            ("/home/u/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/redb-4.5.0/src/db.rs", "redb-4.5.0/src/db.rs"),
            ("/rustc/5980/library/core/src/option.rs", "core/src/option.rs"),
            ("build.rs", "build.rs"),
        ] {
            assert_eq!(source(file), source_file);
        }
        let end = ": report this line, and start the node again if it has ended";
        assert_eq!(
            words("core/src/a.rs:7", Some("there is one")),
            format!("a fault of this program, at core/src/a.rs:7 (there is one){end}")
        );
        assert_eq!(words("core/src/a.rs:7", None), format!("a fault of this program, at core/src/a.rs:7{end}"));
    }
}
