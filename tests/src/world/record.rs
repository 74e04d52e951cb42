//! What happened in a world, and a hash of it all.

use std::collections::BTreeMap;

use anonet_core::{Addr, CloseReason, ConnId, Event, Instant, Isolation, ZoneId, ZoneKind};

use super::{NodeIndex, START};

/// One entry of a [`Record`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Happened {
    /// A node told its application something.
    Event(Event),
    /// A node closed a link.
    Closed(ConnId, CloseReason),
    /// A node dialled.
    Dialed(ZoneId, Addr, Isolation),
}

/// Everything that nodes asked for.
#[derive(Debug, Default)]
pub struct Record {
    happened: Vec<(Instant, NodeIndex, Happened)>,
    sent: BTreeMap<(NodeIndex, ConnId), Stream>,
    /// What nodes wrote before they were ended, as those that are started again count links from the beginning.
    before: Vec<(NodeIndex, Stream)>,
    chunks: Vec<(Instant, NodeIndex, ConnId, usize)>,
    zones: BTreeMap<(NodeIndex, ConnId), ZoneId>,
    hash: u64,
}

/// What one node wrote to one link.
#[derive(Debug)]
struct Stream {
    kind: Option<ZoneKind>,
    last: Instant,
    bytes: Vec<u8>,
}

impl Record {
    /// The hash of all outputs so far: equal for two runs of one seed.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// What one node did, oldest first.
    pub fn of(&self, node: NodeIndex) -> impl Iterator<Item = &Happened> + '_ {
        self.happened.iter().filter(move |(_, other, _)| *other == node).map(|(_, _, happened)| happened)
    }

    /// When things happened at one node, oldest first.
    pub fn timed(&self, node: NodeIndex) -> impl Iterator<Item = (Instant, &Happened)> + '_ {
        self.happened.iter().filter(move |(_, other, _)| *other == node).map(|(at, _, happened)| (*at, happened))
    }

    /// All that one node wrote to links of zones of one kind, link by link.
    pub fn written(&self, node: NodeIndex, kind: ZoneKind) -> impl Iterator<Item = &[u8]> + '_ {
        let before = self.before.iter().map(|(other, stream)| (other, stream));
        let streams = self.sent.iter().map(|((other, _), stream)| (other, stream)).chain(before);
        streams
            .filter(move |(other, stream)| **other == node && stream.kind == Some(kind))
            .map(|(_, stream)| stream.bytes.as_slice())
    }

    /// When each chunk that one node wrote arrives, on which link, and how long it is.
    pub fn chunks(&self, node: NodeIndex) -> impl Iterator<Item = (Instant, ConnId, usize)> + '_ {
        self.chunks.iter().filter(move |(_, other, ..)| *other == node).map(|&(at, _, conn, size)| (at, conn, size))
    }

    pub(super) fn event(&mut self, at: Instant, node: NodeIndex, event: Event) {
        self.push(at, node, Happened::Event(event));
    }

    pub(super) fn closed(&mut self, at: Instant, node: NodeIndex, conn: ConnId, reason: CloseReason) {
        self.push(at, node, Happened::Closed(conn, reason));
    }

    pub(super) fn opened(&mut self, node: NodeIndex, conn: ConnId, zone: ZoneId) {
        self.zones.insert((node, conn), zone);
    }

    pub(super) fn dialed(&mut self, at: Instant, node: NodeIndex, zone: ZoneId, addr: &Addr, isolation: Isolation) {
        self.absorb(isolation.as_bytes());
        self.absorb(addr.reveal().to_string().as_bytes());
        self.push(at, node, Happened::Dialed(zone, addr.clone(), isolation));
    }

    pub(super) fn sent(&mut self, at: Instant, node: NodeIndex, conn: ConnId, kind: Option<ZoneKind>, bytes: &[u8]) {
        self.absorb(&at.as_micros().to_le_bytes());
        self.absorb(bytes);
        self.chunks.push((at, node, conn, bytes.len()));
        let stream = self.sent.entry((node, conn)).or_insert(Stream { kind, last: at, bytes: Vec::new() });
        stream.kind = stream.kind.or(kind);
        stream.last = at;
        stream.bytes.extend_from_slice(bytes);
    }

    /// A node was ended, and all its links with it.
    pub(super) fn ended(&mut self, node: NodeIndex) {
        let links: Vec<(NodeIndex, ConnId)> = self.sent.keys().filter(|(other, _)| *other == node).copied().collect();
        let streams = links.iter().filter_map(|link| self.sent.remove(link));
        self.before.extend(streams.map(|stream| (node, stream)));
        self.zones.retain(|(other, _), _| *other != node);
    }

    pub(super) fn last_sent(&self, node: NodeIndex, conn: ConnId) -> Instant {
        self.sent.get(&(node, conn)).map_or(START, |stream| stream.last)
    }

    pub(super) fn zone_of(&self, node: NodeIndex, conn: ConnId) -> Option<ZoneId> {
        self.zones.get(&(node, conn)).copied()
    }

    fn push(&mut self, at: Instant, node: NodeIndex, happened: Happened) {
        self.absorb(&at.as_micros().to_le_bytes());
        self.absorb(format!("{node} {happened:?}").as_bytes());
        self.happened.push((at, node, happened));
    }

    /// FNV-1a: a fingerprint to compare runs by, not a defence.
    fn absorb(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
