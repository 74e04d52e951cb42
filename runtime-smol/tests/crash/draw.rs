//! Draws from a seed.

use std::ops::Range;
use std::time::Duration;

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of draws of its own for each part of a test.
pub(crate) struct Draw(ChaCha20Rng);

impl Draw {
    /// The stream of a part, which a few numbers name.
    pub(crate) fn new(seed: u64, part: [u64; 3]) -> Self {
        let mut key = [0; 32];
        for (place, number) in key.chunks_exact_mut(8).zip([seed].into_iter().chain(part)) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        Self(ChaCha20Rng::from_seed(key))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A span of so many milliseconds, drawn to the microsecond.
    pub(crate) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_micros(range.start * 1_000 + self.below((range.end - range.start) * 1_000))
    }
}
