//! The transactions that a daemon has from this node.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anonet_core::{Instant, TxId};

/// How many are remembered; the oldest make room. It is more than a day's of all of Monero.
const ENTRIES: usize = 1 << 16;

/// What was given to the daemon and was new to it. Such a one in its pool is no evidence: a peer who was handed an own
/// transaction can send it back to us, and nobody else need ever see it. In a block it is.
///
/// Shared by clones.
#[derive(Clone, Debug)]
pub(super) struct Introduced {
    /// How long an own transaction can wait for evidence.
    lifetime: Duration,
    list: Arc<Mutex<List>>,
}

#[derive(Debug, Default)]
struct List {
    since: BTreeMap<TxId, Instant>,
    by_age: VecDeque<(Instant, TxId)>,
}

impl Introduced {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, list: Arc::default() }
    }

    pub(super) fn add(&self, now: Instant, id: TxId) {
        let mut list = self.list();
        while list.by_age.len() >= ENTRIES || list.by_age.front().is_some_and(|&(at, _)| at + self.lifetime <= now) {
            list.pop();
        }
        list.since.insert(id, now);
        list.by_age.push_back((now, id));
    }

    pub(super) fn contains(&self, id: &TxId) -> bool {
        self.list().since.contains_key(id)
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn pop(&mut self) {
        let Some((at, id)) = self.by_age.pop_front() else { return };
        // it may have been added again since
        if self.since.get(&id) == Some(&at) {
            self.since.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: usize) -> TxId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        TxId::new(bytes)
    }

    #[test]
    fn entries_end_with_their_age_and_make_room_at_the_cap() {
        let (introduced, start) = (Introduced::new(10 * SECOND), Instant::from_micros(1));
        introduced.add(start, id(1));
        introduced.add(start + 5 * SECOND, id(1));
        introduced.add(start + 12 * SECOND, id(2));
        assert!(introduced.contains(&id(1)) && introduced.contains(&id(2)), "its last time counts");
        introduced.add(start + 15 * SECOND, id(3));
        assert!(!introduced.contains(&id(1)) && introduced.contains(&id(2)));

        let full = Introduced::new(10 * SECOND);
        (0..ENTRIES).for_each(|number| full.add(start, id(number)));
        assert!(full.contains(&id(0)));
        full.add(start, id(ENTRIES));
        assert!(!full.contains(&id(0)) && full.contains(&id(1)) && full.contains(&id(ENTRIES)));
    }
}
