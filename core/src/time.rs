//! The core's notion of time: a number that the embedder hands in.

use core::ops::Add;
use core::time::Duration;

/// A point in time: microseconds since the Unix epoch, as the embedder anchored them.
///
/// The embedder reads the wall clock once, at start, and advances it by its monotonic clock; one number then serves
/// timers and stored stamps. Arithmetic saturates, so no input can make it wrap or panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The instant `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time from `earlier` until this instant; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let end = Instant::from_micros(u64::MAX);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(Instant::from_micros(5).saturating_since(end), Duration::ZERO);
        assert_eq!(end.saturating_since(Instant::from_micros(u64::MAX - 7)), Duration::from_micros(7));
    }
}
