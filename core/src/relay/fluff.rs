//! Policy `fluff`: every outgoing link of the zone, each after a delay of its own (spec: dandelion-noise §5).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::ids::ConnId;
use crate::rand::Poisson;
use crate::table::Handle;
use crate::time::Instant;

/// The delay counts in steps of this length: whole seconds are too coarse, milliseconds too narrow a spread.
const STEP: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Flush {
    at: Instant,
    entries: Vec<Handle>,
}

/// Transactions that wait for the flush of a link.
#[derive(Debug, Default)]
pub(crate) struct Fluff {
    flushes: BTreeMap<ConnId, Flush>,
}

impl Fluff {
    /// Adds an entry to the next flush of `conn`, which comes a mean of 2.5 s after the first entry.
    pub(crate) fn schedule(&mut self, now: Instant, conn: ConnId, entry: Handle, rng: &mut dyn CryptoRng) {
        let flush = self
            .flushes
            .entry(conn)
            .or_insert_with(|| Flush { at: now + STEP * Poisson::MEAN_10.draw(rng), entries: Vec::new() });
        if !flush.entries.contains(&entry) {
            flush.entries.push(entry);
        }
    }

    /// Whether `entry` waits for the flush of `conn`.
    pub(crate) fn is_scheduled(&self, conn: ConnId, entry: Handle) -> bool {
        self.flushes.get(&conn).is_some_and(|flush| flush.entries.contains(&entry))
    }

    /// The next link that is due, and its entries.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(ConnId, Vec<Handle>)> {
        let (&conn, _) = self.flushes.iter().find(|(_, flush)| flush.at <= now)?;
        self.drop_link(conn).map(|entries| (conn, entries))
    }

    /// Forgets a link; its entries are handed back.
    pub(crate) fn drop_link(&mut self, conn: ConnId) -> Option<Vec<Handle>> {
        self.flushes.remove(&conn).map(|flush| flush.entries)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.flushes.values().map(|flush| flush.at).min()
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
        let (mut table, mut fluff) = (Table::new(), Fluff::default());
        let conns: Vec<ConnId> = (0..400).map(|_| ConnId(table.insert(()))).collect();
        let (first, second) = (table.insert(()), table.insert(()));
        let start = Instant::from_micros(0);
        for &conn in &conns {
            fluff.schedule(start, conn, first, &mut rng);
            fluff.schedule(start, conn, first, &mut rng);
            fluff.schedule(start + Duration::from_millis(1), conn, second, &mut rng);
        }
        assert!(fluff.is_scheduled(conns[0], second));
        let mut delays = Vec::new();
        while let Some(at) = fluff.next_due() {
            assert!(at == start || fluff.pop_due(Instant::from_micros(at.as_micros() - 1)).is_none());
            let (_, entries) = fluff.pop_due(at).unwrap();
            assert_eq!(entries, [first, second]);
            delays.push(at.saturating_since(start).as_secs_f64());
        }
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        assert_eq!(delays.len(), 400);
        assert!((2.3..2.7).contains(&mean), "{mean}");
        assert!(delays.iter().any(|delay| *delay != delays[0]));
    }
}
