//! What one zone knows of peers: white (a handshake succeeded, or the user named them) and gray (hearsay).
//!
//! Candidates are lent, not removed: a failed dial costs an address its turn, never its place. Entries are known by
//! address, as every peer id in an anonymity zone is 1. No order in which anything was learned can be seen from
//! outside: picks, eviction and sharing are random.
//!
//! Names are free in an anonymity network, so what counts is who told of one ([`Source`]): one source fills a small share
//! of a list, replaces its own entries first, and is one lot when somebody is picked, however many names it brought.

mod backoff;
mod ban;
mod carry;
mod keep;
mod lease;
mod room;
mod share;
mod source;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use rand_core::CryptoRng;

use crate::addr::{Addr, ZoneKind};
use crate::config::{Limits, PeerRole};
use crate::table::{Handle, Table};
use crate::time::Instant;
use crate::wire::PeerEntry;

pub use self::backoff::Failure;
pub use self::carry::CourierTarget;
use self::carry::Trust;
pub(crate) use self::keep::Stored;
pub use self::lease::Lease;
use self::room::Listed;
pub use self::source::{Source, Standing};

/// Which list an entry is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListKind {
    /// A handshake succeeded, or the user named it.
    White,
    /// Hearsay.
    Gray,
}

#[derive(Debug)]
struct Known {
    info: PeerEntry,
    list: ListKind,
    role: Option<PeerRole>,
    /// Who told of it first, and another who did.
    source: Source,
    also: Option<Source>,
    /// When a handshake first succeeded here: only such entries are shared.
    proven: Option<Instant>,
    last_success: Option<Instant>,
    /// It has a link that we dialled, or had one when the last run ended.
    anchor: bool,
    lent: bool,
    /// It is known that an onion's key is one that Tor can connect to.
    checked: bool,
    failures: u8,
    not_before: Instant,
    trust: Trust,
    /// Nobody but the program itself told of it: couriers may go there, and links do not.
    built_in: bool,
}

impl Known {
    fn standing(&self) -> Standing {
        self.role.map_or_else(|| Standing::of(self.source, self.also), |_| Standing::Attested)
    }
}

/// A candidate that [`select`](crate::select) may choose.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate {
    pub(crate) entry: Handle,
    /// Its list.
    pub list: ListKind,
    /// Why the user named it, if so.
    pub role: Option<PeerRole>,
    /// Since when it is proven, if the last run ended with a link to it: such peers come first after a restart.
    pub anchor: Option<Instant>,
    /// Who told of it.
    pub source: Source,
    /// How well it is attested.
    pub standing: Standing,
    /// A link or dial goes to the /24 or /32 of this public address already.
    pub crowded: bool,
    pub(crate) network: u64,
}

/// What became of heard addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learned {
    /// New entries.
    pub added: usize,
    /// Addresses that were known.
    pub known: usize,
    /// Addresses that no list takes: foreign, own, local, invalid, or a second port of a known host.
    pub refused: usize,
}

/// White and gray list of one zone.
#[derive(Debug)]
pub struct PeerList {
    kind: ZoneKind,
    own: Vec<Addr>,
    entries: Table<Known>,
    by_addr: BTreeMap<Addr, Handle>,
    white: Listed,
    gray: Listed,
    lent: Vec<Handle>,
    /// Something worth keeping has changed since [`take_changed`](Self::take_changed).
    changed: bool,
}

impl PeerList {
    /// An empty list for one zone. `own` addresses never enter it.
    #[must_use]
    pub const fn new(kind: ZoneKind, limits: Limits, own: Vec<Addr>) -> Self {
        Self {
            kind,
            own,
            entries: Table::new(),
            by_addr: BTreeMap::new(),
            white: Listed::new(limits.white),
            gray: Listed::new(limits.gray),
            lent: Vec::new(),
            changed: false,
        }
    }

    /// Entries on a list.
    #[must_use]
    pub fn len(&self, list: ListKind) -> usize {
        self.listed(list).entries.len()
    }

    /// Takes in a peer that the user named; it stays until the end. Own and foreign addresses are ignored.
    pub fn configure(&mut self, now: Instant, addr: Addr, role: PeerRole) {
        if addr.zone() != self.kind || self.own.contains(&addr) {
            return;
        }
        if let Some(&entry) = self.by_addr.get(&addr) {
            let known = &mut self.entries[entry];
            known.role = known.role.map_or(Some(role), |old| Some(old.min(role)));
            return;
        }
        self.insert(now, PeerEntry::bare(addr), ListKind::White, Source::USER).role = Some(role);
    }

    /// Takes in a peer that comes with the program: couriers may go there and carry.
    pub(crate) fn build_in(&mut self, now: Instant, addr: Addr) {
        if addr.zone() == self.kind && !self.by_addr.contains_key(&addr) && !self.refuses(&addr) {
            self.insert(now, PeerEntry::bare(addr), ListKind::Gray, Source::USER).built_in = true;
        }
    }

    /// Takes in what `source` says. Cost: one look-up for each known address, one curve check for each new onion.
    pub fn learn(
        &mut self,
        now: Instant,
        source: Source,
        heard: impl Iterator<Item = PeerEntry>,
        rng: &mut dyn CryptoRng,
    ) -> Learned {
        let mut learned = Learned::default();
        for info in heard {
            if let Some(&entry) = self.by_addr.get(&info.addr) {
                self.heard_again(now, entry, source);
                learned.known += 1;
            } else if self.refuses(&info.addr) || !self.make_room(ListKind::Gray, source, rng) {
                learned.refused += 1;
            } else {
                // nothing but the address: whatever else a stranger says would mark its way when it is passed on
                self.insert(now, PeerEntry::bare(info.addr), ListKind::Gray, source).trust.hear(now, source);
                learned.added += 1;
            }
        }
        learned
    }

    /// Says, once, that something worth keeping has changed.
    pub(crate) fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    /// Whether an address is not known, and one that could be learnt.
    pub(crate) fn is_news(&self, addr: &Addr) -> bool {
        !self.by_addr.contains_key(addr) && !self.refuses_host(addr)
    }

    fn refuses(&self, addr: &Addr) -> bool {
        self.refuses_host(addr) || addr.check_point().is_err()
    }

    fn refuses_host(&self, addr: &Addr) -> bool {
        addr.zone() != self.kind
            || addr.is_local()
            || addr.port() == 0
            || self.own.iter().any(|own| own.same_host(addr))
            || (self.kind.is_anonymity() && self.knows_host(addr))
    }

    /// Addresses sort by host, then port: another port of the same host is a neighbour.
    fn knows_host(&self, addr: &Addr) -> bool {
        let before = self.by_addr.range(..addr.clone()).next_back();
        let after = self.by_addr.range(addr.clone()..).next();
        before.into_iter().chain(after).any(|(other, _)| other.same_host(addr))
    }

    /// Addresses that may be dialled now: rested, not lent, and no host twice.
    pub fn candidates(&self, now: Instant) -> impl Iterator<Item = Candidate> + Clone + '_ {
        self.white.entries.iter().chain(&self.gray.entries).filter_map(move |&entry| {
            let known = self.entries.find(entry)?;
            let ready = !known.lent && !known.built_in && known.not_before <= now && !self.host_is_lent(&known.info.addr);
            ready.then(|| Candidate {
                entry,
                list: known.list,
                role: known.role,
                anchor: known.proven.filter(|_| known.anchor),
                source: known.source,
                standing: known.standing(),
                crowded: self.is_crowded(&known.info.addr),
                network: network(&known.info.addr).unwrap_or_else(|| entry.slot() as u64),
            })
        })
    }

    fn lent_addrs(&self) -> impl Iterator<Item = &Addr> {
        self.lent.iter().filter_map(|&entry| self.entries.find(entry)).map(|known| &known.info.addr)
    }

    /// Whether a dial or a link to this host is under way.
    pub(crate) fn host_is_lent(&self, addr: &Addr) -> bool {
        self.lent_addrs().any(|lent| lent.same_host(addr))
    }

    fn is_crowded(&self, addr: &Addr) -> bool {
        network(addr).is_some_and(|own| self.lent_addrs().any(|lent| network(lent) == Some(own)))
    }

    /// When the next address that rests will have rested; `None` if none rests.
    #[must_use]
    pub fn next_rested(&self, now: Instant) -> Option<Instant> {
        self.entries
            .iter()
            .map(|(_, known)| known)
            .filter(|known| !known.lent && known.not_before > now)
            .map(|known| known.not_before)
            .min()
    }
}

/// The block of a public address that one owner is assumed to control, as [`Addr::group`], in a form that is cheap to
/// compare; names in anonymity networks have none.
const fn network(addr: &Addr) -> Option<u64> {
    match addr {
        Addr::Ipv4(socket) => Some((socket.ip().to_bits() >> 8) as u64),
        Addr::Ipv6(socket) => Some((1 << 32) | (socket.ip().to_bits() >> 96) as u64),
        Addr::Onion(_) | Addr::I2p(_) => None,
    }
}

#[cfg(test)]
mod tests;
