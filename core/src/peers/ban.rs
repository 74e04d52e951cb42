//! What bans do to the lists.

use alloc::vec::Vec;

use super::{Known, PeerList};
use crate::addr::Addr;
use crate::table::Handle;
use crate::time::Instant;

impl PeerList {
    /// Whether the user named a peer on this host.
    pub(crate) fn is_named(&self, addr: &Addr) -> bool {
        self.entries.iter().any(|(_, known)| known.role.is_some() && known.info.addr.same_host(addr))
    }

    /// Forgets the banned, but for those whom the user named: they rest until then.
    pub(crate) fn banish(&mut self, until: Instant, banned: impl Fn(&Addr) -> bool) {
        let found = self.found(banned);
        for entry in found {
            match self.entries.find_mut(entry) {
                Some(known) if known.role.is_some() => known.not_before = until,
                _ => self.remove(entry),
            }
        }
    }

    /// Lets those whom the user named be dialled again.
    pub(crate) fn pardon(&mut self, now: Instant, banned: impl Fn(&Addr) -> bool) {
        for entry in self.found(banned) {
            let known = &mut self.entries[entry];
            known.not_before = known.not_before.min(now);
        }
    }

    fn found(&self, banned: impl Fn(&Addr) -> bool) -> Vec<Handle> {
        let banned = |known: &Known| banned(&known.info.addr);
        self.entries.iter().filter(|(_, known)| banned(known)).map(|(entry, _)| entry).collect()
    }
}
