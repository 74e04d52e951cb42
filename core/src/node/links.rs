//! The life of a link: ready, ended, written to.

use core::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{Node, Stopping};
use crate::conn::{Conn, Phase, SYNC_INTERVAL};
use crate::error::CloseReason;
use crate::ids::{ConnId, ZoneId};
use crate::levin::{self, Kind};
use crate::output::{Direction, Event, Note, Output};
use crate::peers::{Failure, Lease};
use crate::rand;
use crate::stash::Held;
use crate::table::Handle;

/// The reading from a peer pauses while more than one in so many bytes of its queue's limit wait for it.
pub(super) const READ_BELOW: usize = 2;

impl Node {
    /// A handshake is done.
    pub(super) fn ready(&mut self, id: ConnId, peer_id: u64, height: u64) {
        let Some(conn) = self.conns.find_mut(id.0) else { return };
        let zone = &mut self.zones[conn.zone.index()];
        let (zone_id, direction) = (zone.id, conn.direction);
        conn.phase = Phase::Ready { since: self.now };
        conn.height = height;
        conn.deadline = None;
        // the first one soon and at any moment, so that it does not tell when the link was made
        conn.next_sync = Some(self.now + rand::between(&mut zone.rng, Duration::ZERO, SYNC_INTERVAL.1));
        match direction {
            Direction::Incoming => zone.ready_incoming += 1,
            Direction::Outgoing => {
                zone.ready_outgoing += 1;
                zone.errands.of_use();
            }
        }
        if let Some(lease) = &conn.lease {
            zone.peers.succeeded(self.now, lease, peer_id, &mut zone.rng);
        }
        self.plan_check(zone_id);
        self.schedule(id);
        self.outbox.event(Event::Up { conn: id, zone: zone_id, direction });
        if direction == Direction::Outgoing {
            self.noise_link_up(zone_id);
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
        self.unfinished -= conn.unfinished;
        let lease = conn.lease.take();
        let zone = &mut self.zones[conn.zone.index()];
        let zone_id = zone.id;
        *zone.count_of(&conn) -= 1;
        let mut lasted = None;
        if let Phase::Ready { since } = conn.phase {
            lasted = Some(self.now.saturating_since(since));
            match conn.direction {
                Direction::Incoming => zone.ready_incoming -= 1,
                Direction::Outgoing => zone.ready_outgoing -= 1,
            }
        }
        zone.errands.ended(self.now, conn.purpose, reason, &mut zone.rng);
        if let Some(lease) = lease {
            self.settle_lease(zone_id, lease, reason, lasted);
        }
        self.outbox.event(Event::Down { conn: id, zone: zone_id, reason });
        if let Some(mut flight) = conn.flight.take() {
            self.flown(&conn, &mut flight, reason);
        }
        self.stems.drop_link(id);
        self.unload(id, &conn);
        if conn.direction == Direction::Outgoing {
            self.fill(zone_id);
        }
        if let Some(addr) = &conn.addr {
            self.blame(addr, &reason);
        }
        self.finish_if_stopped();
    }

    /// Gives an address back to its list, with what its dial or link has shown.
    fn settle_lease(&mut self, zone: ZoneId, lease: Lease, reason: CloseReason, lasted: Option<Duration>) {
        let (zone, now) = (&mut self.zones[zone.index()], self.now);
        let failure = match (lasted, reason) {
            // whoever was linked when the node stopped is an anchor of the next run
            (_, CloseReason::Shutdown) => return zone.peers.returned(lease),
            (Some(lasted), _) => return zone.peers.ended(now, lease, lasted, &mut zone.rng),
            (None, CloseReason::Dial(why)) if why.blames_proxy() => return zone.peers.returned(lease),
            (None, CloseReason::Dial(why)) if why.is_refusal() => Failure::Refused,
            // a peer that is full hangs up
            (None, CloseReason::Ended) => Failure::Refused,
            (None, _) => Failure::Unreachable,
        };
        let mut to_blame = true;
        if let CloseReason::Dial(_) | CloseReason::DialTimeout = reason {
            let (pause, alone) = zone.dial_failed();
            zone.rests_until = Some(now + pause);
            to_blame = alone && !matches!(reason, CloseReason::Dial(why) if why.blames_network());
        }
        if to_blame {
            zone.peers.failed(now, lease, failure, &mut zone.rng)
        } else {
            zone.peers.spared(now, lease, &mut zone.rng)
        }
    }

    /// Finds other ways for the transactions that the link was to carry, or may have carried in vain.
    fn unload(&mut self, id: ConnId, conn: &Conn) {
        self.unload_foreign(id);
        // own transactions leave by outgoing links only
        if conn.direction == Direction::Incoming {
            return;
        }
        let interrupted = self.stash.link_ended(id);
        self.noise_link_down(conn.zone, id);
        for entry in self.flushes.drop_link(id).into_iter().flatten().chain(conn.queue.unsent()) {
            self.stash.drop_carrier(self.now, entry);
        }
        // that a node which stops ends its links is no news
        if interrupted > 0 && self.stopping == Stopping::No {
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
            self.queued(id);
        }
    }

    /// Queues an answer, encoded into the link's own buffer.
    pub(super) fn answer(&mut self, id: ConnId, command: u32, code: i32, body: impl FnOnce(&mut BytesMut)) {
        self.conns[id.0].queue.encode(|out| levin::frame(out, Kind::Response { code }, command, body));
        self.queued(id);
    }

    /// Asks the embedder to write, stops reading from a peer that does not read, and gives up on one that never does.
    pub(super) fn queued(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        if conn.queue.len() > self.limits.queue_bytes {
            return self.close(id, CloseReason::SlowReader);
        }
        conn.paused |= conn.queue.len() > self.limits.queue_bytes / READ_BELOW;
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
