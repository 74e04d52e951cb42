//! The one clock of the workspace: everything else is told the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anonet_core::Instant;

/// Time as the core counts it: the wall clock is read at the start, and from there on the monotonic clock counts.
///
/// Later corrections of the wall clock move nothing, so no timer fires early, late or twice for one. What outlives the run is
/// stamped with the wall clock, see [`to_wall`](Self::to_wall).
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: std::time::Instant,
    /// Since the Unix epoch, at the start.
    anchor: Duration,
}

impl Clock {
    /// Anchors a clock at the present wall time; at the Unix epoch if the wall clock stands before it.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clocks")]
    pub fn start() -> Self {
        Self { started: std::time::Instant::now(), anchor: wall() }
    }

    /// By how many microseconds the wall clock is ahead of this one, as it was set, or as the machine slept.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        micros(wall()).saturating_sub(micros(self.anchor + self.elapsed()))
    }

    /// The stamp of the wall clock, as it stands now, for a moment of this clock.
    #[must_use]
    pub fn to_wall(&self, at: Instant) -> Instant {
        Instant::from_micros(at.as_micros().saturating_add_signed(self.ahead()))
    }

    /// The moment of this clock that has this stamp.
    #[must_use]
    pub fn from_wall(&self, stamp: Instant) -> Instant {
        Instant::from_micros(stamp.as_micros().saturating_add_signed(self.ahead().saturating_neg()))
    }

    /// The present. Never earlier than what it was before.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(0) + (self.anchor + self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed() + suspended()
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clocks")]
fn wall() -> Duration {
    set_apart(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + suspended())
}

/// Tests set the wall clock of a program: by so many seconds as are in the file that a variable names.
#[cfg(debug_assertions)]
fn set_apart(wall: Duration) -> Duration {
    let micros = seconds_in("ANONET_TEST_CLOCK").saturating_mul(1_000_000);
    Duration::from_micros(u64::try_from(wall.as_micros()).unwrap_or(u64::MAX).saturating_add_signed(micros))
}

/// Tests have a program be suspended for longer than they take: so many seconds pass at once on both of its clocks when they
/// are written to a file that another variable names.
#[cfg(debug_assertions)]
fn suspended() -> Duration {
    Duration::from_secs(seconds_in("ANONET_TEST_SUSPENDED").unsigned_abs())
}

#[cfg(debug_assertions)]
fn seconds_in(variable: &str) -> i64 {
    let seconds = std::env::var_os(variable).and_then(|file| std::fs::read_to_string(file).ok());
    seconds.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(0)
}

/// Nobody does.
#[cfg(not(debug_assertions))]
const fn set_apart(wall: Duration) -> Duration {
    wall
}

/// Nor this.
#[cfg(not(debug_assertions))]
const fn suspended() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_follow_the_wall_clock_and_the_clock_does_not() {
        // as if the wall clock had been set back by a day since the start
        let clock = Clock { anchor: wall() + Duration::from_secs(86_400), ..Clock::start() };
        let day = 86_400_000_000;
        assert!((clock.ahead() + day).abs() < 1_000_000, "{}", clock.ahead());
        let now = clock.now();
        let stamp = clock.to_wall(now);
        assert!(now.as_micros().abs_diff(stamp.as_micros()).abs_diff(day as u64) < 1_000_000);
        assert!(clock.from_wall(stamp).as_micros().abs_diff(now.as_micros()) < 1_000_000);
        assert_eq!(clock.to_wall(Instant::from_micros(5)), Instant::from_micros(0), "nothing is before 1970");
    }

    #[test]
    fn it_starts_at_wall_time_and_moves_on() {
        let clock = Clock::start();
        let first = clock.now();
        // 2024-01-01: a wall clock before that would make every stored stamp nonsense
        assert!(first > Instant::from_micros(1_704_067_200_000_000));
        std::thread::sleep(Duration::from_millis(5));
        let passed = clock.now().saturating_since(first);
        assert!(passed >= Duration::from_millis(5) && passed < Duration::from_secs(2), "{passed:?}");
    }
}
