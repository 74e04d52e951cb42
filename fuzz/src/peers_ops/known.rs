//! What the model knows of one address.

use anonet_core::peers::ListKind;
use anonet_core::{Addr, PeerRole};

#[derive(Debug)]
pub(super) struct Known {
    pub(super) addr: Addr,
    pub(super) list: ListKind,
    pub(super) role: Option<PeerRole>,
    pub(super) proven: bool,
    pub(super) failures: u8,
}

impl Known {
    /// A dial failed, or a link of some length ended; `false` if the address is forgotten for it.
    pub(super) fn lives_on(&mut self, failed: bool) -> bool {
        self.failures = if failed { self.failures + 1 } else { 0 };
        match (self.list, self.role, self.failures) {
            (ListKind::Gray, None, 3..) => return false,
            (ListKind::White, None, 8..) => self.list = ListKind::Gray,
            _ => {}
        }
        true
    }

    pub(super) fn may_be_shared(&self) -> bool {
        let meant_for_all = matches!(self.role, None | Some(PeerRole::Known));
        self.proven && self.list == ListKind::White && meant_for_all && !self.addr.is_local()
    }
}
