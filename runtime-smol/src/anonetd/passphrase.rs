//! Where the passphrase of the stash comes from.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::store::Passphrase;

/// Names the passphrase itself, where there is no file for it.
pub(super) const VARIABLE: &str = "ANONET_STASH_PASSPHRASE";

/// The longest passphrase, in bytes.
const MAX_LEN: usize = 1_024;

/// Why there is no passphrase although one is meant to be there.
#[derive(Debug, Error)]
pub(super) enum PassphraseError {
    #[error("--stash-passphrase-file: cannot read {path} ({error}): correct its name or its permissions", path = path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("--stash-passphrase-file: others can read or change {path}: run chmod 600 on it", path = path.display())]
    Exposed { path: PathBuf },
    #[error("--stash-passphrase-file: the first line of {path} is empty: write the passphrase there", path = path.display())]
    Empty { path: PathBuf },
    #[error("--stash-passphrase-file: the first line of {path} has more than 1,024 bytes: shorten it", path = path.display())]
    TooLong { path: PathBuf },
    #[error("{VARIABLE} is empty or has more than 1,024 bytes: put a passphrase there, or unset it")]
    Variable,
    #[error("--stash-passphrase-file and {VARIABLE} are both there: keep one")]
    Both,
    #[error("--stash-passphrase-file: --stash memory writes nothing that could be sealed; remove one of the two")]
    NothingToSeal,
}

/// The passphrase of the file, or of the variable; none if neither is there.
pub(super) fn passphrase(file: Option<&Path>, variable: Option<&OsStr>) -> Result<Option<Passphrase>, PassphraseError> {
    match (file, variable) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(PassphraseError::Both),
        (Some(path), None) => read(path).map(Some),
        (None, Some(value)) => {
            let bytes = value.as_bytes();
            let found = Passphrase::new(bytes.to_vec()).filter(|_| bytes.len() <= MAX_LEN);
            found.map(Some).ok_or(PassphraseError::Variable)
        }
    }
}

/// The first line, without its end.
fn read(path: &Path) -> Result<Passphrase, PassphraseError> {
    let unreadable = |error| PassphraseError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(PassphraseError::Exposed { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    // one more, and the two of a line's end
    file.take(MAX_LEN as u64 + 3).read_to_end(&mut bytes).map_err(unreadable)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > MAX_LEN {
        return Err(PassphraseError::TooLong { path: path.to_owned() });
    }
    Passphrase::new(line.to_vec()).ok_or_else(|| PassphraseError::Empty { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::super::scratch::Scratch;
    use super::*;

    #[test]
    fn a_file_gives_its_first_line() {
        let scratch = Scratch::new();
        let path = scratch.path().join("passphrase");
        let found = |content: &[u8], mode| {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            passphrase(Some(&path), None)
        };
        let longest = [b'x'; MAX_LEN];
        for (content, expected) in [
            (&b"horse"[..], &b"horse"[..]),
            (b"horse battery\n", b"horse battery"),
            (b" horse \r\nmore\n", b" horse "),
            (&[&longest[..], b"\r\n"].concat(), &longest),
            (b"\xff\x00\n", b"\xff\x00"),
        ] {
            assert_eq!(found(content, 0o600).unwrap(), Passphrase::new(expected.to_vec()));
        }
        for (content, mode, says) in [
            (&b""[..], 0o600, "is empty"),
            (b"\nsecond", 0o600, "is empty"),
            (&[b'x'; MAX_LEN + 1], 0o600, "more than 1,024 bytes"),
            (b"horse", 0o640, "chmod 600"),
            (b"horse", 0o604, "chmod 600"),
            (b"horse", 0o602, "chmod 600"),
        ] {
            let said = found(content, mode).unwrap_err().to_string();
            assert!(said.starts_with("--stash-passphrase-file: ") && said.contains(says) && !said.contains("horse"), "{said}");
        }
        let said = passphrase(Some(&scratch.path().join("absent")), None).unwrap_err().to_string();
        assert!(said.contains("cannot read"), "{said}");
    }

    #[test]
    fn the_variable_is_the_other_way() {
        let found = |value: &str| passphrase(None, Some(OsStr::new(value)));
        assert_eq!(found("horse").unwrap(), Passphrase::new(b"horse".to_vec()));
        assert!(found(&"x".repeat(MAX_LEN)).is_ok());
        for bad in ["", &"x".repeat(MAX_LEN + 1)] {
            assert!(found(bad).unwrap_err().to_string().contains(VARIABLE));
        }
        assert!(matches!(passphrase(Some(Path::new("/x")), Some(OsStr::new("y"))), Err(PassphraseError::Both)));
        assert_eq!(passphrase(None, None).unwrap(), None);
    }
}
