//! Transactions from peers that wait for the embedder's verdict, and then for a public link.

use alloc::collections::BTreeSet;

use bytes::Bytes;

use crate::config::Limits;
use crate::ids::{ConnId, Ticket};
use crate::table::Table;
use crate::time::Instant;
use crate::tx::PeerTx;

/// What the embedder thinks of a received transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is valid: relay it on the public network.
    Accept,
    /// No opinion, or it is of no use any more: forget it.
    Forget,
    /// It is invalid: forget it and close the link it came by.
    Reject,
}

#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) tx: PeerTx,
    pub(crate) from: ConnId,
    expires: Instant,
}

/// Bounded by entries, bytes and age; what exceeds a cap is dropped, as it is not ours to keep.
#[derive(Debug)]
pub(crate) struct Received {
    limits: Limits,
    waiting: Table<Foreign>,
    by_age: BTreeSet<(Instant, Ticket)>,
    accepted: BTreeSet<Ticket>,
    bytes: usize,
}

impl Received {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, waiting: Table::new(), by_age: BTreeSet::new(), accepted: BTreeSet::new(), bytes: 0 }
    }

    /// Takes a copy of one in; `None` if a cap is reached, or if it is no possible transaction.
    pub(crate) fn insert(&mut self, now: Instant, blob: &[u8], from: ConnId) -> Option<(Ticket, Bytes)> {
        if self.waiting.len() >= self.limits.received_entries || self.bytes + blob.len() > self.limits.received_bytes {
            return None;
        }
        let tx = PeerTx::copy_from(blob).ok()?;
        let blob = tx.blob();
        self.bytes += tx.size();
        let expires = now + self.limits.received_lifetime;
        let ticket = Ticket(self.waiting.insert(Foreign { tx, from, expires }));
        self.by_age.insert((expires, ticket));
        Some((ticket, blob))
    }

    pub(crate) fn find(&self, ticket: Ticket) -> Option<&Foreign> {
        self.waiting.find(ticket.0)
    }

    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<Foreign> {
        let foreign = self.waiting.remove(ticket.0)?;
        self.by_age.remove(&(foreign.expires, ticket));
        self.accepted.remove(&ticket);
        self.bytes -= foreign.tx.size();
        Some(foreign)
    }

    /// Marks one as valid: it waits for a public link now. `false` if it is gone or was marked before.
    pub(crate) fn accept(&mut self, ticket: Ticket) -> bool {
        self.waiting.find(ticket.0).is_some() && self.accepted.insert(ticket)
    }

    /// Those that were accepted and still wait for a public link.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = Ticket> + '_ {
        self.accepted.iter().copied()
    }

    /// Whether one still waits for its verdict.
    pub(crate) fn is_pending(&self, ticket: Ticket) -> bool {
        self.waiting.find(ticket.0).is_some() && !self.accepted.contains(&ticket)
    }

    /// Drops and hands back one that has waited too long.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<Foreign> {
        let &(expires, ticket) = self.by_age.first()?;
        if expires <= now { self.remove(ticket) } else { None }
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.by_age.first().map(|&(expires, _)| expires)
    }
}
