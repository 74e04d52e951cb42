//! What is due by now.

use super::Node;
use crate::conn::{Phase, SYNC_INTERVAL};
use crate::error::CloseReason;
use crate::ids::{ConnId, ZoneId};
use crate::output::Event;
use crate::rand;
use crate::relay::courier::Couriers;
use crate::stash::Due;
use crate::time::Instant;

/// Times beyond this count as this: no deadline may saturate, or it would be due for ever. It is the year 142,000.
pub(super) const END_OF_TIME: Instant = Instant::from_micros(u64::MAX / 4);

impl Node {
    /// Moves time on and does all that is due. Every input calls this first, so a busy embedder starves no deadline.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now.min(END_OF_TIME));
        self.settle();
        while let Some(slot) = self.timers.pop_due(self.now) {
            if let Some(handle) = self.conns.at(slot) {
                self.link_due(ConnId(handle));
            }
        }
        for index in 0..self.zones.len() {
            if self.zones[index].next_fill.is_some_and(|at| at <= self.now) {
                self.fill(ZoneId(index as u8));
            }
            if self.zones[index].errands.check_is_due(self.now) {
                self.check_hearsay(ZoneId(index as u8));
            }
            if self.zones[index].couriers.as_ref().and_then(Couriers::next_due).is_some_and(|at| at <= self.now) {
                self.couriers_due(ZoneId(index as u8));
            }
            if self.zones[index].noise.as_ref().is_some_and(|noise| noise.next_due() <= self.now) {
                self.noise_due(ZoneId(index as u8));
            }
        }
        while let Some((conn, entries)) = self.flushes.pop_due(self.now) {
            self.flush(conn, entries);
        }
        while let Some(digest) = self.transit.pop_due(self.now) {
            self.embargo_over(digest);
        }
        while let Some((conn, digests)) = self.fluffs.pop_due(self.now) {
            self.flush_foreign(conn, digests);
        }
        while let Some(due) = self.stash.pop_due(self.now) {
            match due {
                Due::Round(entry) => self.next_round(entry),
                Due::Expired(id) => self.outbox.event(Event::Expired { id }),
            }
        }
        while let Some(foreign) = self.received.pop_expired(self.now) {
            self.release(foreign.origin.from);
        }
        self.ask_for_snapshots();
    }

    fn link_due(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        if conn.deadline.is_some_and(|deadline| deadline <= self.now) {
            let reason = match conn.phase {
                Phase::Dialing { .. } => CloseReason::DialTimeout,
                Phase::Handshaking => CloseReason::HandshakeTimeout,
                Phase::Ready { .. } if conn.stalls => CloseReason::SlowReader,
                Phase::Ready { .. } => CloseReason::SyncTimeout,
                Phase::Draining(reason) => reason,
            };
            return self.close(id, reason);
        }
        if matches!(conn.phase, Phase::Dialing { slow_at: Some(at) } if at <= self.now) {
            return self.dial_is_slow(id);
        }
        if conn.flight.is_some() {
            return self.fly(id);
        }
        if conn.next_sync.is_some_and(|at| at <= self.now) {
            conn.next_sync =
                Some(self.now + rand::between(&mut self.zones[conn.zone.index()].rng, SYNC_INTERVAL.0, SYNC_INTERVAL.1));
            // one question at a time
            if conn.asked == conn.answered {
                conn.asked += 1;
                self.ask_sync(id);
            }
        }
        self.schedule(id);
    }
}
