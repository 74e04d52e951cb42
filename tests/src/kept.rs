//! Tables and pictures that are kept in `tests/tables`, so that a change of any figure is to be seen.

use std::path::{Path, PathBuf};

/// Where a file is kept.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tables").join(name)
}

/// Whether what is kept is this.
#[must_use]
pub fn is(name: &str, text: &str) -> bool {
    std::fs::read_to_string(path(name)).is_ok_and(|kept| kept == text)
}

/// Keeps this from now on.
///
/// # Errors
/// What the file system says.
pub fn write(name: &str, text: &str) -> std::io::Result<()> {
    std::fs::write(path(name), text)
}

/// For tests: with `WRITE_TABLES=1` keeps this, else compares it. `again` are the commands that write it and what belongs to it.
///
/// # Panics
/// If it is not what is kept.
pub fn golden(name: &str, text: &str, again: &[&str]) {
    if std::env::var_os("WRITE_TABLES").is_some() {
        write(name, text).expect("the folder of tables is there");
    }
    let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert_eq!(kept, text, "a figure changed; if it may, this writes it anew: {}", again.join("; "));
}
