//! Streams between nodes, and between a node and a scripted peer.

use anonet_core::{Addr, ConnId, DialFailure, Isolation, ZoneId};
use bytes::Bytes;

use super::{Listening, NodeIndex, Raw, RawIndex, Step, World};

/// One end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Node(NodeIndex, ConnId),
    Raw(RawIndex),
}

impl World {
    pub(super) fn dial(&mut self, node: NodeIndex, conn: ConnId, zone: ZoneId, addr: Addr, isolation: Isolation) {
        self.record.dialed(self.now, node, zone, &addr, isolation);
        self.record.opened(node, conn, zone);
        let at = self.later();
        if self.faults.proxies_down.contains(&(node, zone)) {
            self.plan(at, Step::DialFailed { node, conn, why: DialFailure::ProxyUnreachable });
        } else if !self.faults.silent.contains(&addr) {
            self.plan(at, Step::Dialed { node, conn, addr });
        }
    }

    /// The far end of a dial: a node, a scripted peer, or nobody.
    pub(super) fn connect(&mut self, node: NodeIndex, conn: ConnId, addr: &Addr) {
        let target = if self.faults.refusing.contains(addr) { None } else { self.directory.get(addr).copied() };
        let far = match target {
            Some(Listening::Node(index, zone)) => {
                let now = self.now;
                let accepted = self.members[index].node.as_mut().map(|running| running.accept(now, zone, None));
                let accepted = accepted.and_then(Result::ok);
                accepted.inspect(|&conn| self.record.opened(index, conn, zone)).map(|conn| End::Node(index, conn))
            }
            Some(Listening::Raw) => Some(self.new_raw(node, conn)),
            None => None,
        };
        let now = self.now;
        let Some(dialler) = self.members[node].node.as_mut() else { return };
        let Some(far) = far else {
            dialler.handle_dial_failed(now, conn, DialFailure::Socks(4));
            return self.drain(node);
        };
        if dialler.handle_dialed(now, conn).is_ok() {
            self.peers.insert((node, conn), far);
            if let End::Node(other, accepted) = far {
                self.peers.insert((other, accepted), End::Node(node, conn));
                self.drain(other);
            }
        } else {
            self.ended(far);
        }
        self.drain(node);
    }

    fn new_raw(&mut self, node: NodeIndex, conn: ConnId) -> End {
        self.raws.push(Raw { open: true, ..Raw::default() });
        self.raw_ends.push(Some((node, conn)));
        End::Raw(self.raws.len() - 1)
    }

    pub(super) fn transmit(&mut self, node: NodeIndex, conn: ConnId) {
        let Some(far) = self.peers.get(&(node, conn)).copied() else { return };
        if matches!(far, End::Raw(index) if self.faults.stalled.contains(&index)) {
            return;
        }
        // one instant for all that is written now, and never before what was written earlier
        let at = self.later().max(self.record.last_sent(node, conn));
        loop {
            let running = self.members[node].node.as_mut();
            let Some(bytes) = running.and_then(|running| running.outgoing(conn).ok()?.take_frame()) else { break };
            let kind = self.record.zone_of(node, conn).map(|zone: ZoneId| self.members[node].kinds[zone.index()]);
            self.record.sent(at, node, conn, kind, &bytes);
            self.plan(at, Step::Deliver { to: far, bytes });
        }
    }

    pub(super) fn deliver(&mut self, to: End, bytes: Bytes) {
        match to {
            End::Raw(index) => {
                let raw = &mut self.raws[index];
                raw.received.extend_from_slice(&bytes);
                raw.arrivals.push((self.now, raw.received.len()));
            }
            End::Node(node, _) if self.faults.deaf.contains(&node) => {}
            End::Node(node, conn) => {
                self.parked.entry((node, conn)).or_default().push(bytes);
                self.resume(node, conn);
            }
        }
    }

    /// Hands over what has arrived, as far as the node wants to read.
    pub(super) fn resume(&mut self, node: NodeIndex, conn: ConnId) {
        let Some(running) = self.members[node].node.as_mut() else { return };
        let Some(mut parked) = self.parked.remove(&(node, conn)) else { return };
        while !parked.is_empty() {
            let window = running.recv_window(conn);
            if window == 0 {
                self.parked.insert((node, conn), parked);
                return;
            }
            let length = parked[0].len().min(window);
            let bytes = parked[0].split_to(length);
            if parked[0].is_empty() {
                parked.remove(0);
            }
            if running.handle_data(self.now, conn, &bytes).is_err() {
                break;
            }
        }
        self.drain(node);
    }

    /// Ends a stream from one side; the other side learns of it after what was sent before.
    pub(super) fn hang_up(&mut self, node: NodeIndex, conn: ConnId) {
        self.parked.remove(&(node, conn));
        if let Some(far) = self.peers.remove(&(node, conn)) {
            let at = self.later().max(self.record.last_sent(node, conn));
            self.plan(at, Step::Ended { to: far });
        }
    }

    pub(super) fn ended(&mut self, to: End) {
        match to {
            End::Raw(index) => {
                self.raws[index].open = false;
                self.raw_ends[index] = None;
            }
            End::Node(node, conn) => {
                self.peers.remove(&(node, conn));
                let now = self.now;
                if let Some(running) = self.members[node].node.as_mut() {
                    running.handle_closed(now, conn);
                    self.drain(node);
                }
            }
        }
    }

    /// Cuts every stream of a node, as a network would: both sides see it end, and what was under way is lost.
    pub fn cut_all(&mut self, node: NodeIndex) {
        let ends: Vec<(ConnId, End)> =
            self.peers.iter().filter(|((index, _), _)| *index == node).map(|((_, conn), far)| (*conn, *far)).collect();
        for (conn, far) in ends {
            self.steps
                .retain(|step| !matches!(&step.0.2.0, Step::Deliver { to, .. } if *to == far || *to == End::Node(node, conn)));
            self.peers.remove(&(node, conn));
            self.ended(End::Node(node, conn));
            self.ended(far);
        }
    }

    /// Opens a stream from a scripted peer to a listener of a node.
    ///
    /// # Panics
    /// If the node does not accept it.
    pub fn raw_connect(&mut self, node: NodeIndex, zone: ZoneId) -> RawIndex {
        self.raw_connect_from(node, zone, None)
    }

    /// The same from a host that is known.
    ///
    /// # Panics
    /// If the node does not accept it.
    pub fn raw_connect_from(&mut self, node: NodeIndex, zone: ZoneId, from: Option<Addr>) -> RawIndex {
        let now = self.now;
        let running = self.members[node].node.as_mut().expect("the node runs");
        let conn = running.accept(now, zone, from).expect("the node accepts");
        self.record.opened(node, conn, zone);
        let far = self.new_raw(node, conn);
        self.peers.insert((node, conn), far);
        self.drain(node);
        self.raws.len() - 1
    }

    /// Lets scripted peers answer dials to `addr`.
    pub fn raw_listen(&mut self, addr: Addr) {
        self.directory.insert(addr, Listening::Raw);
    }

    /// Sends bytes from a scripted peer; they arrive at once.
    pub fn raw_send(&mut self, index: RawIndex, bytes: &[u8]) {
        if let Some((node, conn)) = self.raw_ends[index] {
            self.deliver(End::Node(node, conn), Bytes::copy_from_slice(bytes));
        }
    }

    /// Puts bytes into the stream from one node to another, as if that one had sent them.
    pub fn raw_to_link(&mut self, to: NodeIndex, from: NodeIndex, bytes: &[u8]) {
        let link =
            self.peers.iter().find(|((index, _), far)| *index == to && matches!(far, End::Node(other, _) if *other == from));
        if let Some((&(node, conn), _)) = link {
            self.deliver(End::Node(node, conn), Bytes::copy_from_slice(bytes));
        }
    }

    /// A scripted peer.
    #[must_use]
    pub fn raw(&self, index: RawIndex) -> &Raw {
        &self.raws[index]
    }

    /// How many scripted peers there are; the last is the newest.
    #[must_use]
    pub const fn raw_count(&self) -> usize {
        self.raws.len()
    }
}
