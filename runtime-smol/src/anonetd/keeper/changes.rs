//! What the node said of own transactions, until the disk has been told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonet_core::TxId;
use smol::channel::{Receiver, Sender, bounded};

use crate::store::Exposed;

/// What the node said and the disk has not been told: at most one exposure and one end for each own transaction, as the
/// node says no second before the first is written down.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    pub(super) exposed: BTreeMap<TxId, Exposed>,
    pub(super) ended: BTreeSet<TxId>,
    /// Whether the clock was set, so that stamps have to follow.
    pub(super) clock_set: bool,
}

/// Where the node's events of own transactions go.
#[derive(Clone, Debug)]
pub(in super::super) struct Changes {
    unwritten: Arc<Mutex<Unwritten>>,
    wake: Sender<()>,
}

impl Changes {
    /// None yet, and what wakes whoever writes them down.
    pub(super) fn new() -> (Self, Receiver<()>) {
        let (wake, woken) = bounded(1);
        (Self { unwritten: Arc::default(), wake }, woken)
    }

    /// The node wants to let a transaction go to these.
    pub(in super::super) fn exposing(&self, id: TxId, exposed: Exposed) {
        self.unwritten().exposed.insert(id, exposed);
        self.wake();
    }

    /// The node has a transaction no more: it was seen, or is given up.
    pub(in super::super) fn ended(&self, id: TxId) {
        self.unwritten().ended.insert(id);
        self.wake();
    }

    /// The wall clock was set: rows are to be as old by it as they are.
    pub(in super::super) fn clock_set(&self) {
        self.unwritten().clock_set = true;
        self.wake();
    }

    /// All since the last time.
    pub(super) fn take(&self) -> Unwritten {
        std::mem::take(&mut *self.unwritten())
    }

    /// A transaction leaves no more, so nothing of it is missing on disk.
    pub(super) fn forget(&self, id: TxId) {
        self.unwritten().exposed.remove(&id);
    }

    /// The disk did not take this, and is to be told again.
    pub(super) fn put_back(&self, failed: Unwritten) {
        let mut unwritten = self.unwritten();
        for (id, exposed) in failed.exposed {
            unwritten.exposed.entry(id).or_insert(exposed);
        }
        unwritten.ended.extend(failed.ended);
        unwritten.clock_set |= failed.clock_set;
    }

    fn wake(&self) {
        // a full channel has woken the keeper already
        let _ = self.wake.try_send(());
    }

    pub(super) fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
