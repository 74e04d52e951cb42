//! Faults by host, for a day.

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use super::Banned;
use crate::time::Instant;

/// A host whose faults count more than this is banned, and starts over at the second number (spec: connections §8).
const MOST: u8 = 10;
const AFTER: u8 = 5;

/// Faults are forgotten when there was none for so long: everybody makes one now and then.
const FORGIVEN: Duration = Duration::from_secs(24 * 3_600);

/// Hosts with faults that are remembered; a further one takes the place of the one that is there longest.
pub(super) const HOSTS: usize = 4_096;

#[derive(Debug)]
pub(super) struct Scores {
    by_host: BTreeMap<Banned, (u8, Instant)>,
    /// All of them, in the order in which they came.
    by_age: VecDeque<Banned>,
}

impl Scores {
    pub(super) const fn new() -> Self {
        Self { by_host: BTreeMap::new(), by_age: VecDeque::new() }
    }

    /// Adds to the score of a host; says whether that is too much.
    pub(super) fn add(&mut self, now: Instant, host: &Banned, points: u8) -> bool {
        if points == 0 {
            return false;
        }
        if !self.by_host.contains_key(host) {
            if self.by_age.len() >= HOSTS {
                self.by_age.pop_front().map(|oldest| self.by_host.remove(&oldest));
            }
            self.by_age.push_back(host.clone());
        }
        let (score, last) = self.by_host.entry(host.clone()).or_insert((0, now));
        let before = if now.saturating_since(*last) < FORGIVEN { *score } else { 0 };
        (*score, *last) = (before.saturating_add(points), now);
        let guilty = *score > MOST;
        if guilty {
            *score = AFTER;
        }
        guilty
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.by_host.len(), self.by_age.len())
    }
}
