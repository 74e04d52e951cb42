use self::fields::EntryFields;
use self::plain::PlainEntry;
use super::WireError;
use crate::addr::{Addr, AddrError, I2P_PORT};
use crate::epee::{EpeeError, Objects, Section, Value};

mod fields;
mod plain;

/// Most peer list entries in one message; a receiver drops the sender of more (`messages.md` §4).
pub const MAX_PEERS: usize = 250;

/// Address types on the wire (`messages.md` §2).
mod address_type {
    pub(super) const IPV4: u8 = 1;
    pub(super) const IPV6: u8 = 2;
    pub(super) const I2P: u8 = 3;
    pub(super) const TOR: u8 = 4;
}

/// One entry of a peer list: `peerlist_entry` (`messages.md` §1). All fields but the first two are read as 0 when absent
/// and not written when 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerEntry {
    /// Where the peer listens.
    pub addr: Addr,
    /// Its peer id; 1 in anonymity zones.
    pub id: u64,
    /// When it was last seen, Unix time in seconds; senders set it to 0.
    pub last_seen: i64,
    /// Which blocks it keeps; 0 if all.
    pub pruning_seed: u32,
    /// Price of its RPC; 0 nowadays.
    pub rpc_credits_per_hash: u32,
    /// Port of its RPC; 0 if it offers none.
    pub rpc_port: u16,
}

impl PeerEntry {
    /// An entry that says nothing but the address, as a node of an anonymity zone says it.
    pub(crate) const fn bare(addr: Addr) -> Self {
        Self { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
    }

    pub(super) fn write_all<'p>(root: &mut Section<'_>, peers: impl ExactSizeIterator<Item = &'p Self>) {
        root.objects("local_peerlist_new", peers.take(MAX_PEERS), |section, entry| entry.write(section));
    }

    fn write(&self, section: &mut Section<'_>) {
        section.object("adr", |section| write_addr(&self.addr, section));
        section.u64("id", self.id);
        if self.last_seen != 0 {
            section.i64("last_seen", self.last_seen);
        }
        if self.pruning_seed != 0 {
            section.u32("pruning_seed", self.pruning_seed);
        }
        if self.rpc_credits_per_hash != 0 {
            section.u32("rpc_credits_per_hash", self.rpc_credits_per_hash);
        }
        if self.rpc_port != 0 {
            section.u16("rpc_port", self.rpc_port);
        }
    }
}

fn write_addr(addr: &Addr, section: &mut Section<'_>) {
    section.object("addr", |section| match addr {
        Addr::Ipv4(socket) => {
            section.u32("m_ip", u32::from_le_bytes(socket.ip().octets()));
            section.u16("m_port", socket.port());
        }
        Addr::Ipv6(socket) => {
            section.bytes("addr", &socket.ip().octets());
            section.u16("m_port", socket.port());
        }
        Addr::Onion(onion) => {
            section.bytes("host", onion.host().as_ref());
            section.u16("port", onion.port());
        }
        Addr::I2p(i2p) => {
            section.bytes("host", i2p.host().as_ref());
            section.u16("port", I2P_PORT);
        }
    });
    section.u8(
        "type",
        match addr {
            Addr::Ipv4(_) => address_type::IPV4,
            Addr::Ipv6(_) => address_type::IPV6,
            Addr::Onion(_) => address_type::TOR,
            Addr::I2p(_) => address_type::I2P,
        },
    );
}

/// What is wrong with one entry of a peer list. monerod drops the connection for some of these and ignores the entry
/// for others (`messages.md` §4); here the reader of the list decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryFault {
    /// The placeholder for the unknown address of an inbound peer.
    #[error("the address is the placeholder for an unknown host")]
    Unknown,
    /// A host that is no address of its type.
    #[error("malformed address: {0}")]
    Malformed(#[source] AddrError),
    /// No address, or one without a host.
    #[error("the address is missing")]
    MissingAddress,
    /// An address type that does not exist; 0 also when the type is missing.
    #[error("unknown address type {0}")]
    UnknownType(u8),
    /// A human-readable I2P name, which may mean something else to this node's router; accepted from local
    /// configuration only.
    #[error("a human-readable I2P name, which only the local user may give")]
    NamedI2p,
    /// An IPv4 address written as IPv6.
    #[error("an IPv4-mapped IPv6 address")]
    MappedIpv4,
    /// Port 0, or no port, which cannot be dialled.
    #[error("port 0 cannot be dialled")]
    PortZero,
    /// The entry has no `id`.
    #[error("the peer id is missing")]
    MissingId,
    /// A field has the wrong type or is out of range.
    #[error(transparent)]
    Epee(#[from] EpeeError),
}

/// The entries of a received peer list, each read when it is asked for; at most [`MAX_PEERS`].
///
/// A faulty entry does not affect the others. Each onion costs one hash, each human-readable I2P name one short-lived
/// allocation; nothing else is allocated. The curve point is not checked, see
/// [`Addr::check_point`].
#[derive(Clone, Debug, Default)]
pub struct PeerEntries<'a>(Objects<'a>);

impl<'a> PeerEntries<'a> {
    pub(super) fn read(value: &mut Value<'_, 'a>) -> Result<Self, WireError> {
        let objects = value.objects_with(|bytes| Some(PlainEntry::read(bytes)?.1))?;
        if objects.left() > MAX_PEERS {
            return Err(WireError::TooManyPeers(objects.left()));
        }
        Ok(Self(objects))
    }
}

impl Iterator for PeerEntries<'_> {
    type Item = Result<PeerEntry, EntryFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(plain) = self.0.read_known(PlainEntry::read) {
            return Some(plain.entry());
        }
        let mut fields = EntryFields::default();
        let read = self.0.read_next(|key, value| fields.field(key, value))?;
        Some(read.map_err(EntryFault::from).and_then(|()| fields.entry()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left(), Some(self.0.left()))
    }
}

impl ExactSizeIterator for PeerEntries<'_> {}
