//! How long the chain should be by the clock, for a node that has no daemon to ask.

use anonet_core::{Instant, Network};

/// Block 3,000,000 of the main chain came in on the 18th of October 2023: its height, and when, in seconds since 1970.
const KNOWN: (u64, u64) = (3_000_000, 1_697_600_000);

const SECONDS_PER_BLOCK: u64 = 120;

/// Whether a clock may stand there at all.
pub(super) fn is_possible(wall: Instant) -> bool {
    wall.as_micros() / 1_000_000 >= KNOWN.1
}

/// How many blocks the main chain should have `now`; nothing for other networks, or if the clock is known to be wrong.
pub(super) fn expected_height(network: Network, now: Instant) -> Option<u64> {
    let since = (now.as_micros() / 1_000_000).checked_sub(KNOWN.1).filter(|_| network == Network::Mainnet)?;
    Some(KNOWN.0 + since / SECONDS_PER_BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_every_two_minutes_on_the_main_chain_alone() {
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        assert_eq!(expected_height(Network::Mainnet, at(KNOWN.1)), Some(3_000_000));
        assert_eq!(expected_height(Network::Mainnet, at(KNOWN.1 + 86_400)), Some(3_000_720));
        assert_eq!(expected_height(Network::Mainnet, at(KNOWN.1 - 1)), None, "a clock before that is wrong");
        for other in [Network::Regtest, Network::Stagenet, Network::Testnet] {
            assert_eq!(expected_height(other, at(KNOWN.1)), None);
        }
    }
}
