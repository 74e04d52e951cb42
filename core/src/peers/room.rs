//! Entries coming, going and changing lists, and who has to make room.

use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::carry::Trust;
use super::source::{Shares, Source, share_of};
use super::{Known, ListKind, PeerList};
use crate::rand::Lottery;
use crate::table::Handle;
use crate::time::Instant;
use crate::wire::PeerEntry;

/// One of the two lists.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) entries: Vec<Handle>,
    pub(super) shares: Shares,
    cap: usize,
}

impl Listed {
    pub(super) const fn new(cap: usize) -> Self {
        Self { entries: Vec::new(), shares: Shares::new(), cap }
    }
}

impl PeerList {
    pub(super) const fn listed(&self, list: ListKind) -> &Listed {
        match list {
            ListKind::White => &self.white,
            ListKind::Gray => &self.gray,
        }
    }

    pub(super) const fn listed_mut(&mut self, list: ListKind) -> &mut Listed {
        match list {
            ListKind::White => &mut self.white,
            ListKind::Gray => &mut self.gray,
        }
    }

    pub(super) fn is_full(&self, list: ListKind) -> bool {
        let listed = self.listed(list);
        listed.entries.len() >= listed.cap
    }

    /// Adds an entry that is not known yet.
    pub(super) fn insert(&mut self, now: Instant, info: PeerEntry, list: ListKind, source: Source) -> &mut Known {
        let addr = info.addr.clone();
        let entry = self.entries.insert(Known {
            info,
            list,
            role: None,
            source,
            also: None,
            proven: None,
            last_success: None,
            anchor: false,
            lent: false,
            checked: true,
            failures: 0,
            not_before: now,
            trust: Trust::default(),
            built_in: false,
        });
        self.by_addr.insert(addr, entry);
        let listed = self.listed_mut(list);
        listed.entries.push(entry);
        listed.shares.add(source, entry);
        self.changed = true;
        self.entries.find_mut(entry).expect("it was just put there")
    }

    pub(super) fn remove(&mut self, entry: Handle) {
        if let Some(known) = self.entries.remove(entry) {
            self.by_addr.remove(&known.info.addr);
            let listed = self.listed_mut(known.list);
            listed.entries.retain(|&other| other != entry);
            listed.shares.take(known.source, entry);
            self.changed = true;
        }
    }

    pub(super) fn relist(&mut self, entry: Handle, to: ListKind) {
        let known = &mut self.entries[entry];
        let (from, source) = (core::mem::replace(&mut known.list, to), known.source);
        let left = self.listed_mut(from);
        left.entries.retain(|&other| other != entry);
        left.shares.take(source, entry);
        let joined = self.listed_mut(to);
        joined.entries.push(entry);
        joined.shares.add(source, entry);
        self.changed = true;
    }

    /// Another source tells of a known address: it counts as told by the one of whom less is known, so that nobody makes
    /// a peer its own by telling of it first. The other is remembered.
    pub(super) fn heard_again(&mut self, now: Instant, entry: Handle, source: Source) {
        let known = &mut self.entries[entry];
        known.trust.hear(now, source);
        known.built_in = false;
        let (list, old) = (known.list, known.source);
        if old == source || old == Source::USER {
            return;
        }
        let shares = &self.listed(list).shares;
        let rarer = shares.of(source) + 1 < shares.of(old);
        let known = &mut self.entries[entry];
        if source != Source::INBOUND && (rarer || old == Source::INBOUND) {
            // a second peer that we dialled says more than one who dialled us
            if old != Source::INBOUND || known.also.is_none() {
                known.also = Some(old);
            }
            self.move_source(entry, source);
        } else if matches!(known.also, None | Some(Source::INBOUND)) {
            known.also = Some(source);
        }
    }

    fn move_source(&mut self, entry: Handle, to: Source) {
        let known = &mut self.entries[entry];
        let (list, from) = (known.list, core::mem::replace(&mut known.source, to));
        let shares = &mut self.listed_mut(list).shares;
        shares.take(from, entry);
        shares.add(to, entry);
    }

    /// Makes room for one more entry of `source`. A source that has its share replaces one of its own; in a full list the
    /// source with the most entries gives one up. Lent and named entries stay, and proven ones go last.
    pub(super) fn make_room(&mut self, list: ListKind, source: Source, rng: &mut dyn CryptoRng) -> bool {
        let listed = self.listed(list);
        let at_share = list == ListKind::Gray && listed.shares.of(source) >= share_of(listed.cap);
        if !at_share && listed.entries.len() < listed.cap {
            return true;
        }
        let lots = Lottery::draw(rng);
        let victim = if at_share {
            self.first_to_go(lots, listed.shares.entries(source).iter().copied())
        } else {
            self.first_to_go_of_the_largest(lots, &listed.shares)
        };
        let Some((entry, known)) = victim else { return false };
        match known.also.filter(|&also| at_share && listed.shares.of(also) < share_of(listed.cap)) {
            // it is somebody else's, too, and stays as that one's
            Some(also) => {
                self.move_source(entry, also);
                self.entries[entry].also = None;
                self.listed(list).entries.len() < self.listed(list).cap || self.make_room(list, source, rng)
            }
            None => {
                self.remove(entry);
                true
            }
        }
    }

    /// Which of these entries gives way first; `None` if all of them stay.
    fn first_to_go(&self, lots: Lottery, entries: impl Iterator<Item = Handle>) -> Option<(Handle, &Known)> {
        let found = entries.filter_map(|entry| Some((entry, self.entries.find(entry)?)));
        let replaceable = found.filter(|(_, known)| !known.lent && known.role.is_none() && !known.built_in);
        replaceable.min_by_key(|(entry, known)| {
            let told_once = known.also.is_none();
            (known.anchor, !told_once, known.proven.is_some(), lots.rank(entry.slot() as u64))
        })
    }

    /// The same for a whole list, of which no more is looked at than the largest sources: whoever fills it pays for that with
    /// its own entries. Anchors of any source come after all others.
    fn first_to_go_of_the_largest(&self, lots: Lottery, shares: &Shares) -> Option<(Handle, &Known)> {
        for anchors in [false, true] {
            let wanted = |entry: &Handle| self.entries.find(*entry).is_some_and(|known| known.anchor == anchors);
            let mut bound = usize::MAX;
            while let Some(count) = shares.most_below(bound) {
                let first = self.first_to_go(lots, shares.entries_of_all_with(count).filter(wanted));
                if first.is_some() {
                    return first;
                }
                bound = count;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
