//! Couriers: short streams that leave on a clock of their own, whether or not there is anything to send (design §3).
//!
//! When one leaves, where to, how large it is and how it moves are drawn without a look at what waits. A transaction that
//! is due rides if its courier's target is fit for it; else the courier is empty, and nobody but the target can tell.

mod cargo;
mod flight;

use core::time::Duration;

use rand_core::CryptoRng;

pub(crate) use self::cargo::Cargo;
pub(crate) use self::flight::{Flight, Step};
use crate::config::CourierConfig;
use crate::rand;
use crate::time::Instant;

/// Bytes that are read of a target, handshake answer included; what comes after them is left unread.
pub(crate) const READ_AT_MOST: usize = 64 << 10;

/// Couriers of one zone under way at once: a courier whose turn comes while so many are is left out.
pub(crate) const FLYING_AT_MOST: u32 = 16;

/// How many records a courier has. A transaction rides in the smallest that holds it, or in a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SizeClass {
    Small,
    Medium,
    Large,
}

impl SizeClass {
    pub(crate) const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    pub(crate) const fn records(self) -> u32 {
        match self {
            Self::Small => 4,
            Self::Medium => 16,
            Self::Large => 64,
        }
    }

    /// The largest transaction, in bytes, that surely fits.
    pub(crate) const fn capacity(self) -> usize {
        // what a record holds beside its header, and what a message takes beside the transaction
        const RECORD: usize = 3_039;
        const MESSAGE: usize = 77;
        self.records() as usize * RECORD - MESSAGE
    }
}

/// The clocks of one zone's couriers.
#[derive(Debug)]
pub(crate) struct Couriers {
    every: [Duration; 3],
    next: [Option<Instant>; 3],
    /// Couriers that were sent out, and those of them whose handshake was answered.
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    /// Peers that may carry, when that was last counted.
    pub(crate) carriers: u32,
}

impl Couriers {
    pub(crate) fn new(now: Instant, config: &CourierConfig, rng: &mut dyn CryptoRng) -> Self {
        let next = config.every.map(|every| (!every.is_zero()).then(|| now + rand::exponential(rng, every)));
        Self { every: config.every, next, sent: 0, answered: 0, carriers: 0 }
    }

    /// When the next one leaves.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.next.into_iter().flatten().min()
    }

    /// The largest transaction that some courier of this zone holds, in bytes.
    pub(crate) fn largest(&self) -> usize {
        let flies = |class: &SizeClass| !self.every[*class as usize].is_zero();
        SizeClass::ALL.into_iter().filter(flies).map(SizeClass::capacity).max().unwrap_or(0)
    }

    /// Sends out no more, so nobody carries: a transaction whose round comes is not to wait for a courier.
    pub(crate) const fn stop(&mut self) {
        (self.next, self.carriers) = ([None; 3], 0);
    }

    pub(crate) fn report(&self, flying: u32) -> CourierReport {
        let Self { sent, answered, carriers, .. } = *self;
        CourierReport { next: self.next_due(), flying, sent, answered, carriers }
    }

    /// Takes the turn that is due. Turns that the embedder slept through are left out, or they would all come at once.
    pub(crate) fn pop_due(&mut self, now: Instant, rng: &mut dyn CryptoRng) -> Option<SizeClass> {
        let due = |class: &SizeClass| self.next[*class as usize].filter(|at| *at <= now);
        let class = SizeClass::ALL.into_iter().filter(|class| due(class).is_some()).min_by_key(due)?;
        let pause = rand::exponential(rng, self.every[class as usize]);
        let next = due(&class).unwrap_or(now) + pause;
        self.next[class as usize] = Some(if next > now { next } else { now + pause });
        Some(class)
    }
}

/// What [`Node::zones`](crate::Node::zones) says of a zone's couriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CourierReport {
    /// When the next one leaves, whether or not there is anything to send.
    pub next: Option<Instant>,
    /// Couriers under way.
    pub flying: u32,
    /// Couriers sent out so far, and those of them whose handshake was answered.
    pub sent: u64,
    /// See [`sent`](Self::sent).
    pub answered: u64,
    /// Peers that may carry an own transaction.
    pub carriers: u32,
}

#[cfg(test)]
mod tests;
