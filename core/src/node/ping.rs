//! Pings in the public zone: whoever names a port is asked on it, before others are told of it (spec: messages §3.2).

use core::time::Duration;

use super::Node;
use super::dispatch::{ANSWERED, bad};
use crate::conn::Purpose;
use crate::error::CloseReason;
use crate::ids::ConnId;
use crate::levin::Kind;
use crate::output::Direction;
use crate::peers::Source;
use crate::wire::{NodeData, PeerEntry, PingRequest, PingResponse, SupportFlagsRequest, SupportFlagsResponse, command};
use crate::zone::policy::{PINGS, PINGS_AT_ONCE};

/// From the dial to the open stream, and from there to the answer.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
pub(super) const ANSWER: Duration = Duration::from_secs(5);

impl Node {
    /// A peer that dialled us names its port: sees whether it is there, and the same node, if its address is news. Not
    /// where the user wants exclusive peers dialled and nobody else.
    pub(super) fn ping_back(&mut self, id: ConnId, node: &NodeData) {
        let Some(conn) = self.conns.find(id.0) else { return };
        let zone = &mut self.zones[conn.zone.index()];
        let port = u16::try_from(node.my_port).ok().filter(|&port| port != 0 && zone.pings_back);
        let Some(addr) = conn.addr.as_ref().zip(port).and_then(|(addr, port)| addr.with_port(port)) else { return };
        let banned = self.bans.cover(self.now, &addr);
        if self.exclusive_only
            || banned
            || !zone.peers.is_news(&addr)
            || zone.errands.pings >= PINGS_AT_ONCE
            || !zone.ping_budget.spend(PINGS, self.now)
        {
            return;
        }
        let (zone, peer_id) = (zone.id, node.peer_id);
        if !self.conns.iter().any(|(_, other)| is_ping(other.purpose) && other.addr.as_ref() == Some(&addr)) {
            self.dial(zone, addr, None, Purpose::Ping { peer_id });
        }
    }

    /// The stream for a ping is open.
    pub(super) fn ping(&mut self, id: ConnId) {
        let queue = &mut self.conns[id.0].queue;
        queue.encode(|out| crate::levin::frame(out, Kind::Request, command::PING, |out| PingRequest.encode(out)));
        self.queued(id);
    }

    /// Somebody answered a ping. If it is who it said, its address is hearsay of those who dialled us: it is checked before
    /// it is shared, like any other.
    pub(super) fn ping_answered(&mut self, id: ConnId, code: i32, body: &[u8]) -> Result<(), CloseReason> {
        let conn = &self.conns[id.0];
        let Purpose::Ping { peer_id } = conn.purpose else { return Err(CloseReason::BeforeHandshake(command::PING)) };
        if code < ANSWERED {
            return Err(CloseReason::Declined { command: command::PING, code });
        }
        let response = PingResponse::decode(body).map_err(bad(command::PING))?;
        let found = core::iter::once(&conn.addr).flatten().filter(|_| response.peer_id == peer_id).cloned();
        let zone = &mut self.zones[conn.zone.index()];
        zone.peers.learn(self.now, Source::INBOUND, found.map(PeerEntry::bare), &mut zone.rng);
        let zone = zone.id;
        self.close(id, CloseReason::Done);
        self.plan_check(zone);
        self.fill(zone);
        Ok(())
    }

    /// A stranger pings us, as we named a port (else its frame is none that may come): once on each stream, and without a
    /// handshake, as monerod does it.
    pub(super) fn pinged_early(&mut self, id: ConnId) -> Result<(), CloseReason> {
        let conn = &mut self.conns[id.0];
        let identity = self.zones[conn.zone.index()].identity;
        if conn.direction != Direction::Incoming || core::mem::replace(&mut conn.pinged, true) {
            return Err(CloseReason::BeforeHandshake(command::PING));
        }
        let peer_id = identity.peer_id;
        self.answer(id, command::PING, ANSWERED, |out| PingResponse { peer_id }.encode(out));
        Ok(())
    }

    /// A peer shows no support flags: asks for them, in the zone that has any, as monerod does.
    pub(super) fn ask_flags(&mut self, id: ConnId, node: &NodeData) {
        let Some(conn) = self.conns.find_mut(id.0) else { return };
        if node.support_flags != 0 || self.zones[conn.zone.index()].policy.support_flags == 0 {
            return;
        }
        conn.flags_asked = true;
        conn.queue
            .encode(|out| crate::levin::frame(out, Kind::Request, command::SUPPORT_FLAGS, |out| SupportFlagsRequest.encode(out)));
        self.queued(id);
    }

    /// What a peer supports makes no difference here: it is enough that it answers once, if asked.
    pub(super) fn flags_answered(&mut self, id: ConnId, code: i32, body: &[u8]) -> Result<(), CloseReason> {
        let conn = &mut self.conns[id.0];
        if !core::mem::take(&mut conn.flags_asked) {
            return Err(CloseReason::Unasked(command::SUPPORT_FLAGS));
        }
        if code >= ANSWERED {
            SupportFlagsResponse::decode(body).map_err(bad(command::SUPPORT_FLAGS))?;
        }
        Ok(())
    }
}

const fn is_ping(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Ping { .. })
}
