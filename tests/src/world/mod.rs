//! Many real [`Node`]s in one process and in virtual time.
//!
//! Everything that happens is ordered by `(time, sequence number)`, every node draws from its own random stream, and a
//! running hash covers every output: one seed gives one run.

pub mod cast;
pub mod couriers;
mod links;
mod record;
mod script;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use anonet_core::{Addr, Config, ConnId, DialFailure, Event, Instant, Node, Output, ZoneId, ZoneKind};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use self::links::End;
pub use self::record::{Happened, Record};
pub use self::script::Heard;

/// A node's place in a [`World`].
pub type NodeIndex = usize;

/// A scripted peer's place in a [`World`].
pub type RawIndex = usize;

/// When the world begins, in virtual time.
pub const START: Instant = Instant::from_micros(1_700_000_000_000_000);

#[derive(Debug)]
enum Step {
    Wake(NodeIndex),
    Dialed { node: NodeIndex, conn: ConnId, addr: Addr },
    DialFailed { node: NodeIndex, conn: ConnId, why: DialFailure },
    Deliver { to: End, bytes: Bytes },
    Ended { to: End },
}

struct Member {
    node: Option<Node>,
    kinds: Vec<ZoneKind>,
    /// The wake-up that is planned, so that one deadline is not planned twice.
    wake: Option<Instant>,
}

/// A scripted peer: what it received, and whether its stream is open.
#[derive(Debug, Default)]
pub struct Raw {
    /// All bytes received.
    pub received: Vec<u8>,
    /// Whether the node has not closed the stream.
    pub open: bool,
    /// When bytes came, and how many there were by then.
    pub arrivals: Vec<(Instant, usize)>,
    syncs_answered: usize,
}

/// What fails at the moment.
#[derive(Debug, Default)]
pub struct Faults {
    /// Zones whose proxy cannot be reached.
    pub proxies_down: BTreeSet<(NodeIndex, ZoneId)>,
    /// Addresses that refuse.
    pub refusing: BTreeSet<Addr>,
    /// Addresses that never answer.
    pub silent: BTreeSet<Addr>,
    /// Nodes that do not get what is sent to them.
    pub deaf: BTreeSet<NodeIndex>,
    /// Scripted peers that read nothing, so that nothing can be written to them.
    pub stalled: BTreeSet<RawIndex>,
}

/// A network of nodes in virtual time.
pub struct World {
    now: Instant,
    sequence: u64,
    steps: BinaryHeap<Reverse<(Instant, u64, StepBox)>>,
    members: Vec<Member>,
    raws: Vec<Raw>,
    raw_ends: Vec<Option<(NodeIndex, ConnId)>>,
    directory: BTreeMap<Addr, Listening>,
    peers: BTreeMap<(NodeIndex, ConnId), End>,
    parked: BTreeMap<(NodeIndex, ConnId), Vec<Bytes>>,
    rng: ChaCha20Rng,
    latency: (Duration, Duration),
    /// What fails at the moment.
    pub faults: Faults,
    /// What happened, and what was sent.
    pub record: Record,
}

#[derive(Clone, Copy, Debug)]
enum Listening {
    Node(NodeIndex, ZoneId),
    Raw,
}

/// A step, ordered by its key alone.
#[derive(Debug)]
struct StepBox(Step);

impl PartialEq for StepBox {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for StepBox {}
impl PartialOrd for StepBox {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for StepBox {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).field("nodes", &self.members.len()).finish_non_exhaustive()
    }
}

impl World {
    /// An empty world. Latencies are drawn from 50 to 400 ms for each chunk; a stream keeps its order.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: START,
            sequence: 0,
            steps: BinaryHeap::new(),
            members: Vec::new(),
            raws: Vec::new(),
            raw_ends: Vec::new(),
            directory: BTreeMap::new(),
            peers: BTreeMap::new(),
            parked: BTreeMap::new(),
            rng: ChaCha20Rng::seed_from_u64(seed),
            latency: (Duration::from_millis(50), Duration::from_millis(400)),
            faults: Faults::default(),
            record: Record::default(),
        }
    }

    /// The time in this world.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Adds a node that is reachable under the addresses that its configuration calls its own.
    ///
    /// # Panics
    /// If the configuration is refused.
    pub fn add(&mut self, config: Config) -> NodeIndex {
        let index = self.members.len();
        let kinds = config.zones.iter().map(|zone| zone.kind).collect();
        self.members.push(Member { node: None, kinds, wake: None });
        self.start(index, config);
        index
    }

    /// Starts a node (again) in a place.
    ///
    /// # Panics
    /// If the configuration is refused.
    pub fn start(&mut self, index: NodeIndex, config: Config) {
        for (zone, own) in config.zones.iter().enumerate().flat_map(|(at, zone)| zone.own.iter().map(move |own| (at, own))) {
            self.directory.insert(own.clone(), Listening::Node(index, zone_id(&config, zone)));
        }
        let rng = ChaCha20Rng::seed_from_u64(self.rng.next_u64());
        let node = Node::new(config, Box::new(rng), self.now).expect("the test's configuration is valid");
        self.members[index].node = Some(node);
        self.drain(index);
    }

    /// Ends a node as `kill -9` would: its streams end, nothing is said.
    pub fn kill(&mut self, index: NodeIndex) {
        self.members[index].node = None;
        self.members[index].wake = None;
        self.directory.retain(|_, listening| !matches!(listening, Listening::Node(node, _) if *node == index));
        let ends: Vec<(NodeIndex, ConnId)> = self.peers.keys().filter(|(node, _)| *node == index).copied().collect();
        for (_, conn) in ends {
            self.hang_up(index, conn);
        }
        self.record.ended(index);
    }

    /// Calls a node as its application would.
    ///
    /// # Panics
    /// If the node is not running.
    pub fn call<R>(&mut self, index: NodeIndex, call: impl FnOnce(&mut Node, Instant) -> R) -> R {
        let now = self.now;
        let node = self.members[index].node.as_mut().expect("the node runs");
        let answer = call(node, now);
        self.drain(index);
        answer
    }

    /// A running node.
    ///
    /// # Panics
    /// If it is not running.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &Node {
        self.members[index].node.as_ref().expect("the node runs")
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(Reverse((at, _, _))) = self.steps.peek() {
            if *at > end {
                break;
            }
            let Some(Reverse((at, _, StepBox(step)))) = self.steps.pop() else { break };
            self.now = self.now.max(at);
            self.take_step(step);
        }
        self.now = end;
    }

    /// Lets time pass until `done`, at most `limit`; says whether it came to pass.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            if self.now >= end {
                return false;
            }
            self.run_for(Duration::from_millis(100));
        }
        true
    }

    fn plan(&mut self, at: Instant, step: Step) {
        self.sequence += 1;
        self.steps.push(Reverse((at, self.sequence, StepBox(step))));
    }

    fn later(&mut self) -> Instant {
        let width = (self.latency.1 - self.latency.0).as_micros() as u64;
        self.now + self.latency.0 + Duration::from_micros(self.rng.next_u64() % (width + 1))
    }

    fn take_step(&mut self, step: Step) {
        match step {
            // one that an earlier one has replaced would wake twice for ever
            Step::Wake(index) if self.members[index].wake != Some(self.now) => {}
            Step::Wake(index) => {
                self.members[index].wake = None;
                if let Some(node) = &mut self.members[index].node {
                    node.handle_timeout(self.now);
                }
                self.drain(index);
            }
            Step::Dialed { node, conn, addr } => self.connect(node, conn, &addr),
            Step::DialFailed { node, conn, why } => {
                if let Some(running) = &mut self.members[node].node {
                    running.handle_dial_failed(self.now, conn, why);
                }
                self.drain(node);
            }
            Step::Deliver { to, bytes } => self.deliver(to, bytes),
            Step::Ended { to } => self.ended(to),
        }
    }

    /// Does what a node asks for, until it asks for nothing.
    fn drain(&mut self, index: NodeIndex) {
        while let Some(output) = self.members[index].node.as_mut().and_then(Node::poll_output) {
            match output {
                Output::Dial { conn, zone, addr, isolation } => self.dial(index, conn, zone, addr, isolation),
                Output::Transmit(conn) => self.transmit(index, conn),
                Output::Resume(conn) => self.resume(index, conn),
                Output::Close { conn, reason } => {
                    self.record.closed(self.now, index, conn, reason);
                    self.hang_up(index, conn);
                }
                Output::Event(event) => self.record.event(self.now, index, event),
                _ => {}
            }
        }
        let Some(at) = self.members[index].node.as_ref().and_then(Node::poll_timeout) else { return };
        let at = at.max(self.now);
        if self.members[index].wake.is_none_or(|planned| planned > at) {
            self.members[index].wake = Some(at);
            self.plan(at, Step::Wake(index));
        }
    }

    /// The events of one node, oldest first.
    pub fn events(&self, index: NodeIndex) -> impl Iterator<Item = &Event> + '_ {
        self.record.of(index).filter_map(|happened| match happened {
            Happened::Event(event) => Some(event),
            _ => None,
        })
    }
}

fn zone_id(config: &Config, index: usize) -> ZoneId {
    config.zone_id(index).expect("the zone is configured")
}
