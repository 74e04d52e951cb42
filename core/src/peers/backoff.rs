//! How long an address rests after a failed or ended link.

use core::time::Duration;

use rand_core::CryptoRng;

use crate::config::PeerRole;
use crate::rand;

/// What an address did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Somebody is there and said no: it is full, or starting.
    Refused,
    /// Nobody answered, or not as a peer does.
    Unreachable,
}

/// First and longest rest. Peers that the user named are tried often, as they may be all there is; strangers seldom, and
/// those who refused less seldom than those who were not there.
const fn range(role: Option<PeerRole>, failure: Failure) -> (Duration, Duration) {
    match (role, failure) {
        (Some(_), _) => (Duration::from_secs(2), Duration::from_secs(12)),
        (None, Failure::Refused) => (Duration::from_secs(20), Duration::from_secs(1_200)),
        (None, Failure::Unreachable) => (Duration::from_secs(60), Duration::from_secs(4 * 3_600)),
    }
}

/// The rest after the `failures`-th failure in a row (counted from 1): doubling, capped, and spread by a quarter each
/// way, so that attempts at several addresses do not fall into step.
pub(super) fn rest(role: Option<PeerRole>, failure: Failure, failures: u8, rng: &mut dyn CryptoRng) -> Duration {
    let (first, longest) = range(role, failure);
    let doublings = u32::from(failures.saturating_sub(1)).min(16);
    let middle = first.saturating_mul(1 << doublings).min(longest);
    rand::between(rng, middle * 3 / 4, middle * 5 / 4)
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn rests_double_up_to_the_cap() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        for (role, failure, failures, middle) in [
            (Some(PeerRole::Known), Failure::Refused, 1, 2),
            (Some(PeerRole::Exclusive), Failure::Unreachable, 2, 4),
            (Some(PeerRole::Known), Failure::Unreachable, 200, 12),
            (None, Failure::Refused, 1, 20),
            (None, Failure::Refused, 255, 1_200),
            (None, Failure::Unreachable, 1, 60),
            (None, Failure::Unreachable, 5, 960),
            (None, Failure::Unreachable, 255, 14_400),
        ] {
            for _ in 0..50 {
                let rest = rest(role, failure, failures, &mut rng).as_secs_f64() / f64::from(middle);
                assert!((0.75..=1.25).contains(&rest), "{role:?} {failures} {rest}");
            }
        }
    }
}
