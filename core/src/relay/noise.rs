//! monerod's noise channels: on each of two outgoing links a unit of one size leaves every 10 to 15 seconds, whether or not
//! there is anything to send (spec: dandelion-noise §6).
//!
//! The ticks, the links and the epochs are drawn without a look at what waits. Unlike monerod's, the channels never share
//! a link, give up a link that a new epoch takes away, and begin a message only if it can end within the epoch.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use rand_core::CryptoRng;

use super::units::{LocalUnits, dummy};
use crate::ids::{ConnId, ZoneId};
use crate::rand;
use crate::table::Handle;
use crate::time::Instant;

const CHANNELS: usize = 2;

/// Between two ticks of one channel.
const TICK: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(15));

/// How long the channels keep their links.
const EPOCH: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(330));

/// Units in one message: as many as surely leave within one epoch.
pub(crate) const MAX_UNITS: usize = 20;

/// The largest transaction that a message of [`MAX_UNITS`] holds, in bytes.
pub(crate) const MAX_NOISE_TX: usize = 60_703;

/// What there is of an own transaction for one link.
#[derive(Debug)]
pub(crate) enum Cut {
    Units(LocalUnits),
    /// It may not begin on this link yet: noise leaves.
    NotYet,
    /// It does not leave by these channels.
    Impossible,
}

/// What leaves on a tick.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) bytes: Bytes,
    /// A transaction that would have begun, but may not yet.
    pub(crate) asks: Option<Handle>,
    /// The transaction whose first unit this is.
    pub(crate) begins: Option<Handle>,
    /// The transaction whose last unit this is.
    pub(crate) ends: Option<Handle>,
}

#[derive(Debug)]
struct Channel {
    link: Option<ConnId>,
    tick: Instant,
    waiting: VecDeque<Handle>,
    sending: Option<(Handle, LocalUnits)>,
}

impl Channel {
    /// Gives the channel a link, be it the one that it had: what was half sent starts over, as to go on elsewhere would show
    /// that it was no noise. Without a link nothing stays; what waited is added to `dropped`.
    fn assign(&mut self, link: Option<ConnId>, dropped: &mut Vec<Handle>) {
        if let Some((entry, _)) = self.sending.take() {
            self.waiting.push_front(entry);
        }
        self.link = link;
        if link.is_none() {
            dropped.extend(self.waiting.drain(..));
        }
    }

    fn holds(&self, entry: Handle) -> bool {
        self.waiting.contains(&entry) || self.sending.as_ref().is_some_and(|(sending, _)| *sending == entry)
    }
}

/// The channels of one zone.
#[derive(Debug)]
pub(crate) struct Noise {
    zone: ZoneId,
    channels: [Channel; CHANNELS],
    epoch_ends: Instant,
    dummy: Bytes,
}

impl Noise {
    /// Channels without links, whose first epoch begins at `now` and whose first ticks are not aligned.
    pub(crate) fn new(now: Instant, zone: ZoneId, rng: &mut dyn CryptoRng) -> Self {
        let mut channel = || {
            let tick = now + rand::between(rng, TICK.0, TICK.1);
            Channel { link: None, tick, waiting: VecDeque::new(), sending: None }
        };
        Self { zone, channels: [channel(), channel()], epoch_ends: now, dummy: dummy() }
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Instant {
        self.channels.iter().map(|channel| channel.tick).fold(self.epoch_ends, Instant::min)
    }

    /// Whether it is time to [`roll`](Self::roll).
    pub(crate) fn epoch_is_over(&self, now: Instant) -> bool {
        self.epoch_ends <= now
    }

    /// Begins an epoch if one is over: every channel gets a link of `eligible`, or none, each another one. Adds to `dropped`
    /// what no channel will carry for lack of a link.
    pub(crate) fn roll(&mut self, now: Instant, eligible: &[ConnId], rng: &mut dyn CryptoRng, dropped: &mut Vec<Handle>) {
        if !self.epoch_is_over(now) {
            return;
        }
        self.epoch_ends = now + rand::between(rng, EPOCH.0, EPOCH.1);
        let mut free: Vec<ConnId> = eligible.to_vec();
        for channel in &mut self.channels {
            let link = (!free.is_empty()).then(|| free.swap_remove(rand::index(rng, free.len())));
            channel.assign(link, dropped);
        }
    }

    /// Gives links of `eligible` that no channel has to channels without one.
    pub(crate) fn refill(&mut self, eligible: &[ConnId], rng: &mut dyn CryptoRng) {
        for place in 0..CHANNELS {
            if self.channels[place].link.is_some() {
                continue;
            }
            let taken = |conn: &&ConnId| self.channels.iter().any(|channel| channel.link == Some(**conn));
            let free: Vec<ConnId> = eligible.iter().filter(|conn| !taken(conn)).copied().collect();
            if !free.is_empty() {
                self.channels[place].link = Some(free[rand::index(rng, free.len())]);
            }
        }
    }

    /// Forgets a link that has gone. Adds to `dropped` what its channel was to carry.
    pub(crate) fn drop_link(&mut self, conn: ConnId, dropped: &mut Vec<Handle>) {
        for channel in self.channels.iter_mut().filter(|channel| channel.link == Some(conn)) {
            channel.assign(None, dropped);
        }
    }

    /// The links that channels have now.
    pub(crate) fn links(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.channels.iter().filter_map(|channel| channel.link)
    }

    /// Lets the channels on these links carry a transaction; says how many more do now.
    pub(crate) fn queue(&mut self, entry: Handle, links: &[ConnId]) -> usize {
        let mut added = 0;
        let is_meant = |channel: &&mut Channel| channel.link.is_some_and(|link| links.contains(&link));
        for channel in self.channels.iter_mut().filter(is_meant).filter(|channel| !channel.holds(entry)) {
            channel.waiting.push_back(entry);
            added += 1;
        }
        added
    }

    /// Takes back a transaction that waits for a link and has not begun there; `false` if it does not.
    pub(crate) fn withdraw(&mut self, entry: Handle, link: ConnId) -> bool {
        let mut waiting =
            self.channels.iter_mut().filter(|channel| channel.link == Some(link)).map(|channel| &mut channel.waiting);
        let Some(waiting) = waiting.find(|waiting| waiting.contains(&entry)) else { return false };
        waiting.retain(|other| *other != entry);
        true
    }

    /// Whether something waits to be begun.
    pub(crate) fn has_waiting(&self) -> bool {
        self.channels.iter().any(|channel| !channel.waiting.is_empty())
    }

    /// Takes the tick that is due, with its channel's link and what leaves on it; without a link nothing leaves. `cut` cuts
    /// an own transaction that is to begin on a link; one that it cannot cut is added to `dropped`.
    pub(crate) fn pop_tick(
        &mut self,
        now: Instant,
        cut: impl Fn(Handle, ConnId) -> Cut,
        rng: &mut dyn CryptoRng,
        dropped: &mut Vec<Handle>,
    ) -> Option<Option<(ConnId, Unit)>> {
        let channel = self.channels.iter_mut().filter(|channel| channel.tick <= now).min_by_key(|channel| channel.tick)?;
        // from the last tick on, not from now, unless the embedder was late by a whole period
        let next = channel.tick + rand::between(rng, TICK.0, TICK.1);
        channel.tick = if next > now { next } else { now + rand::between(rng, TICK.0, TICK.1) };
        let Some(link) = channel.link else { return Some(None) };
        let (mut asks, mut begins) = (None, None);
        while channel.sending.is_none() {
            let Some(&entry) = channel.waiting.front() else { break };
            let units = match cut(entry, link) {
                Cut::Units(units) => units,
                Cut::NotYet => {
                    asks = Some(entry);
                    break;
                }
                Cut::Impossible => {
                    channel.waiting.pop_front();
                    dropped.push(entry);
                    continue;
                }
            };
            if now + TICK.1 * (units.count() - 1) >= self.epoch_ends {
                break;
            }
            channel.waiting.pop_front();
            channel.sending = Some((entry, units));
            begins = Some(entry);
        }
        let (zone, sending) = (self.zone, channel.sending.as_mut());
        let next = sending.and_then(|(entry, units)| Some((*entry, units.next(zone)?, units.count() == 0)));
        let unit = match next {
            Some((entry, bytes, ends)) => Unit { bytes, asks, begins, ends: ends.then_some(entry) },
            None => Unit { bytes: self.dummy.clone(), asks, begins, ends: None },
        };
        if unit.ends.is_some() {
            channel.sending = None;
        }
        Some(Some((link, unit)))
    }
}

#[cfg(test)]
mod tests;
