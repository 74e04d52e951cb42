//! What the user handed in and was told, and what has to follow from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anonet_core::Exposure;
use anonet_smol::store::{LoadedTx, Passphrase, Store};
use serde_json::Value;
use sha3::{Digest, Sha3_256};

use super::PARTS;
use super::minted::Minted;

/// What the user knows of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was handed in, and no answer came.
    Unanswered,
    /// The node said that it keeps it, or it was there after a restart.
    Kept,
    /// After the call that was not answered it was not there.
    Absent,
    /// The node was told to forget it, and no answer came.
    Abandoning,
    /// The node said that it has forgotten it, or it was gone after a restart.
    Abandoned,
}

struct Entry {
    tx: Minted,
    known: Known,
    /// The daemon has it in its pool, so that it is done.
    shown: bool,
    hosts: BTreeSet<&'static str>,
}

/// All transactions of one user.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<u64, Entry>,
    /// Submissions without an answer that were there after the restart, and that were not.
    pub(crate) unanswered: [usize; 2],
}

impl Ledger {
    /// It is about to be handed in.
    pub(crate) fn handing_in(&mut self, tx: &Minted) {
        let entry = Entry { tx: tx.clone(), known: Known::Unanswered, shown: false, hosts: BTreeSet::new() };
        assert!(self.entries.insert(tx.number, entry).is_none(), "a number twice");
    }

    pub(crate) fn set(&mut self, number: u64, known: Known) {
        self.entry(number).known = known;
    }

    /// The daemon will say that it has it, unless the user has given it up: its id.
    pub(crate) fn show(&mut self, number: u64) -> Option<&str> {
        let entry = self.entry(number);
        entry.shown |= entry.known == Known::Kept;
        entry.shown.then_some(&*entry.tx.id)
    }

    /// Those that the node has to have, of one caller.
    pub(crate) fn kept(&self, part: u64) -> Vec<&Minted> {
        let kept = |entry: &&Entry| entry.known == Known::Kept && !entry.shown && entry.tx.number % PARTS == part;
        self.entries.values().filter(kept).map(|entry| &entry.tx).collect()
    }

    /// A host was told of these on all streams of one life of the node.
    pub(crate) fn told(&mut self, host: &'static str, numbers: Vec<u64>) {
        for number in numbers {
            let entry = self.entry(number);
            assert!(entry.hosts.insert(host), "{host} got transaction {number} twice");
            assert_ne!(entry.known, Known::Absent, "transaction {number} was not there, and left");
        }
    }

    /// How many hosts got something, counted for each transaction.
    pub(crate) fn handed(&self) -> usize {
        self.entries.values().map(|entry| entry.hosts.len()).sum()
    }

    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// What a node says of its stash when it is there again, before anything else is asked of it.
    pub(crate) fn compare(&mut self, status: &Value) {
        let stash = status["stash"].as_array().unwrap().iter();
        let there: BTreeMap<&str, &Value> = stash.map(|entry| (entry["txid"].as_str().unwrap(), entry)).collect();
        for (number, entry) in &mut self.entries {
            let found = there.get(entry.tx.id.as_str()).filter(|found| found["state"] != "seen");
            if let Some(found) = found {
                assert_eq!(found["size"], entry.tx.blob.len(), "transaction {number} is not whole");
            }
            let gone = found.is_none() && !entry.shown;
            match entry.known {
                Known::Unanswered => {
                    self.unanswered[usize::from(found.is_none())] += 1;
                    entry.known = if gone { Known::Absent } else { Known::Kept };
                }
                Known::Abandoning => entry.known = if gone { Known::Abandoned } else { Known::Kept },
                Known::Kept => assert!(!gone, "transaction {number} was accepted and is lost"),
                Known::Absent | Known::Abandoned => assert!(found.is_none(), "transaction {number} came back: {:?}", entry.known),
            }
        }
        let ours: BTreeSet<&str> = self.entries.values().map(|entry| entry.tx.id.as_str()).collect();
        assert!(there.keys().all(|id| ours.contains(id)), "one that nobody handed in");
    }

    /// What stands in a copy of the file that a dead process left.
    pub(crate) async fn compare_file(&self, copy: &Path, passphrase: Option<&str>) {
        let opened = match passphrase {
            Some(passphrase) => {
                let passphrase = Passphrase::new(passphrase.as_bytes().to_vec()).unwrap();
                Store::open_sealed(copy.to_owned(), passphrase).await
            }
            None => Store::open(copy.to_owned()).await,
        };
        let store = opened.unwrap_or_else(|error| panic!("the stash does not open: {error}"));
        let loaded = store.load().await.unwrap();
        assert_eq!((loaded.unreadable, loaded.newer), (0, 0), "rows that cannot be read");
        let rows: BTreeMap<&[u8], &LoadedTx> = loaded.txs.iter().map(|row| (&row.blob[..], row)).collect();
        for (number, entry) in &self.entries {
            let Some(row) = rows.get(&entry.tx.blob[..]) else {
                let nobody_knows = entry.known == Known::Unanswered && entry.hosts.is_empty();
                let given_up = matches!(entry.known, Known::Absent | Known::Abandoning | Known::Abandoned);
                let may_lack = nobody_knows || given_up || entry.shown;
                assert!(may_lack, "transaction {number} has no row: {:?}, given to {:?}", entry.known, entry.hosts);
                continue;
            };
            assert!(!matches!(entry.known, Known::Absent | Known::Abandoned), "transaction {number}: {:?}", entry.known);
            let exposed = entry.hosts.is_empty() || row.stored.exposure == Exposure::Anonymity;
            assert!(exposed, "transaction {number} has left, and its row says {:?}", row.stored.exposure);
            let uses: BTreeSet<[u8; 16]> = row.stored.uses.iter().map(|entry| *entry.recipient.as_bytes()).collect();
            for host in &entry.hosts {
                let tag = tag(store.recipient_key().as_bytes(), host);
                assert!(uses.contains(&tag), "{host} got transaction {number}, and that was not written down before");
            }
        }
        let ours: BTreeSet<&[u8]> = self.entries.values().map(|entry| &entry.tx.blob[..]).collect();
        assert!(rows.keys().all(|blob| ours.contains(blob)), "a row that is none of what was handed in");
    }

    fn entry(&mut self, number: u64) -> &mut Entry {
        self.entries.get_mut(&number).unwrap_or_else(|| panic!("transaction {number} was never handed in"))
    }
}

/// How the store names a host; as the core has it.
fn tag(key: &[u8; 32], host: &str) -> [u8; 16] {
    let hash = Sha3_256::new().chain_update(b"anonet recipient").chain_update(key).chain_update(host).finalize();
    hash[..16].try_into().unwrap()
}
