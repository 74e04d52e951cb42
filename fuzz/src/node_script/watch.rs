//! What is known of the node from outside, and whether it keeps its promises.

use std::collections::{BTreeMap, BTreeSet};

use anonet_core::levin::{Decoder, FrameLimits};
use anonet_core::{
    Addr, CloseReason, Config, ConnId, Direction, Event, Fault, Instant, Limits, Node, Output, PeerRole, Ticket, UnknownConn,
    ZoneId, ZoneKind,
};
use bytes::{Buf, Bytes};

use super::leaks::PublicStream;
use super::memory::Most;
use super::metered::Metered;
use super::own::Own;

#[derive(Debug)]
pub(super) struct Link {
    pub(super) zone: ZoneId,
    direction: Direction,
    pub(super) dialing: bool,
    up: bool,
    closed: bool,
    written: PublicStream,
    /// Bytes that were taken since a frame surely began.
    pub(super) begun: usize,
    /// Follows what its peer writes.
    pub(super) decoder: Decoder,
}

impl Link {
    pub(super) fn new(zone: ZoneId, direction: Direction) -> Self {
        let dialing = direction == Direction::Outgoing;
        Self {
            zone,
            direction,
            dialing,
            up: false,
            closed: false,
            written: PublicStream::default(),
            begun: 0,
            decoder: Decoder::new(),
        }
    }
}

impl Link {
    /// Everything that some node might take is held as long as it is not finished.
    fn follow(&mut self, mut piece: &[u8]) {
        while let Ok((count, frame)) = self.decoder.feed(piece, &FrameLimits::public()) {
            if frame.is_none() {
                return;
            }
            piece = &piece[count..];
        }
    }
}

/// The node and everything that it has said so far.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) node: Metered,
    pub(super) own: Own,
    pub(super) kinds: Vec<ZoneKind>,
    pub(super) limits: Limits,
    own_addrs: Vec<Addr>,
    exclusive: Vec<Addr>,
    /// Links that the node has not reported as down.
    pub(super) live: BTreeMap<ConnId, Link>,
    pub(super) ended: BTreeSet<ConnId>,
    pub(super) tickets: Vec<(Ticket, Bytes)>,
    isolations: BTreeSet<[u8; 8]>,
    pub(super) stopping: bool,
    pub(super) stopped: bool,
    /// More outputs than this would not come to an end.
    pub(super) allowance: usize,
    pub(super) ups: usize,
    pub(super) most: Most,
    /// Why links ended by their peer's fault.
    pub(super) blamed: Vec<CloseReason>,
}

impl Watch {
    pub(super) fn new(config: &Config, node: impl FnOnce() -> Node) -> Self {
        let peers = config.zones.iter().flat_map(|zone| &zone.peers);
        Self {
            node: Metered::new(node),
            own: Own::new(config),
            kinds: config.zones.iter().map(|zone| zone.kind).collect(),
            limits: config.limits,
            own_addrs: config.zones.iter().flat_map(|zone| zone.own.clone()).collect(),
            exclusive: peers.filter(|(_, role)| *role == PeerRole::Exclusive).map(|(addr, _)| addr.clone()).collect(),
            live: BTreeMap::new(),
            ended: BTreeSet::new(),
            tickets: Vec::new(),
            isolations: BTreeSet::new(),
            stopping: false,
            stopped: false,
            allowance: 1_000,
            ups: 0,
            most: Most::default(),
            blamed: Vec::new(),
        }
    }

    /// Takes all outputs, then compares the node with what it said.
    pub(super) fn drain(&mut self) {
        let allowance = self.allowance;
        while let Some(output) = self.node.run(Node::poll_output) {
            self.allowance = self.allowance.checked_sub(1).expect("outputs come to an end");
            self.output(&output);
            self.node.give_back(output);
        }
        self.most.outputs = self.most.outputs.max(allowance - self.allowance);
        self.own.check(&self.node, &self.kinds);
        self.check_counters();
        self.check_queues();
        self.check_memory();
    }

    fn output(&mut self, output: &Output) {
        // own transactions still come of age
        let after_the_end = matches!(output, Output::Event(Event::Held { .. } | Event::Expired { .. } | Event::Seen { .. }));
        assert!(!self.stopped || after_the_end, "nothing else comes after the end: {output:?}");
        match output {
            Output::Dial { conn, zone, addr, isolation } => {
                assert_eq!(addr.zone(), self.kinds[zone.index()]);
                assert!(!self.own_addrs.contains(addr), "dialled itself");
                assert!(self.exclusive.is_empty() || self.exclusive.contains(addr), "dialled beside an exclusive peer");
                assert!(self.isolations.insert(*isolation.as_bytes()), "two dials share an isolation");
                self.began(*conn, Link::new(*zone, Direction::Outgoing));
            }
            Output::Transmit(conn) | Output::Resume(conn) => assert!(!self.live[conn].closed),
            Output::Close { conn, .. } => {
                let link = self.live.get_mut(conn).expect("closed before its end");
                assert!(!std::mem::replace(&mut link.closed, true), "closed twice");
            }
            Output::Event(event) => self.event(event),
            _ => {}
        }
    }

    pub(super) fn began(&mut self, conn: ConnId, link: Link) {
        assert!(!self.ended.contains(&conn), "an id is reused");
        assert!(self.live.insert(conn, link).is_none(), "an id is in use");
        self.most.links = self.most.links.max(self.live.len());
    }

    fn event(&mut self, event: &Event) {
        self.own.heard(event, &self.kinds);
        match *event {
            Event::Up { conn, zone, direction } => {
                let link = self.live.get_mut(&conn).expect("up before its end");
                assert_eq!((link.zone, link.direction, link.closed, link.dialing), (zone, direction, false, false));
                assert!(!std::mem::replace(&mut link.up, true), "up twice");
                self.ups += 1;
            }
            Event::Down { conn, zone, reason } => {
                let link = self.live.remove(&conn).expect("down once");
                assert_eq!(link.zone, zone);
                let by_embedder = matches!(reason, CloseReason::Ended | CloseReason::Dial(_));
                assert_eq!(link.closed, !by_embedder, "{reason}");
                self.ended.insert(conn);
                self.blamed.extend((reason.fault() == Fault::Peer).then_some(reason));
            }
            Event::Tx { ticket, ref blob, .. } => {
                assert!(!blob.is_empty());
                assert!(self.tickets.iter().all(|(other, _)| *other != ticket), "a ticket is reused");
                self.tickets.push((ticket, Bytes::copy_from_slice(blob)));
            }
            Event::Stopped => {
                assert!(self.stopping && self.live.is_empty(), "stopped with links");
                self.stopped = true;
            }
            _ => {}
        }
    }

    fn check_counters(&self) {
        for report in self.node.zones() {
            let count = |wanted: fn(&Link) -> bool| {
                let links = self.live.values().filter(|link| link.zone == report.id && wanted(link));
                u32::try_from(links.count()).expect("few")
            };
            let outgoing = count(|link| link.up && link.direction == Direction::Outgoing);
            let incoming = count(|link| link.up && link.direction == Direction::Incoming);
            let accepted = count(|link| link.direction == Direction::Incoming);
            // links that only write out what is queued count no more
            let expected = if self.stopping { (0, 0) } else { (outgoing, incoming) };
            assert_eq!((report.outgoing, report.incoming), expected);
            // a courier is counted apart, whether its stream is open or not
            let flying = report.couriers.map_or(0, |couriers| couriers.flying);
            assert!((report.dialing..=report.dialing + flying).contains(&count(|link| link.dialing)));
            assert!(flying <= count(|link| link.direction == Direction::Outgoing && !link.up));
            assert!(report.dialing == 0 || !self.stopping, "dialled while stopping");
            assert!(accepted <= report.max_incoming);
            assert!(report.gray <= self.limits.gray);
        }
    }

    fn check_queues(&mut self) {
        for &conn in self.live.keys() {
            let queued = self.node.run(|node| node.outgoing(conn).expect("it is not down").remaining());
            assert!(queued <= self.limits.queue_bytes);
            assert!(self.node.recv_window(conn) <= self.limits.window);
        }
    }

    /// Hands over what a peer wrote, which must fit into the window.
    pub(super) fn feed(&mut self, now: Instant, conn: ConnId, piece: &[u8]) -> Result<(), UnknownConn> {
        self.live.get_mut(&conn).into_iter().for_each(|link| link.follow(piece));
        self.node.run(|node| node.handle_data(now, conn, piece))
    }

    pub(super) fn queued(&mut self, conn: ConnId) -> usize {
        self.node.run(|node| node.outgoing(conn).map_or(0, |outgoing| outgoing.remaining()))
    }

    /// Writes up to `most` bytes of a link, or one whole frame.
    pub(super) fn write(&mut self, conn: ConnId, most: Option<usize>) {
        self.take(conn, most);
    }

    /// The same, for somebody who wants the bytes.
    pub(super) fn take(&mut self, conn: ConnId, most: Option<usize>) -> Vec<u8> {
        let before = self.queued(conn);
        let mut written = Vec::with_capacity(before);
        self.node.run(|node| {
            let Ok(mut outgoing) = node.outgoing(conn) else { return };
            match most {
                None => written.extend_from_slice(&outgoing.take_frame().unwrap_or_default()),
                Some(most) => written.extend_from_slice(&outgoing.copy_to_bytes(most.min(before))),
            }
            assert_eq!(outgoing.remaining(), before - written.len());
        });
        if written.is_empty() {
            return written;
        }
        let link = self.live.get_mut(&conn).expect("a link with a queue is known");
        let ends_a_frame = most.is_none() || written.len() == before;
        link.begun = if ends_a_frame { 0 } else { link.begun + written.len() };
        if !self.kinds[link.zone.index()].is_anonymity() {
            link.written.wrote(&written, self.kinds.iter().all(|kind| !kind.is_anonymity()));
        }
        written
    }

    /// The node's promises about its deadline, after it was told that it is `now`.
    pub(super) fn check_deadline(&mut self, now: Instant) {
        // what a round that was due has planned may be due at once, too
        for _ in 0..8 {
            if self.node.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
            assert_eq!(self.node.poll_timeout(), Some(now), "a deadline has passed");
            self.node.run(|node| node.handle_timeout(now));
        }
        panic!("something is due for ever");
    }
}
