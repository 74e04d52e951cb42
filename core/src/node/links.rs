//! The life of a link: dialled, ready, ended.

use core::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{Node, Stopping};
use crate::conn::{Conn, Phase, SYNC_INTERVAL};
use crate::error::CloseReason;
use crate::ids::{ConnId, Isolation, ZoneId};
use crate::levin::{self, Kind};
use crate::output::{Direction, Event, Note, Output};
use crate::peers::Lease;
use crate::rand;
use crate::select::{DialView, next_dial};
use crate::stash::Held;
use crate::table::Handle;
use crate::zone::ProxyState;

impl Node {
    /// Dials until the zone has, or is about to have, what it wants; then plans when to look again.
    pub(super) fn fill(&mut self, zone: ZoneId) {
        loop {
            let found = &mut self.zones[zone.index()];
            found.next_fill = None;
            if self.stopping != Stopping::No || found.max_outgoing == 0 {
                return;
            }
            let failing = matches!(found.proxy, ProxyState::Down(_)) || found.network_seems_down();
            let in_flight = if failing { 1 } else { found.policy.dials_in_flight };
            if found.dialing >= in_flight {
                return;
            }
            if let Some(rested) = found.rests_until.filter(|&rested| rested > self.now) {
                found.next_fill = Some(rested);
                return;
            }
            let outgoing = found.dialing + found.outgoing;
            let view =
                DialView { peers: &found.peers, outgoing, wanted: found.max_outgoing, exclusive_only: self.exclusive_only };
            let Some(candidate) = next_dial(&view, self.now, &mut *self.rng) else {
                found.next_fill = found.peers.next_rested(self.now);
                return;
            };
            let Some(lease) = found.peers.lease(candidate) else { return };
            found.dialing += 1;
            let mut conn = Conn::new(self.now, zone, Direction::Outgoing, found.policy.frame_rate);
            let addr = lease.addr().clone();
            conn.deadline = Some(self.now + found.policy.dial_timeout);
            conn.addr = Some(addr.clone());
            conn.phase = Phase::Dialing;
            conn.lease = Some(lease);
            let conn = ConnId(self.conns.insert(conn));
            let isolation = Isolation(self.rng.next_u64().to_le_bytes());
            self.schedule(conn);
            self.outbox.push(Output::Dial { conn, zone, addr, isolation });
        }
    }

    /// A handshake is done.
    pub(super) fn ready(&mut self, id: ConnId, peer_id: u64, height: u64) {
        let Some(conn) = self.conns.find_mut(id.0) else { return };
        let zone = &mut self.zones[conn.zone.index()];
        let (zone_id, direction) = (zone.id, conn.direction);
        conn.phase = Phase::Ready { since: self.now };
        conn.height = height;
        conn.deadline = None;
        // the first one soon and at any moment, so that it does not tell when the link was made
        conn.next_sync = Some(self.now + rand::between(&mut *self.rng, Duration::ZERO, SYNC_INTERVAL.1));
        match direction {
            Direction::Incoming => zone.ready_incoming += 1,
            Direction::Outgoing => zone.ready_outgoing += 1,
        }
        if let Some(lease) = &conn.lease {
            zone.peers.succeeded(self.now, lease, peer_id, &mut *self.rng);
        }
        self.schedule(id);
        self.outbox.event(Event::Up { conn: id, zone: zone_id, direction });
        if direction == Direction::Outgoing {
            self.reroute(Held::Include);
            self.send_accepted();
        }
    }

    /// Closes a link from this side.
    pub(super) fn close(&mut self, id: ConnId, reason: CloseReason) {
        if self.conns.find(id.0).is_some() {
            self.outbox.push(Output::Close { conn: id, reason });
            self.end(id, reason);
        }
    }

    /// Takes leave of a link whose stream is gone, and of all that hung on it.
    pub(super) fn end(&mut self, id: ConnId, reason: CloseReason) {
        let Some(mut conn) = self.conns.remove(id.0) else { return };
        self.timers.set(id.0.slot(), None);
        let lease = conn.lease.take();
        let zone = &mut self.zones[conn.zone.index()];
        let zone_id = zone.id;
        match (&conn.phase, conn.direction) {
            (Phase::Dialing, _) => zone.dialing -= 1,
            (_, Direction::Outgoing) => zone.outgoing -= 1,
            (_, Direction::Incoming) => zone.incoming -= 1,
        }
        let mut lasted = None;
        if let Phase::Ready { since } = conn.phase {
            lasted = Some(self.now.saturating_since(since));
            match conn.direction {
                Direction::Incoming => zone.ready_incoming -= 1,
                Direction::Outgoing => zone.ready_outgoing -= 1,
            }
        }
        if let Some(lease) = lease {
            self.settle_lease(zone_id, lease, reason, lasted);
        }
        self.outbox.event(Event::Down { conn: id, zone: zone_id, reason });
        self.stems.drop_link(id);
        self.unload(id, &conn);
        if conn.direction == Direction::Outgoing {
            self.fill(zone_id);
        }
        self.finish_if_stopped();
    }

    /// Gives an address back to its list, with what its dial or link has shown.
    fn settle_lease(&mut self, zone: ZoneId, lease: Lease, reason: CloseReason, lasted: Option<Duration>) {
        let (zone, now, rng) = (&mut self.zones[zone.index()], self.now, &mut *self.rng);
        match (lasted, reason) {
            (_, CloseReason::Shutdown) => zone.peers.returned(lease),
            (Some(lasted), _) => zone.peers.ended(now, lease, lasted, rng),
            (None, CloseReason::Dial(why)) if why.blames_proxy() => zone.peers.returned(lease),
            (None, CloseReason::Dial(_) | CloseReason::DialTimeout) => {
                let (pause, to_blame) = zone.dial_failed();
                zone.rests_until = Some(now + pause);
                if to_blame { zone.peers.failed(now, lease, rng) } else { zone.peers.spared(now, lease, rng) }
            }
            (None, _) => zone.peers.failed(now, lease, rng),
        }
    }

    /// Finds other ways for the transactions that the link was to carry, or may have carried in vain.
    fn unload(&mut self, id: ConnId, conn: &Conn) {
        self.unload_foreign(id);
        // own transactions leave by outgoing links only
        if conn.direction == Direction::Incoming {
            return;
        }
        for entry in self.flushes.drop_link(id).into_iter().flatten().chain(conn.queue.unsent()) {
            self.stash.drop_carrier(entry);
        }
        if self.stash.link_ended(id) > 0 {
            self.outbox.note(Note::HandOverInterrupted { zone: conn.zone });
        }
        if self.stopping == Stopping::No {
            self.reroute(Held::LeaveOut);
        }
    }

    /// Queues a frame that may be shared with other links.
    pub(super) fn enqueue(&mut self, id: ConnId, frame: Bytes, hands_over: &[Handle]) {
        if let Some(conn) = self.conns.find_mut(id.0) {
            conn.queue.push(frame, hands_over.to_vec());
        }
        self.queued(id);
    }

    /// Queues an answer, encoded into the link's own buffer.
    pub(super) fn answer(&mut self, id: ConnId, command: u32, code: i32, body: impl FnOnce(&mut BytesMut)) {
        if let Some(conn) = self.conns.find_mut(id.0) {
            conn.queue.encode(|out| levin::frame(out, Kind::Response { code }, command, body));
        }
        self.queued(id);
    }

    /// Asks the embedder to write, stops reading from a peer that does not read, and gives up on one that never does.
    pub(super) fn queued(&mut self, id: ConnId) {
        let Some(conn) = self.conns.find_mut(id.0) else { return };
        if conn.queue.len() > self.limits.queue_bytes {
            return self.close(id, CloseReason::SlowReader);
        }
        conn.paused |= conn.queue.len() > self.limits.queue_bytes / 2;
        conn.waits_for_writing(self.now);
        if !core::mem::replace(&mut conn.transmit_pending, true) {
            self.outbox.push(Output::Transmit(id));
        }
        self.schedule(id);
    }

    /// Arms the link's one timer.
    pub(super) fn schedule(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.find(id.0) {
            self.timers.set(id.0.slot(), conn.next_due());
        }
    }

    pub(super) fn finish_if_stopped(&mut self) {
        if self.stopping == Stopping::Draining && self.conns.len() == 0 {
            self.stopping = Stopping::Done;
            self.last_snapshots();
            self.outbox.event(Event::Stopped);
        }
    }
}
