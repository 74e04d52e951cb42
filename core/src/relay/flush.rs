//! Transactions that wait for a link: each link is flushed at a time of its own (spec: dandelion-noise §5).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::ids::ConnId;
use crate::rand::Poisson;
use crate::time::Instant;
use crate::timer::TimerQueue;

/// The delay of policy `fluff` counts in steps of this length: whole seconds are too coarse, milliseconds too narrow a
/// spread.
const STEP: Duration = Duration::from_millis(250);

/// When a link that could not take everything is looked at again, if it has not written all of it before.
const AGAIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Flush<T> {
    conn: ConnId,
    entries: BTreeSet<T>,
    /// The rest of a flush that did not fit: it goes on as soon as the link has written what did.
    goes_on: bool,
}

/// Transactions that wait for the flush of a link, by the name `T`.
#[derive(Debug)]
pub(crate) struct Flushes<T> {
    by_slot: BTreeMap<usize, Flush<T>>,
    due: TimerQueue,
}

impl<T: Copy + Ord> Flushes<T> {
    pub(crate) const fn new() -> Self {
        Self { by_slot: BTreeMap::new(), due: TimerQueue::new() }
    }

    /// Adds an entry to the next flush of `conn`, which comes as many steps after the first entry as `mean` draws;
    /// `false` if it waits there already.
    pub(crate) fn fluff(&mut self, now: Instant, conn: ConnId, entry: T, mean: Poisson, rng: &mut dyn CryptoRng) -> bool {
        self.add(conn, entry, || now + STEP * mean.draw(rng))
    }

    /// Adds an entry to the next flush of `conn`, which is due at once unless others wait there; `false` if it waits
    /// there already.
    pub(crate) fn stem(&mut self, now: Instant, conn: ConnId, entry: T) -> bool {
        self.add(conn, entry, || now)
    }

    /// Puts back what a link could not take yet.
    pub(crate) fn put_back(&mut self, now: Instant, conn: ConnId, entries: Vec<T>) {
        let rest = Flush { conn, entries: entries.into_iter().collect(), goes_on: true };
        self.by_slot.insert(conn.0.slot(), rest);
        self.due.set(conn.0.slot(), Some(now + AGAIN));
    }

    /// A link has written all that was queued: what was put back is due.
    pub(crate) fn go_on(&mut self, now: Instant, conn: ConnId) {
        if self.find(conn).is_some_and(|flush| flush.goes_on) {
            self.due.set(conn.0.slot(), Some(now));
        }
    }

    /// How many entries wait for a link.
    pub(crate) fn waiting(&self, conn: ConnId) -> usize {
        self.find(conn).map_or(0, |flush| flush.entries.len())
    }

    fn find(&self, conn: ConnId) -> Option<&Flush<T>> {
        self.by_slot.get(&conn.0.slot()).filter(|flush| flush.conn == conn)
    }

    fn add(&mut self, conn: ConnId, entry: T, at: impl FnOnce() -> Instant) -> bool {
        let (slot, due) = (conn.0.slot(), &mut self.due);
        let flush = self.by_slot.entry(slot).or_insert_with(|| {
            due.set(slot, Some(at()));
            Flush { conn, entries: BTreeSet::new(), goes_on: false }
        });
        flush.entries.insert(entry)
    }

    /// The next link that is due, and its entries.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(ConnId, BTreeSet<T>)> {
        let slot = self.due.pop_due(now)?;
        self.by_slot.remove(&slot).map(|flush| (flush.conn, flush.entries))
    }

    /// Forgets a link; its entries are handed back.
    pub(crate) fn drop_link(&mut self, conn: ConnId) -> Option<BTreeSet<T>> {
        self.find(conn)?;
        self.due.set(conn.0.slot(), None);
        self.by_slot.remove(&conn.0.slot()).map(|flush| flush.entries)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.next()
    }
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::table::Table;

    #[test]
    fn links_flush_apart_and_an_entry_joins_the_flush_that_waits() {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let (mut table, mut flushes) = (Table::new(), Flushes::new());
        let conns: Vec<ConnId> = (0..400).map(|_| ConnId(table.insert(()))).collect();
        let (first, second) = (table.insert(()), table.insert(()));
        let start = Instant::from_micros(0);
        for &conn in &conns {
            assert!(flushes.fluff(start, conn, first, Poisson::MEAN_10, &mut rng));
            assert!(!flushes.fluff(start, conn, first, Poisson::MEAN_10, &mut rng), "it waits already");
            assert!(flushes.stem(start + Duration::from_millis(1), conn, second));
        }
        let mut delays = Vec::new();
        while let Some(at) = flushes.next_due() {
            assert!(at == start || flushes.pop_due(Instant::from_micros(at.as_micros() - 1)).is_none());
            let (_, entries) = flushes.pop_due(at).unwrap();
            assert_eq!(entries, BTreeSet::from([first, second]));
            delays.push(at.saturating_since(start).as_secs_f64());
        }
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        assert_eq!(delays.len(), 400);
        assert!((2.3..2.7).contains(&mean), "{mean}");
        assert!(delays.iter().any(|delay| *delay != delays[0]));
    }
}
