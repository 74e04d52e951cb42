//! What wallets may ask of own transactions, from the moment that the node has them until evidence ends them.
//!
//! The node keeps the bytes to send; the ones here are the same, shared, for answers to the user who handed them in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonet_core::{Instant, Node, StashReport, TxId};
use bytes::Bytes;

use super::status::StashEntry;

/// One own transaction. `Debug` shows nothing of it.
pub(crate) struct OwnTx {
    pub(crate) id: TxId,
    pub(crate) blob: Bytes,
    /// So many bytes at the start are its form without the prunable part.
    pub(crate) pruned: usize,
    /// The hash of the rest; zeros if the format has none.
    pub(crate) prunable_hash: [u8; 32],
    pub(crate) key_images: Vec<[u8; 32]>,
    /// In atomic units; 0 for the oldest format.
    pub(crate) fee: u64,
    pub(crate) weight: usize,
}

impl OwnTx {
    /// One of which nothing but this is known.
    pub(crate) fn opaque(id: TxId, blob: Bytes) -> Self {
        let size = blob.len();
        Self { id, blob, pruned: size, prunable_hash: [0; 32], key_images: Vec::new(), fee: 0, weight: size }
    }
}

impl fmt::Debug for OwnTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnTx({} bytes)", self.blob.len())
    }
}

#[derive(Debug)]
struct Kept {
    tx: Arc<OwnTx>,
    since: Instant,
}

/// One that the node has.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) tx: Arc<OwnTx>,
    /// When it was handed in, or came back after a restart.
    pub(super) since: Instant,
    /// How far it has come.
    pub(super) entry: StashEntry,
}

/// Those that the node has; changed in the node's task alone, together with its stash. Shared by clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnTxs(Arc<Mutex<BTreeMap<TxId, Kept>>>);

impl OwnTxs {
    /// The node has just taken it.
    pub(super) fn add(&self, node: &Node, now: Instant, tx: OwnTx) {
        let mut kept = self.kept();
        kept.entry(tx.id).or_insert_with(|| Kept { tx: Arc::new(tx), since: now });
        forget_others(&mut kept, node);
    }

    /// Whether there is none, without asking the node.
    pub(super) fn is_empty(&self) -> bool {
        self.kept().is_empty()
    }

    /// What the node has now; the rest is forgotten.
    pub(super) fn pending(&self, node: &Node, entry: impl Fn(&StashReport) -> StashEntry) -> Vec<Pending> {
        let mut kept = self.kept();
        let pending: Vec<Pending> = node
            .stash()
            .filter_map(|report| {
                let Kept { tx, since } = kept.get(&report.id)?;
                Some(Pending { tx: tx.clone(), since: *since, entry: entry(&report) })
            })
            .collect();
        forget_others(&mut kept, node);
        pending
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<TxId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what the node has no more.
fn forget_others(kept: &mut BTreeMap<TxId, Kept>, node: &Node) {
    if kept.len() > node.stash().count() {
        let ids: BTreeSet<TxId> = node.stash().map(|report| report.id).collect();
        kept.retain(|id, _| ids.contains(id));
    }
}
