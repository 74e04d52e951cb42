//! One own transaction and how far it has come.

use alloc::vec::Vec;
use core::time::Duration;

use super::evidence::{Echo, Witness};
use super::rounds::MAX_ROUNDS;
use super::uses::{Use, Uses};
use crate::addr::Addr;
use crate::ids::{ConnId, TxId, ZoneId};
use crate::time::Instant;
use crate::tx::LocalTx;
use crate::zone::route::Why;

/// How far an own transaction has come. *Handed* is not evidence that the network has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StashState {
    /// It has no way out and is kept.
    Held(Why),
    /// It is on its way to links of this zone.
    Queued(ZoneId),
    /// It was written to at least one link of this zone.
    Handed(ZoneId),
}

/// Who may know of an own transaction, by the strictest reading: it counts from the moment that it is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Exposure {
    /// Nobody: it never left.
    #[default]
    Nobody,
    /// Peers of an anonymity zone. It never goes to the public network after that.
    Anonymity,
    /// Peers of the public network, of a node that had no anonymity zone.
    Public,
}

/// A peer that was handed the transaction.
#[derive(Debug)]
pub(super) struct Recipient {
    pub(super) addr: Option<Addr>,
    pub(super) conn: ConnId,
    /// Timed syncs asked on the link before the transaction. An answer to a later one proves that the peer has read
    /// past it, as the stream keeps its order.
    pub(super) asked_before: u32,
    pub(super) proven: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: TxId,
    pub(super) tx: LocalTx,
    pub(super) exposure: Exposure,
    /// Whether the embedder has written `exposure` down.
    pub(super) recorded: bool,
    /// Hosts that may have it.
    pub(super) uses: Uses,
    /// Links that were chosen for it and get it as soon as that is written down.
    pub(super) chosen: Vec<ConnId>,
    /// How long it stays back: before a round that could not be, or after a restart; then after each round. Drawn when it
    /// was taken in, so that nothing that happens to it shows in them (design §3).
    pub(super) pauses: [Duration; MAX_ROUNDS as usize],
    /// It waits for the embedder to write something down, or for the round after a restart, and for nothing else.
    pub(super) waits: bool,
    pub(super) state: StashState,
    /// Links that it is waiting for or queued on.
    pub(super) under_way: u32,
    pub(super) recipients: Vec<Recipient>,
    /// Times that it was sent to a set of links.
    pub(super) rounds: u8,
    pub(super) next_round: Option<Instant>,
    /// The first copy that a peer sent; one more, from elsewhere, is evidence.
    pub(super) echo: Option<Echo>,
    pub(super) expires: Instant,
}

impl Entry {
    pub(super) fn deadline(&self) -> Instant {
        self.next_round.map_or(self.expires, |round| round.min(self.expires))
    }

    /// Peers that have surely read it.
    pub(super) fn proven(&self) -> usize {
        self.recipients.iter().filter(|recipient| recipient.proven).count()
    }

    /// It waits for the embedder to write something down.
    pub(super) fn asks(&self) -> bool {
        self.waits && !matches!(self.state, StashState::Held(_))
    }

    /// Nobody has it, nothing is carrying it, and it waits for nothing but a way out.
    pub(super) fn is_stranded(&self) -> bool {
        self.under_way == 0 && self.recipients.is_empty() && !self.waits
    }
}

/// An own transaction from an earlier run, for [`Node::restore_tx`](crate::Node::restore_tx).
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the embedder fills it in from its store")]
pub struct StoredTx {
    /// The transaction's id.
    pub id: TxId,
    /// The transaction.
    pub tx: LocalTx,
    /// When it was submitted.
    pub submitted: Instant,
    /// Who may know of it.
    pub exposure: Exposure,
    /// The hosts that may have it, by the same [`RecipientKey`](crate::RecipientKey): none of them gets it again. More
    /// than [`MAX_USES`](crate::MAX_USES) are left out.
    pub uses: Vec<Use>,
}

/// What [`Node::stash`](crate::Node::stash) says of one own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StashReport {
    /// The transaction.
    pub id: TxId,
    /// Its size in bytes.
    pub size: usize,
    /// How far it has come.
    pub state: StashState,
    /// Peers that were handed it.
    pub recipients: u32,
    /// Of those, peers that have surely read it.
    pub proven: u32,
    /// When it is sent again, unless it is held.
    pub next_round: Option<Instant>,
    /// From when on it may ride, if it waits for a courier.
    pub rides_from: Option<Instant>,
    /// Who may show that it has spread; `None`: nobody, so that it stays handed and unconfirmed until it expires.
    pub witness: Option<Witness>,
    /// When it is given up.
    pub expires: Instant,
}
