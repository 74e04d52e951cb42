//! The rounds in which an own transaction is sent, and when each is due.

use core::time::Duration;

use rand_core::CryptoRng;

use super::Stash;
use crate::ids::TxId;
use crate::rand;
use crate::table::Handle;
use crate::time::Instant;

/// Rounds in which one transaction is sent without evidence, as in design §3.
pub(super) const MAX_ROUNDS: u8 = 4;

/// Where nothing can show that a transaction has spread, no more peers are given it once so many have surely read it
/// (design §3): each further one is a further guess for a spy, and the first two have as good a chance to be honest.
pub(super) const ENOUGH_UNCONFIRMED: usize = 2;

/// What is due for one entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Send it again.
    Round(Handle),
    /// It was dropped for its age.
    Expired(TxId),
}

impl Stash {
    /// No link could take the round that was due: tries again after a while.
    pub(crate) fn round_missed(&mut self, now: Instant, handle: Handle) {
        let next = self.entries.find(handle).map(|entry| now + entry.pauses[0]);
        self.plan(handle, next);
    }

    /// The pause between rounds doubles with each; monerod's fixed five minutes would mark the sender (spec: zones §11).
    pub(super) fn draw_pauses(&self, rng: &mut dyn CryptoRng) -> [Duration; MAX_ROUNDS as usize] {
        let (least, most) = self.limits.round_pause;
        let mut draw = |factor| rand::between(rng, least, most) * factor;
        [1, 1, 2, 4].map(&mut draw)
    }

    pub(super) fn plan(&mut self, handle: Handle, next_round: Option<Instant>) {
        let Some(entry) = self.entries.find_mut(handle) else { return };
        self.due.remove(&(entry.deadline(), handle));
        entry.next_round = next_round;
        self.due.insert((entry.deadline(), handle));
    }

    /// The transaction was given to the first of a set of links: plans the next round, unless this was the last.
    pub(super) fn round_begun(&mut self, now: Instant, handle: Handle) {
        let Some(entry) = self.entries.find_mut(handle) else { return };
        entry.rounds = entry.rounds.saturating_add(1);
        let next = entry.pauses.get(usize::from(entry.rounds)).map(|&pause| now + pause);
        self.plan(handle, next);
    }

    /// The next thing that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        loop {
            let &(at, handle) = self.due.first()?;
            if at > now {
                return None;
            }
            let entry = self.entries.find_mut(handle)?;
            if entry.expires <= now {
                let id = entry.id;
                self.remove(id);
                return Some(Due::Expired(id));
            }
            let done = self.witness.is_none() && entry.proven() >= ENOUGH_UNCONFIRMED;
            self.plan(handle, None);
            if !done {
                return Some(Due::Round(handle));
            }
        }
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|&(at, _)| at)
    }
}
