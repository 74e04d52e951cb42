//! Hosts that this node has nothing to do with, and the faults that lead there (spec: connections §8).

mod keep;
mod scores;
mod who;

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use thiserror::Error;

use self::scores::Scores;
pub use self::who::{Banned, BannedError, RevealedBan};
use crate::addr::Addr;
use crate::error::CloseReason;
use crate::time::Instant;

/// How long a host is banned for its faults.
const SENTENCE: Duration = Duration::from_secs(24 * 3_600);

/// Faults of peers bring about bans up to one in so many of the places: the others are the user's.
const FOR_FAULTS: usize = 2;

/// There are as many bans as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there are {0} bans already: lift some, or ban whole subnets")]
pub struct BansFull(pub usize);

/// One ban, as [`Node::bans`](crate::Node::bans) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanReport {
    /// Who is banned.
    pub who: Banned,
    /// When it ends; `None`: never.
    pub until: Option<Instant>,
}

/// Everything banned, and the scores of hosts that may be. Bounded by the caps that it was made with.
#[derive(Debug)]
pub(crate) struct Bans {
    most: usize,
    ends: BTreeMap<Banned, Option<Instant>>,
    by_end: BTreeSet<(Instant, Banned)>,
    /// How many bans there are of each sort, as one look-up is needed for each.
    sorts: BTreeMap<who::Sort, usize>,
    scores: Scores,
    changed: bool,
}

impl Bans {
    /// None, and never more than `most`.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            most,
            ends: BTreeMap::new(),
            by_end: BTreeSet::new(),
            sorts: BTreeMap::new(),
            scores: Scores::new(),
            changed: false,
        }
    }

    /// Bans somebody until `until`, or for ever; a ban that is there gets the new end.
    pub(crate) fn ban(&mut self, now: Instant, who: Banned, until: Option<Instant>) -> Result<(), BansFull> {
        self.expire(now);
        self.lift(&who);
        if self.ends.len() >= self.most {
            return Err(BansFull(self.ends.len()));
        }
        if let Some(until) = until {
            self.by_end.insert((until, who.clone()));
        }
        *self.sorts.entry(who.sort()).or_default() += 1;
        self.ends.insert(who, until);
        self.changed = true;
        Ok(())
    }

    /// Lifts a ban; `false` if there is none.
    pub(crate) fn lift(&mut self, who: &Banned) -> bool {
        let Some(until) = self.ends.remove(who) else { return false };
        if let Some(until) = until {
            self.by_end.remove(&(until, who.clone()));
        }
        if let Some(count) = self.sorts.get_mut(&who.sort()) {
            *count -= 1;
            if *count == 0 {
                self.sorts.remove(&who.sort());
            }
        }
        self.changed = true;
        true
    }

    /// Forgets what has ended.
    fn expire(&mut self, now: Instant) {
        while let Some((_, who)) = self.by_end.first().filter(|(until, _)| *until <= now).cloned() {
            self.lift(&who);
        }
    }

    /// Whether an address is banned. One look-up for each length of subnet in use.
    pub(crate) fn cover(&self, now: Instant, addr: &Addr) -> bool {
        let bans = self.sorts.keys().filter_map(|&sort| self.ends.get(&Banned::of_sort(addr, sort)?));
        bans.into_iter().any(|until| until.is_none_or(|until| until > now))
    }

    /// Books the fault for which a link to `addr` ended. Answers with whom to ban for that, and until when; half of the
    /// places are kept for the user's bans.
    pub(crate) fn blame(&mut self, now: Instant, addr: &Addr, reason: &CloseReason) -> Option<(Banned, Instant)> {
        let host = Banned::host(addr);
        let guilty = self.scores.add(now, &host, points(reason));
        (guilty && self.ends.len() < self.most / FOR_FAULTS).then(|| (host, now + SENTENCE))
    }

    /// What is banned at `now`.
    pub(crate) fn reports(&self, now: Instant) -> impl Iterator<Item = BanReport> + '_ {
        let live = self.ends.iter().filter(move |(_, until)| until.is_none_or(|until| until > now));
        live.map(|(who, until)| BanReport { who: who.clone(), until: *until })
    }

    /// Says, once, that something has changed.
    pub(crate) fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }
}

/// What one fault counts. Whoever cannot help it, as it is slow, busy or another network's, counts nothing.
const fn points(reason: &CloseReason) -> u8 {
    match reason {
        CloseReason::Frame(_)
        | CloseReason::Message { .. }
        | CloseReason::WrongNetwork
        | CloseReason::BeforeHandshake(_)
        | CloseReason::HandshakeOutOfTurn
        | CloseReason::Unasked(_)
        | CloseReason::InvalidTx => 1,
        CloseReason::Flood | CloseReason::ImpossibleTx => 5,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
