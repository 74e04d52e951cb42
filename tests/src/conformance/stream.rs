//! Streams as the rows speak of them: frames in a few words, and a scripted peer of a real node.

use std::time::Duration;

use anonet_core::levin::{Decoder, Frame, FrameLimits, Kind};
use anonet_core::{CloseReason, Config, ConnId, Event, ZoneId, ZoneKind};

use crate::world::cast::{addr, config, handshake_request, handshake_response, zone};
use crate::world::{Happened, NodeIndex, RawIndex, World};

/// A frame as `kind command length`, with the code of a response and the number of fragments where there are any.
#[must_use]
pub fn describe(frame: &Frame<'_>) -> String {
    let length = frame.body.len();
    let mut text = match frame.kind {
        Kind::Request => format!("request {} {length}", frame.command),
        Kind::Notify => format!("notify {} {length}", frame.command),
        Kind::Response { code } => format!("response {} {length} rc {code}", frame.command),
        Kind::Dummy => "noise".to_owned(),
        _ => "another kind".to_owned(),
    };
    if frame.fragments > 0 {
        text += &format!(" of {}", frame.fragments);
    }
    text
}

/// What a decoder makes of a stream: its frames, comma by comma, and `close` where it gives the stream up.
#[must_use]
pub fn stream(bytes: &[u8], limits: &FrameLimits) -> String {
    let (mut decoder, mut rest, mut told) = (Decoder::new(), bytes, Vec::new());
    loop {
        match decoder.feed(rest, limits) {
            Err(error) => {
                told.push(format!("close {}", first_word(&format!("{error:?}"))));
                break;
            }
            Ok((_, None)) => break,
            Ok((consumed, Some(frame))) => {
                rest = &rest[consumed..];
                told.push(describe(&frame));
            }
        }
    }
    told.join(", ")
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// A scripted peer at one end of a stream, a real node at the other, in virtual time.
#[derive(Debug)]
pub struct Peer {
    /// The world with the node, which is the first one in it.
    pub world: World,
    /// The node.
    pub node: NodeIndex,
    index: RawIndex,
    seen: usize,
}

impl Peer {
    /// Opens a stream to a node of one zone; the handshake is not done.
    #[must_use]
    pub fn dialling(kind: ZoneKind) -> Self {
        Self::dialling_to(config([zone(kind, 0, &[])]), 0)
    }

    /// Opens a stream to the zone at `place` of a node with this configuration.
    ///
    /// # Panics
    /// If the node does not accept it.
    #[must_use]
    pub fn dialling_to(config: Config, place: usize) -> Self {
        let mut world = World::new(77);
        let id = config.zone_id(place).expect("the zone is configured");
        let node = world.add(config);
        let index = world.raw_connect(node, id);
        Self { world, node, index, seen: 0 }
    }

    /// Is dialled by a node of one zone; the node has sent its handshake request.
    #[must_use]
    pub fn dialled(kind: ZoneKind) -> Self {
        Self::dialled_by(config([zone(kind, 0, &[1])]), kind)
    }

    /// Is dialled, as number 1 of that kind, by a node with this configuration.
    ///
    /// # Panics
    /// If the node does not dial it within a minute.
    #[must_use]
    pub fn dialled_by(config: Config, kind: ZoneKind) -> Self {
        Self::dialled_in(World::new(78), config, kind)
    }

    /// The same in a world with draws of its own.
    ///
    /// # Panics
    /// If the node does not dial it within a minute.
    #[must_use]
    pub fn dialled_in(mut world: World, config: Config, kind: ZoneKind) -> Self {
        world.raw_listen(addr(kind, 1));
        let node = world.add(config);
        let dialled = world.run_until(Duration::from_secs(60), |world| world.raw_count() > 0);
        assert!(dialled, "the node dials");
        let mut peer = Self { world, node, index: 0, seen: 0 };
        peer.run(1);
        peer
    }

    /// As [`Peer::dialling`], with the handshake of a peer of an anonymity zone done.
    #[must_use]
    pub fn incoming(kind: ZoneKind) -> Self {
        let mut peer = Self::dialling(kind);
        peer.send(&handshake_request());
        peer.told();
        peer
    }

    /// As [`Peer::dialled`], with the handshake done by a peer that knows nobody.
    #[must_use]
    pub fn outgoing(kind: ZoneKind) -> Self {
        Self::outgoing_with(kind, &handshake_response())
    }

    /// As [`Peer::dialled`], with this answer sent.
    #[must_use]
    pub fn outgoing_with(kind: ZoneKind, answer: &[u8]) -> Self {
        let mut peer = Self::dialled(kind);
        peer.send(answer);
        peer.told();
        peer
    }

    /// Sends bytes and lets two seconds pass.
    pub fn send(&mut self, bytes: &[u8]) {
        self.world.raw_send(self.index, bytes);
        self.run(2);
    }

    /// Ends the stream from this side, as a network would.
    pub fn hang_up(&mut self) {
        self.world.cut_all(self.node);
    }

    /// Lets seconds pass.
    pub fn run(&mut self, seconds: u64) {
        self.world.run_for(Duration::from_secs(seconds));
    }

    /// Whether the node has left the stream open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.world.raw(self.index).open
    }

    /// The frames received since the last look, with their bodies.
    ///
    /// # Panics
    /// If the node sent anything that is no frame.
    pub fn frames(&mut self) -> Vec<(String, Vec<u8>)> {
        let received = &self.world.raw(self.index).received;
        let (mut decoder, mut rest, mut frames) = (Decoder::new(), &received[self.seen..], Vec::new());
        self.seen = received.len();
        while !rest.is_empty() {
            let (consumed, frame) = decoder.feed(rest, &FrameLimits::public()).expect("a node sends frames");
            frames.extend(frame.map(|frame| (describe(&frame), frame.body.to_vec())));
            rest = &rest[consumed..];
        }
        frames
    }

    /// What the node did since the last look, in words: the frames that it sent, other than its own timed syncs, and
    /// why it closed the stream, if it did.
    pub fn told(&mut self) -> String {
        let frames = self.frames().into_iter().map(|(words, _)| words);
        let mut told: Vec<String> = frames.filter(|words| !words.starts_with("request 1002")).collect();
        if !self.is_open() {
            let why = self.why_closed().map_or("ended".to_owned(), |reason| first_word(&format!("{reason:?}")));
            told.push(format!("close {why}"));
        }
        told.join(", ")
    }

    /// Why the node closed a link, the last time that it did.
    #[must_use]
    pub fn why_closed(&self) -> Option<CloseReason> {
        let closed = self.world.record.of(self.node).filter_map(|happened| match happened {
            Happened::Closed(_, reason) => Some(*reason),
            _ => None,
        });
        closed.last()
    }

    /// The transactions that the node took from peers.
    #[must_use]
    pub fn taken(&self) -> Vec<Vec<u8>> {
        let events = self.world.events(self.node).filter_map(|event| match event {
            Event::Tx { blob, .. } => Some(blob.to_vec()),
            _ => None,
        });
        events.collect()
    }

    /// The links that came up, with their zones.
    #[must_use]
    pub fn links(&self) -> Vec<(ConnId, ZoneId)> {
        let events = self.world.events(self.node).filter_map(|event| match event {
            Event::Up { conn, zone, .. } => Some((*conn, *zone)),
            _ => None,
        });
        events.collect()
    }
}
