//! The running node as its local callers see it: what the control socket and the wallet RPC share.

use anonet_core::{StashReport, SubmitError, Submitted};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::status::{Reporter, StashEntry, Status, ZoneEntry};
use super::tx::{self, TxError};
use crate::handle::{Handle, Stopped};

/// One running node.
#[derive(Clone, Debug)]
pub(super) struct LocalNode {
    pub(super) handle: Handle,
    pub(super) reporter: Reporter,
}

/// A transaction was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accepted {
    /// It was there before.
    pub(super) known: bool,
    #[serde(flatten)]
    pub(super) entry: StashEntry,
}

/// Why a transaction was not taken. Nothing was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NotAccepted {
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error(transparent)]
    Node(#[from] SubmitError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the node did not keep the transaction: submit it again")]
    Gone,
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
        self.handle.call(move |node, _| reporter.zones(node)).await
    }

    /// Hands in the bytes of a transaction of the user.
    pub(super) async fn submit(&self, blob: Vec<u8>) -> Result<Accepted, NotAccepted> {
        let (id, tx) = smol::unblock(move || tx::parse(&blob)).await?;
        let reporter = self.reporter.clone();
        let taken = self.handle.call(move |node, now| {
            let submitted = node.submit_tx(now, id, tx)?;
            let is_it = |entry: &StashReport| entry.id == id;
            let entry = node.stash().find(is_it).ok_or(NotAccepted::Gone)?;
            Ok(Accepted { known: submitted == Submitted::Known, entry: reporter.stash_entry(&entry, now) })
        });
        taken.await?
    }
}
