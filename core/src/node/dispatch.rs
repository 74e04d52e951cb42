//! A peer's messages: to which component each goes, and what comes of it.

use alloc::vec::Vec;

use super::Node;
use crate::chain::Chain;
use crate::conn::handshake::Identity;
use crate::conn::{Conn, HEARSAY, Phase, Purpose};
use crate::error::CloseReason;
use crate::ids::ConnId;
use crate::levin::{Decoder, Frame, Kind};
use crate::output::{Direction, Event, Note};
use crate::peers::Source;
use crate::received::Origin;
use crate::stash::Echo;
use crate::tx::PeerTx;
use crate::wire::{
    HandshakeRequest, HandshakeResponse, MAX_PEERS, NewTransactions, PeerEntries, PeerEntry, PingResponse, SupportFlagsResponse,
    SyncData, TimedSyncRequest, TimedSyncResponse, TxForm, WireError, command,
};
use crate::zone::Zone;
use crate::zone::policy::{BEFORE_HANDSHAKE, HANDSHAKE_OR_PING, ZonePolicy};

/// What a request gets that is unknown, or not for this zone (spec: levin §1, zones §8).
const NO_HANDLER: i32 = -6;

/// What every answered request gets; 0 would count as a failure (spec: levin §1).
pub(super) const ANSWERED: i32 = 1;

impl Node {
    /// Feeds received bytes through the link's decoder and handles each frame.
    pub(super) fn read_frames(&mut self, id: ConnId, decoder: &mut Decoder, mut data: &[u8]) -> Result<(), CloseReason> {
        loop {
            let Some(conn) = self.conns.find_mut(id.0) else { return Ok(()) };
            let policy = self.zones[conn.zone.index()].policy;
            let limits = match conn.phase {
                Phase::Ready { .. } => &policy.frames,
                Phase::Handshaking if may_ping(conn, &self.zones[conn.zone.index()]) => &HANDSHAKE_OR_PING,
                Phase::Handshaking => &BEFORE_HANDSHAKE,
                Phase::Dialing { .. } | Phase::Draining(_) => return Ok(()),
            };
            let (consumed, frame) = decoder.feed(data, limits).map_err(CloseReason::Frame)?;
            data = &data[consumed..];
            // without a frame all is consumed, and the memory of the last one given back
            let Some(frame) = frame else { return Ok(()) };
            if !conn.frames.spend(policy.frame_rate, self.now) {
                return Err(CloseReason::Flood);
            }
            self.handle_frame(id, &frame)?;
        }
    }

    fn handle_frame(&mut self, id: ConnId, frame: &Frame<'_>) -> Result<(), CloseReason> {
        let conn = &self.conns[id.0];
        let (ready, direction) = (conn.is_ready(), conn.direction);
        let awaits_handshake = direction == Direction::Outgoing && !matches!(conn.purpose, Purpose::Ping { .. });
        let served = self.zones[conn.zone.index()].policy.commands.contains(&frame.command);
        match (frame.kind, frame.command) {
            (Kind::Request, command::HANDSHAKE) if !ready && direction == Direction::Incoming => {
                self.handshake_asked(id, frame.body)
            }
            (Kind::Response { code }, command::HANDSHAKE) if !ready && awaits_handshake => {
                self.handshake_answered(id, code, frame.body)
            }
            (Kind::Request, command::PING) if !ready => self.pinged_early(id),
            (Kind::Response { code }, command::PING) if !ready => self.ping_answered(id, code, frame.body),
            (_, other) if !ready => Err(CloseReason::BeforeHandshake(other)),
            (Kind::Request, command::HANDSHAKE) => Err(CloseReason::HandshakeOutOfTurn),
            (Kind::Request, command::TIMED_SYNC) => self.sync_asked(id, frame.body),
            (Kind::Request, command::PING) if served => {
                let peer_id = self.identity(id).peer_id;
                self.answer(id, command::PING, ANSWERED, |out| PingResponse { peer_id }.encode(out));
                Ok(())
            }
            (Kind::Request, command::SUPPORT_FLAGS) if served => {
                let support_flags = self.identity(id).support_flags;
                self.answer(id, command::SUPPORT_FLAGS, ANSWERED, |out| SupportFlagsResponse { support_flags }.encode(out));
                Ok(())
            }
            (Kind::Request, other) => {
                self.answer(id, other, NO_HANDLER, |_| {});
                Ok(())
            }
            (Kind::Response { code }, command::TIMED_SYNC) => self.sync_answered(id, code, frame.body),
            (Kind::Response { code }, command::SUPPORT_FLAGS) => self.flags_answered(id, code, frame.body),
            (Kind::Response { .. }, other) => Err(CloseReason::Unasked(other)),
            (Kind::Notify, command::NEW_TRANSACTIONS) => self.transactions(id, frame.body),
            // a pool complement is asked of a node that has a pool; this one has nothing to add
            (Kind::Notify | Kind::Dummy, _) => Ok(()),
        }
    }

    fn identity(&self, id: ConnId) -> Identity {
        self.zones[self.conns[id.0].zone.index()].identity
    }

    fn handshake_asked(&mut self, id: ConnId, body: &[u8]) -> Result<(), CloseReason> {
        let request = HandshakeRequest::decode(body).map_err(bad(command::HANDSHAKE))?;
        let conn = &mut self.conns[id.0];
        let zone = &mut self.zones[conn.zone.index()];
        let height = zone.identity.judge(&request.node, &request.sync)?;
        conn.height = height;
        let (node, sync) = (zone.identity.node_data(), claim(&self.chain, zone.policy, conn));
        let peers = zone.peers.share(MAX_PEERS, &mut conn.shared, &mut zone.rng);
        conn.queue.encode(|out| {
            let kind = Kind::Response { code: ANSWERED };
            crate::levin::frame(out, kind, command::HANDSHAKE, |out| HandshakeResponse::encode(out, &node, &sync, peers));
        });
        self.queued(id);
        self.ready(id, request.node.peer_id, height);
        self.ask_flags(id, &request.node);
        self.ping_back(id, &request.node);
        Ok(())
    }

    fn handshake_answered(&mut self, id: ConnId, code: i32, body: &[u8]) -> Result<(), CloseReason> {
        if code <= 0 {
            return Err(CloseReason::Declined { command: command::HANDSHAKE, code });
        }
        let response = HandshakeResponse::decode(body).map_err(bad(command::HANDSHAKE))?;
        let height = self.identity(id).judge(&response.node, &response.sync)?;
        let purpose = self.conns[id.0].purpose;
        if purpose != Purpose::Check {
            self.hear(id, response.peers);
        }
        match purpose {
            Purpose::Link => {
                self.ready(id, response.node.peer_id, height);
                self.ask_flags(id, &response.node);
            }
            Purpose::Check | Purpose::Seed | Purpose::Courier | Purpose::Ping { .. } => {
                self.errand_done(id, response.node.peer_id)
            }
        }
        Ok(())
    }

    fn sync_asked(&mut self, id: ConnId, body: &[u8]) -> Result<(), CloseReason> {
        let request = TimedSyncRequest::decode(body).map_err(bad(command::TIMED_SYNC))?;
        let conn = &mut self.conns[id.0];
        conn.height = request.sync.current_height;
        let zone = &mut self.zones[conn.zone.index()];
        let sync = claim(&self.chain, zone.policy, conn);
        // whom we dialled cannot know where we listen otherwise; whoever dialled us knows, and may be asking who else we are
        let tells = conn.direction == Direction::Outgoing && !core::mem::replace(&mut conn.advertised, true);
        let own = zone.advertise.as_ref().filter(|_| tells);
        let peers = zone.peers.share_beside(own, MAX_PEERS, &mut conn.shared, &mut zone.rng);
        conn.queue.encode(|out| {
            let kind = Kind::Response { code: ANSWERED };
            crate::levin::frame(out, kind, command::TIMED_SYNC, |out| TimedSyncResponse::encode(out, &sync, peers));
        });
        self.queued(id);
        Ok(())
    }

    pub(super) fn ask_sync(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        let sync = claim(&self.chain, self.zones[conn.zone.index()].policy, conn);
        conn.queue.encode(|out| {
            crate::levin::frame(out, Kind::Request, command::TIMED_SYNC, |out| TimedSyncRequest { sync }.encode(out));
        });
        self.queued(id);
    }

    fn sync_answered(&mut self, id: ConnId, code: i32, body: &[u8]) -> Result<(), CloseReason> {
        let conn = &mut self.conns[id.0];
        if conn.asked == conn.answered {
            return Err(CloseReason::Unasked(command::TIMED_SYNC));
        }
        conn.heard();
        let (answered, direction) = (conn.answered, conn.direction);
        self.schedule(id);
        if code <= 0 {
            return Err(CloseReason::Declined { command: command::TIMED_SYNC, code });
        }
        let response = TimedSyncResponse::decode(body).map_err(bad(command::TIMED_SYNC))?;
        self.conns[id.0].height = response.sync.current_height;
        if direction == Direction::Outgoing {
            self.stash.answered(id, answered);
        }
        self.hear(id, response.peers);
        Ok(())
    }

    /// Learns addresses, as many as one link may teach, and all that dialled us together. A bad entry costs itself, not the
    /// honest peer that passed it on (spec: addresses §7); one of another network, too, as it enters no list.
    fn hear(&mut self, id: ConnId, heard: PeerEntries<'_>) {
        let conn = &mut self.conns[id.0];
        let (zone, now) = (&mut self.zones[conn.zone.index()], self.now);
        let dialled = conn.addr.as_ref().filter(|_| conn.direction == Direction::Outgoing);
        let source = dialled.map_or(Source::INBOUND, Source::peer);
        let (hearsay, common) = (&mut conn.hearsay, &mut zone.inbound_hearsay);
        let may_teach = |_: &PeerEntry| hearsay.spend(HEARSAY, now) && (source != Source::INBOUND || common.spend(HEARSAY, now));
        let bans = &self.bans;
        let heard = heard.filter_map(Result::ok).filter(|entry| !bans.cover(now, &entry.addr)).take_while(may_teach);
        let learned = zone.peers.learn(now, source, heard, &mut zone.rng);
        if learned.added > 0 {
            let zone = zone.id;
            self.fill(zone);
            self.plan_check(zone);
        }
    }

    fn transactions(&mut self, id: ConnId, body: &[u8]) -> Result<(), CloseReason> {
        let message = NewTransactions::decode(body).map_err(bad(command::NEW_TRANSACTIONS))?;
        // monerod, too, drops a peer for a blob that stands in one message twice (spec: messages §7)
        if message.tx_count() > 1 {
            let mut blobs: Vec<&[u8]> = message.txs().collect();
            blobs.sort_unstable();
            if blobs.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(CloseReason::ImpossibleTx);
            }
        }
        if message.txs().any(|blob| PeerTx::check(blob).is_err()) {
            return Err(CloseReason::ImpossibleTx);
        }
        let form = if message.fluff { TxForm::Fluff } else { TxForm::Stem };
        let conn = &mut self.conns[id.0];
        let zone = conn.zone;
        let counts = self.zones[zone.index()].policy.echoes && conn.direction == Direction::Outgoing;
        let echo = conn.addr.as_ref().filter(|_| counts).and_then(|addr| Echo::from_peer(id, addr));
        let origin = Origin { from: id, zone, form, echo };
        for blob in message.txs() {
            let room = conn.waiting < self.limits.received_per_link;
            let Some((ticket, blob)) = room.then(|| self.received.insert(self.now, blob, origin)).flatten() else {
                self.outbox.note(Note::ReceivedDropped { zone });
                break;
            };
            conn.waiting += 1;
            self.outbox.event(Event::Tx { ticket, zone, form, blob });
        }
        Ok(())
    }

    /// A received transaction of this link waits no more.
    pub(super) fn release(&mut self, from: ConnId) {
        if let Some(conn) = self.conns.find_mut(from.0) {
            conn.waiting -= 1;
        }
    }
}

/// Whether a ping may come without a handshake, or the answer to ours.
const fn may_ping(conn: &Conn, zone: &Zone) -> bool {
    match conn.direction {
        Direction::Incoming => zone.identity.port != 0,
        Direction::Outgoing => matches!(conn.purpose, Purpose::Ping { .. }),
    }
}

/// What to tell the peer of the chain, which is remembered.
fn claim(chain: &Chain, policy: &ZonePolicy, conn: &mut Conn) -> SyncData {
    let sync = chain.claim(policy.shown(conn.direction), conn.height, conn.claimed);
    conn.claimed = Some(sync);
    sync
}

pub(super) const fn bad(command: u32) -> impl Fn(WireError) -> CloseReason {
    move |error| CloseReason::Message { command, error }
}
