//! Policy `noise`: own transactions leave in the units of a zone's noise channels, and nowhere else.

use alloc::vec::Vec;

use super::Node;
use crate::ids::{ConnId, ZoneId};
use crate::relay::noise::{Cut, MAX_UNITS, Noise, Unit};
use crate::relay::units::LocalUnits;
use crate::stash::Held;
use crate::table::Handle;
use crate::zone::route::LocalExit;

impl Node {
    /// Does what is due on the noise channels of a zone.
    pub(super) fn noise_due(&mut self, zone: ZoneId) {
        let now = self.now;
        let rolled = self.with_noise(zone, |node, noise, dropped| {
            let is_over = noise.epoch_is_over(now);
            if is_over {
                let eligible = node.eligible(zone);
                noise.roll(now, &eligible, &mut node.zones[zone.index()].rng, dropped);
            }
            is_over
        });
        if rolled == Some(true) {
            // what the links before could not be given
            self.reroute(Held::Include);
        }
        while let Some(tick) = self.noise_tick(zone) {
            let Some((link, unit)) = tick else { continue };
            self.enqueue(link, unit.bytes, unit.ends.as_slice());
            if let Some(entry) = unit.begins {
                self.stash.begun(entry, link);
            }
            if let Some(entry) = unit.asks {
                self.ask_for_link(entry, link, zone);
            }
        }
    }

    /// The next tick that is due; without a link nothing leaves on it.
    fn noise_tick(&mut self, zone: ZoneId) -> Option<Option<(ConnId, Unit)>> {
        let now = self.now;
        self.with_noise(zone, |node, noise, dropped| {
            let exit = noise.has_waiting().then(|| node.local_exit().ok()).flatten();
            let exit = exit.filter(|exit| exit.zone() == zone);
            let cut = |entry, link| {
                let Some(exit) = &exit else { return Cut::Impossible };
                if !node.stash.may_begin(entry, link) {
                    return Cut::NotYet;
                }
                let units = node.stash.leave_by(entry, exit).and_then(|blob| LocalUnits::cut(exit, blob, MAX_UNITS));
                units.map_or(Cut::Impossible, Cut::Units)
            };
            noise.pop_tick(now, cut, &mut node.zones[zone.index()].rng, dropped)
        })?
    }

    /// A channel has got another link since a transaction was given to it: the host there is a new recipient, and has to be
    /// written down, or has the transaction already. Until the next tick noise leaves, as on any other.
    fn ask_for_link(&mut self, entry: Handle, link: ConnId, zone: ZoneId) {
        if self.stash.asks(entry) {
            return;
        }
        let Some(exit) = self.local_exit().ok().filter(|exit| exit.zone() == zone) else { return };
        let links = self.choose_links(entry, &exit).unwrap_or_default();
        match links.into_iter().find(|(conn, _)| *conn == link) {
            Some(chosen) => self.expose_to(entry, &exit, &[chosen]),
            None => {
                self.with_noise(zone, |_, noise, dropped| {
                    if noise.withdraw(entry, link) {
                        dropped.push(entry);
                    }
                });
            }
        }
    }

    /// The links of a zone's channels.
    pub(super) fn noise_links(&self, zone: ZoneId) -> Vec<ConnId> {
        self.zones[zone.index()].noise.iter().flat_map(Noise::links).collect()
    }

    /// A link of a zone with noise channels is ready: those without one may take it.
    pub(super) fn noise_link_up(&mut self, zone: ZoneId) {
        let eligible = self.eligible(zone);
        let found = &mut self.zones[zone.index()];
        if let Some(noise) = &mut found.noise {
            noise.refill(&eligible, &mut found.rng);
        }
    }

    /// A link has gone: its channel takes another one, and what it was to carry finds another way.
    pub(super) fn noise_link_down(&mut self, zone: ZoneId, conn: ConnId) {
        self.with_noise(zone, |node, noise, dropped| {
            noise.drop_link(conn, dropped);
            let eligible = node.eligible(zone);
            noise.refill(&eligible, &mut node.zones[zone.index()].rng);
        });
    }

    /// Gives an own transaction to the channels on these links.
    pub(super) fn noise_local(&mut self, entry: Handle, exit: &LocalExit, links: &[ConnId]) {
        self.with_noise(exit.zone(), |node, noise, _| {
            for _ in 0..noise.queue(entry, links) {
                node.stash.carry(entry, exit.zone());
            }
        });
    }

    /// Lends the channels of a zone out, and reroutes what they do not carry any more.
    fn with_noise<R>(&mut self, zone: ZoneId, work: impl FnOnce(&mut Self, &mut Noise, &mut Vec<Handle>) -> R) -> Option<R> {
        let mut noise = self.zones[zone.index()].noise.take()?;
        let mut dropped = Vec::new();
        let result = work(self, &mut noise, &mut dropped);
        self.zones[zone.index()].noise = Some(noise);
        if !dropped.is_empty() {
            dropped.iter().for_each(|&entry| self.stash.drop_carrier(self.now, entry));
            self.reroute(Held::LeaveOut);
        }
        Some(result)
    }
}
