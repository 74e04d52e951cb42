//! Random spans for what is asked of a daemon.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// A source of them; one for each task.
#[derive(Debug)]
pub(super) struct Chance(ChaCha20Rng);

impl Chance {
    /// Seeded by the system.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self(ChaCha20Rng::from_seed(seed)))
    }

    #[cfg(test)]
    pub(super) fn fixed() -> Self {
        Self(ChaCha20Rng::from_seed([8; 32]))
    }

    /// A span from the first to the second.
    pub(super) fn between(&mut self, min: Duration, max: Duration) -> Duration {
        // a thousandth of the width is fine enough, and no remainder is likelier than another by more than 2^-53
        let thousandths = self.0.next_u64() % 1_001;
        min + max.saturating_sub(min).mul_f64(thousandths as f64 / 1_000.0)
    }

    /// The pause before a stem from an anonymity zone goes on.
    pub(super) fn forward_delay(&mut self) -> Duration {
        anonet_core::forward_delay(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_stay_in_their_range_and_differ() {
        let (mut chance, second) = (Chance::fixed(), Duration::from_secs(1));
        let spans: Vec<Duration> = (0..100).map(|_| chance.between(second, 2 * second)).collect();
        assert!(spans.iter().all(|span| (second..=2 * second).contains(span)));
        assert!(spans.windows(2).any(|pair| pair[0] != pair[1]));
        assert_eq!(chance.between(second, Duration::ZERO), second, "an empty range");
    }
}
