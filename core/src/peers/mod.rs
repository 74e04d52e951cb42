//! What one zone knows of peers: white (a handshake succeeded, or the user named them) and gray (hearsay).
//!
//! Candidates are lent, not removed: a failed dial costs an address its turn, never its place. Entries are known by
//! address, as every peer id in an anonymity zone is 1. No order in which anything was learned can be seen from
//! outside: picks, eviction and sharing are uniformly random.

mod backoff;
mod share;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::addr::{Addr, ZoneKind};
use crate::config::{Limits, PeerRole};
use crate::rand;
use crate::table::{Handle, Table};
use crate::time::Instant;
use crate::wire::PeerEntry;

/// Failures in a row after which hearsay is forgotten, and after which a proven peer becomes hearsay.
const FORGET_AFTER: u8 = 3;
const DEMOTE_AFTER: u8 = 8;

/// A link that ended sooner than this counts as a failed attempt.
const SHORT_LINK: Duration = Duration::from_secs(60);

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
    /// A handshake succeeded here: only such entries are shared.
    proven: bool,
    lent: bool,
    failures: u8,
    not_before: Instant,
}

/// The right to dial one address; hand it back with [`PeerList::failed`] or [`PeerList::ended`].
#[derive(Debug)]
#[must_use]
pub struct Lease {
    entry: Handle,
    addr: Addr,
}

impl Lease {
    /// The address to dial.
    #[must_use]
    pub const fn addr(&self) -> &Addr {
        &self.addr
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
    limits: Limits,
    own: Vec<Addr>,
    entries: Table<Known>,
    by_addr: BTreeMap<Addr, Handle>,
    white: Vec<Handle>,
    gray: Vec<Handle>,
    lent: Vec<Handle>,
}

impl PeerList {
    /// An empty list for one zone. `own` addresses never enter it.
    #[must_use]
    pub const fn new(kind: ZoneKind, limits: Limits, own: Vec<Addr>) -> Self {
        Self {
            kind,
            limits,
            own,
            entries: Table::new(),
            by_addr: BTreeMap::new(),
            white: Vec::new(),
            gray: Vec::new(),
            lent: Vec::new(),
        }
    }

    /// Entries on a list.
    #[must_use]
    pub fn len(&self, list: ListKind) -> usize {
        match list {
            ListKind::White => self.white.len(),
            ListKind::Gray => self.gray.len(),
        }
    }

    /// Takes in a peer that the user named; it stays until the end. Own and foreign addresses are ignored.
    pub fn configure(&mut self, now: Instant, addr: Addr, role: PeerRole) {
        if addr.zone() != self.kind || self.own.contains(&addr) {
            return;
        }
        if let Some(&entry) = self.by_addr.get(&addr) {
            if let Some(known) = self.entries.find_mut(entry) {
                known.role = known.role.map_or(Some(role), |old| Some(old.min(role)));
            }
            return;
        }
        self.insert(now, blank(addr), ListKind::White, Some(role));
    }

    /// Takes in hearsay. Cost: one look-up for each known address, one curve check for each new onion.
    pub fn learn(&mut self, now: Instant, heard: impl Iterator<Item = PeerEntry>, rng: &mut dyn CryptoRng) -> Learned {
        let mut learned = Learned::default();
        for info in heard {
            if self.by_addr.contains_key(&info.addr) {
                learned.known += 1;
            } else if self.refuses(&info.addr) || !self.make_room(ListKind::Gray, rng) {
                learned.refused += 1;
            } else {
                // nothing but the address: whatever else a stranger says would mark its way when it is passed on
                self.insert(now, blank(info.addr), ListKind::Gray, None);
                learned.added += 1;
            }
        }
        learned
    }

    fn refuses(&self, addr: &Addr) -> bool {
        addr.zone() != self.kind
            || addr.is_local()
            || addr.port() == 0
            || self.own.iter().any(|own| own.same_host(addr))
            || (self.kind.is_anonymity() && self.knows_host(addr))
            || addr.check_point().is_err()
    }

    /// Addresses sort by host, then port: another port of the same host is a neighbour.
    fn knows_host(&self, addr: &Addr) -> bool {
        let before = self.by_addr.range(..addr.clone()).next_back();
        let after = self.by_addr.range(addr.clone()..).next();
        before.into_iter().chain(after).any(|(other, _)| other.same_host(addr))
    }

    fn insert(&mut self, now: Instant, info: PeerEntry, list: ListKind, role: Option<PeerRole>) {
        let addr = info.addr.clone();
        let known = Known { info, list, role, proven: false, lent: false, failures: 0, not_before: now };
        let entry = self.entries.insert(known);
        self.by_addr.insert(addr, entry);
        self.list_mut(list).push(entry);
    }

    /// Makes room for one more entry by dropping a random one that nothing holds in place.
    fn make_room(&mut self, list: ListKind, rng: &mut dyn CryptoRng) -> bool {
        let cap = match list {
            ListKind::White => self.limits.white,
            ListKind::Gray => self.limits.gray,
        };
        if self.len(list) < cap {
            return true;
        }
        let listed = if list == ListKind::White { &self.white } else { &self.gray };
        let replaceable = |entry: &&Handle| self.entries.find(**entry).is_some_and(|known| !known.lent && known.role.is_none());
        let count = listed.iter().filter(replaceable).count();
        match listed.iter().filter(replaceable).nth(rand::index(rng, count)) {
            Some(&entry) => {
                self.remove(entry);
                true
            }
            None => false,
        }
    }

    fn remove(&mut self, entry: Handle) {
        if let Some(known) = self.entries.remove(entry) {
            self.by_addr.remove(&known.info.addr);
            self.list_mut(known.list).retain(|&other| other != entry);
        }
    }

    fn list_mut(&mut self, list: ListKind) -> &mut Vec<Handle> {
        match list {
            ListKind::White => &mut self.white,
            ListKind::Gray => &mut self.gray,
        }
    }

    /// Addresses that may be dialled now: rested, not lent, and no host twice.
    pub fn candidates(&self, now: Instant) -> impl Iterator<Item = Candidate> + Clone + '_ {
        self.white.iter().chain(&self.gray).filter_map(move |&entry| {
            let known = self.entries.find(entry)?;
            let ready = !known.lent && known.not_before <= now && !self.host_is_lent(&known.info.addr);
            ready.then_some(Candidate { entry, list: known.list, role: known.role })
        })
    }

    fn host_is_lent(&self, addr: &Addr) -> bool {
        self.lent.iter().filter_map(|&entry| self.entries.find(entry)).any(|known| known.info.addr.same_host(addr))
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

    /// Lends a candidate; `None` if it is gone or lent.
    pub fn lease(&mut self, candidate: Candidate) -> Option<Lease> {
        let known = self.entries.find_mut(candidate.entry).filter(|known| !known.lent)?;
        known.lent = true;
        self.lent.push(candidate.entry);
        Some(Lease { entry: candidate.entry, addr: known.info.addr.clone() })
    }

    /// A handshake on the leased address succeeded: it is proven, and white from now on. In the public zone the peer's
    /// id is kept, as peers there tell candidates apart by it; in an anonymity zone all show one id, and another would
    /// mark whom it was told to.
    pub fn succeeded(&mut self, lease: &Lease, id: u64, rng: &mut dyn CryptoRng) {
        let Some(known) = self.entries.find_mut(lease.entry) else { return };
        known.proven = true;
        if !self.kind.is_anonymity() {
            known.info.id = id;
        }
        if known.list == ListKind::Gray && self.make_room(ListKind::White, rng) {
            self.relist(lease.entry, ListKind::White);
        }
    }

    /// The dial or handshake failed, and the address is to blame: it rests, longer each time.
    pub fn failed(&mut self, now: Instant, lease: Lease, rng: &mut dyn CryptoRng) {
        let entry = self.give_back(lease);
        let Some(known) = self.entries.find_mut(entry) else { return };
        known.failures = known.failures.saturating_add(1);
        known.not_before = now + backoff::rest(known.role, known.failures, rng);
        match (known.list, known.role, known.failures) {
            (ListKind::Gray, None, FORGET_AFTER..) => self.remove(entry),
            (ListKind::White, None, DEMOTE_AFTER..) if self.make_room(ListKind::Gray, rng) => self.relist(entry, ListKind::Gray),
            _ => {}
        }
    }

    /// The link ended after it `lasted` so long; a short one counts as a failure.
    pub fn ended(&mut self, now: Instant, lease: Lease, lasted: Duration, rng: &mut dyn CryptoRng) {
        if lasted < SHORT_LINK {
            return self.failed(now, lease, rng);
        }
        let entry = self.give_back(lease);
        if let Some(known) = self.entries.find_mut(entry) {
            known.failures = 0;
            known.not_before = now + backoff::rest(known.role, 1, rng);
        }
    }

    /// The dial was in vain, but everything fails just now: the address rests as before and is not counted out.
    pub fn spared(&mut self, now: Instant, lease: Lease, rng: &mut dyn CryptoRng) {
        let entry = self.give_back(lease);
        if let Some(known) = self.entries.find_mut(entry) {
            known.not_before = now + backoff::rest(known.role, known.failures.max(1), rng);
        }
    }

    /// The dial was called off, or never left this machine.
    pub fn returned(&mut self, lease: Lease) {
        self.give_back(lease);
    }

    fn give_back(&mut self, lease: Lease) -> Handle {
        self.lent.retain(|&entry| entry != lease.entry);
        if let Some(known) = self.entries.find_mut(lease.entry) {
            known.lent = false;
        }
        lease.entry
    }

    fn relist(&mut self, entry: Handle, to: ListKind) {
        let Some(known) = self.entries.find_mut(entry) else { return };
        let from = core::mem::replace(&mut known.list, to);
        self.list_mut(from).retain(|&other| other != entry);
        self.list_mut(to).push(entry);
    }
}

const fn blank(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
}

#[cfg(test)]
mod tests;
