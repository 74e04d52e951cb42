//! Names for links, zones, transactions and tickets.

use core::fmt;

use crate::table::Handle;

/// Names one link (or dial) of a [`Node`](crate::Node).
///
/// Never reused: a stale id is an ordinary race and is answered with
/// [`UnknownConn`](crate::UnknownConn), never mistaken for another link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub(crate) Handle);

impl ConnId {
    /// The id as a number, for an embedder on the other side of a foreign-function interface.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// The id with this number. One that this node never gave out is as stale as that of an ended link.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(Handle::from_bits(bits))
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnId({})", self.0.slot())
    }
}

/// Names one zone: its place in [`Config::zones`](crate::Config::zones).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub(crate) u8);

impl ZoneId {
    /// The place of this zone in [`Config::zones`](crate::Config::zones).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A transaction's id: the 32-byte hash that the network knows it by.
///
/// The core never computes one; the embedder does, with a library that parses transactions. `Debug` does not show it,
/// so that it cannot slip into a log; [`TxId::reveal`] does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId([u8; 32]);

impl TxId {
    /// The id with these bytes, in the order in which they are printed.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id as 64 hex digits, for the eyes of the transaction's owner.
    #[must_use]
    pub const fn reveal(&self) -> RevealedTxId<'_> {
        RevealedTxId(&self.0)
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TxId(…)")
    }
}

/// Prints a [`TxId`] in hex.
#[derive(Clone, Copy, Debug)]
pub struct RevealedTxId<'a>(&'a [u8; 32]);

impl fmt::Display for RevealedTxId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Names one received transaction that waits for the embedder's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) Handle);

/// Separates one dial's stream from every other's at the proxy: drawn fresh for each dial and never used again.
///
/// For a SOCKS5 proxy the runtime turns it into the user name and password of RFC 1929, which Tor's
/// `IsolateSOCKSAuth` maps to a circuit of its own (spec: socks §5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Isolation(pub(crate) [u8; 8]);

impl Isolation {
    /// Of these 8 random bytes, for a stream that is no link of a node.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 random bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Debug for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Isolation(…)")
    }
}
