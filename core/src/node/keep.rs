//! What outlives a run, other than own transactions.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Node, Stopping};
use crate::bans::Bans;
use crate::output::Event;
use crate::peers::Stored;
use crate::rand;
use crate::snapshot::{self, DocumentVersion, Restored, Snapshot};
use crate::time::Instant;

/// From a change to the document that has it: what is lost without it is minutes of gossip.
const PAUSE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(300));

/// Stored peers of zones that are not configured: as many as the lists of the two other zones hold.
const ZONES_ELSEWHERE: usize = 2;

/// When documents are due, and what they held that has no place now.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    due: Option<Instant>,
    /// Stored peers of zones that are not configured, as they were found.
    elsewhere: Vec<Vec<u8>>,
}

impl Keeper {
    pub(super) const fn next_due(&self) -> Option<Instant> {
        self.due
    }
}

impl Node {
    /// Appends a document for [`restore`](Self::restore). Store it where nobody else reads: it names peers.
    pub fn snapshot(&self, kind: Snapshot, into: &mut Vec<u8>) {
        snapshot::begin(kind, into);
        match kind {
            Snapshot::Peers => {
                for zone in &self.zones {
                    zone.peers.store(into);
                }
                for entry in &self.keeper.elsewhere {
                    snapshot::write_raw(into, entry);
                }
            }
            Snapshot::Bans => self.bans.store(into),
        }
    }

    /// Takes in what an earlier run stored; do so right after [`Node::new`], before anything is dialled at random. A bad entry
    /// costs itself, and nothing here is fatal. Entries of zones that are not configured now are kept for a later run.
    pub fn restore(&mut self, now: Instant, kind: Snapshot, bytes: &[u8]) -> Restored {
        self.advance(now);
        let (version, entries) = snapshot::open(kind, bytes);
        let mut restored = Restored { kept: 0, dropped: 0, version };
        if version != DocumentVersion::Current {
            return restored;
        }
        for entry in entries {
            let taken = match kind {
                Snapshot::Peers => entry.is_some_and(|entry| self.restore_peer(entry)),
                Snapshot::Bans => entry.is_some_and(|entry| self.restore_ban(entry)),
            };
            restored.kept += usize::from(taken);
            restored.dropped += usize::from(!taken);
        }
        for index in 0..self.zones.len() {
            // it is no news that these are worth keeping
            self.zones[index].peers.take_changed();
            let zone = self.zones[index].id;
            self.fill(zone);
        }
        restored
    }

    /// Takes in a ban, unless it has ended meanwhile.
    fn restore_ban(&mut self, entry: &[u8]) -> bool {
        let Some((who, until)) = Bans::decode(entry) else { return false };
        until <= self.now || self.impose(who, Some(until)).is_ok()
    }

    fn restore_peer(&mut self, entry: &[u8]) -> bool {
        let Some(stored) = Stored::decode(entry) else { return false };
        if self.bans.cover(self.now, &stored.addr) {
            return true;
        }
        match self.zones.iter_mut().find(|zone| zone.kind == stored.addr.zone()) {
            Some(zone) => zone.peers.restore(self.now, stored),
            None => {
                let room = self.keeper.elsewhere.len() < ZONES_ELSEWHERE * (self.limits.white + self.limits.gray);
                if room {
                    self.keeper.elsewhere.push(entry.to_vec());
                }
                room
            }
        }
    }

    /// Notices changes that are worth keeping, and plans the document that will have them.
    pub(super) fn plan_snapshots(&mut self) {
        let mut changed = self.bans.take_changed();
        for zone in &mut self.zones {
            changed |= zone.peers.take_changed();
        }
        if changed && self.keeper.due.is_none() && self.stopping == Stopping::No {
            self.keeper.due = Some(self.now + rand::between(&mut *self.rng, PAUSE.0, PAUSE.1));
        }
    }

    /// Asks for the documents that are due.
    pub(super) fn ask_for_snapshots(&mut self) {
        if self.keeper.due.take_if(|due| *due <= self.now).is_some() {
            self.outbox.event(Event::SnapshotDue(Snapshot::Peers));
            self.outbox.event(Event::SnapshotDue(Snapshot::Bans));
        }
    }

    /// Asks for every document a last time.
    pub(super) fn last_snapshots(&mut self) {
        self.keeper.due = None;
        self.outbox.event(Event::SnapshotDue(Snapshot::Bans));
        self.outbox.event(Event::SnapshotDue(Snapshot::Peers));
    }
}
