//! Bans: by the application, and for what peers do.

use alloc::vec::Vec;
use core::time::Duration;

use super::Node;
use crate::addr::Addr;
use crate::bans::{BanReport, Banned, BansFull};
use crate::conn::Conn;
use crate::error::CloseReason;
use crate::ids::ConnId;
use crate::time::Instant;

impl Node {
    /// Has nothing to do with somebody any more, for a while or (`None`) until the end of the run: links are closed, and
    /// nobody there is accepted, dialled, learnt of or told of. A ban that is there gets the new end. Incoming peers of a
    /// hidden service have no address, and so no ban.
    ///
    /// # Errors
    /// [`BansFull`]: nothing changed, unless there was a ban of the same, which is lifted.
    pub fn ban(&mut self, now: Instant, who: Banned, span: Option<Duration>) -> Result<(), BansFull> {
        self.advance(now);
        let until = span.map(|span| self.now + span);
        self.impose(who, until)
    }

    /// Lifts a ban; `false` if there is none.
    pub fn unban(&mut self, now: Instant, who: &Banned) -> bool {
        self.advance(now);
        let lifted = self.bans.lift(who);
        if lifted {
            for index in 0..self.zones.len() {
                let zone = &mut self.zones[index];
                zone.peers.pardon(self.now, |addr| who.covers(addr));
                let zone = zone.id;
                self.fill(zone);
            }
        }
        lifted
    }

    /// What is banned now.
    pub fn bans(&self) -> impl Iterator<Item = BanReport> + '_ {
        self.bans.reports(self.now)
    }

    pub(super) fn impose(&mut self, who: Banned, until: Option<Instant>) -> Result<(), BansFull> {
        self.bans.ban(self.now, who.clone(), until)?;
        let covered = |conn: &Conn| conn.addr.as_ref().is_some_and(|addr| who.covers(addr));
        let links: Vec<ConnId> = self.conns.iter().filter(|(_, conn)| covered(conn)).map(|(handle, _)| ConnId(handle)).collect();
        for id in links {
            self.close(id, CloseReason::Banned);
        }
        let rested = until.unwrap_or(super::tick::END_OF_TIME);
        for zone in &mut self.zones {
            zone.peers.banish(rested, |addr| who.covers(addr));
        }
        Ok(())
    }

    /// Books why a link with somebody ended. Whom the user named is never banned for it: that would hold back what the
    /// user sends.
    pub(super) fn blame(&mut self, addr: &Addr, reason: &CloseReason) {
        let Some((who, until)) = self.bans.blame(self.now, addr, reason) else { return };
        if !self.zones.iter().any(|zone| zone.peers.is_named(addr)) {
            self.impose(who, Some(until)).expect("there is room, or nobody would be found guilty");
        }
    }
}
