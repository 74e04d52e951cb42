//! What can be seen on this machine alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anonet_core::{Addr, Config};

use super::super::args::StashStore;
use super::super::data_dir::{DataDir, Occupant};
use super::super::settings::Settings;
use super::Finding;
use crate::store::{self, StoreError};

/// Whether each configured address can exist, which reading the options only half says: an onion name is a point on a
/// curve.
pub(super) fn addresses(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for zone in &config.zones {
        let mut addrs: Vec<&Addr> = zone.own.iter().chain(zone.peers.iter().map(|(addr, _)| addr)).chain(&zone.seeds).collect();
        addrs.dedup();
        let bad: Vec<_> = addrs.iter().filter_map(|addr| Some((addr, addr.check_point().err()?))).collect();
        for (addr, error) in &bad {
            findings.push(Finding::error(format!("address {}", addr.reveal()), format!("{error}: correct or remove it")));
        }
        if bad.is_empty() && !addrs.is_empty() {
            findings.push(Finding::ok(format!("addresses of {}", zone.kind), format!("valid: {}", addrs.len())));
        }
    }
    findings
}

/// The data directory, what is in it, and the ports.
pub(super) fn places(settings: &Settings, dir: &DataDir) -> Vec<Finding> {
    let subject = format!("data directory {}", dir.path().display());
    let occupant = match dir.occupant() {
        Ok(occupant) => occupant,
        Err(error) => return vec![Finding::error(subject, error.to_string())],
    };
    if occupant == Occupant::Node {
        let said = "a node runs on it, so its store and its ports were not looked at: anonetd status says how it is";
        return vec![Finding::warning(subject, said)];
    }
    let mut findings = vec![match writable(dir.path()) {
        Ok(()) => Finding::ok(subject, "can be written"),
        Err(error) => {
            let fix = "correct its permissions, or choose another with --data-dir";
            Finding::error(subject, format!("cannot be written ({error}): {fix}"))
        }
    }];
    findings.extend(stash(settings, &dir.stash()));
    let rpc = settings.rpc.as_ref().map(|rpc| ("port for wallets", rpc.addr));
    let listeners = settings.service.listeners.iter().map(|listener| ("port for peers", listener.bind));
    findings.extend(rpc.into_iter().chain(listeners).map(|(what, addr)| port(what, addr)));
    findings
}

/// Writes a file where the node would write, and removes it; a directory that is not there yet is made and removed.
fn writable(dir: &Path) -> io::Result<()> {
    let mut made = Vec::new();
    let result = write_into(dir, &mut made);
    for dir in made.iter().rev() {
        fs::remove_dir(dir)?;
    }
    result
}

fn write_into<'p>(dir: &'p Path, made: &mut Vec<&'p Path>) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    for path in missing.into_iter().rev() {
        DirBuilder::new().mode(0o700).create(path)?;
        made.push(path);
    }
    let probe = dir.join(format!("check-{}", std::process::id()));
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(&probe)?;
    fs::remove_file(probe)
}

fn stash(settings: &Settings, path: &Path) -> Option<Finding> {
    if settings.stash == StashStore::Memory || !path.exists() {
        return None;
    }
    let subject = format!("stash {}", path.display());
    Some(match store::inspect(path, settings.passphrase.as_ref()) {
        Ok(found) if found.unreadable > 0 => Finding::error(
            subject,
            format!("own transactions: {}, and {} that cannot be read and will not be sent", found.readable, found.unreadable),
        ),
        Ok(found) => {
            let sealed = match (found.sealed, settings.passphrase.is_some()) {
                (true, _) => "sealed",
                (false, true) => "not encrypted, and sealed from the next start on",
                (false, false) => "not encrypted",
            };
            Finding::ok(subject, format!("own transactions: {}; {sealed}", found.readable))
        }
        Err(StoreError::NotClosed { .. }) => Finding::warning(subject, "it was not closed cleanly; the next start repairs it"),
        Err(error) => Finding::error(subject, error.to_string()),
    })
}

fn port(what: &str, addr: SocketAddr) -> Finding {
    match TcpListener::bind(addr) {
        Ok(_) => Finding::ok(format!("{what} {addr}"), "free"),
        Err(error) => {
            Finding::error(format!("{what} {addr}"), format!("{error}: stop what else uses it, or choose another address"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scratch::Scratch;
    use super::super::Grade;
    use super::*;

    #[test]
    fn a_look_at_a_directory_leaves_nothing_behind() {
        let scratch = Scratch::new();
        let deep = scratch.path().join("a/b/c");
        writable(&deep).unwrap();
        assert!(!scratch.path().join("a").exists());
        fs::create_dir(scratch.path().join("a")).unwrap();
        writable(&deep).unwrap();
        assert_eq!(fs::read_dir(scratch.path().join("a")).unwrap().count(), 0);
        fs::write(scratch.path().join("a/b"), "a file").unwrap();
        assert!(writable(&deep).is_err());
    }

    #[test]
    fn a_port_is_free_or_not_and_stays_so() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap();
        let found = port("port", addr);
        assert_eq!(found.grade, Grade::Error);
        assert!(found.detail.contains("stop what else uses it"), "{found:?}");
        drop(taken);
        assert_eq!(port("port", addr).grade, Grade::Ok);
        assert_eq!(port("port", addr).grade, Grade::Ok);
    }
}
