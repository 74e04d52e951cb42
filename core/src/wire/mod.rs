//! Typed P2P messages and their encoding as portable storage (`messages.md` §1 to §3).
//!
//! `decode` takes the body of a Levin message and borrows from it; `encode` appends a body to a buffer, byte for
//! byte as monerod writes it. Neither allocates, apart from the growth of that buffer.
//!
//! Stricter than monerod: `network_id`, `peer_id`, `current_height` and `top_id` must be there, a `peer_id` of 0 is
//! refused, and a field of the wrong type or size is an error instead of a default. Fields of other names are skipped.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub use self::flags::{PingRequest, PingResponse, SupportFlagsRequest, SupportFlagsResponse};
pub use self::handshake::{HandshakeRequest, HandshakeResponse, NodeData};
pub use self::peerlist::{EntryFault, MAX_PEERS, PeerEntries, PeerEntry};
pub use self::sync::{SyncData, TimedSyncRequest, TimedSyncResponse};
pub use self::txs::{Hashes, NewTransactions, TxForm, TxPoolComplement};

mod flags;
mod handshake;
mod peerlist;
mod sync;
mod txs;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod tests;

use crate::epee::{self, EpeeError, Limits, Value};

/// Levin command ids of the messages in this module (`messages.md` §3).
pub mod command {
    /// First exchange on every connection.
    pub const HANDSHAKE: u32 = 1001;
    /// Chain state and peers, about once a minute.
    pub const TIMED_SYNC: u32 = 1002;
    /// Is there a node; public zone only.
    pub const PING: u32 = 1003;
    /// Asks for the peer's support flags; public zone only.
    pub const SUPPORT_FLAGS: u32 = 1007;
    /// Transactions, in stem or fluff form.
    pub const NEW_TRANSACTIONS: u32 = 2002;
    /// Asks for the pool transactions that are not listed; public zone only.
    pub const TXPOOL_COMPLEMENT: u32 = 2010;
}

/// Why a message body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The document breaks the grammar, a limit or a field's type.
    #[error(transparent)]
    Epee(#[from] EpeeError),
    /// A required field is absent.
    #[error("required field {0} is missing")]
    Missing(&'static str),
    /// The peer claims `peer_id` 0.
    #[error("peer_id is 0")]
    PeerIdZero,
    /// More than [`MAX_PEERS`] peer list entries; holds their number.
    #[error("{0} peers in one message, at most {MAX_PEERS} are allowed")]
    TooManyPeers(usize),
    /// A ping was answered with a status other than `OK`.
    #[error("ping status is not OK")]
    Status,
    /// `hashes` is not a whole number of 32-byte ids; holds its length in bytes.
    #[error("hashes take {0} bytes, not a multiple of 32")]
    HashesLength(usize),
}

fn read_body<'a>(
    body: &'a [u8],
    visit: impl FnMut(&'a [u8], &mut Value<'_, 'a>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    epee::read(body, Limits::LEVIN, visit)
}
