//! The numbers of policy `courier` (design §3).

use core::time::Duration;

/// How much delay and traffic the user spends on hiding a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Privacy {
    /// A courier every 30 s; transactions wait for nothing else.
    Fast,
    /// A courier every 2 minutes; a transaction waits a minute on average before it may ride.
    #[default]
    Balanced,
    /// A courier every 5 minutes; a transaction waits ten minutes on average, and never leaves a young node.
    Strict,
}

/// The numbers of policy `courier`. All but the first three are the same in every preset, so that couriers of all nodes
/// look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CourierConfig {
    /// Mean time between couriers of 4, 16 and 64 records: each size leaves on a clock of its own, whether or not there is
    /// anything to send. Zero: couriers of this size never leave.
    pub every: [Duration; 3],
    /// Mean time for which a transaction waits before it may ride.
    pub release: Duration,
    /// No transaction leaves before the node has run so long; drawn from this range for each.
    pub uptime: (Duration, Duration),
    /// From the open stream to the first record. A handshake answer that is late costs its slots.
    pub first_record: (Duration, Duration),
    /// Between two records.
    pub gap: (Duration, Duration),
    /// From the last record to the end: at least 3 s, as a stream that ends at once may lose what was written to it.
    pub linger: (Duration, Duration),
    /// For how long a peer that carried one own transaction carries no other, while others are to be had.
    pub rest: Duration,
    /// From the first courier that an address heard of has answered, until it may carry.
    pub age: (Duration, Duration),
}

impl CourierConfig {
    /// The numbers of a preset.
    #[must_use]
    pub const fn preset(privacy: Privacy) -> Self {
        const fn range(from: u64, to: u64) -> (Duration, Duration) {
            (Duration::from_secs(from), Duration::from_secs(to))
        }
        let (every, release, uptime) = match privacy {
            Privacy::Fast => (30, 0, range(0, 0)),
            Privacy::Balanced => (120, 60, range(60, 180)),
            Privacy::Strict => (300, 600, range(600, 1_800)),
        };
        Self {
            every: Self::clocks(Duration::from_secs(every)),
            release: Duration::from_secs(release),
            uptime,
            first_record: range(3, 6),
            gap: (Duration::from_millis(100), Duration::from_millis(500)),
            linger: range(3, 6),
            rest: Duration::from_secs(24 * 3_600),
            age: range(24 * 3_600, 48 * 3_600),
        }
    }

    /// The clocks of the three sizes, given that of the smallest: the larger ones are slower, as few transactions need
    /// them, and each costs more.
    #[must_use]
    pub const fn clocks(smallest: Duration) -> [Duration; 3] {
        [smallest, smallest.saturating_mul(8), smallest.saturating_mul(32)]
    }

    /// Bytes that the couriers of a day write into their streams, on average: 3,072 for each record, and a handshake.
    #[must_use]
    pub fn bytes_per_day(&self) -> u64 {
        const DAY: u128 = 86_400_000_000;
        const HANDSHAKE: u128 = 276;
        let bytes = self.every.iter().zip([4, 16, 64]).filter(|(every, _)| !every.is_zero());
        let bytes = bytes.map(|(every, records)| DAY * (records * 3_072 + HANDSHAKE) / every.as_micros().max(1));
        u64::try_from(bytes.sum::<u128>()).unwrap_or(u64::MAX)
    }

    /// Couriers of a day, on average.
    #[must_use]
    pub fn per_day(&self) -> u32 {
        const DAY: u128 = 86_400_000_000;
        let counts = self.every.iter().filter(|every| !every.is_zero()).map(|every| DAY / every.as_micros().max(1));
        u32::try_from(counts.sum::<u128>()).unwrap_or(u32::MAX)
    }
}

impl Default for CourierConfig {
    fn default() -> Self {
        Self::preset(Privacy::Balanced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_differ_in_delay_and_in_nothing_that_a_peer_sees() {
        let [fast, balanced, strict] = [Privacy::Fast, Privacy::Balanced, Privacy::Strict].map(CourierConfig::preset);
        assert_eq!(balanced, CourierConfig::default());
        for other in [fast, strict] {
            let alike = CourierConfig { every: balanced.every, release: balanced.release, uptime: balanced.uptime, ..other };
            assert_eq!(alike, balanced);
        }
        assert!(balanced.gap.1 <= Duration::from_millis(500) && balanced.linger.0 >= Duration::from_secs(3));
        assert_eq!([fast, balanced, strict].map(|numbers| numbers.per_day()), [2_880 + 360 + 90, 720 + 90 + 22, 288 + 36 + 9]);
        assert_eq!(balanced.bytes_per_day(), 720 * 12_564 + 90 * 49_428 + 45 * 196_884 / 2);
        let none = CourierConfig { every: [Duration::ZERO; 3], ..fast };
        assert_eq!((none.per_day(), none.bytes_per_day()), (0, 0));
    }
}
