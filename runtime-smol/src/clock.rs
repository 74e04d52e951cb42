//! The one clock of the workspace: everything else is told the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anonet_core::Instant;

/// Time as the core counts it: the wall clock is read once, at the start, and from there on the monotonic clock counts.
///
/// Later corrections of the wall clock move nothing, so no timer fires early, late or twice for one.
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
        let anchor = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: std::time::Instant::now(), anchor }
    }

    /// The present. Never earlier than what it was before.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(0) + (self.anchor + self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
