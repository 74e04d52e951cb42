//! Own transactions to an exit, strangers' to the public network.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::Node;
use crate::config::RelayPolicy;
use crate::ids::{ConnId, ZoneId};
use crate::levin::{self, Kind};
use crate::output::Event;
use crate::stash::{Exposure, Held, StashState};
use crate::table::Handle;
use crate::wire::{NewTransactions, TxForm, command};
use crate::zone::route::{ExitForm, LocalExit, Why, route_local, route_peer};

/// When to say that a transaction is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announce {
    Always,
    /// Only if it was not held before, or for another reason.
    Changes,
}

impl Node {
    /// Routes the own transactions that nobody has and no link carries.
    pub(super) fn reroute(&mut self, held: Held) {
        for entry in self.stash.stranded(held) {
            self.route_entry(entry, Announce::Changes);
        }
    }

    /// Gives held transactions their present reason, without sending any.
    pub(super) fn restate_held(&mut self) {
        if let Err(why) = self.local_exit() {
            for entry in self.stash.stranded(Held::Include) {
                self.hold(entry, why, Announce::Changes);
            }
        }
    }

    /// Sends one own transaction out, or holds it.
    pub(super) fn route_entry(&mut self, entry: Handle, announce: Announce) {
        match self.exit_for(entry) {
            Ok(exit) => self.dispatch_local(entry, &exit),
            Err(why) => self.hold(entry, why, announce),
        }
    }

    /// A further round of a transaction that was handed over without evidence that it spread.
    pub(super) fn next_round(&mut self, entry: Handle) {
        match self.exit_for(entry) {
            Ok(exit) => self.dispatch_local(entry, &exit),
            Err(_) => self.stash.round_missed(self.now, entry, &mut *self.rng),
        }
    }

    /// The exit for one transaction: what anonymity peers may know does not go to the public network, or the two could
    /// be matched (design §2).
    fn exit_for(&self, entry: Handle) -> Result<LocalExit, Why> {
        let exit = self.local_exit()?;
        if exit.form() == ExitForm::PublicStem && self.stash.exposure(entry) == Exposure::Anonymity {
            return Err(Why::KnownToAnonymityPeers);
        }
        Ok(exit)
    }

    fn local_exit(&self) -> Result<LocalExit, Why> {
        route_local(self.rules, &self.statuses(), self.public_only.as_ref())
    }

    pub(super) fn hold(&mut self, entry: Handle, why: Why, announce: Announce) {
        let Some(id) = self.stash.id(entry) else { return };
        let news = self.stash.state(entry) != Some(StashState::Held(why));
        self.stash.hold(entry, why);
        if news || announce == Announce::Always {
            self.outbox.event(Event::Held { id, why });
        }
    }

    fn dispatch_local(&mut self, entry: Handle, exit: &LocalExit) {
        let Some(id) = self.stash.id(entry) else { return };
        let exposure = match exit.form() {
            ExitForm::Anonymity => Exposure::Anonymity,
            ExitForm::PublicStem => Exposure::Public,
        };
        if !self.stash.expose(entry, exposure, exit.zone(), self.durability) {
            return self.outbox.event(Event::Exposing { id, exposure });
        }
        self.outbox.event(Event::Queued { id, zone: exit.zone() });
        match exit.form() {
            ExitForm::PublicStem => self.stem_local(entry, exit),
            ExitForm::Anonymity => match self.zones[exit.zone().index()].relay {
                RelayPolicy::Fluff => self.fluff_local(entry, exit),
            },
        }
        self.stash.round_begun(self.now, entry, &mut *self.rng);
    }

    /// Policy `fluff`: plans a flush on every outgoing link whose peer has not surely read the transaction; if all have,
    /// on all of them.
    fn fluff_local(&mut self, entry: Handle, exit: &LocalExit) {
        let zone = exit.zone();
        let fresh = |(_, conn): &(ConnId, &crate::conn::Conn)| !self.stash.is_proven_at(entry, conn.addr.as_ref());
        let mut links: Vec<ConnId> = self.ready_outgoing(zone).filter(fresh).map(|(id, _)| id).collect();
        if links.is_empty() {
            links = self.ready_outgoing(zone).map(|(id, _)| id).collect();
        }
        for conn in links {
            if !self.fluff.is_scheduled(conn, entry) {
                self.fluff.schedule(self.now, conn, entry, &mut *self.rng);
                self.stash.carry(entry, zone);
            }
        }
    }

    /// A link's flush is due.
    pub(super) fn flush(&mut self, conn: ConnId, mut entries: Vec<Handle>) {
        let zone = self.conns.find(conn.0).map(|conn| conn.zone);
        let exit = self.local_exit().ok().filter(|exit| Some(exit.zone()) == zone);
        // sorted by id, so that the order in which the user submitted them does not show
        entries.sort_by_key(|&entry| self.stash.id(entry));
        for entry in entries {
            match &exit {
                Some(exit) => self.hand_over(conn, entry, exit, TxForm::Fluff),
                None => self.stash.drop_carrier(entry),
            }
        }
        if exit.is_none() {
            self.reroute(Held::LeaveOut);
        }
    }

    fn stem_local(&mut self, entry: Handle, exit: &LocalExit) {
        if let Some(conn) = self.stem_hop(None, exit.zone()) {
            self.stash.carry(entry, exit.zone());
            self.hand_over(conn, entry, exit, TxForm::Stem);
        }
    }

    /// Queues an own transaction on a link of the zone that `exit` names, and on no other.
    pub(super) fn hand_over(&mut self, conn: ConnId, entry: Handle, exit: &LocalExit, form: TxForm) {
        if self.conns.find(conn.0).is_none_or(|conn| conn.zone != exit.zone()) {
            return self.stash.drop_carrier(entry);
        }
        let Some(frame) = self.stash.leave_by(entry, exit).map(|blob| tx_frame(form, blob)) else { return };
        self.enqueue(conn, frame, Some(entry));
    }

    /// Stems what peers sent and the embedder accepted, as far as public links allow.
    pub(super) fn send_accepted(&mut self) {
        while let Some(ticket) = self.received.accepted() {
            let Ok(exit) = route_peer(&self.statuses()) else { return };
            let Some(foreign) = self.received.find_mut(ticket) else { return };
            let (source, frame) = (foreign.from, tx_frame(TxForm::Stem, foreign.tx.leave_by(&exit)));
            let Some(conn) = self.stem_hop(Some(source), exit.zone()) else { return };
            self.enqueue(conn, frame, None);
            self.received.remove(ticket);
            self.release(source);
        }
    }

    /// The public link on which a stem goes on: one whose peer is not behind the median of what outgoing peers claim
    /// (spec: dandelion-noise §3).
    fn stem_hop(&mut self, source: Option<ConnId>, zone: ZoneId) -> Option<ConnId> {
        let mut heights: Vec<u64> = self.ready_outgoing(zone).map(|(_, conn)| conn.height).collect();
        heights.sort_unstable();
        let median = heights.get(heights.len().saturating_sub(1) / 2).copied().unwrap_or(0);
        let eligible: Vec<ConnId> =
            self.ready_outgoing(zone).filter(|(_, conn)| conn.height.saturating_add(2) >= median).map(|(id, _)| id).collect();
        self.stems.next_hop(self.now, source, eligible.iter().copied(), &mut *self.rng)
    }
}

fn tx_frame(form: TxForm, blob: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(blob.len() + 128);
    levin::frame(&mut out, Kind::Notify, command::NEW_TRANSACTIONS, |out| {
        NewTransactions::encode(out, form, 0, core::iter::once(blob));
    });
    out.freeze()
}
