//! Keeps the node's documents (its peers, its bans) on disk, and gives them back at the next start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anonet_core::{DocumentVersion, Instant, Node, Restored, Snapshot};
use async_io::Timer;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::{or, pending};
use tracing::{debug, error, info, warn};

use super::data_dir::DataDir;
use super::troubles::{Part, Troubles};
use crate::store::{Documents, StoreError};

/// Between a failed write and the next try.
const PAUSE: Duration = Duration::from_secs(5);

/// Every document, and the name of its row.
const DOCUMENTS: [(Snapshot, &str); 2] = [(Snapshot::Peers, "peers"), (Snapshot::Bans, "bans")];

/// What the writer has still to write.
#[derive(Debug)]
struct Shelf {
    documents: Documents,
    unwritten: Mutex<BTreeMap<Snapshot, Vec<u8>>>,
    /// Held while one is written, so that no older document comes behind a newer one.
    writing: smol::lock::Mutex<()>,
    troubles: Troubles,
}

impl Shelf {
    fn unwritten(&self) -> MutexGuard<'_, BTreeMap<Snapshot, Vec<u8>>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between the node and the disk.
#[derive(Debug)]
pub(super) struct Archive {
    shelf: Arc<Shelf>,
    wake: Sender<()>,
    /// What an earlier run left, until the node has it.
    found: Vec<(Snapshot, &'static str, Vec<u8>)>,
    /// What a newer version wrote and this one must not replace.
    untouched: Vec<Snapshot>,
}

/// Writes to the disk. Clones write in turn.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    shelf: Arc<Shelf>,
    woken: Receiver<()>,
}

impl Archive {
    /// Opens the file, and reads what is in it.
    pub(super) async fn open(dir: &DataDir, troubles: Troubles) -> Result<(Self, Writer), StoreError> {
        let (documents, aside) = Documents::open(dir.peers()).await?;
        if let Some(aside) = aside {
            warn!("the list of peers on disk was damaged and is now {}: the node finds its peers anew", aside.display());
        }
        let mut found = Vec::new();
        for (kind, name) in DOCUMENTS {
            if let Some(document) = documents.load(name).await? {
                found.push((kind, name, document));
            }
        }
        let (wake, woken) = bounded(1);
        let shelf = Arc::new(Shelf { documents, unwritten: Mutex::default(), writing: smol::lock::Mutex::new(()), troubles });
        Ok((Self { shelf: shelf.clone(), wake, found, untouched: Vec::new() }, Writer { shelf, woken }))
    }

    /// Gives the node what was found. What a newer version wrote is kept from being replaced.
    pub(super) fn restore(&mut self, node: &mut Node, now: Instant) {
        for (kind, name, document) in std::mem::take(&mut self.found) {
            let Restored { kept, dropped, version, .. } = node.restore(now, kind, &document);
            match version {
                DocumentVersion::Current if kept == 0 => {}
                DocumentVersion::Current => info!("{name} known from earlier runs: {kept}"),
                DocumentVersion::Newer(version) => {
                    error!(
                        "{name} on disk are of a newer version of anonetd (format {version}) and stay there unread: start \
                         that version; this run keeps none"
                    );
                    self.untouched.push(kind);
                }
                other => warn!("{name} on disk cannot be read ({other:?}): the node starts without them"),
            }
            if dropped > 0 {
                warn!("entries of {name} on disk that make no sense and are left out: {dropped}");
            }
        }
    }

    /// The node says that a document is worth keeping.
    pub(super) fn due(&self, node: &Node, kind: Snapshot) {
        if self.untouched.contains(&kind) {
            return;
        }
        let mut document = Vec::new();
        node.snapshot(kind, &mut document);
        self.shelf.unwritten().insert(kind, document);
        // a full channel has woken the writer already
        let _ = self.wake.try_send(());
    }
}

impl Writer {
    /// Writes whenever there is something, until the node is gone.
    pub(super) async fn run(self) {
        loop {
            let again = async {
                match self.shelf.troubles.has(Part::Peers) {
                    true => Timer::after(PAUSE).await,
                    false => pending().await,
                };
                Ok(())
            };
            if or(self.woken.recv(), again).await.is_err() {
                return;
            }
            self.write().await;
        }
    }

    /// Writes what is not on disk yet. What could not be written is kept, unless there is a newer one.
    pub(super) async fn write(&self) {
        let _writing = self.shelf.writing.lock().await;
        let unwritten = std::mem::take(&mut *self.shelf.unwritten());
        let named = unwritten.iter().filter_map(|(kind, document)| {
            let (_, name) = DOCUMENTS.into_iter().find(|(other, _)| other == kind)?;
            Some((name.to_owned(), document.clone()))
        });
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            return;
        }
        match self.shelf.documents.save(named).await {
            Ok(()) if self.shelf.troubles.end(Part::Peers) => info!("the list of peers can be written again"),
            Ok(()) => debug!("what is to outlive this run is on disk"),
            Err(error) => {
                let reason = format!("the list of peers cannot be written: {error}");
                if self.shelf.troubles.begin(Part::Peers, &reason) {
                    warn!("{reason}");
                }
                let mut newer = self.shelf.unwritten();
                for (kind, document) in unwritten {
                    newer.entry(kind).or_insert(document);
                }
            }
        }
    }
}
