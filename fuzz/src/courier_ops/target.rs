//! What the far ends of streams do.

use anonet_core::wire::{HandshakeResponse, PeerEntry, command};
use anonet_core::{ConnId, Network, ZoneKind, levin};
use bytes::BytesMut;

use super::run::Run;
use crate::node_script::frames;

impl Run {
    pub(super) fn open(&mut self, conn: ConnId) {
        if let Some(stream) = self.streams.get_mut(&conn) {
            stream.opened = Some(self.now);
            self.node.handle_dialed(self.now, conn).expect("it was not called off");
        }
    }

    /// The target answers the handshake; `detail` says how, and which addresses it tells of.
    pub(super) fn answer(&mut self, conn: ConnId, detail: u8) {
        let (node, sync, told) = (frames::node(detail), frames::sync(detail), frames::peers(detail, ZoneKind::Tor));
        let Some(stream) = self.streams.get_mut(&conn) else { return };
        if !std::mem::replace(&mut stream.heard, true) {
            let is_peer = node.network_id == Network::Regtest.id();
            let height = sync.current_height;
            let is_synchronized = self.tip.is_none_or(|tip| (tip.saturating_sub(5)..=tip + 60).contains(&height));
            stream.fit = is_peer && is_synchronized && stream.carrier;
            if is_peer {
                self.trusted.answered(self.now, &stream.addr);
            }
        }
        self.hear(conn, &told);
        let mut frame = BytesMut::new();
        levin::frame(&mut frame, levin::Kind::Response { code: 1 }, command::HANDSHAKE, |out| {
            HandshakeResponse::encode(out, &node, &sync, told.iter());
        });
        self.feed(conn, &frame);
    }

    /// The target says something else.
    pub(super) fn say(&mut self, conn: ConnId, number: u8, detail: u8) {
        if let Some(stream) = self.streams.get_mut(&conn) {
            stream.heard = true;
        }
        // addresses stand in answers only
        self.hear(conn, &frames::peers(detail, ZoneKind::Tor));
        // anything but an answer to the handshake
        let number = if number % 16 == 1 { 3 } else { number };
        self.feed(conn, &frames::frame(number, detail, ZoneKind::Tor));
    }

    fn hear(&mut self, conn: ConnId, told: &[PeerEntry]) {
        if let Some(stream) = self.streams.get(&conn) {
            let told: Vec<_> = told.iter().map(|entry| entry.addr.clone()).collect();
            self.trusted.hear(&stream.addr, &told);
        }
    }

    fn feed(&mut self, conn: ConnId, mut data: &[u8]) {
        loop {
            let (piece, rest) = data.split_at(self.node.recv_window(conn).min(data.len()));
            // a link that has ended, or is not read from, drops what is left
            if piece.is_empty() || self.node.handle_data(self.now, conn, piece).is_err() {
                return;
            }
            data = rest;
        }
    }

    pub(super) fn hang_up(&mut self, conn: ConnId) {
        self.node.handle_closed(self.now, conn);
    }
}
