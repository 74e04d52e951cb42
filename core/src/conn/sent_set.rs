//! Which peer-list places were already shared with one link (spec: messages §3.2 `sent_addresses`).

use alloc::vec::Vec;

/// A bit for each place of the zone's peer list; grows to the places in use, one bit each.
#[derive(Debug, Default)]
pub struct SentSet(Vec<u64>);

impl SentSet {
    /// Marks a place; `false` if it was marked before.
    pub(crate) fn insert(&mut self, place: usize) -> bool {
        let (word, bit) = (place / 64, 1u64 << (place % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }

    pub(crate) fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word & (1 << (place % 64)) != 0)
    }
}
