//! Lending an address to a dial, and what its return teaches.

use core::time::Duration;

use rand_core::CryptoRng;

use super::backoff::{Failure, rest};
use super::{Candidate, ListKind, PeerList};
use crate::addr::Addr;
use crate::config::PeerRole;
use crate::table::Handle;
use crate::time::Instant;

/// Failures in a row after which hearsay is forgotten, and after which a proven peer becomes hearsay.
pub(super) const FORGET_AFTER: u8 = 3;
pub(super) const DEMOTE_AFTER: u8 = 8;

/// A link that ended sooner than this counts as a failed attempt.
pub(super) const SHORT_LINK: Duration = Duration::from_secs(60);

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

impl PeerList {
    /// Lends a candidate; `None` if it is gone, lent, or turns out to be no address that can be dialled, which is then
    /// forgotten. Cost: one curve check for an onion that was restored.
    pub fn lease(&mut self, candidate: Candidate) -> Option<Lease> {
        let addr =
            self.entries.find(candidate.entry).is_some_and(|known| !known.lent).then(|| self.checked_addr(candidate.entry))??;
        self.entries.find_mut(candidate.entry)?.lent = true;
        self.lent.push(candidate.entry);
        Some(Lease { entry: candidate.entry, addr })
    }

    /// The address of an entry, which is forgotten if it turns out to be none that can be dialled.
    pub(super) fn checked_addr(&mut self, entry: Handle) -> Option<Addr> {
        let known = self.entries.find_mut(entry)?;
        if !core::mem::replace(&mut known.checked, true) && known.info.addr.check_point().is_err() {
            self.remove(entry);
            return None;
        }
        Some(known.info.addr.clone())
    }

    /// Why the user named the leased address, if so.
    pub(crate) fn role(&self, lease: &Lease) -> Option<PeerRole> {
        self.entries.find(lease.entry)?.role
    }

    /// A handshake on the leased address succeeded, and the link stays: the address is proven, and white from now on. In
    /// the public zone the peer's id is kept, as peers there tell candidates apart by it; in an anonymity zone all show
    /// one id, and another would mark whom it was told to.
    pub fn succeeded(&mut self, now: Instant, lease: &Lease, id: u64, rng: &mut dyn CryptoRng) {
        self.prove(now, lease.entry, id, rng);
        if let Some(known) = self.entries.find_mut(lease.entry) {
            known.anchor = true;
        }
    }

    /// A handshake on the leased address succeeded, which was all that was wanted of it.
    pub fn verified(&mut self, now: Instant, lease: Lease, id: u64, rng: &mut dyn CryptoRng) {
        self.prove(now, lease.entry, id, rng);
        let entry = self.give_back(lease);
        if let Some(known) = self.entries.find_mut(entry) {
            known.failures = 0;
            known.not_before = now + rest(known.role, Failure::Unreachable, 1, rng);
        }
    }

    pub(super) fn prove(&mut self, now: Instant, entry: Handle, id: u64, rng: &mut dyn CryptoRng) {
        let Some(known) = self.entries.find_mut(entry) else { return };
        known.proven = known.proven.or(Some(now));
        known.last_success = Some(now);
        if !self.kind.is_anonymity() {
            known.info.id = id;
        }
        let (list, source) = (known.list, known.source);
        if list == ListKind::Gray && self.make_room(ListKind::White, source, rng) {
            self.relist(entry, ListKind::White);
        }
        self.changed = true;
    }

    /// The dial or handshake failed, and the address is to blame: it rests, longer each time.
    pub fn failed(&mut self, now: Instant, lease: Lease, failure: Failure, rng: &mut dyn CryptoRng) {
        let entry = self.give_back(lease);
        let Some(known) = self.entries.find_mut(entry) else { return };
        known.failures = known.failures.saturating_add(1);
        known.not_before = now + rest(known.role, failure, known.failures, rng);
        known.anchor &= known.failures < DEMOTE_AFTER;
        let source = known.source;
        match (known.list, known.role, known.failures) {
            (ListKind::Gray, None, FORGET_AFTER..) => self.remove(entry),
            (ListKind::White, None, DEMOTE_AFTER..) if self.make_room(ListKind::Gray, source, rng) => {
                self.relist(entry, ListKind::Gray);
            }
            _ => {}
        }
    }

    /// The link ended after it `lasted` so long; a short one counts as a failure.
    pub fn ended(&mut self, now: Instant, lease: Lease, lasted: Duration, rng: &mut dyn CryptoRng) {
        if let Some(known) = self.entries.find_mut(lease.entry) {
            known.anchor = false;
        }
        if lasted < SHORT_LINK {
            return self.failed(now, lease, Failure::Unreachable, rng);
        }
        let entry = self.give_back(lease);
        if let Some(known) = self.entries.find_mut(entry) {
            known.failures = 0;
            known.last_success = Some(now);
            known.not_before = now + rest(known.role, Failure::Unreachable, 1, rng);
        }
    }

    /// The dial was in vain, but everything fails just now: the address rests as before and is not counted out.
    pub fn spared(&mut self, now: Instant, lease: Lease, rng: &mut dyn CryptoRng) {
        let entry = self.give_back(lease);
        if let Some(known) = self.entries.find_mut(entry) {
            known.not_before = now + rest(known.role, Failure::Unreachable, known.failures.max(1), rng);
        }
    }

    /// The dial was called off, never left this machine, or the node stops while the link stands.
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
}
