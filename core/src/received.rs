//! Transactions from peers that wait for the embedder's verdict, and then for a public link.

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use bytes::Bytes;
use rand_core::CryptoRng;

use crate::config::Limits;
use crate::ids::{ConnId, Ticket, ZoneId};
use crate::rand::{self, Poisson};
use crate::relay::transit::Digest;
use crate::stash::Echo;
use crate::table::Table;
use crate::time::Instant;
use crate::tx::PeerTx;
use crate::wire::TxForm;

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

/// How long a transaction in stem form from an anonymity zone is to wait before it goes on, so that its coming and its going
/// are not seen to belong together: a mean of 22.5 s with a standard deviation of 4.7 s, drawn for each one.
///
/// These are monerod's whole seconds, Poisson-distributed, and a uniform part of one: a Poisson count of smaller steps
/// would spread less (design §3; spec: zones §5).
pub fn forward_delay(rng: &mut dyn CryptoRng) -> Duration {
    let part = rand::between(rng, Duration::ZERO, Duration::from_micros(999_999));
    Duration::from_secs(Poisson::MEAN_22.draw(rng).into()) + part
}

/// How a transaction came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) from: ConnId,
    pub(crate) zone: ZoneId,
    pub(crate) form: TxForm,
    /// What it is as evidence, should it be a copy of an own transaction; kept as the link may end.
    pub(crate) echo: Option<Echo>,
}

#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) tx: PeerTx,
    pub(crate) origin: Origin,
    expires: Instant,
}

/// Bounded by entries, bytes and age; what exceeds a cap is dropped, as it is not ours to keep.
#[derive(Debug)]
pub(crate) struct Received {
    limits: Limits,
    waiting: Table<Foreign>,
    by_age: BTreeSet<(Instant, Ticket)>,
    /// Those that were accepted, by the name under which they are relayed.
    accepted: BTreeMap<Ticket, Digest>,
    bytes: usize,
}

impl Received {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, waiting: Table::new(), by_age: BTreeSet::new(), accepted: BTreeMap::new(), bytes: 0 }
    }

    /// Takes a copy of one in; `None` if a cap is reached, or if it is no possible transaction.
    pub(crate) fn insert(&mut self, now: Instant, blob: &[u8], origin: Origin) -> Option<(Ticket, Bytes)> {
        if self.waiting.len() >= self.limits.received_entries || self.bytes + blob.len() > self.limits.received_bytes {
            return None;
        }
        let tx = PeerTx::copy_from(blob).ok()?;
        let blob = tx.blob();
        self.bytes += tx.size();
        let expires = now + self.limits.received_lifetime;
        let ticket = Ticket(self.waiting.insert(Foreign { tx, origin, expires }));
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

    /// Marks one that waits for its verdict as valid: it waits for a public link now.
    pub(crate) fn accept(&mut self, ticket: Ticket, digest: Digest) {
        self.accepted.insert(ticket, digest);
    }

    /// Those that were accepted and still wait for a public link.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = (Ticket, Digest)> + '_ {
        self.accepted.iter().map(|(&ticket, &digest)| (ticket, digest))
    }

    /// One that still waits for its verdict.
    pub(crate) fn pending(&self, ticket: Ticket) -> Option<&Foreign> {
        self.waiting.find(ticket.0).filter(|_| !self.accepted.contains_key(&ticket))
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use chacha20::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_forward_delay_has_its_mean_and_spread_and_is_not_whole() {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let drawn: Vec<f64> = (0..20_000).map(|_| forward_delay(&mut rng).as_secs_f64()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let spread = (drawn.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / 20_000.0).sqrt();
        assert!((22.4..22.6).contains(&mean), "{mean}");
        assert!((4.62..4.8).contains(&spread), "{spread}");
        let whole = drawn.iter().filter(|delay| delay.fract() < 0.001).count();
        assert!(whole < 60, "{whole} of 20,000 are whole seconds");
    }
}
