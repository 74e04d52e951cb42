//! A zone's peers as entries of a document, and back (source of the fields: spec connections §10).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::carry::Trust;
use super::{Known, ListKind, PeerList, Source};
use crate::addr::{Addr, I2pAddr, OnionAddr};
use crate::config::PeerRole;
use crate::snapshot::{Fields, write_entry};
use crate::time::Instant;
use crate::wire::PeerEntry;

/// Tags of fields. New ones may be added; none changes its meaning.
mod tag {
    pub(super) const ADDR: u8 = 1;
    pub(super) const LIST: u8 = 2;
    pub(super) const PROVEN: u8 = 3;
    pub(super) const LAST_SUCCESS: u8 = 4;
    pub(super) const FAILURES: u8 = 5;
    pub(super) const ANCHOR: u8 = 6;
    pub(super) const SOURCE: u8 = 7;
    pub(super) const ALSO: u8 = 8;
    pub(super) const ID: u8 = 9;
    pub(super) const TELLER: u8 = 10;
    pub(super) const TOLD: u8 = 11;
    pub(super) const CARRIES_FROM: u8 = 12;
}

const WHITE: u8 = 0;
const GRAY: u8 = 1;

/// One stored peer.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) addr: Addr,
    list: ListKind,
    proven: Option<Instant>,
    last_success: Option<Instant>,
    failures: u8,
    anchor: bool,
    source: Source,
    also: Option<Source>,
    id: u64,
    trust: Trust,
}

impl Stored {
    /// Reads an entry; `None` if it is no peer: no address, a value that cannot be, or cut short. The curve point of an
    /// onion is not checked yet.
    pub(crate) fn decode(entry: &[u8]) -> Option<Self> {
        let mut addr = None;
        let (mut list, mut proven, mut last_success, mut anchor) = (ListKind::Gray, None, None, false);
        let (mut failures, mut source, mut also, mut id) = (0, Source::USER, None, 1);
        let mut trust = Trust::default();
        for field in Fields(entry) {
            let (tag, value) = field?;
            match tag {
                tag::ADDR => addr = Some(read_addr(value)?),
                tag::LIST if value == [WHITE] => list = ListKind::White,
                tag::LIST if value == [GRAY] => list = ListKind::Gray,
                tag::LIST => return None,
                tag::PROVEN => proven = Some(Instant::from_micros(number(value)?)),
                tag::LAST_SUCCESS => last_success = Some(Instant::from_micros(number(value)?)),
                tag::FAILURES => failures = *value.first()?,
                tag::ANCHOR => anchor = true,
                tag::SOURCE => source = Source::from_bytes(value.try_into().ok()?),
                tag::ALSO => also = Some(Source::from_bytes(value.try_into().ok()?)),
                tag::ID => id = number(value)?,
                tag::TELLER => trust.hear_stored(Source::from_bytes(value.try_into().ok()?)),
                tag::TOLD => trust.told = Some(Instant::from_micros(number(value)?)),
                tag::CARRIES_FROM => trust.carries_from = Some(Instant::from_micros(number(value)?)),
                _ => {}
            }
        }
        // white without a proof are only those whom the user names, and these are not stored
        let possible = list == ListKind::Gray || proven.is_some();
        let addr = addr.filter(|_| possible && id != 0)?;
        Some(Self { addr, list, proven, last_success, failures, anchor, source, also, id, trust })
    }
}

fn number(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

/// Reads what [`Addr::reveal`] prints, without the costly check of an onion's curve point.
fn read_addr(text: &[u8]) -> Option<Addr> {
    let text = core::str::from_utf8(text).ok()?;
    if let Some((host, port)) = text.rsplit_once(':').filter(|(host, _)| host.ends_with(".onion")) {
        let onion = OnionAddr::from_host(host.as_bytes(), port.parse().ok()?).ok()?;
        return (onion.port() != 0).then_some(Addr::Onion(onion));
    }
    if text.ends_with(".i2p") {
        return I2pAddr::from_host(text.as_bytes()).ok().map(Addr::I2p);
    }
    Addr::parse(text, 0).ok()
}

impl Known {
    /// Whether it is written down: not what the user alone vouches for, who says so again at each start, nor whom the user
    /// set apart, as without the option that says so it would be shared with everybody.
    fn is_kept(&self) -> bool {
        match self.role {
            None => !self.built_in,
            Some(PeerRole::Known) => self.proven.is_some(),
            Some(PeerRole::Exclusive | PeerRole::Priority) => false,
        }
    }
}

impl PeerList {
    /// Appends an entry for each peer that is worth keeping, ordered by address, so that no order in which anything was
    /// learned is stored.
    pub(crate) fn store(&self, into: &mut Vec<u8>) {
        let mut text = String::new();
        for known in self.by_addr.values().filter_map(|&entry| self.entries.find(entry)).filter(|known| known.is_kept()) {
            text.clear();
            write!(text, "{}", known.info.addr.reveal()).expect("a string takes all");
            write_entry(into, |entry| {
                entry.field(tag::ADDR, text.as_bytes());
                entry.field(tag::LIST, &[if known.list == ListKind::White { WHITE } else { GRAY }]);
                for (tag, stamp) in [(tag::PROVEN, known.proven), (tag::LAST_SUCCESS, known.last_success)] {
                    if let Some(stamp) = stamp {
                        entry.field(tag, &stamp.as_micros().to_le_bytes());
                    }
                }
                if known.failures > 0 {
                    entry.field(tag::FAILURES, &[known.failures]);
                }
                if known.anchor {
                    entry.field(tag::ANCHOR, &[]);
                }
                entry.field(tag::SOURCE, &known.source.to_bytes());
                if let Some(also) = known.also {
                    entry.field(tag::ALSO, &also.to_bytes());
                }
                if known.info.id != 1 {
                    entry.field(tag::ID, &known.info.id.to_le_bytes());
                }
                for teller in known.trust.tellers.iter().flatten() {
                    entry.field(tag::TELLER, &teller.to_bytes());
                }
                for (tag, stamp) in [(tag::TOLD, known.trust.told), (tag::CARRIES_FROM, known.trust.carries_from)] {
                    if let Some(stamp) = stamp {
                        entry.field(tag, &stamp.as_micros().to_le_bytes());
                    }
                }
            });
        }
    }

    /// Takes in a stored peer; `false` if no list takes it: foreign, own, local, known under another port, or the list is
    /// full. What is known of it already stays. Stamps from the future count as now.
    pub(crate) fn restore(&mut self, now: Instant, stored: Stored) -> bool {
        let Stored { addr, list, proven, last_success, failures, anchor, source, also, id, trust } = stored;
        let entry = match self.by_addr.get(&addr) {
            Some(&entry) => entry,
            None if self.refuses_host(&addr) || self.is_full(list) => return false,
            None => {
                let known = self.insert(now, PeerEntry::bare(addr.clone()), list, source);
                known.checked = false;
                self.by_addr[&addr]
            }
        };
        let anonymous = self.kind.is_anonymity();
        let known = &mut self.entries[entry];
        let stamp = |kept: Option<Instant>, stored: Option<Instant>| kept.or(stored.map(|stored| stored.min(now)));
        known.proven = stamp(known.proven, proven);
        known.last_success = stamp(known.last_success, last_success);
        known.failures = known.failures.max(failures);
        known.anchor |= anchor && proven.is_some();
        known.also = known.also.or(also);
        if !anonymous {
            known.info.id = id;
        }
        known.trust.restore(now, trust);
        true
    }
}

#[cfg(test)]
mod tests;
