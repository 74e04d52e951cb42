//! Monero's networks and what tells them apart on the wire.

use crate::wire::SyncData;

/// A Monero network (spec: messages §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// The network that has value.
    Mainnet,
    /// A private chain for tests; on the wire it is mainnet.
    Regtest,
    /// The network on which wallets are tried.
    Stagenet,
    /// The network on which the protocol is tried.
    Testnet,
}

impl Network {
    /// The 16 bytes that open every handshake.
    #[must_use]
    pub const fn id(self) -> [u8; 16] {
        let last = match self {
            Self::Mainnet | Self::Regtest => 0x10,
            Self::Testnet => 0x11,
            Self::Stagenet => 0x12,
        };
        [0x12, 0x30, 0xf1, 0x71, 0x61, 0x04, 0x41, 0x61, 0x17, 0x31, 0x00, 0x82, 0x16, 0xa1, 0xa1, last]
    }

    /// The id of the first block: the tip that a node claims which follows no chain.
    #[must_use]
    pub const fn genesis(self) -> [u8; 32] {
        match self {
            Self::Mainnet | Self::Regtest => hash("418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3"),
            Self::Testnet => hash("48ca7cd3c8de5b6a4d53d2861fbdaedca141553559f9be9520068053cda8430b"),
            Self::Stagenet => hash("76ee3cc98646292206cd3e86f74d88b4dcc1d937088645e9b0cbca84b7ce74eb"),
        }
    }

    /// The P2P port that addresses without one get.
    #[must_use]
    pub const fn p2p_port(self) -> u16 {
        match self {
            Self::Mainnet | Self::Regtest => 18080,
            Self::Testnet => 28080,
            Self::Stagenet => 38080,
        }
    }

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Regtest => "regtest",
            Self::Stagenet => "stagenet",
            Self::Testnet => "testnet",
        }
    }

    /// The hard-fork version that blocks of the index `index` ought to have.
    pub(crate) fn ideal_version(self, index: u64) -> u8 {
        let forks = match self {
            Self::Mainnet => &MAINNET_FORKS,
            Self::Testnet => &TESTNET_FORKS,
            Self::Stagenet => &STAGENET_FORKS,
            Self::Regtest => &REGTEST_FORKS,
        };
        let past = forks.iter().filter(|&&(_, from)| from <= index);
        past.map(|&(version, _)| version).max().unwrap_or(1)
    }

    /// The chain state that a node claims which follows no chain: the first block and nothing else. Every monerod
    /// accepts it in every zone, and it is the same for all (design §2).
    #[must_use]
    pub const fn genesis_sync(self) -> SyncData {
        SyncData { cumulative_difficulty: 1, current_height: 1, pruning_seed: 0, top_id: self.genesis(), top_version: 1 }
    }
}

type Forks = [(u8, u64); 11];

/// Versions, and the index of the first block of each, from 6 on: before, monerod compares none (spec: messages §5).
const MAINNET_FORKS: Forks = [
    (6, 1_400_000),
    (7, 1_546_000),
    (8, 1_685_555),
    (9, 1_686_275),
    (10, 1_788_000),
    (11, 1_788_720),
    (12, 1_978_433),
    (13, 2_210_000),
    (14, 2_210_720),
    (15, 2_688_888),
    (16, 2_689_608),
];

const TESTNET_FORKS: Forks = [
    (6, 971_400),
    (7, 1_057_027),
    (8, 1_057_058),
    (9, 1_057_778),
    (10, 1_154_318),
    (11, 1_155_038),
    (12, 1_308_737),
    (13, 1_543_939),
    (14, 1_544_659),
    (15, 1_982_800),
    (16, 1_983_520),
];

const STAGENET_FORKS: Forks = [
    (6, 36_000),
    (7, 37_000),
    (8, 176_456),
    (9, 177_176),
    (10, 269_000),
    (11, 269_720),
    (12, 454_721),
    (13, 675_405),
    (14, 676_125),
    (15, 1_151_000),
    (16, 1_151_720),
];

const REGTEST_FORKS: Forks = [(16, 1); 11];

/// Reads 64 hex digits at compile time.
const fn hash(hex: &str) -> [u8; 32] {
    let digits = hex.as_bytes();
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

const fn digit(text: u8) -> u8 {
    match text {
        b'0'..=b'9' => text - b'0',
        _ => text - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_match_the_specification() {
        assert_eq!(Network::Regtest.id(), Network::Mainnet.id());
        assert_eq!(Network::Mainnet.id()[15], 0x10);
        assert_eq!(Network::Testnet.id()[15], 0x11);
        assert_eq!(Network::Stagenet.id()[15], 0x12);
        assert_eq!(Network::Mainnet.genesis()[..4], [0x41, 0x80, 0x15, 0xbb]);
        assert_eq!(Network::Testnet.genesis()[31], 0x0b);
        assert_eq!(Network::Stagenet.genesis()[..2], [0x76, 0xee]);
    }

    #[test]
    fn versions_change_at_the_first_block_of_a_fork() {
        let version = |network: Network, index| network.ideal_version(index);
        assert_eq!([0, 1_399_999, 1_400_000].map(|index| version(Network::Mainnet, index)), [1, 1, 6]);
        assert_eq!([2_689_607, 2_689_608, u64::MAX].map(|index| version(Network::Mainnet, index)), [15, 16, 16]);
        assert_eq!([0, 1].map(|index| version(Network::Regtest, index)), [1, 16]);
        assert_eq!([1_983_519, 1_983_520].map(|index| version(Network::Testnet, index)), [15, 16]);
        assert_eq!([1_151_719, 1_151_720].map(|index| version(Network::Stagenet, index)), [15, 16]);
    }
}
