//! Streams between simulated nodes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anonet_core::{Addr, ConnId, DialFailure, Instant, Isolation, ZoneId};
use bytes::Bytes;

use super::engine::{Sim, Step};
use super::layers::{Dial, Passage};

/// How long it takes to learn that a dial cannot succeed.
const REFUSAL: Duration = Duration::from_secs(5);

/// One end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    stream: u64,
    /// 0 dialled, 1 accepted.
    side: usize,
}

impl End {
    const fn other(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }
}

/// What is known of one side of a stream.
#[derive(Debug)]
struct Side {
    node: usize,
    /// `None` once this side has ended.
    conn: Option<ConnId>,
    /// Chunks that it wrote.
    sent: u64,
    /// When the last of them arrives.
    last: Instant,
    /// Arrived, and not yet read.
    parked: VecDeque<Bytes>,
}

#[derive(Debug)]
struct Stream {
    id: (u64, u64),
    sides: [Side; 2],
}

/// The open streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: BTreeMap<u64, Stream>,
    next: u64,
}

impl Streams {
    fn side(&mut self, end: End) -> Option<&mut Side> {
        self.open.get_mut(&end.stream).map(|stream| &mut stream.sides[end.side])
    }
}

impl Sim {
    pub(super) fn dial(&mut self, node: usize, conn: ConnId, addr: Addr, (zone, isolation): (ZoneId, Isolation)) {
        self.counters.dials += 1;
        let peer = self.directory.get(&addr).copied();
        self.dialled(node, conn, peer, zone, isolation);
        let member = &mut self.members[node];
        member.dials[zone.index()] += 1;
        let (start, index) = (member.start, (zone.index() as u64) << 32 | member.dials[zone.index()]);
        let Some((to, _)) = peer else {
            let why = DialFailure::HostUnreachable;
            return self.plan(self.now + REFUSAL, Step::DialFailed { node, start, conn, why });
        };
        let dial = Dial { from: node, to, at: self.elapsed(), index };
        let stream = (node as u64, index);
        match self.fate(&dial) {
            Some(Ok(delay)) => self.plan(self.now + delay, Step::Dialed { node, start, conn, addr, stream }),
            Some(Err(why)) => self.plan(self.now + REFUSAL, Step::DialFailed { node, start, conn, why }),
            // the node's own deadline ends it
            None => {}
        }
    }

    fn fate(&self, dial: &Dial) -> Option<Result<Duration, DialFailure>> {
        let mut delay = Duration::ZERO;
        for layer in &self.scenario.layers {
            match layer.dial(self.network, dial)? {
                Ok(more) => delay += more,
                Err(why) => return Some(Err(why)),
            }
        }
        Some(Ok(delay))
    }

    /// A dial has come to its host: a running node, or nobody.
    pub(super) fn connect(&mut self, (node, start, conn): (usize, u64, ConnId), addr: &Addr, id: (u64, u64)) {
        if self.members[node].start != start || self.members[node].node.is_none() {
            return;
        }
        let Some(&(to, zone)) = self.directory.get(addr) else { return };
        let now = self.clock(to);
        let accepted = self.members[to].node.as_mut().and_then(|running| running.accept(now, zone, None).ok());
        let now = self.clock(node);
        let Some(dialler) = &mut self.members[node].node else { return };
        let Some(accepted) = accepted else {
            dialler.handle_dial_failed(now, conn, DialFailure::HostRefused);
            return self.drain(node);
        };
        let dialled = dialler.handle_dialed(now, conn).is_ok();
        let at = self.now;
        let side = |node, conn| Side { node, conn: Some(conn), sent: 0, last: at, parked: VecDeque::new() };
        self.streams.next += 1;
        let stream = self.streams.next;
        self.streams.open.insert(stream, Stream { id, sides: [side(node, conn), side(to, accepted)] });
        self.members[to].links.insert(accepted, End { stream, side: 1 });
        if dialled {
            self.counters.streams += 1;
            self.members[node].links.insert(conn, End { stream, side: 0 });
        } else {
            self.hang_up(End { stream, side: 0 });
        }
        self.drain(to);
        self.drain(node);
    }

    pub(super) fn transmit(&mut self, node: usize, conn: ConnId) {
        let Some(&end) = self.members[node].links.get(&conn) else { return };
        loop {
            let running = self.members[node].node.as_mut();
            let Some(bytes) = running.and_then(|running| running.outgoing(conn).ok()?.take_frame()) else { return };
            self.counters.chunks += 1;
            self.counters.bytes += bytes.len() as u64;
            self.absorb(node, 5, &bytes);
            self.carried(node, conn, &bytes, true);
            if !self.carry(end, bytes) {
                return self.break_stream(end.stream);
            }
        }
    }

    /// Puts one chunk on its way; `false` if the stream breaks over it.
    fn carry(&mut self, end: End, bytes: Bytes) -> bool {
        let at = self.elapsed();
        let Some(stream) = self.streams.open.get_mut(&end.stream) else { return true };
        let to = stream.sides[end.other().side].node;
        let side = &mut stream.sides[end.side];
        let passage = Passage { from: side.node, to, at, stream: stream.id, index: side.sent };
        side.sent += 1;
        let mut delay = Duration::ZERO;
        for layer in &self.scenario.layers {
            match layer.carry(self.network, &passage) {
                Some(more) => delay += more,
                None => return false,
            }
        }
        // a stream keeps its order
        side.last = side.last.max(self.now + delay);
        let at = side.last;
        self.plan(at, Step::Deliver { to: end.other(), bytes });
        true
    }

    pub(super) fn deliver(&mut self, to: End, bytes: Bytes) {
        let Some(side) = self.streams.side(to) else { return };
        let (node, Some(conn)) = (side.node, side.conn) else { return };
        side.parked.push_back(bytes.clone());
        self.carried(node, conn, &bytes, false);
        self.resume(node, conn);
    }

    /// Hands over what has arrived, as far as the node wants to read.
    pub(super) fn resume(&mut self, node: usize, conn: ConnId) {
        let Some(&end) = self.members[node].links.get(&conn) else { return };
        let now = self.clock(node);
        loop {
            let Some(running) = &mut self.members[node].node else { return };
            let window = running.recv_window(conn);
            let Some(side) = self.streams.side(end).filter(|_| window > 0) else { break };
            let Some(mut bytes) = side.parked.pop_front() else { break };
            if bytes.len() > window {
                side.parked.push_front(bytes.split_off(window));
            }
            if running.handle_data(now, conn, &bytes).is_err() {
                break;
            }
        }
        self.drain(node);
    }

    /// Ends a stream from one side; the other side learns of it after what was sent before.
    pub(super) fn hang_up(&mut self, end: End) {
        let now = self.now;
        let Some(side) = self.streams.side(end) else { return };
        (side.conn, side.parked) = (None, VecDeque::new());
        let at = side.last.max(now);
        self.plan(at, Step::Ended { to: end.other() });
    }

    /// The far side has ended a stream.
    pub(super) fn ended(&mut self, to: End) {
        let Some(side) = self.streams.side(to) else { return };
        let (node, conn) = (side.node, side.conn.take());
        if self.streams.side(to.other()).is_none_or(|far| far.conn.is_none()) {
            self.streams.open.remove(&to.stream);
        }
        let Some(conn) = conn else { return };
        self.members[node].links.remove(&conn);
        self.closed(node, conn);
        let now = self.clock(node);
        if let Some(running) = &mut self.members[node].node {
            running.handle_closed(now, conn);
            self.drain(node);
        }
    }

    /// Both sides learn that a stream is no more; what was under way is lost.
    fn break_stream(&mut self, stream: u64) {
        for side in 0..2 {
            self.plan(self.now, Step::Ended { to: End { stream, side } });
        }
    }
}
