//! Policy `noise`: own transactions leave in the units of a zone's noise channels, and nowhere else.

use alloc::vec::Vec;

use super::Node;
use crate::ids::{ConnId, ZoneId};
use crate::relay::noise::{MAX_NOISE_TX, MAX_UNITS, Noise, Unit};
use crate::relay::units::LocalUnits;
use crate::stash::Held;
use crate::table::Handle;
use crate::zone::route::{LocalExit, Why};

impl Node {
    /// The most bytes that an own transaction may have, if some zone's policy sets a limit.
    pub(super) fn largest_local(&self) -> Option<usize> {
        self.zones.iter().any(|zone| zone.noise.is_some()).then_some(MAX_NOISE_TX)
    }

    /// Does what is due on the noise channels of a zone.
    pub(super) fn noise_due(&mut self, zone: ZoneId) {
        let now = self.now;
        self.with_noise(zone, |node, noise, dropped| {
            if noise.epoch_is_over(now) {
                let eligible = node.eligible(zone);
                noise.roll(now, &eligible, &mut *node.rng, dropped);
            }
        });
        while let Some(tick) = self.noise_tick(zone) {
            if let Some((link, unit)) = tick {
                self.enqueue(link, unit.bytes, unit.ends.as_slice());
            }
        }
    }

    /// The next tick that is due; without a link nothing leaves on it.
    fn noise_tick(&mut self, zone: ZoneId) -> Option<Option<(ConnId, Unit)>> {
        let now = self.now;
        self.with_noise(zone, |node, noise, dropped| {
            let exit = noise.has_waiting().then(|| node.local_exit().ok()).flatten();
            let exit = exit.filter(|exit| exit.zone() == zone);
            let cut = |entry| {
                let exit = exit.as_ref()?;
                LocalUnits::cut(exit, node.stash.leave_by(entry, exit)?, MAX_UNITS)
            };
            noise.pop_tick(now, cut, &mut *node.rng, dropped)
        })?
    }

    /// A link of a zone with noise channels is ready: those without one may take it.
    pub(super) fn noise_link_up(&mut self, zone: ZoneId) {
        let eligible = self.eligible(zone);
        if let Some(noise) = &mut self.zones[zone.index()].noise {
            noise.refill(&eligible, &mut *self.rng);
        }
    }

    /// A link has gone: its channel takes another one, and what it was to carry finds another way.
    pub(super) fn noise_link_down(&mut self, zone: ZoneId, conn: ConnId) {
        self.with_noise(zone, |node, noise, dropped| {
            noise.drop_link(conn, dropped);
            noise.refill(&node.eligible(zone), &mut *node.rng);
        });
    }

    /// Gives an own transaction to the channels of the zone that `exit` names.
    pub(super) fn noise_local(&mut self, entry: Handle, exit: &LocalExit) {
        if self.stash.leave_by(entry, exit).is_some_and(|blob| blob.len() > MAX_NOISE_TX) {
            return self.hold(entry, Why::TooLargeForNoise, super::send::Announce::Changes);
        }
        let Some(noise) = &mut self.zones[exit.zone().index()].noise else { return };
        let added = noise.queue(entry);
        for _ in 0..added {
            self.stash.carry(entry, exit.zone());
        }
        if added == 0 && self.stash.is_stranded(entry) {
            self.hold(entry, Why::NoPeer, super::send::Announce::Changes);
        }
    }

    /// Lends the channels of a zone out, and reroutes what they do not carry any more.
    fn with_noise<R>(&mut self, zone: ZoneId, work: impl FnOnce(&mut Self, &mut Noise, &mut Vec<Handle>) -> R) -> Option<R> {
        let mut noise = self.zones[zone.index()].noise.take()?;
        let mut dropped = Vec::new();
        let result = work(self, &mut noise, &mut dropped);
        self.zones[zone.index()].noise = Some(noise);
        if !dropped.is_empty() {
            dropped.iter().for_each(|&entry| self.stash.drop_carrier(entry));
            self.reroute(Held::LeaveOut);
        }
        Some(result)
    }
}
