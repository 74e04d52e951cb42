//! Whether a zone's proxy works, and how long it rests if not.

use core::time::Duration;

use super::Zone;
use crate::error::DialFailure;
use crate::rand;
use crate::time::Instant;

/// What is known of a zone's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyState {
    /// It was not asked for anything yet.
    Untried,
    /// It answered.
    Up,
    /// It fails.
    Down(DialFailure),
}

/// First and longest pause before a failing proxy is tried again. It is a local service: asking it costs little, and a
/// waiting transaction should leave soon after it is back.
const PROXY_REST: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));

impl Zone {
    /// The proxy did its part. Says whether that is news after a failure.
    pub(crate) fn proxy_worked(&mut self) -> bool {
        self.proxy_failures = 0;
        self.rests_until = None;
        matches!(core::mem::replace(&mut self.proxy, ProxyState::Up), ProxyState::Down(_))
    }

    /// The proxy failed: it rests. Says whether that is news.
    pub(crate) fn proxy_failed(&mut self, now: Instant, why: DialFailure) -> bool {
        let rest = PROXY_REST.0.saturating_mul(1 << self.proxy_failures.min(8)).min(PROXY_REST.1);
        self.proxy_failures = self.proxy_failures.saturating_add(1);
        self.rests_until = Some(now + rand::between(&mut self.rng, rest / 2, rest));
        core::mem::replace(&mut self.proxy, ProxyState::Down(why)) != ProxyState::Down(why)
    }
}
