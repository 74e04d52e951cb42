//! Dandelion++ in the public zone: strangers' transactions that the embedder accepted, and own ones that left as a
//! public stem (spec: dandelion-noise §2, §4, §5 and §7).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Node;
use super::send::TRANSACTIONS_BELOW;
use crate::conn::Conn;
use crate::ids::{ConnId, Ticket, ZoneId};
use crate::output::Direction;
use crate::rand::Poisson;
use crate::relay::transit::{Digest, Passage};
use crate::tx::PeerTx;
use crate::wire::TxForm;
use crate::zone::route::{PublicExit, route_peer};

/// Transactions that may wait for one link. It is not offered more: others will tell the peer.
const BACKLOG: usize = 1_024;

/// What becomes of an accepted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Stem,
    Fluff,
    /// It is on its way already.
    Drop,
}

impl Node {
    /// Sends on what peers sent and the embedder accepted, as far as public links allow.
    pub(super) fn send_accepted(&mut self) {
        if self.received.accepted().next().is_none() {
            return;
        }
        let Ok(exit) = route_peer(&self.statuses()) else { return };
        let tickets: Vec<(Ticket, Digest)> = self.received.accepted().collect();
        for (ticket, digest) in tickets {
            self.send_foreign(ticket, digest, &exit);
        }
    }

    /// Sends one on, unless no link takes it now.
    fn send_foreign(&mut self, ticket: Ticket, digest: Digest, exit: &PublicExit) {
        let Some(foreign) = self.received.find(ticket) else { return };
        let (source, size) = (foreign.origin.from, foreign.tx.size());
        let way = self.way(foreign.origin.form, foreign.origin.zone == exit.zone(), digest);
        if way != Way::Drop && !self.transit.has_room(size) {
            return;
        }
        // a stem that finds no link becomes fluff, as in monerod
        let hop = (way == Way::Stem).then(|| self.stem_hop(Some(source), exit.zone())).flatten();
        let congested = |conn: ConnId| {
            self.conns.find(conn.0).is_none_or(|conn| conn.queue.len() > self.limits.queue_bytes / TRANSACTIONS_BELOW)
        };
        if hop.is_some_and(congested) {
            return;
        }
        let Some(foreign) = self.received.remove(ticket) else { return };
        self.release(source);
        match (way, hop) {
            (Way::Drop, _) => {}
            (Way::Stem, Some(hop)) => {
                let frame = self.tx_frame(TxForm::Stem, &[foreign.tx.leave_by(exit)]);
                self.transit.stem(self.now, digest, foreign.tx, &mut self.transit_rng);
                self.enqueue(hop, frame, &[]);
            }
            (Way::Stem | Way::Fluff, _) => {
                self.transit.fluff(digest, foreign.tx);
                self.fluff_foreign(digest, Some(source), exit.zone());
            }
        }
    }

    /// The way of a transaction that came in the form `form`, from the public zone or from another.
    fn way(&mut self, form: TxForm, from_public: bool, digest: Digest) -> Way {
        match (self.transit.passage(digest), form) {
            (Some(Passage::Fluffed), _) => Way::Drop,
            (None | Some(Passage::Stemmed), TxForm::Fluff) => Way::Fluff,
            // the stem came round
            (Some(Passage::Stemmed), TxForm::Stem) if from_public => Way::Fluff,
            (Some(Passage::Stemmed), TxForm::Stem) => Way::Drop,
            (None, TxForm::Stem) if self.stems.fluffs(self.now, &mut self.transit_rng) => Way::Fluff,
            (None, TxForm::Stem) => Way::Stem,
        }
    }

    /// Plans a flush on every public link but the one that it came by.
    fn fluff_foreign(&mut self, digest: Digest, source: Option<ConnId>, zone: ZoneId) {
        let ready = |(_, conn): &(ConnId, &Conn)| conn.zone == zone && conn.is_ready();
        let links = self.conns.iter().map(|(handle, conn)| (ConnId(handle), conn)).filter(ready);
        let links: Vec<(ConnId, Direction)> =
            links.filter(|&(id, _)| Some(id) != source).map(|(id, conn)| (id, conn.direction)).collect();
        for (conn, direction) in links {
            let mean = match direction {
                Direction::Incoming => Poisson::MEAN_20,
                Direction::Outgoing => Poisson::MEAN_10,
            };
            if self.fluffs.waiting(conn) < BACKLOG && self.fluffs.fluff(self.now, conn, digest, mean, &mut self.transit_rng) {
                self.transit.wait(digest);
            }
        }
        self.transit.let_go(digest);
    }

    /// A stem did not come back in time: this node fluffs it, to all.
    pub(super) fn embargo_over(&mut self, digest: Digest) {
        if let Some(zone) = self.zones.iter().find(|zone| !zone.kind.is_anonymity()).map(|zone| zone.id) {
            self.fluff_foreign(digest, None, zone);
        }
    }

    /// The flush of strangers' transactions is due on a public link: as many messages as its queue takes now.
    pub(super) fn flush_foreign(&mut self, id: ConnId, digests: BTreeSet<Digest>) {
        let ready = self.conns.find(id.0).filter(|conn| conn.is_ready()).map(|conn| conn.zone);
        let Some(exit) = route_peer(&self.statuses()).ok().filter(|exit| Some(exit.zone()) == ready) else {
            return self.fluffs.put_back(self.now, id, digests.into_iter().collect());
        };
        let mut waiting: Vec<Digest> = digests.into_iter().collect();
        while !waiting.is_empty() {
            let size = |digest| self.transit.leave_by(digest, &exit).map(<[u8]>::len);
            let (batch, rest) = self.batch(id, &waiting, size);
            if batch.is_empty() {
                return self.fluffs.put_back(self.now, id, rest);
            }
            let mut blobs: Vec<&[u8]> = batch.iter().filter_map(|&digest| self.transit.leave_by(digest, &exit)).collect();
            // sorted, so that the order in which they came does not show
            blobs.sort_unstable();
            let frame = self.tx_frame(TxForm::Fluff, &blobs);
            batch.into_iter().for_each(|digest| self.transit.served(digest));
            self.enqueue(id, frame, &[]);
            waiting = rest;
        }
    }

    /// A link has gone, and does not get what waited for it.
    pub(super) fn unload_foreign(&mut self, id: ConnId) {
        for digest in self.fluffs.drop_link(id).into_iter().flatten() {
            self.transit.served(digest);
        }
    }

    /// An own transaction leaves as a public stem: what becomes of it now is what becomes of a stranger's.
    pub(super) fn stemmed_own(&mut self, tx: PeerTx) {
        let digest = self.transit.digest(&tx);
        if self.transit.passage(digest).is_none() && self.transit.has_room(tx.size()) {
            self.transit.stem(self.now, digest, tx, &mut self.transit_rng);
        }
    }
}
