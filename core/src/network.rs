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

    /// The chain state that a node claims which follows no chain: the first block and nothing else. Every monerod
    /// accepts it in every zone, and it is the same for all (design §2).
    #[must_use]
    pub const fn genesis_sync(self) -> SyncData {
        SyncData { cumulative_difficulty: 1, current_height: 1, pruning_seed: 0, top_id: self.genesis(), top_version: 1 }
    }
}

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
}
