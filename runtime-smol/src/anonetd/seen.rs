//! Own transactions that are done: there was evidence that the network has them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anonet_core::{Instant, TxId, Witness};

/// How many are remembered; the oldest make room.
const ENTRIES: usize = 256;

/// How long they are.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) id: TxId,
    pub(super) by: Witness,
    pub(super) size: usize,
    pub(super) recipients: u32,
}

/// One that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) done: Done,
    /// When it is shown no more.
    pub(super) until: Instant,
}

/// The last ones, in memory only, so that `status` and a waiting `submit` can tell of them. Shared by clones.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenList(Arc<Mutex<VecDeque<Seen>>>);

impl SeenList {
    pub(super) fn add(&self, now: Instant, done: Done) {
        let mut list = self.entries();
        list.retain(|seen| seen.until > now && seen.done.id != done.id);
        if list.len() >= ENTRIES {
            list.pop_front();
        }
        list.push_back(Seen { done, until: now + LIFETIME });
    }

    /// What is there, oldest first.
    pub(super) fn list(&self, now: Instant) -> Vec<Seen> {
        self.entries().iter().copied().filter(|seen| seen.until > now).collect()
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has seen it, in words.
pub(super) const fn seen_by(witness: Witness) -> &'static str {
    match witness {
        Witness::Embedder => "by the daemon",
        _ => "on two public links of different networks",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_for_their_time() {
        let (list, start) = (SeenList::default(), Instant::from_micros(1));
        let id =
            |number: usize| TxId::new([number.to_le_bytes()[0], number.to_le_bytes()[1], 1].repeat(11)[..32].try_into().unwrap());
        let done = |number| Done { id: id(number), by: Witness::Embedder, size: 5, recipients: 1 };
        (0..=ENTRIES).for_each(|number| list.add(start, done(number)));
        list.add(start, done(1));
        let ids: Vec<TxId> = list.list(start).into_iter().map(|seen| seen.done.id).collect();
        assert_eq!((ids.len(), ids.first(), ids.last()), (ENTRIES, Some(&id(2)), Some(&id(1))));
        let end = start + LIFETIME;
        assert_eq!(list.list(Instant::from_micros(end.as_micros() - 1)).len(), ENTRIES);
        assert_eq!(list.list(end), []);
    }
}
