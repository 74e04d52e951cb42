//! Transactions from peers that wait for the embedder's verdict, and then for a public link.

use alloc::collections::BTreeSet;

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
    pub(crate) accepted: bool,
    expires: Instant,
}

/// Bounded by entries, bytes and age; what exceeds a cap is dropped, as it is not ours to keep.
#[derive(Debug)]
pub(crate) struct Received {
    limits: Limits,
    waiting: Table<Foreign>,
    by_age: BTreeSet<(Instant, Ticket)>,
    bytes: usize,
}

impl Received {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, waiting: Table::new(), by_age: BTreeSet::new(), bytes: 0 }
    }

    /// Takes one in; `None` if a cap is reached.
    pub(crate) fn insert(&mut self, now: Instant, tx: PeerTx, from: ConnId) -> Option<Ticket> {
        let full = self.waiting.len() >= self.limits.received_entries || self.bytes + tx.size() > self.limits.received_bytes;
        if full {
            return None;
        }
        self.bytes += tx.size();
        let expires = now + self.limits.received_lifetime;
        let ticket = Ticket(self.waiting.insert(Foreign { tx, from, accepted: false, expires }));
        self.by_age.insert((expires, ticket));
        Some(ticket)
    }

    pub(crate) fn find_mut(&mut self, ticket: Ticket) -> Option<&mut Foreign> {
        self.waiting.find_mut(ticket.0)
    }

    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<Foreign> {
        let foreign = self.waiting.remove(ticket.0)?;
        self.by_age.remove(&(foreign.expires, ticket));
        self.bytes -= foreign.tx.size();
        Some(foreign)
    }

    /// One that was accepted and still waits for a public link.
    pub(crate) fn accepted(&self) -> Option<Ticket> {
        self.waiting.iter().find(|(_, foreign)| foreign.accepted).map(|(handle, _)| Ticket(handle))
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
