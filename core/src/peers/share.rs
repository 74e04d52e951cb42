//! What a zone tells others of its peers (spec: messages §3.2, connections §2).

use rand_core::CryptoRng;

use super::PeerList;
use crate::conn::SentSet;
use crate::rand;
use crate::wire::PeerEntry;

impl PeerList {
    /// Up to `max` random proven peers that are not in `sent`, in random order; they count as sent from now on.
    /// Allocates nothing once `sent` has grown to the list.
    pub fn share<'a>(
        &'a mut self,
        max: usize,
        sent: &mut SentSet,
        rng: &mut dyn CryptoRng,
    ) -> impl ExactSizeIterator<Item = &'a PeerEntry> + Clone + use<'a> {
        let mut chosen = 0;
        for next in 0..self.white.len() {
            if chosen == max {
                break;
            }
            let drawn = next + rand::index(rng, self.white.len() - next);
            self.white.swap(next, drawn);
            let entry = self.white[next];
            let proven = self.entries.find(entry).is_some_and(|known| known.proven);
            if proven && !sent.contains(entry.slot()) {
                sent.insert(entry.slot());
                self.white.swap(chosen, next);
                chosen += 1;
            }
        }
        Shared { list: self, next: 0, end: chosen }
    }
}

/// The first few entries of a white list.
#[derive(Clone, Debug)]
struct Shared<'a> {
    list: &'a PeerList,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Shared<'a> {
    type Item = &'a PeerEntry;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.end {
            return None;
        }
        let entry = self.list.white[self.next];
        self.next += 1;
        self.list.entries.find(entry).map(|known| &known.info)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl ExactSizeIterator for Shared<'_> {}
