//! Deadlines by dense index: an indexed binary heap, so that moving a deadline allocates nothing.

use alloc::vec::Vec;

use crate::time::Instant;

const ABSENT: u32 = u32::MAX;

/// At most one deadline for each small integer. `set` and `pop_due` cost O(log n); `next` costs O(1).
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    heap: Vec<(Instant, u32)>,
    place: Vec<u32>,
}

impl TimerQueue {
    pub(crate) const fn new() -> Self {
        Self { heap: Vec::new(), place: Vec::new() }
    }

    /// Sets, moves or (with `None`) clears the deadline of `key`.
    pub(crate) fn set(&mut self, key: usize, at: Option<Instant>) {
        if self.place.len() <= key {
            if at.is_none() {
                return;
            }
            self.place.resize(key + 1, ABSENT);
        }
        match (self.place[key], at) {
            (ABSENT, None) => {}
            (ABSENT, Some(at)) => {
                self.heap.push((at, key as u32));
                self.rise(self.heap.len() - 1);
            }
            (place, None) => self.take(place as usize),
            (place, Some(at)) => {
                self.heap[place as usize].0 = at;
                self.rise(place as usize);
                self.sink(self.place[key] as usize);
            }
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// How many deadlines are set.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Takes the key with the earliest deadline if that is not after `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let &(at, key) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.take(0);
        Some(key as usize)
    }

    fn take(&mut self, place: usize) {
        let (_, key) = self.heap.swap_remove(place);
        self.place[key as usize] = ABSENT;
        if let Some(&(_, moved)) = self.heap.get(place) {
            self.rise(place);
            self.sink(self.place[moved as usize] as usize);
        }
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.heap[place] < self.heap[(place - 1) / 2] {
            self.heap.swap(place, (place - 1) / 2);
            self.settle(place);
            place = (place - 1) / 2;
        }
        self.settle(place);
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            let Some(&(mut least)) = self.heap.get(left) else { break };
            let mut child = left;
            match self.heap.get(left + 1) {
                Some(&right) if right < least => (least, child) = (right, left + 1),
                _ => {}
            }
            if self.heap[place] <= least {
                break;
            }
            self.heap.swap(place, child);
            self.settle(place);
            place = child;
        }
        self.settle(place);
    }

    fn settle(&mut self, place: usize) {
        let key = self.heap[place].1;
        self.place[key as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(steps in proptest::collection::vec((0usize..20, proptest::option::of(0u64..50)), 0..200)) {
            let mut timers = TimerQueue::new();
            let mut model: BTreeMap<usize, u64> = BTreeMap::new();
            for (key, at) in steps {
                timers.set(key, at.map(Instant::from_micros));
                match at {
                    Some(at) => model.insert(key, at),
                    None => model.remove(&key),
                };
                prop_assert_eq!(timers.next().map(Instant::as_micros), model.values().min().copied());
            }
            while let Some(key) = timers.pop_due(Instant::from_micros(50)) {
                let at = model.remove(&key);
                prop_assert!(at.is_some());
                prop_assert!(model.values().all(|&other| Some(other) >= at));
            }
            prop_assert!(model.is_empty());
        }
    }
}
