//! Own transactions that wait for a link: each link is flushed at a time of its own (spec: dandelion-noise §5).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::ids::ConnId;
use crate::rand::Poisson;
use crate::table::Handle;
use crate::time::Instant;

/// The delay of policy `fluff` counts in steps of this length: whole seconds are too coarse, milliseconds too narrow a
/// spread. Its mean is ten of them.
const STEP: Duration = Duration::from_millis(250);

/// When a link that could not take everything is looked at again, if it has not written all of it before.
const AGAIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Flush {
    at: Instant,
    entries: BTreeSet<Handle>,
    /// The rest of a flush that did not fit: it goes on as soon as the link has written what did.
    goes_on: bool,
}

/// Transactions that wait for the flush of a link.
#[derive(Debug, Default)]
pub(crate) struct Flushes {
    by_link: BTreeMap<ConnId, Flush>,
}

impl Flushes {
    /// Adds an entry to the next flush of `conn`, which comes a mean of 2.5 s after the first entry; `false` if it
    /// waits there already.
    pub(crate) fn fluff(&mut self, now: Instant, conn: ConnId, entry: Handle, rng: &mut dyn CryptoRng) -> bool {
        self.add(conn, entry, || now + STEP * Poisson::MEAN_10.draw(rng))
    }

    /// Adds an entry to the next flush of `conn`, which is due at once unless others wait there; `false` if it waits
    /// there already.
    pub(crate) fn stem(&mut self, now: Instant, conn: ConnId, entry: Handle) -> bool {
        self.add(conn, entry, || now)
    }

    /// Puts back what a link could not take yet.
    pub(crate) fn put_back(&mut self, now: Instant, conn: ConnId, entries: Vec<Handle>) {
        let rest = Flush { at: now + AGAIN, entries: entries.into_iter().collect(), goes_on: true };
        self.by_link.insert(conn, rest);
    }

    /// A link has written all that was queued: what was put back is due.
    pub(crate) fn go_on(&mut self, now: Instant, conn: ConnId) {
        if let Some(flush) = self.by_link.get_mut(&conn).filter(|flush| flush.goes_on) {
            flush.at = now;
        }
    }

    fn add(&mut self, conn: ConnId, entry: Handle, at: impl FnOnce() -> Instant) -> bool {
        let flush = self.by_link.entry(conn).or_insert_with(|| Flush { at: at(), entries: BTreeSet::new(), goes_on: false });
        flush.entries.insert(entry)
    }

    /// The next link that is due, and its entries.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(ConnId, BTreeSet<Handle>)> {
        let (&conn, _) = self.by_link.iter().find(|(_, flush)| flush.at <= now)?;
        self.drop_link(conn).map(|entries| (conn, entries))
    }

    /// Forgets a link; its entries are handed back.
    pub(crate) fn drop_link(&mut self, conn: ConnId) -> Option<BTreeSet<Handle>> {
        self.by_link.remove(&conn).map(|flush| flush.entries)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.by_link.values().map(|flush| flush.at).min()
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
        let (mut table, mut flushes) = (Table::new(), Flushes::default());
        let conns: Vec<ConnId> = (0..400).map(|_| ConnId(table.insert(()))).collect();
        let (first, second) = (table.insert(()), table.insert(()));
        let start = Instant::from_micros(0);
        for &conn in &conns {
            assert!(flushes.fluff(start, conn, first, &mut rng));
            assert!(!flushes.fluff(start, conn, first, &mut rng), "it waits already");
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
