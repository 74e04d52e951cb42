//! How many frames one link may send: a token bucket.

use crate::time::Instant;

/// What a bucket allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Frames at once.
    pub(crate) burst: u32,
    /// Frames per second in the long run.
    pub(crate) per_second: u32,
}

/// Tokens left, in microtokens, so that short intervals count too.
#[derive(Debug)]
pub(crate) struct Budget {
    micro_tokens: u64,
    filled: Instant,
}

const MICRO: u64 = 1_000_000;

impl Budget {
    pub(crate) const fn full(rate: Rate, now: Instant) -> Self {
        Self { micro_tokens: rate.burst as u64 * MICRO, filled: now }
    }

    /// Takes one token; `false` if none is left.
    pub(crate) fn spend(&mut self, rate: Rate, now: Instant) -> bool {
        let passed = u64::try_from(now.saturating_since(self.filled).as_micros()).unwrap_or(u64::MAX);
        let earned = passed.saturating_mul(u64::from(rate.per_second));
        self.micro_tokens = self.micro_tokens.saturating_add(earned).min(u64::from(rate.burst) * MICRO);
        self.filled = now;
        match self.micro_tokens.checked_sub(MICRO) {
            Some(left) => {
                self.micro_tokens = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_allowed_and_one_more_is_not() {
        let rate = Rate { burst: 3, per_second: 2 };
        let start = Instant::from_micros(0);
        let mut budget = Budget::full(rate, start);
        assert!((0..3).all(|_| budget.spend(rate, start)));
        assert!(!budget.spend(rate, start));
        let later = start + Duration::from_millis(499);
        assert!(!budget.spend(rate, later));
        let later = start + Duration::from_millis(500);
        assert!(budget.spend(rate, later));
        assert!(!budget.spend(rate, later));
        let idle = later + Duration::from_secs(3_600);
        assert!((0..3).all(|_| budget.spend(rate, idle)));
        assert!(!budget.spend(rate, idle));
    }
}
