//! What scripted peers say and hear.

use anonet_core::levin::{self, Kind};
use anonet_core::wire::{
    HandshakeRequest, HandshakeResponse, NewTransactions, NodeData, SyncData, TimedSyncRequest, TimedSyncResponse, TxForm,
    command,
};
use anonet_core::{Instant, Network, ZoneKind};

use super::cast::frame;
use super::{RawIndex, World};

/// One frame that a scripted peer was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// When its last byte came.
    pub at: Instant,
    /// What it is.
    pub kind: Kind,
    /// Its command.
    pub command: u32,
    /// Its body.
    pub body: Vec<u8>,
}

/// The chain state of a regtest peer that has `height` blocks.
const fn chain(height: u64) -> SyncData {
    SyncData { current_height: height, top_version: if height > 1 { 16 } else { 1 }, ..Network::Regtest.genesis_sync() }
}

impl World {
    /// A scripted peer asks for a handshake.
    pub fn raw_greet(&mut self, peer: RawIndex, node: NodeData, height: u64) {
        let request = HandshakeRequest { node, sync: chain(height) };
        self.raw_send(peer, &frame(Kind::Request, command::HANDSHAKE, |out| request.encode(out)));
    }

    /// A scripted peer that was dialled answers the handshake.
    pub fn raw_welcome(&mut self, peer: RawIndex, node: NodeData, height: u64) {
        let answer = Kind::Response { code: 1 };
        let bytes = frame(answer, command::HANDSHAKE, |out| HandshakeResponse::encode(out, &node, &chain(height), [].iter()));
        self.raw_send(peer, &bytes);
    }

    /// A scripted peer asks for a timed sync.
    pub fn raw_sync(&mut self, peer: RawIndex, height: u64) {
        let request = TimedSyncRequest { sync: chain(height) };
        self.raw_send(peer, &frame(Kind::Request, command::TIMED_SYNC, |out| request.encode(out)));
    }

    /// A scripted peer answers the timed syncs that it was asked and has not answered; says how many.
    pub fn raw_answer_syncs(&mut self, peer: RawIndex, height: u64) -> usize {
        let asked = |heard: &Heard| heard.kind == Kind::Request && heard.command == command::TIMED_SYNC;
        let open = self.raw_heard(peer).iter().filter(|heard| asked(heard)).count() - self.raw(peer).syncs_answered;
        self.raws[peer].syncs_answered += open;
        let answer = Kind::Response { code: 1 };
        let bytes = frame(answer, command::TIMED_SYNC, |out| TimedSyncResponse::encode(out, &chain(height), [].iter()));
        (0..open).for_each(|_| self.raw_send(peer, &bytes));
        open
    }

    /// A scripted peer sends transactions.
    pub fn raw_txs(&mut self, peer: RawIndex, form: TxForm, blobs: &[&[u8]]) {
        let bytes =
            frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| NewTransactions::encode(out, form, 0, blobs.iter().copied()));
        self.raw_send(peer, &bytes);
    }

    /// The zone in which a scripted peer's link is; `None` once it has ended.
    #[must_use]
    pub fn raw_zone(&self, peer: RawIndex) -> Option<ZoneKind> {
        let (node, conn) = self.raw_ends[peer]?;
        self.record.zone_of(node, conn).map(|zone| self.members[node].kinds[zone.index()])
    }

    /// The frames that a scripted peer was sent so far.
    ///
    /// # Panics
    /// If what it was sent is not Levin.
    #[must_use]
    pub fn raw_heard(&self, peer: RawIndex) -> Vec<Heard> {
        let raw = self.raw(peer);
        let (mut decoder, mut data, mut at) = (levin::Decoder::new(), raw.received.as_slice(), 0);
        let mut heard = Vec::new();
        while !data.is_empty() {
            let (consumed, frame) = decoder.feed(data, &levin::FrameLimits::public()).expect("the node writes frames");
            (data, at) = (&data[consumed..], at + consumed);
            let Some(frame) = frame else { break };
            let when = raw.arrivals.iter().find(|(_, bytes)| *bytes >= at).expect("every byte has come").0;
            heard.push(Heard { at: when, kind: frame.kind, command: frame.command, body: frame.body.to_vec() });
        }
        heard
    }

    /// The chain states that a scripted peer was shown so far.
    #[must_use]
    pub fn raw_shown(&self, peer: RawIndex) -> Vec<SyncData> {
        let shown = |heard: &Heard| match (heard.kind, heard.command) {
            (Kind::Request, command::HANDSHAKE) => Some(HandshakeRequest::decode(&heard.body).ok()?.sync),
            (Kind::Response { .. }, command::HANDSHAKE) => Some(HandshakeResponse::decode(&heard.body).ok()?.sync),
            (Kind::Request, command::TIMED_SYNC) => Some(TimedSyncRequest::decode(&heard.body).ok()?.sync),
            (Kind::Response { .. }, command::TIMED_SYNC) => Some(TimedSyncResponse::decode(&heard.body).ok()?.sync),
            _ => None,
        };
        self.raw_heard(peer).iter().filter_map(shown).collect()
    }
}
