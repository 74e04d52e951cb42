//! Short streams that are no links: checks of hearsay (spec: connections §6) and visits to seeds (§5).

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::addr::Addr;
use crate::conn::Purpose;
use crate::error::CloseReason;
use crate::rand;
use crate::time::Instant;

/// From one check to the next, in each zone for itself.
const CHECK_INTERVAL: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(100));

/// No seed is asked before this: what an earlier run stored comes first.
const FIRST_SEED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3));

/// The pause after a seed was asked, doubled each time, and the most that it is doubled.
const SEED_PAUSE: Duration = Duration::from_secs(20);
const SEED_DOUBLINGS: u32 = 7;

/// What a zone does beside its links: at most one check and one seed at a time.
#[derive(Debug)]
pub(crate) struct Errands {
    seeds: Vec<Addr>,
    turn: usize,
    /// Visits since one was of use.
    visits: u32,
    seeds_rest_until: Instant,
    seed_asked: bool,
    checks: u32,
    /// Peers that dialled us and are pinged.
    pub(crate) pings: u32,
    next_check: Option<Instant>,
}

impl Errands {
    pub(crate) fn new(now: Instant, seeds: Vec<Addr>, rng: &mut dyn CryptoRng) -> Self {
        let turn = rand::index(rng, seeds.len());
        let seeds_rest_until = if seeds.is_empty() { now } else { now + rand::between(rng, FIRST_SEED.0, FIRST_SEED.1) };
        Self { seeds, turn, visits: 0, seeds_rest_until, seed_asked: false, checks: 0, pings: 0, next_check: None }
    }

    /// The next seed that is not `linked`; else when to ask again, if ever.
    pub(crate) fn next_seed(&mut self, now: Instant, linked: impl Fn(&Addr) -> bool) -> Result<Addr, Option<Instant>> {
        if self.seed_asked || self.seeds.iter().all(&linked) {
            return Err(None);
        }
        if self.seeds_rest_until > now {
            return Err(Some(self.seeds_rest_until));
        }
        loop {
            let seed = &self.seeds[self.turn % self.seeds.len()];
            self.turn = (self.turn + 1) % self.seeds.len();
            if !linked(seed) {
                return Ok(seed.clone());
            }
        }
    }

    pub(crate) const fn began(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Link | Purpose::Courier => {}
            Purpose::Check => self.checks += 1,
            Purpose::Seed => self.seed_asked = true,
            Purpose::Ping { .. } => self.pings += 1,
        }
    }

    /// A stream has ended. A proxy that was down was no visit.
    pub(crate) fn ended(&mut self, now: Instant, purpose: Purpose, reason: CloseReason, rng: &mut dyn CryptoRng) {
        match purpose {
            Purpose::Link | Purpose::Courier => {}
            Purpose::Check => self.checks -= 1,
            Purpose::Ping { .. } => self.pings -= 1,
            Purpose::Seed => {
                self.seed_asked = false;
                if !matches!(reason, CloseReason::Dial(why) if why.blames_proxy()) {
                    let middle = SEED_PAUSE * (1 << self.visits.min(SEED_DOUBLINGS));
                    self.seeds_rest_until = now + rand::between(rng, middle / 2, middle * 3 / 2);
                    self.visits = self.visits.saturating_add(1);
                }
            }
        }
    }

    /// A link is up: the next time that there is none, seeds are asked at once.
    pub(crate) const fn of_use(&mut self) {
        self.visits = 0;
    }

    pub(crate) const fn is_free(&self) -> bool {
        self.checks == 0
    }

    pub(crate) fn plan_check(&mut self, now: Instant, rng: &mut dyn CryptoRng) {
        if self.next_check.is_none() {
            self.next_check = Some(now + rand::between(rng, CHECK_INTERVAL.0, CHECK_INTERVAL.1));
        }
    }

    pub(crate) const fn next_check(&self) -> Option<Instant> {
        self.next_check
    }

    /// Whether it is time for a check, which is so once.
    pub(crate) fn check_is_due(&mut self, now: Instant) -> bool {
        self.next_check.take_if(|at| *at <= now).is_some()
    }

    /// Plans nothing more.
    pub(crate) fn stop(&mut self) {
        self.next_check = None;
    }
}

#[cfg(test)]
mod tests;
