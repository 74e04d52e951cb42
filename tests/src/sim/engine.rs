//! Nodes, the queue of what happens to them, and the hash of what they do.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use anonet_core::{Addr, ConnId, DialFailure, Event, Instant, Node, Output, Ticket, ZoneId};
use bytes::Bytes;

use super::app::{Spread, id_of};
use super::lives::Kept;
use super::random::Keyed;
use super::scenario::Scenario;
use super::streams::{End, Streams};
use super::watch::Trace;

/// When runs begin, in virtual time.
pub(super) const START: Instant = Instant::from_micros(1_700_000_000_000_000);

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Dials.
    pub dials: u64,
    /// Of those, answered with a stream.
    pub streams: u64,
    /// Chunks that nodes wrote.
    pub chunks: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Events that the queue has handled.
    pub steps: u64,
    /// Links that ended, by whatever cause.
    pub ended: u64,
}

#[derive(Debug)]
pub(super) enum Step {
    Wake(usize),
    Dialed { node: usize, start: u64, conn: ConnId, addr: Addr, stream: (u64, u64) },
    DialFailed { node: usize, start: u64, conn: ConnId, why: DialFailure },
    Deliver { to: End, bytes: Bytes },
    Ended { to: End },
    Verdict { node: usize, start: u64, ticket: Ticket },
    Submit(usize),
    Confirm(usize),
    Churn,
}

#[derive(Debug)]
struct Planned {
    at: Instant,
    sequence: u64,
    step: Step,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Planned {}
impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// A node's place in the world, whether it runs or not.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) node: Option<Node>,
    /// Counts starts, so that what was meant for an earlier run is not taken for this one.
    pub(super) start: u64,
    pub(super) dials: Vec<u64>,
    pub(super) links: BTreeMap<ConnId, End>,
    pub(super) wake: Option<Instant>,
    skew: Duration,
    /// What it had when it was stopped, if it keeps that.
    pub(super) kept: Option<Kept>,
}

/// A network of simulated nodes.
#[derive(Debug)]
pub struct Sim {
    pub(super) scenario: Scenario,
    pub(super) network: Keyed,
    pub(super) now: Instant,
    sequence: u64,
    queue: BinaryHeap<Reverse<Planned>>,
    pub(super) members: Vec<Member>,
    pub(super) streams: Streams,
    pub(super) directory: BTreeMap<Addr, (usize, ZoneId)>,
    /// What became of the transactions.
    pub spread: Spread,
    /// What happened so far.
    pub counters: Counters,
    /// What an observer beside the first node has seen.
    pub trace: Trace,
    hash: u64,
}

impl Sim {
    /// The nodes of a scenario, all started at once, or up to its stagger apart.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let network = scenario.keyed();
        let members = (0..scenario.nodes).map(|index| Member {
            node: None,
            start: 0,
            dials: vec![0; scenario.zones.len()],
            links: BTreeMap::new(),
            wake: None,
            kept: None,
            skew: scenario.layers.iter().map(|layer| layer.skew(network, index)).sum(),
        });
        let members = members.collect();
        let spread = Spread::new(&scenario, network);
        let mut sim = Self {
            network,
            now: START,
            sequence: 0,
            queue: BinaryHeap::new(),
            members,
            streams: Streams::default(),
            directory: BTreeMap::new(),
            spread,
            counters: Counters::default(),
            trace: Trace::default(),
            hash: 0,
            scenario,
        };
        for (index, submission) in sim.spread.submissions().map(|submission| submission.at).enumerate().collect::<Vec<_>>() {
            sim.plan(START + submission, Step::Submit(index));
        }
        sim.churn();
        sim
    }

    /// The name of what is simulated.
    #[must_use]
    pub const fn scenario_name(&self) -> &'static str {
        self.scenario.name
    }

    /// Virtual time since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now.saturating_since(START)
    }

    /// The nodes that run now.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.members.iter().filter_map(|member| member.node.as_ref())
    }

    /// The hash of all outputs so far: equal for two runs of one seed.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Lets virtual time pass.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while self.queue.peek().is_some_and(|planned| planned.0.at <= end) {
            let Some(Reverse(Planned { at, step, .. })) = self.queue.pop() else { break };
            self.now = self.now.max(at);
            self.counters.steps += 1;
            self.take_step(step);
        }
        self.now = end;
    }

    pub(super) fn plan(&mut self, at: Instant, step: Step) {
        self.sequence += 1;
        self.queue.push(Reverse(Planned { at, sequence: self.sequence, step }));
    }

    /// The time on a node's own clock.
    pub(super) fn clock(&self, index: usize) -> Instant {
        self.now + self.members[index].skew
    }

    /// The running node that a step was meant for.
    fn running(&mut self, index: usize, start: u64) -> Option<&mut Node> {
        let member = &mut self.members[index];
        if member.start == start { member.node.as_mut() } else { None }
    }

    fn take_step(&mut self, step: Step) {
        match step {
            Step::Wake(index) => {
                let now = self.clock(index);
                // one that was planned before an earlier one took its place
                if self.members[index].wake != Some(self.now) {
                    return;
                }
                self.members[index].wake = None;
                if let Some(node) = &mut self.members[index].node {
                    node.handle_timeout(now);
                }
                self.drain(index);
            }
            Step::Dialed { node, start, conn, addr, stream } => self.connect((node, start, conn), &addr, stream),
            Step::DialFailed { node, start, conn, why } => {
                let now = self.clock(node);
                if let Some(running) = self.running(node, start) {
                    running.handle_dial_failed(now, conn, why);
                    self.drain(node);
                }
            }
            Step::Deliver { to, bytes } => self.deliver(to, bytes),
            Step::Ended { to } => self.ended(to),
            Step::Verdict { node, start, ticket } => {
                let now = self.clock(node);
                if let Some(running) = self.running(node, start) {
                    // a stale ticket is an ordinary race
                    let _ = running.resolve_tx(now, ticket, anonet_core::Verdict::Accept);
                    self.drain(node);
                }
            }
            Step::Submit(index) => self.submit(index),
            Step::Confirm(index) => self.confirm(index),
            Step::Churn => self.churn(),
        }
    }

    /// Does what a node asks for, until it asks for nothing.
    pub(super) fn drain(&mut self, index: usize) {
        while let Some(output) = self.members[index].node.as_mut().and_then(Node::poll_output) {
            match output {
                Output::Dial { conn, zone, addr, isolation } => {
                    self.absorb(index, 1, isolation.as_bytes());
                    self.dial(index, conn, addr, (zone, isolation));
                }
                Output::Transmit(conn) => self.transmit(index, conn),
                Output::Resume(conn) => self.resume(index, conn),
                Output::Close { conn, reason } => {
                    self.absorb(index, 2, format!("{reason:?}").as_bytes());
                    self.closed(index, conn);
                    if let Some(end) = self.members[index].links.remove(&conn) {
                        self.hang_up(end);
                    }
                }
                Output::Event(event) => self.event(index, &event),
                _ => {}
            }
        }
        let Some(at) = self.members[index].node.as_ref().and_then(Node::poll_timeout) else { return };
        let member = &mut self.members[index];
        let at = Instant::from_micros(at.as_micros().saturating_sub(member.skew.as_micros() as u64)).max(self.now);
        if member.wake.is_none_or(|planned| planned > at) {
            member.wake = Some(at);
            self.plan(at, Step::Wake(index));
        }
    }

    fn event(&mut self, index: usize, event: &Event) {
        match event {
            Event::Tx { ticket, zone, form, blob } => {
                self.absorb(index, 3, blob);
                let start = self.members[index].start;
                let at = self.elapsed();
                let Some(news) = self.spread.received(&self.scenario, (index, at), *zone, *form, blob) else { return };
                let now = self.clock(index);
                if let Some(running) = &mut self.members[index].node {
                    running.echo(now, *ticket, id_of(news.submission));
                }
                if !self.scenario.layers.iter().all(|layer| layer.relays(self.network, index)) {
                    if news.first && self.scenario.layers.iter().any(|layer| layer.echoes(self.network, index)) {
                        self.echo_falsely(news.submission);
                    }
                    return;
                }
                if let Some(later) = self.scenario.confirms.filter(|_| news.first) {
                    self.plan(self.now + news.delay + later, Step::Confirm(news.submission));
                }
                self.plan(self.now + news.delay, Step::Verdict { node: index, start, ticket: *ticket });
            }
            Event::Handed { id, .. } => {
                self.absorb(index, 4, id.as_bytes());
                self.spread.handed(self.elapsed(), *id);
            }
            Event::Seen { id, .. } => self.spread.seen(self.elapsed(), *id),
            Event::Down { .. } => self.counters.ended += 1,
            _ => {}
        }
    }

    /// Multiplies eight bytes at a time into the fingerprint: to compare runs by, not a defence.
    pub(super) fn absorb(&mut self, node: usize, kind: u64, bytes: &[u8]) {
        let head = [self.now.as_micros(), node as u64 * 8 + kind, bytes.len() as u64];
        let words = bytes.chunks(8).map(|chunk| chunk.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte)));
        for word in head.into_iter().chain(words) {
            self.hash = (self.hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
    }
}
