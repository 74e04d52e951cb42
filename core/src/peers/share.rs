//! What a zone tells others of its peers (spec: messages §3.2, connections §2).

use rand_core::CryptoRng;

use super::{Known, PeerList};
use crate::addr::Addr;
use crate::config::PeerRole;
use crate::conn::SentSet;
use crate::rand;
use crate::wire::PeerEntry;

impl Known {
    /// Others hear of proven peers that they can dial and may take. Not of named I2P hosts, which resolve differently
    /// for everyone and for which monerod 0.18 drops the teller, nor of local addresses, nor of peers that the user
    /// set apart.
    fn may_be_shared(&self) -> bool {
        let meant_for_all = matches!(self.role, None | Some(PeerRole::Known));
        let dialable = !matches!(&self.info.addr, Addr::I2p(host) if !host.is_b32());
        self.proven.is_some() && meant_for_all && dialable && !self.info.addr.is_local()
    }
}

impl PeerList {
    /// Up to `max` random proven peers that are not in `sent`, in random order; they count as sent from now on.
    /// Allocates nothing once `sent` has grown to the list.
    pub fn share<'a>(
        &'a mut self,
        max: usize,
        sent: &mut SentSet,
        rng: &mut dyn CryptoRng,
    ) -> impl ExactSizeIterator<Item = &'a PeerEntry> + Clone + use<'a> {
        self.share_beside(None, max, sent, rng)
    }

    /// As [`share`](Self::share), with `own` at a uniformly random place among them (spec: messages §3.3).
    pub(crate) fn share_beside<'a>(
        &'a mut self,
        own: Option<&'a PeerEntry>,
        max: usize,
        sent: &mut SentSet,
        rng: &mut dyn CryptoRng,
    ) -> impl ExactSizeIterator<Item = &'a PeerEntry> + Clone + use<'a> {
        let max = max - usize::from(own.is_some()).min(max);
        let mut chosen = 0;
        for next in 0..self.white.entries.len() {
            if chosen == max {
                break;
            }
            let drawn = next + rand::index(rng, self.white.entries.len() - next);
            self.white.entries.swap(next, drawn);
            let entry = self.white.entries[next];
            if self.entries.find(entry).is_some_and(Known::may_be_shared) && !sent.contains(entry.slot()) {
                sent.insert(entry.slot());
                self.white.entries.swap(chosen, next);
                chosen += 1;
            }
        }
        let own = own.map(|own| (rand::index(rng, chosen + 1), own));
        Shared { list: self, next: 0, end: chosen, own }
    }
}

/// The first few entries of a white list, and perhaps one more before that of some index.
#[derive(Clone, Debug)]
struct Shared<'a> {
    list: &'a PeerList,
    next: usize,
    end: usize,
    own: Option<(usize, &'a PeerEntry)>,
}

impl<'a> Iterator for Shared<'a> {
    type Item = &'a PeerEntry;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((_, own)) = self.own.take_if(|(place, _)| *place == self.next) {
            return Some(own);
        }
        if self.next == self.end {
            return None;
        }
        let entry = self.list.white.entries[self.next];
        self.next += 1;
        self.list.entries.find(entry).map(|known| &known.info)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next + usize::from(self.own.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for Shared<'_> {}
