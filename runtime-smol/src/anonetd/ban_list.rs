//! `--ban-list`: hosts and subnets that the node has nothing to do with.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anonet_core::{Banned, BannedError};
use thiserror::Error;

/// The longest file, in bytes; about a hundred thousand subnets.
const MAX_LEN: u64 = 2 << 20;

/// Why a list cannot be used. No message repeats a line.
#[derive(Debug, Error)]
pub(super) enum BanListError {
    #[error("--ban-list: cannot read {path} ({error}): correct its name or its permissions", path = path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("--ban-list: {path} is longer than 2 MiB: ban subnets instead of hosts", path = path.display())]
    TooLong { path: PathBuf },
    #[error(
        "--ban-list: {path}, line {line}: {error}; write one host or IP/BITS a line, and # before comments",
        path = path.display()
    )]
    Line { path: PathBuf, line: usize, error: BannedError },
}

/// Reads the whole list, or names the first line that is wrong.
pub(super) fn read(path: &Path) -> Result<Vec<Banned>, BanListError> {
    let unreadable = |error| BanListError::Unreadable { path: path.to_owned(), error };
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_LEN + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > MAX_LEN {
        return Err(BanListError::TooLong { path: path.to_owned() });
    }
    let mut banned = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let host = line.split('#').next().unwrap_or_default().trim();
        if host.is_empty() {
            continue;
        }
        let parsed = Banned::parse(host);
        banned.push(parsed.map_err(|error| BanListError::Line { path: path.to_owned(), line: number, error })?);
    }
    Ok(banned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::scratch::Scratch;
    use super::*;

    const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
    const I2P: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";

    fn list(content: &str) -> Result<Vec<String>, String> {
        let scratch = Scratch::new();
        let path = scratch.path().join("bans");
        fs::write(&path, content).unwrap();
        let banned = read(&path).map_err(|error| error.to_string())?;
        Ok(banned.iter().map(|banned| banned.reveal().to_string()).collect())
    }

    #[test]
    fn every_kind_of_host_and_comments() {
        let content = format!(
            "# of 2026\n1.2.3.4\n  10.0.0.0/8\t# a whole net\r\n\n{ONION}\n{I2P}\n2001:db8::1\n2001:db8::/32\n1.2.3.4:18080\n"
        );
        let found = list(&content).unwrap();
        assert_eq!(found, ["1.2.3.4", "10.0.0.0/8", ONION, I2P, "2001:db8::1", "2001:db8::/32", "1.2.3.4"]);
        assert_eq!(list("").unwrap(), [""; 0]);
    }

    #[test]
    fn a_list_has_two_mebibytes_at_most() {
        let comment = "#".repeat(MAX_LEN as usize);
        assert!(list(&comment).is_ok());
        assert!(list(&format!("{comment}#")).unwrap_err().contains("longer than 2 MiB"));
    }

    #[test]
    fn a_bad_line_is_named_with_its_number_and_not_shown() {
        for (line, says) in [
            ("host.secret.example", "DNS"),
            ("1.2.3.4/33", "0 to 32"),
            ("secret/8", "IP address before the slash"),
            ("xmrto2bturnore26.onion", "version 3"),
            ("1.2.3.4 5.6.7.8", "not a host"),
        ] {
            let said = list(&format!("1.2.3.4\n# fine\n{line}\n")).unwrap_err();
            assert!(said.starts_with("--ban-list: ") && said.contains("bans, line 3: ") && said.contains(says), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        let said = read(Path::new("/absent")).unwrap_err().to_string();
        assert!(said.contains("cannot read /absent"), "{said}");
        assert!(list(&"#".repeat(MAX_LEN as usize)).is_ok());
        assert!(list(&"#".repeat(MAX_LEN as usize + 1)).unwrap_err().contains("longer than 2 MiB"));
    }
}
