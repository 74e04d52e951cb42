//! A model of monerod's lists and choice in an anonymity zone (spec: connections §2, §4, §4.1): every name has the id 1 and
//! no subnet, so one attempt is made of each list at a time; received stamps are 0, so that the newest insertion pushes
//! the oldest out of a full gray list. Gray entries are not verified in the background, as the default settings never
//! do it there (§6); anchors matter after restarts only.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::{Name, Policy, Teller, WANTED};

const WHITE: usize = 1_000;
const GRAY: usize = 5_000;
/// Entries of the white list that may be chosen.
const RECENT: usize = 20;
/// Minutes for which an address that failed is passed over.
const FAILED: u32 = 60;

/// The model.
#[derive(Debug)]
pub struct Monerod {
    /// Last seen, latest at the end.
    white: BTreeSet<(u32, Name)>,
    seen: BTreeMap<Name, u32>,
    gray: VecDeque<Name>,
    in_gray: BTreeSet<Name>,
    failed: BTreeMap<Name, u32>,
    linked: BTreeSet<Name>,
    rng: ChaCha20Rng,
}

impl Monerod {
    /// Empty lists.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            white: BTreeSet::new(),
            seen: BTreeMap::new(),
            gray: VecDeque::new(),
            in_gray: BTreeSet::new(),
            failed: BTreeMap::new(),
            linked: BTreeSet::new(),
            rng: ChaCha20Rng::seed_from_u64(seed ^ 0xff),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn just_seen(&mut self, now: u32, name: Name) {
        if let Some(before) = self.seen.insert(name, now) {
            self.white.remove(&(before, name));
        }
        self.white.insert((now, name));
        if self.in_gray.remove(&name) {
            self.gray.retain(|&other| other != name);
        }
        if self.white.len() > WHITE
            && let Some((_, oldest)) = self.white.pop_first()
        {
            self.seen.remove(&oldest);
        }
    }

    /// Cubic bias to the recently seen.
    fn pick_white(&mut self) -> Option<Name> {
        let recent: Vec<Name> = self.white.iter().rev().take(RECENT).map(|&(_, name)| name).collect();
        let last = recent.len().checked_sub(1)? as u64;
        if last == 0 {
            return recent.first().copied();
        }
        let drawn = self.below(16 * last + 1);
        recent.get((drawn * drawn * drawn / (last * last * 4_096)) as usize).copied()
    }

    fn pick_gray(&mut self) -> Option<Name> {
        let count = self.gray.len() as u64;
        let drawn = if count == 0 { return None } else { self.below(count) as usize };
        self.gray.get(drawn).copied()
    }

    fn usable(&self, now: u32, name: Name) -> bool {
        !self.linked.contains(&name) && self.failed.get(&name).is_none_or(|&at| now - at >= FAILED)
    }
}

impl Policy for Monerod {
    fn heard(&mut self, now: u32, _: Teller, names: &[Name]) {
        for &name in names {
            let recently_failed = self.failed.get(&name).is_some_and(|&at| now - at < FAILED);
            if recently_failed || self.seen.contains_key(&name) || !self.in_gray.insert(name) {
                continue;
            }
            self.gray.push_back(name);
            if self.gray.len() > GRAY
                && let Some(oldest) = self.gray.pop_front()
            {
                self.in_gray.remove(&oldest);
            }
        }
    }

    fn choose(&mut self, now: u32, outgoing: usize) -> Option<Name> {
        let white_first = outgoing < WANTED * 7 / 10;
        for white in [white_first, !white_first] {
            let picked = if white { self.pick_white() } else { self.pick_gray() };
            if let Some(name) = picked.filter(|&name| self.usable(now, name)) {
                return Some(name);
            }
        }
        None
    }

    fn dialled(&mut self, now: u32, name: Name, answers: bool) {
        if answers {
            self.link(now, name);
        } else {
            self.failed.insert(name, now);
        }
    }

    fn seen(&mut self, now: u32, name: Name) {
        self.just_seen(now, name);
    }

    fn ended(&mut self, _: u32, name: Name) {
        self.linked.remove(&name);
    }

    fn link(&mut self, now: u32, name: Name) {
        self.just_seen(now, name);
        self.linked.insert(name);
    }

    fn check(&mut self, _: u32, _: &dyn Fn(Name) -> bool) {}
}
