//! Whom a transaction is let go to, and that it is written down before.

use alloc::vec::Vec;

use super::entry::Entry;
use super::uses::{MAX_USES, RecipientTag, Standing, Use, Uses};
use super::{Exposure, Stash, StashState};
use crate::config::Durability;
use crate::ids::{ConnId, TxId, ZoneId};
use crate::table::Handle;
use crate::time::Instant;
use crate::zone::route::Why;

impl Stash {
    /// A transaction that may have left in an earlier run: it stays back until a round of its own.
    pub(crate) fn resume(&mut self, now: Instant, handle: Handle, exposure: Exposure, uses: Vec<Use>) {
        if let Some(entry) = self.entries.find_mut(handle) {
            uses.iter().for_each(|used| self.recent.add(*used));
            (entry.exposure, entry.recorded, entry.waits) = (exposure, true, true);
            entry.uses = Uses::restored(uses);
            entry.state = StashState::Held(Why::Resumed);
        }
        self.round_missed(now, handle);
    }

    pub(crate) fn exposure(&self, handle: Handle) -> Exposure {
        self.entries.find(handle).map_or(Exposure::Nobody, |entry| entry.exposure)
    }

    /// Lets a transaction go to the hosts that are reached by `links`, or to peers that need no naming, of `zone`; `false`
    /// if that has to be written down first. Hosts that have it, and those past [`MAX_USES`], are left out.
    pub(crate) fn expose(
        &mut self,
        now: Instant,
        handle: Handle,
        exposure: Exposure,
        zone: ZoneId,
        links: &[(ConnId, RecipientTag)],
        durability: Durability,
    ) -> bool {
        let Some(entry) = self.entries.find_mut(handle) else { return false };
        entry.recorded &= entry.exposure == exposure;
        entry.exposure = exposure;
        entry.chosen.clear();
        for &(conn, tag) in links {
            if entry.uses.choose(now, tag, conn) {
                entry.chosen.push(conn);
                self.recent.add(Use::new(tag, now));
            }
        }
        if durability == Durability::Memory {
            entry.uses.record(MAX_USES);
            entry.recorded = true;
        }
        entry.waits = !(entry.recorded && entry.uses.are_recorded());
        if entry.waits && entry.recipients.is_empty() {
            entry.state = StashState::Queued(zone);
        }
        !entry.waits
    }

    /// The exposure of a transaction, and the first `uses` of its uses, were written down; its handle, if it waited for
    /// that, and now for no more.
    pub(crate) fn record(&mut self, id: TxId, uses: usize) -> Option<Handle> {
        let handle = *self.by_id.get(&id)?;
        let entry = self.entries.find_mut(handle)?;
        entry.recorded = true;
        entry.uses.record(uses);
        if !entry.asks() || !entry.uses.are_recorded() {
            return None;
        }
        entry.waits = false;
        Some(handle)
    }

    /// The hosts that may have a transaction, in the order in which they were chosen.
    pub(crate) fn uses(&self, id: TxId) -> impl Iterator<Item = Use> + '_ {
        let entry = self.by_id.get(&id).and_then(|&handle| self.entries.find(handle));
        entry.into_iter().flat_map(|entry| entry.uses.iter())
    }

    /// Whether a transaction may go to a host.
    pub(crate) fn standing(&self, handle: Handle, tag: RecipientTag) -> Standing {
        self.entries.find(handle).map_or(Standing::Used, |entry| entry.uses.standing(tag))
    }

    /// The links that were chosen for a transaction, once.
    pub(crate) fn take_chosen(&mut self, handle: Handle) -> Vec<ConnId> {
        self.entries.find_mut(handle).map(|entry| core::mem::take(&mut entry.chosen)).unwrap_or_default()
    }

    /// Whether a transaction waits for the embedder to write down that it may leave.
    pub(crate) fn asks(&self, handle: Handle) -> bool {
        self.entries.find(handle).is_some_and(Entry::asks)
    }

    /// Whether a transaction may begin on a link: the host was chosen on it, and that is written down.
    pub(crate) fn may_begin(&self, handle: Handle, conn: ConnId) -> bool {
        self.entries.find(handle).is_some_and(|entry| entry.uses.are_recorded() && entry.uses.are_chosen_on(conn))
    }

    /// The transaction, or its first part, was queued for a link.
    pub(crate) fn begun(&mut self, handle: Handle, conn: ConnId) {
        if let Some(entry) = self.entries.find_mut(handle) {
            entry.uses.begin(conn);
        }
    }

    /// When a host that was chosen for any own transaction within the last day was chosen last.
    pub(crate) fn last_use(&self, now: Instant, tag: RecipientTag) -> Option<Instant> {
        self.recent.last(now, tag)
    }
}
