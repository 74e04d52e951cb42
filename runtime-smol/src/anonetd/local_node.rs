//! The running node as its local callers see it: what the control socket and the wallet RPC share.

use anonet_core::{Instant, Node, StashReport, SubmitError, Submitted, TxId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::args::StashStore;
use super::fitness::Flaws;
use super::keeper::Counter;
use super::own::{OwnTx, Pending};
use super::status::{Reporter, StashEntry, Status, ZoneEntry};
use super::tx::{self, TxError};
use crate::handle::{Handle, Stopped};
use crate::store::StoreError;

/// One running node.
#[derive(Clone, Debug)]
pub(super) struct LocalNode {
    pub(super) handle: Handle,
    pub(super) reporter: Reporter,
    /// What stores transactions before the node gets them, unless they are kept in memory only.
    pub(super) counter: Option<Counter>,
}

/// A transaction was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accepted {
    /// It was there before.
    pub(super) known: bool,
    /// What keeps it.
    pub(super) stash_store: StashStore,
    #[serde(flatten)]
    pub(super) entry: StashEntry,
}

/// Why a transaction was not taken. Nothing was kept.
#[derive(Debug, Error)]
pub(super) enum NotAccepted {
    #[error(transparent)]
    Tx(#[from] TxError),
    /// The words that wallets use.
    #[error("{0}: no peer would pass it on; build the transaction anew")]
    Unfit(Flaws),
    #[error(transparent)]
    Node(#[from] SubmitError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the transaction could not be stored, so it is not accepted: {0}")]
    Store(#[from] StoreError),
    #[error("the node did not keep the transaction: submit it again")]
    Gone,
}

/// A transaction was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Abandoned {
    pub(super) txid: String,
    /// Peers that have it and cannot be made to forget it.
    pub(super) peers_handed_to: u32,
}

/// Why a transaction was not given up.
#[derive(Debug, Error)]
pub(super) enum NotAbandoned {
    #[error("the node keeps no own transaction with this id: see `anonetd status`; what was seen needs no abandoning")]
    Unknown,
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the node has forgotten it, but its entry on disk cannot be removed, so it comes back at the next start: {0}")]
    Store(#[from] StoreError),
}

impl LocalNode {
    /// The state of everything.
    pub(super) async fn status(&self) -> Result<Status, Stopped> {
        let reporter = self.reporter.clone();
        self.handle.call(move |node, now| reporter.status(node, now)).await
    }

    /// The zones alone.
    pub(super) async fn zones(&self) -> Result<Vec<ZoneEntry>, Stopped> {
        let reporter = self.reporter.clone();
        self.handle.call(move |node, now| reporter.zones(node, now)).await
    }

    /// Hands in the bytes of a transaction of the user.
    pub(super) async fn submit(&self, blob: Vec<u8>) -> Result<Accepted, NotAccepted> {
        let rules = self.reporter.rules();
        let (own, tx, flaws) = smol::unblock(move || tx::examine(&blob, rules)).await?;
        if !flaws.is_empty() {
            return Err(NotAccepted::Unfit(flaws));
        }
        if let Some(counter) = &self.counter {
            return counter.submit(own, tx).await;
        }
        let (reporter, id) = (self.reporter.clone(), own.id);
        self.handle.call(move |node, now| take_in(node, now, &reporter, own, |node| node.submit_tx(now, id, tx))).await?
    }

    /// The own transactions that there is no evidence of yet.
    pub(super) async fn pending(&self) -> Result<Vec<Pending>, Stopped> {
        if self.reporter.own.is_empty() {
            return Ok(Vec::new());
        }
        let reporter = self.reporter.clone();
        self.handle.call(move |node, now| reporter.own.pending(node, |report| reporter.stash_entry(report, now))).await
    }

    /// Gives up an own transaction: the node forgets it, and its row is gone from the disk.
    pub(super) async fn abandon(&self, id: TxId) -> Result<Abandoned, NotAbandoned> {
        match &self.counter {
            Some(counter) => counter.abandon(id).await,
            None => forget(&self.handle, id).await,
        }
    }
}

/// Has the node forget a transaction.
pub(super) async fn forget(handle: &Handle, id: TxId) -> Result<Abandoned, NotAbandoned> {
    let forgotten = handle.call(move |node, now| {
        let peers_handed_to = node.stash().find(|entry| entry.id == id).map(|entry| entry.recipients);
        node.forget_tx(now, id).then(|| peers_handed_to.unwrap_or_default())
    });
    let peers_handed_to = forgotten.await?.ok_or(NotAbandoned::Unknown)?;
    Ok(Abandoned { txid: id.reveal().to_string(), peers_handed_to })
}

/// Has the node take a transaction in, and says what became of it.
pub(super) fn take_in(
    node: &mut Node,
    now: Instant,
    reporter: &Reporter,
    own: OwnTx,
    submit: impl FnOnce(&mut Node) -> Result<Submitted, SubmitError>,
) -> Result<Accepted, NotAccepted> {
    let (known, id) = (submit(node)? == Submitted::Known, own.id);
    let is_it = |entry: &StashReport| entry.id == id;
    let entry = node.stash().find(is_it).ok_or(NotAccepted::Gone)?;
    // in the same step as the stash, so that no wallet can ask in between
    reporter.own.add(node, now, own);
    Ok(Accepted { known, stash_store: reporter.stash_store, entry: reporter.stash_entry(&entry, now) })
}
