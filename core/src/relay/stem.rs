//! Dandelion++ stems of the public zone: which outgoing link carries on what came from where (spec:
//! dandelion-noise §4).

use alloc::collections::BTreeMap;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::ids::ConnId;
use crate::rand;
use crate::time::Instant;

/// Links that carry stems in one epoch.
const STEMS: usize = 2;
const MIN_EPOCH: Duration = Duration::from_secs(600);
const EPOCH_RANGE: Duration = Duration::from_secs(30);

/// Of a hundred epochs, so many fluff.
const FLUFF_PERCENT: u64 = 20;

/// The stem map of one epoch. A source (`None`: this node's user) keeps its link for the epoch.
#[derive(Debug, Default)]
pub(crate) struct Stems {
    slots: [Option<ConnId>; STEMS],
    used: [u32; STEMS],
    by_source: BTreeMap<Option<ConnId>, usize>,
    ends: Option<Instant>,
    /// What this epoch does with strangers' stems: it fluffs them.
    fluffs: bool,
}

impl Stems {
    /// The link on which what came from `source` goes on; `None` if no link is eligible. Starts a new epoch if the
    /// last one is over, and refills slots whose link has gone.
    pub(crate) fn next_hop(
        &mut self,
        now: Instant,
        source: Option<ConnId>,
        eligible: impl Iterator<Item = ConnId> + Clone,
        rng: &mut dyn CryptoRng,
    ) -> Option<ConnId> {
        self.turn(now, rng);
        self.refill(eligible.filter(|&conn| Some(conn) != source), rng);
        let live = |slot: &usize| self.slots[*slot].is_some_and(|conn| Some(conn) != source);
        let kept = self.by_source.get(&source).copied().filter(live);
        let slot = match kept {
            Some(slot) => slot,
            None => {
                let least = (0..STEMS).filter(live).map(|slot| self.used[slot]).min()?;
                let tied = (0..STEMS).filter(|slot| live(slot) && self.used[*slot] == least);
                let count = tied.clone().count();
                let slot = tied.into_iter().nth(rand::index(rng, count))?;
                self.used[slot] += 1;
                self.by_source.insert(source, slot);
                slot
            }
        };
        self.slots[slot]
    }

    /// Whether the present epoch fluffs strangers' stems instead of passing them on.
    pub(crate) fn fluffs(&mut self, now: Instant, rng: &mut dyn CryptoRng) -> bool {
        self.turn(now, rng);
        self.fluffs
    }

    /// Starts a new epoch if the last one is over.
    fn turn(&mut self, now: Instant, rng: &mut dyn CryptoRng) {
        if self.ends.is_none_or(|ends| ends <= now) {
            let ends = Some(now + rand::between(rng, MIN_EPOCH, MIN_EPOCH + EPOCH_RANGE));
            *self = Self { ends, fluffs: rand::below(rng, 100) < FLUFF_PERCENT, ..Self::default() };
        }
    }

    fn refill(&mut self, eligible: impl Iterator<Item = ConnId> + Clone, rng: &mut dyn CryptoRng) {
        for slot in 0..STEMS {
            if self.slots[slot].is_some() {
                continue;
            }
            let free = eligible.clone().filter(|conn| !self.slots.contains(&Some(*conn)));
            let count = free.clone().count();
            if count > 0 {
                self.slots[slot] = free.into_iter().nth(rand::index(rng, count));
            }
        }
    }

    /// Forgets a link that has gone.
    pub(crate) fn drop_link(&mut self, conn: ConnId) {
        for slot in &mut self.slots {
            if *slot == Some(conn) {
                *slot = None;
            }
        }
        self.by_source.remove(&Some(conn));
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use chacha20::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::table::Table;

    fn links(count: usize) -> Vec<ConnId> {
        let mut table = Table::new();
        (0..count).map(|_| ConnId(table.insert(()))).collect()
    }

    #[test]
    fn a_source_keeps_its_stem_for_the_epoch_and_two_links_share_the_load() {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let (links, now) = (links(12), Instant::from_micros(0));
        let mut stems = Stems::default();
        let mut hop = |source, at| stems.next_hop(at, source, links[..11].iter().copied(), &mut rng).unwrap();
        let own = hop(None, now);
        let other = hop(Some(links[11]), now);
        assert_ne!(own, other, "the less used slot comes first");
        let used: BTreeSet<ConnId> = links[..10].iter().map(|&source| hop(Some(source), now)).collect();
        assert!(used.len() <= 4, "two slots, and a source is never sent back its own");
        assert_eq!(hop(None, now + MIN_EPOCH / 2), own);
        let epochs: BTreeSet<ConnId> = (1..40).map(|epoch| hop(None, now + MIN_EPOCH * 2 * epoch)).collect();
        assert!(epochs.len() > 4, "each epoch draws anew");
    }

    #[test]
    fn a_lost_stem_is_replaced_and_none_is_invented() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        let (links, now) = (links(2), Instant::from_micros(0));
        let mut stems = Stems::default();
        let first = stems.next_hop(now, None, links.iter().copied(), &mut rng).unwrap();
        stems.drop_link(first);
        let rest = links.iter().copied().filter(|&conn| conn != first);
        let second = stems.next_hop(now, None, rest, &mut rng).unwrap();
        assert_ne!(first, second);
        stems.drop_link(second);
        assert_eq!(stems.next_hop(now, None, core::iter::empty(), &mut rng), None);
        assert_eq!(stems.next_hop(now, Some(first), core::iter::once(first), &mut rng), None);
    }
}
