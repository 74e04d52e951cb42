//! The chain that this node claims: what its embedder says of the tip, and how much of that each link shows.

use crate::network::Network;
use crate::wire::SyncData;

/// The top of the chain, from a source that the user trusts: the user's own daemon, never a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainTip {
    /// Number of blocks: the index of the top block plus 1.
    pub height: u64,
    /// Id of the top block.
    pub top_id: [u8; 32],
    /// Sum of the difficulties of all blocks.
    pub cumulative_difficulty: u128,
    /// Hard-fork version at the top block.
    pub top_version: u8,
}

impl ChainTip {
    /// A tip of these four values, as a daemon's `get_info` and the header of its top block give them.
    #[must_use]
    pub const fn new(height: u64, top_id: [u8; 32], cumulative_difficulty: u128, top_version: u8) -> Self {
        Self { height, top_id, cumulative_difficulty, top_version }
    }

    const fn sync(&self) -> SyncData {
        SyncData {
            cumulative_difficulty: self.cumulative_difficulty,
            current_height: self.height,
            pruning_seed: 0,
            top_id: self.top_id,
            top_version: self.top_version,
        }
    }
}

/// How much of the chain a link shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The first block: what a node shows that follows no chain, and the same for all.
    Nothing,
    /// The height alone, so coarse that the moment at which a block arrives does not show.
    Coarse,
    /// The tip, to a peer that is as far; the first block to others. A monerod that sees a longer chain than its own asks
    /// for it, takes the height for its target, and gives up on a peer that has no blocks to give (spec: messages §5).
    TipToEquals,
}

/// Heights are rounded up to a multiple of this, an hour of blocks: a monerod sends only to peers at its height or above.
const STEP: u64 = 30;

/// Stands for the top block where the height is coarse. No chain has it: a monerod that knows the top block of a peer on
/// its height takes itself for synchronized.
const NO_BLOCK: [u8; 32] = [0; 32];

/// What is known of the chain.
#[derive(Debug)]
pub(crate) struct Chain {
    network: Network,
    tip: Option<ChainTip>,
    /// The highest coarse height so far.
    coarse: u64,
}

impl Chain {
    pub(crate) const fn new(network: Network) -> Self {
        Self { network, tip: None, coarse: 0 }
    }

    /// Takes in a new tip; one without blocks says nothing.
    pub(crate) fn set_tip(&mut self, tip: ChainTip) {
        if tip.height > 0 {
            self.tip = Some(tip);
            self.coarse = self.coarse.max(tip.height.checked_next_multiple_of(STEP).unwrap_or(tip.height));
        }
    }

    pub(crate) fn height(&self) -> Option<u64> {
        self.tip.map(|tip| tip.height)
    }

    /// What to claim on a link whose peer claims `height` blocks, and on which `last` was claimed before. Claims never
    /// shrink: monerod would count that against us.
    pub(crate) fn claim(&self, shown: Shown, height: u64, last: Option<SyncData>) -> SyncData {
        let genesis = self.network.genesis_sync();
        let Some(tip) = self.tip else { return genesis };
        match shown {
            Shown::Nothing => genesis,
            Shown::Coarse => {
                let top_version = self.network.ideal_version(self.coarse - 1).max(tip.top_version);
                SyncData { current_height: self.coarse, top_id: NO_BLOCK, top_version, ..genesis }
            }
            Shown::TipToEquals => {
                let last = last.unwrap_or(genesis);
                if tip.height <= height && tip.height >= last.current_height { tip.sync() } else { last }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(height: u64) -> ChainTip {
        ChainTip::new(height, [7; 32], 99, 16)
    }

    #[test]
    fn without_a_tip_every_link_shows_the_first_block() {
        let chain = Chain::new(Network::Mainnet);
        for shown in [Shown::Nothing, Shown::Coarse, Shown::TipToEquals] {
            assert_eq!(chain.claim(shown, u64::MAX, None), Network::Mainnet.genesis_sync());
        }
    }

    #[test]
    fn a_coarse_height_is_rounded_up_never_falls_and_fits_its_fork() {
        let mut chain = Chain::new(Network::Mainnet);
        let mut claimed = |height| {
            chain.set_tip(ChainTip { top_version: Network::Mainnet.ideal_version(height - 1), ..tip(height) });
            chain.claim(Shown::Coarse, 0, None)
        };
        for (height, coarse) in [(3_000_000, 3_000_000), (3_000_001, 3_000_030), (2_999_000, 3_000_030), (3_000_031, 3_000_060)] {
            let claim = claimed(height);
            assert_eq!((claim.current_height, claim.top_id, claim.top_version), (coarse, NO_BLOCK, 16));
            assert_eq!(claim.cumulative_difficulty, 1);
        }
        // rounded over a fork: the version that the peer expects at the claimed height
        let mut chain = Chain::new(Network::Mainnet);
        chain.set_tip(ChainTip { top_version: 15, ..tip(2_689_601) });
        assert_eq!(chain.claim(Shown::Coarse, 0, None).top_version, 16);
        // and one that this program does not know yet
        chain.set_tip(ChainTip { top_version: 17, ..tip(4_000_000) });
        assert_eq!(chain.claim(Shown::Coarse, 0, None).top_version, 17);
        chain.set_tip(tip(u64::MAX));
        assert_eq!(chain.claim(Shown::Coarse, 0, None).current_height, u64::MAX);
    }

    #[test]
    fn the_tip_shows_to_peers_that_are_as_far_and_claims_never_shrink() {
        let mut chain = Chain::new(Network::Mainnet);
        let genesis = Network::Mainnet.genesis_sync();
        chain.set_tip(tip(100));
        assert_eq!(chain.claim(Shown::TipToEquals, 99, None), genesis);
        let claimed = chain.claim(Shown::TipToEquals, 100, None);
        assert_eq!(claimed, tip(100).sync());
        chain.set_tip(tip(102));
        assert_eq!(chain.claim(Shown::TipToEquals, 101, Some(claimed)), claimed);
        assert_eq!(chain.claim(Shown::TipToEquals, 102, Some(claimed)).current_height, 102);
        chain.set_tip(tip(90));
        assert_eq!(chain.claim(Shown::TipToEquals, 200, Some(claimed)), claimed);
        chain.set_tip(tip(0));
        assert_eq!(chain.height(), Some(90), "no blocks, no tip");
    }
}
