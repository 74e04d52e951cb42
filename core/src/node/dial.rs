//! Whom this node dials: links that are wanted, checks of hearsay, and seeds.

use rand_core::Rng as _;

use super::{Node, Stopping};
use crate::addr::Addr;
use crate::conn::{Conn, Phase, Purpose};
use crate::error::CloseReason;
use crate::ids::{ConnId, Isolation, ZoneId};
use crate::output::{Direction, Output};
use crate::peers::{Candidate, Lease};
use crate::select::{self, DialView};
use crate::zone::ProxyState;
use crate::zone::policy::DIALS_AT_MOST;

impl Node {
    /// Dials until the zone has, or is about to have, what it wants; then plans when to look again.
    pub(super) fn fill(&mut self, zone: ZoneId) {
        while let Some(candidate) = self.next_candidate(zone) {
            // without a lease it turned out to be no address, and is gone
            if let Some(lease) = self.zones[zone.index()].peers.lease(candidate) {
                let addr = lease.addr().clone();
                self.dial(zone, addr, Some(lease), Purpose::Link);
            }
        }
    }

    fn next_candidate(&mut self, zone: ZoneId) -> Option<Candidate> {
        let found = &mut self.zones[zone.index()];
        found.next_fill = None;
        if self.stopping != Stopping::No || found.max_outgoing == 0 {
            return None;
        }
        let failing = matches!(found.proxy, ProxyState::Down(_)) || found.network_seems_down();
        let (in_flight, at_most) = if failing { (1, DIALS_AT_MOST.1) } else { (found.policy.dials_in_flight, DIALS_AT_MOST.0) };
        if found.dialing >= in_flight || found.dialing + found.slow >= at_most {
            return None;
        }
        if let Some(rested) = found.rests_until.filter(|&rested| rested > self.now) {
            found.next_fill = Some(rested);
            return None;
        }
        let outgoing = found.dialing + found.outgoing;
        let view = DialView { peers: &found.peers, outgoing, wanted: found.max_outgoing, exclusive_only: self.exclusive_only };
        let candidate = select::next_dial(&view, self.now, &mut found.rng);
        if candidate.is_none() {
            found.next_fill = found.peers.next_rested(self.now);
        }
        if !self.exclusive_only && (candidate.is_none() || found.seems_stranded()) {
            self.ask_a_seed(zone);
        }
        candidate
    }

    /// Asks a seed for peers, if there is no link and it is time.
    fn ask_a_seed(&mut self, zone: ZoneId) {
        let found = &mut self.zones[zone.index()];
        if found.outgoing > 0 || found.dialing > 0 && !found.seems_stranded() {
            return;
        }
        let (now, bans) = (self.now, &self.bans);
        match found.errands.next_seed(now, |addr| found.peers.host_is_lent(addr) || bans.cover(now, addr)) {
            Ok(addr) => {
                self.dial(zone, addr, None, Purpose::Seed);
            }
            Err(None) => {}
            Err(Some(rested)) => found.next_fill = Some(found.next_fill.map_or(rested, |at| at.min(rested))),
        }
    }

    /// Plans a check of hearsay, if there is any. It is planned again at each link that comes up.
    pub(super) fn plan_check(&mut self, zone: ZoneId) {
        let found = &mut self.zones[zone.index()];
        // couriers look after hearsay, too
        if found.couriers.is_none() && found.has_its_links() && found.has_hearsay() && !self.exclusive_only {
            found.errands.plan_check(self.now, &mut found.rng);
        }
    }

    /// Sees whether one address that was heard of is there: by a stream of its own, closed after the handshake.
    pub(super) fn check_hearsay(&mut self, zone: ZoneId) {
        self.plan_check(zone);
        let found = &mut self.zones[zone.index()];
        let free = found.errands.is_free() && found.rests_until.is_none_or(|rested| rested <= self.now);
        if !found.has_its_links() || !free {
            return;
        }
        let Some(candidate) = select::next_check(&found.peers, self.now, &mut found.rng) else { return };
        if let Some(lease) = found.peers.lease(candidate) {
            let addr = lease.addr().clone();
            self.dial(zone, addr, Some(lease), Purpose::Check);
        }
    }

    pub(super) fn dial(&mut self, zone: ZoneId, addr: Addr, lease: Option<Lease>, purpose: Purpose) -> ConnId {
        let found = &mut self.zones[zone.index()];
        let mut conn = Conn::new(self.now, zone, Direction::Outgoing, found.policy.frame_rate);
        let timeout = if let Purpose::Ping { .. } = purpose { super::ping::CONNECT } else { found.dial_timeout };
        conn.deadline = Some(self.now + timeout);
        // an errand takes nobody's turn
        let slow_at = (purpose == Purpose::Link).then(|| self.now + found.policy.dial_patience);
        conn.phase = Phase::Dialing { slow_at };
        conn.purpose = purpose;
        conn.addr = Some(addr.clone());
        conn.lease = lease;
        *found.count_of(&conn) += 1;
        found.errands.began(purpose);
        let isolation = Isolation(found.rng.next_u64().to_le_bytes());
        let conn = ConnId(self.conns.insert(conn));
        self.schedule(conn);
        self.outbox.push(Output::Dial { conn, zone, addr, isolation });
        conn
    }

    /// A dial takes long: it goes on, and another takes its turn, so that an address where nobody is delays nothing.
    pub(super) fn dial_is_slow(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        let zone = &mut self.zones[conn.zone.index()];
        *zone.count_of(conn) -= 1;
        conn.phase = Phase::Dialing { slow_at: None };
        *zone.count_of(conn) += 1;
        let zone = zone.id;
        self.schedule(id);
        self.fill(zone);
    }

    /// A dialled peer has answered the handshake on a stream that was not to stay: takes note and hangs up.
    pub(super) fn errand_done(&mut self, id: ConnId, peer_id: u64) {
        let conn = &mut self.conns[id.0];
        let zone = &mut self.zones[conn.zone.index()];
        if let Some(lease) = conn.lease.take() {
            zone.peers.verified(self.now, lease, peer_id, &mut zone.rng);
        }
        self.close(id, CloseReason::Done);
    }
}
