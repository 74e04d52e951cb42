//! What can happen to a socket.

use super::{Node, Stopping};
use crate::addr::Addr;
use crate::conn::{Conn, Phase, Purpose};
use crate::error::{CloseReason, DialFailure, Refused, UnknownConn};
use crate::ids::{ConnId, ZoneId};
use crate::output::{Direction, Note};
use crate::stash::Held;
use crate::time::Instant;

/// Outputs that may wait before incoming streams are refused: an embedder that is this far behind has enough to do.
const OUTBOX_FULL: usize = 4_096;

/// One in so many incoming links of a zone may be in its handshake, but at least and at most so many. All peers of a hidden
/// service share one address, so that whoever opens streams and says nothing can fill this much, and no more.
const IN_HANDSHAKE: u32 = 4;
const IN_HANDSHAKE_BOUNDS: (u32, u32) = (4, 64);

fn unfinished(max_incoming: u32) -> u32 {
    (max_incoming / IN_HANDSHAKE).clamp(IN_HANDSHAKE_BOUNDS.0, IN_HANDSHAKE_BOUNDS.1)
}

impl Node {
    /// A stream was opened to a listener of `zone`; `from` is its far end, if that is known (behind a hidden service
    /// it is not). Read up to [`recv_window`](Self::recv_window) bytes from it.
    ///
    /// # Errors
    /// [`Refused`]: drop the socket.
    pub fn accept(&mut self, now: Instant, zone: ZoneId, from: Option<Addr>) -> Result<ConnId, Refused> {
        self.advance(now);
        if self.stopping != Stopping::No {
            return Err(Refused::Stopping);
        }
        let found = self.zones.get_mut(zone.index()).filter(|zone| zone.max_incoming > 0).ok_or(Refused::NotListening)?;
        if found.incoming >= found.max_incoming || self.outbox.len() >= OUTBOX_FULL {
            return Err(Refused::Full);
        }
        if from.as_ref().is_some_and(|from| self.bans.cover(self.now, from)) {
            return Err(Refused::Banned);
        }
        if found.incoming - found.ready_incoming >= unfinished(found.max_incoming) {
            return Err(Refused::Unfinished);
        }
        if let Some(from) = from.as_ref().filter(|from| !from.is_loopback()) {
            let theirs = |conn: &Conn| conn.direction == Direction::Incoming && conn.zone == zone;
            let links = self.conns.iter().map(|(_, conn)| conn).filter(|conn| theirs(conn)).filter_map(|conn| conn.addr.as_ref());
            if links.filter(|other| other.same_customer(from)).count() >= found.max_per_host as usize {
                return Err(Refused::FromOneHost);
            }
        }
        found.incoming += 1;
        let mut conn = Conn::new(self.now, zone, Direction::Incoming, found.policy.frame_rate);
        conn.addr = from;
        conn.deadline = Some(self.now + found.policy.handshake_timeout);
        let id = ConnId(self.conns.insert(conn));
        self.schedule(id);
        Ok(id)
    }

    /// The stream that [`Output::Dial`](crate::Output::Dial) asked for is open. Read up to
    /// [`recv_window`](Self::recv_window) bytes from it.
    ///
    /// # Errors
    /// [`UnknownConn`] if the dial was called off meanwhile: drop the socket.
    pub fn handle_dialed(&mut self, now: Instant, conn: ConnId) -> Result<(), UnknownConn> {
        self.advance(now);
        let found = self.conns.find_mut(conn.0).ok_or(UnknownConn)?;
        if !matches!(found.phase, Phase::Dialing { .. }) {
            return Ok(());
        }
        let zone = &mut self.zones[found.zone.index()];
        *zone.count_of(found) -= 1;
        found.phase = Phase::Handshaking;
        let is_ping = matches!(found.purpose, Purpose::Ping { .. });
        if let Some(flight) = &mut found.flight {
            flight.opened(self.now, &self.numbers);
        }
        let waits = if is_ping { super::ping::ANSWER } else { zone.policy.handshake_timeout };
        // a courier waits for nothing
        found.deadline = found.flight.is_none().then(|| self.now + waits);
        // a slow dial whose turn another took shows at least that somebody is there
        if zone.outgoing >= zone.max_outgoing && zone.is_stranger(found) {
            found.purpose = Purpose::Check;
            zone.errands.began(Purpose::Check);
        }
        *zone.count_of(found) += 1;
        zone.failures_in_row = 0;
        let (id, request) = (zone.id, zone.handshake_request.clone());
        let proxy_is_back = zone.proxy_worked();
        if proxy_is_back {
            self.outbox.note(Note::ProxyUp { zone: id });
        }
        if is_ping {
            self.ping(conn);
        } else {
            self.enqueue(conn, request, &[]);
        }
        self.schedule(conn);
        self.fill(id);
        if proxy_is_back {
            // what was held for want of it may have no new link to wait for: its way out may be one that lasted, or a courier
            self.reroute(Held::Include);
        }
        Ok(())
    }

    /// The stream that [`Output::Dial`](crate::Output::Dial) asked for could not be opened.
    pub fn handle_dial_failed(&mut self, now: Instant, conn: ConnId, why: DialFailure) {
        self.advance(now);
        let Some(found) = self.conns.find(conn.0) else { return };
        let zone = &mut self.zones[found.zone.index()];
        let id = zone.id;
        if why.blames_proxy() {
            if zone.proxy_failed(self.now, why) {
                self.outbox.note(Note::ProxyDown { zone: id, why });
            }
        } else if zone.proxy_worked() {
            self.outbox.note(Note::ProxyUp { zone: id });
        }
        self.end(conn, CloseReason::Dial(why));
        self.restate_held();
    }

    /// Bytes arrived on a link. Pass at most [`recv_window`](Self::recv_window) at once.
    ///
    /// # Errors
    /// [`UnknownConn`] if the link is gone: stop reading.
    pub fn handle_data(&mut self, now: Instant, conn: ConnId, data: &[u8]) -> Result<(), UnknownConn> {
        self.advance(now);
        let found = self.conns.find_mut(conn.0).ok_or(UnknownConn)?;
        if found.flight.is_some() {
            self.courier_heard(conn, data);
            return Ok(());
        }
        // taken out, so that a frame may borrow from it while the rest of the node is at work
        let mut decoder = core::mem::take(&mut found.decoder);
        let read = self.read_frames(conn, &mut decoder, data);
        match self.conns.find_mut(conn.0) {
            Some(found) => found.decoder = decoder,
            None => return Err(UnknownConn),
        }
        match read {
            Ok(()) => self.book_unfinished(conn),
            Err(reason) => self.close(conn, reason),
        }
        self.conns.find(conn.0).map(drop).ok_or(UnknownConn)
    }

    /// A link's stream ended or failed at the far side.
    pub fn handle_closed(&mut self, now: Instant, conn: ConnId) {
        self.advance(now);
        self.end(conn, CloseReason::Ended);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }
}
