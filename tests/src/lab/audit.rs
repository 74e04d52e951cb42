//! What a node may have written where: its log, its data directory, and nothing anywhere else of what it must not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::discretion::indiscreet_line;
use super::options::Options;
use super::search::{Search, Secret};

/// Everything that a data directory can hold.
const FILES: [&str; 6] = ["lock", "control.sock", STASH, PEERS, "rpc_ssl.crt", "rpc_ssl.key"];
const STASH: &str = "stash.redb";
const PEERS: &str = "peers.redb";

/// The secrets of one node, by what they are.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// Bytes of transactions.
    transactions: Vec<Secret>,
    /// Their ids.
    ids: Vec<Secret>,
    /// Peers.
    hosts: Vec<Secret>,
    /// Its own hidden services.
    own: Vec<Secret>,
    /// Passwords, passphrases and logins.
    credentials: Vec<Secret>,
    /// Whether the stash is sealed.
    sealed: bool,
    /// Whether the log is at a level at which it names peers and transactions, as README.md says.
    loud: bool,
}

impl Knowledge {
    /// What these arguments and environment variables of `anonetd` tell of.
    ///
    /// # Panics
    ///
    /// When a file that they name cannot be read.
    #[must_use]
    pub fn of(arguments: &[String], environment: &[(String, String)]) -> Self {
        let options = Options::read(arguments);
        let mut knowledge = Self::default();
        for name in ["add-peer", "add-priority-node", "add-exclusive-node", "seed-node", "daemon-address"] {
            knowledge.hosts.extend(options.all(name).flat_map(host));
        }
        knowledge.own.extend(options.all("anonymous-inbound").flat_map(host));
        let logins = ["proxy", "tx-proxy", "daemon-proxy"].into_iter().flat_map(|name| options.all(name));
        let logins = logins.filter_map(|text| text.rsplit(['/', ',']).find_map(|item| Some(item.split_once('@')?.0)));
        for login in logins.chain(options.all("rpc-login")).chain(environment.iter().map(|(_, value)| value.as_str())) {
            knowledge.credential(login);
        }
        if let Some(file) = options.one("stash-passphrase-file") {
            let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
            knowledge.credential(text.lines().next().unwrap_or_default());
        }
        knowledge.sealed =
            options.has("stash-passphrase-file") || environment.iter().any(|(name, _)| name == "ANONET_STASH_PASSPHRASE");
        knowledge.loud = options.one("log-level").is_some_and(|level| level.contains("debug") || level.contains("trace"));
        knowledge
    }

    /// A passphrase, or a login with its password; what is too short to be told from chance is left out.
    fn credential(&mut self, text: &str) {
        let password = text.split_once(':').map(|(_, password)| password);
        let long = [Some(text), password].into_iter().flatten().filter(|text| text.len() >= 16);
        self.credentials.extend(long.map(|text| Secret::new("a passphrase or password", text)));
    }

    /// A transaction that the node has, by its bytes and its id.
    pub fn transaction(&mut self, bytes: &[u8], id: &[u8]) {
        let (bytes, id) = (Secret::new("a transaction", bytes), Secret::new("a transaction's id", id));
        if !self.ids.contains(&id) {
            self.transactions.push(bytes);
            self.ids.push(id);
        }
    }

    /// What must not be in a log, or in what is printed.
    fn not_in_output(&self) -> Search {
        let named = [&self.ids, &self.hosts, &self.own];
        let never = [&self.transactions, &self.credentials];
        Search::new(named.into_iter().filter(|_| !self.loud).chain(never).flatten())
    }

    /// What must not be in a file of the data directory.
    fn not_in_file(&self, name: &str) -> Search {
        let Self { transactions, ids, hosts, own, credentials, .. } = self;
        let kinds = match name {
            STASH if !self.sealed => vec![hosts, own, credentials],
            PEERS => vec![transactions, ids, own, credentials],
            _ => vec![transactions, ids, hosts, own, credentials],
        };
        Search::new(kinds.into_iter().flatten())
    }
}

/// The name of a hidden service that a value begins with, if it does.
fn host(text: &str) -> Vec<Secret> {
    let text = text.rsplit("://").next().unwrap_or(text);
    let name = text.split([':', ',', '/']).next().unwrap_or(text);
    let hidden = name.ends_with(".onion") || name.ends_with(".b32.i2p");
    if hidden { Secret::host(name) } else { Vec::new() }
}

/// Everything that `output`, what a program printed and logged, and its data directory hold and should not; and whatever
/// else than the owner can read there.
///
/// # Panics
///
/// When the directory cannot be read.
#[must_use]
pub fn audit(knowledge: &Knowledge, output: &[u8], data_dir: &Path) -> Vec<String> {
    let mut finds: Vec<String> =
        knowledge.not_in_output().find(output).map(|found| format!("output: {found}")).into_iter().collect();
    if !knowledge.loud {
        let text = String::from_utf8_lossy(output);
        finds.extend(indiscreet_line(&text).map(|line| format!("output: names somebody: {line}")));
    }
    if !data_dir.exists() {
        return finds;
    }
    finds.extend(open_to_others(data_dir));
    for path in entries(data_dir) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !FILES.contains(&name.as_str()) {
            finds.push(format!("{name}: no file of ours"));
        }
        finds.extend(open_to_others(&path));
        if path.is_file() {
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            finds.extend(knowledge.not_in_file(&name).find(&bytes).map(|found| format!("{name}: {found}")));
        }
    }
    finds
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    list.map(|entry| entry.expect("a directory can be listed").path()).collect()
}

fn open_to_others(path: &Path) -> Option<String> {
    let mode = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode();
    (mode & 0o077 != 0).then(|| format!("{}: open to others, mode {:o}", path.display(), mode & 0o777))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use super::super::process::WorkDir;
    use super::*;

    const PEER: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
    const OWN: &str = "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd.onion";
    const PASSWORD: &str = "correct horse battery";

    fn knowledge(further: &[&str]) -> Knowledge {
        let peer = format!("{PEER}:18083");
        let own = format!("{OWN}:18083,127.0.0.1:1,haproxy");
        let login = format!("alice:{PASSWORD}");
        let arguments = ["run", "--add-peer", &peer, "--anonymous-inbound", &own, "--rpc-login", &login];
        let arguments: Vec<String> = arguments.iter().chain(further).map(|&word| word.to_owned()).collect();
        let mut knowledge = Knowledge::of(&arguments, &[]);
        knowledge.transaction(&transaction(), &id());
        knowledge
    }

    fn transaction() -> Vec<u8> {
        (0..300_u32).map(|i| (i * 31 % 251) as u8).collect()
    }

    fn id() -> Vec<u8> {
        (0..32_u32).map(|i| (i * 77 % 253) as u8).collect()
    }

    fn write(dir: &Path, name: &str, mode: u32, bytes: &[u8]) {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(dir.join(name)).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    }

    #[test]
    fn each_thing_has_its_places() {
        let work = WorkDir::new("audit");
        let dir = work.path().join("data");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        let things: [(&str, Vec<u8>); 5] = [
            ("a transaction", transaction()),
            ("a transaction's id", id()),
            ("the name", PEER.into()),
            ("the name", OWN.into()),
            ("a passphrase", PASSWORD.into()),
        ];
        let sealed = work.path().join("passphrase");
        fs::write(&sealed, "something that is long enough").unwrap();
        let sealing = ["--stash-passphrase-file", sealed.to_str().unwrap()];
        // for each place, which of the things may stand there
        for (place, further, allowed) in [
            ("output", &[][..], ""),
            ("output", &["--log-level", "trace"], "123"),
            (STASH, &[], "01"),
            (STASH, &sealing, ""),
            (PEERS, &[], "2"),
            ("lock", &[], ""),
            ("rpc_ssl.key", &[], ""),
        ] {
            let knowledge = knowledge(further);
            for (number, (what, bytes)) in things.iter().enumerate() {
                let text = [b"before ", bytes.as_slice(), b" after"].concat();
                let finds = if place == "output" {
                    audit(&knowledge, &text, &dir)
                } else {
                    write(&dir, place, 0o600, &text);
                    let finds = audit(&knowledge, b"quiet", &dir);
                    fs::remove_file(dir.join(place)).unwrap();
                    finds
                };
                let fine = allowed.contains(&number.to_string());
                assert_eq!(finds.is_empty(), fine, "{place}, {further:?}, {what} {number}: {finds:?}");
                assert!(fine || finds[0].contains(what), "{finds:?}");
            }
        }
    }

    #[test]
    fn strange_files_and_open_doors_are_found() {
        let work = WorkDir::new("audit");
        let dir = work.path().join("data");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        write(&dir, "lock", 0o644, b"");
        write(&dir, "note", 0o600, b"");
        let finds = audit(&Knowledge::default(), b"", &dir).join("\n");
        assert!(finds.contains("data: open to others, mode 755"), "{finds}");
        assert!(finds.contains("lock: open to others, mode 644"), "{finds}");
        assert!(finds.contains("note: no file of ours"), "{finds}");
    }
}
