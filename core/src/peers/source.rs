//! Who told of an address, and how much of a list one teller may fill.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use sha3::{Digest, Sha3_256};

use crate::addr::Addr;
use crate::table::Handle;

/// Whoever told of an address: a peer that we dialled, known by the network block that one owner is assumed to control,
/// all who dialled us together, or the user.
///
/// It is a hash, so that it is small, can be stored, and lists nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u64);

impl Source {
    /// The user, by configuration.
    pub const USER: Self = Self(0);

    /// All peers that dialled us: whoever can make one such link can make many.
    pub const INBOUND: Self = Self(1);

    /// A peer that we dialled: its /16 of IPv4, its /32 of IPv6, or its own name in an anonymity zone.
    #[must_use]
    pub fn peer(addr: &Addr) -> Self {
        let hash = match addr {
            Addr::Ipv4(socket) => Sha3_256::new().chain_update([4]).chain_update(&socket.ip().octets()[..2]),
            Addr::Ipv6(socket) => Sha3_256::new().chain_update([6]).chain_update(&socket.ip().octets()[..4]),
            Addr::Onion(onion) => Sha3_256::new().chain_update(onion.host().as_bytes()),
            Addr::I2p(i2p) => Sha3_256::new().chain_update(i2p.host().as_bytes()),
        };
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        // 0 and 1 are taken
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(2))
    }

    pub(super) const fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    pub(super) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// How well it is attested that an address is a peer at all. Names are free, but tellers are peers that were dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Standing {
    /// The user named it, or two peers that we dialled told of it.
    Attested,
    /// One peer that we dialled told of it.
    Told,
    /// Only somebody who dialled us told of it.
    Claimed,
}

impl Standing {
    pub(super) fn of(source: Source, also: Option<Source>) -> Self {
        match (source, also) {
            (Source::USER, _) => Self::Attested,
            (Source::INBOUND, None | Some(Source::INBOUND)) => Self::Claimed,
            (_, None | Some(Source::INBOUND)) | (Source::INBOUND, Some(_)) => Self::Told,
            (_, Some(_)) => Self::Attested,
        }
    }
}

/// The entries of one list, by source.
#[derive(Debug)]
pub(super) struct Shares(BTreeMap<Source, Vec<Handle>>);

impl Shares {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// How many entries a source has.
    pub(super) fn of(&self, source: Source) -> usize {
        self.entries(source).len()
    }

    pub(super) fn entries(&self, source: Source) -> &[Handle] {
        self.0.get(&source).map_or(&[], Vec::as_slice)
    }

    /// The most entries that one source has, if that is fewer than `bound`.
    pub(super) fn most_below(&self, bound: usize) -> Option<usize> {
        self.0.values().map(Vec::len).filter(|&count| count < bound).max()
    }

    /// The entries of all sources that have so many.
    pub(super) fn entries_of_all_with(&self, count: usize) -> impl Iterator<Item = Handle> {
        self.0.values().filter(move |entries| entries.len() == count).flatten().copied()
    }

    pub(super) fn add(&mut self, source: Source, entry: Handle) {
        self.0.entry(source).or_default().push(entry);
    }

    pub(super) fn take(&mut self, source: Source, entry: Handle) {
        if let Some(entries) = self.0.get_mut(&source) {
            if let Some(place) = entries.iter().position(|&other| other == entry) {
                entries.swap_remove(place);
            }
            if entries.is_empty() {
                self.0.remove(&source);
            }
        }
    }
}

/// One source may hold one in so many entries of a list, but a few in any case, or a small list would take nothing from anybody.
const SHARE: usize = 16;
const FEW: usize = 8;

/// Entries of a list of `cap` that one source may hold.
pub(super) const fn share_of(cap: usize) -> usize {
    let few = if cap < FEW { cap } else { FEW };
    if cap / SHARE > few { cap / SHARE } else { few }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Source {
        Source::peer(&Addr::parse(text, 18_080).unwrap())
    }

    #[test]
    fn a_block_is_one_source_and_an_onion_is_one_on_any_port() {
        assert_eq!(peer("45.67.1.2"), peer("45.67.200.9:1"));
        assert_ne!(peer("45.67.1.2"), peer("45.68.1.2"));
        assert_eq!(peer("[2a01:4f8:1::1]"), peer("[2a01:4f8:ffff::9]"));
        assert_ne!(peer("[2a01:4f8:1::1]"), peer("[2a01:4f9:1::1]"));
        let onion = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
        assert_eq!(peer(onion), peer(&alloc::format!("{onion}:1")));
        assert_ne!(peer(onion), Source::INBOUND);
    }

    #[test]
    fn a_share_is_a_sixteenth_of_a_large_list_and_all_of_a_tiny_one() {
        assert_eq!([0, 4, 8, 100, 128, 129, 5_000].map(share_of), [0, 4, 8, 8, 8, 8, 312]);
    }
}
