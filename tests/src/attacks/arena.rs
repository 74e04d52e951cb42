//! One sender among peers, and what came of it.

use std::time::Duration;

use anonet_core::{RelayPolicy, ZoneKind};

use super::Policy;
use super::models::{core30, cuprate};
use crate::sim::people::{Adversary, Conduct, Restart};
use crate::sim::random::Use;
use crate::sim::scenario::Shape;
use crate::sim::watch::Trace;
use crate::sim::{Keyed, Scenario, Sim};

/// Peers that the sender knows.
pub const PEERS: usize = 40;

/// Outgoing links that it keeps in each zone.
pub const LINKS: u32 = 12;

/// Peers that it knows where it is told of others.
pub const KNOWN: u64 = 10;

/// Bytes in a transaction: one with two inputs and two outputs.
pub const TX_SIZE: usize = 2_200;

/// After a node has relayed a transaction, until the sender's daemon has it from the public network.
pub const SPREAD: Duration = Duration::from_secs(10);

/// Blocks that peers have.
pub const HEIGHT: u64 = 3_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Before the first submission; between two of them; up to so much later at random.
const WARM_UP: Duration = MINUTE.saturating_mul(10);
const EVERY: Duration = MINUTE.saturating_mul(6);
const JITTER: Duration = MINUTE;

/// When a node that is restarted is not there.
const DOWN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Which zones the sender has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Zones {
    /// Tor, and the public network.
    TorAndPublic,
    /// Tor and I2P.
    TorAndI2p,
}

/// What is played. Everything but the policy and the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Scene {
    /// The sender's zones.
    pub zones: Zones,
    /// Transactions submitted.
    pub txs: u64,
    /// Peers in a thousand that are hostile, and how they behave.
    pub hostile: (u64, Conduct),
    /// Peers that tell the sender of one whom nobody else knows.
    pub tellers: usize,
    /// Whether the sender submits at once when it is started, and is restarted a minute later.
    pub restart: bool,
}

impl Scene {
    /// Ten transactions among honest peers.
    pub const BASE: Self =
        Self { zones: Zones::TorAndPublic, txs: 10, hostile: (0, Conduct::Listens), tellers: 0, restart: false };

    /// The same without a transaction.
    pub const QUIET: Self = Self { txs: 0, ..Self::BASE };

    /// The same among hostile peers.
    #[must_use]
    pub const fn among(permille: u64, conduct: Conduct) -> Self {
        Self { hostile: (permille, conduct), ..Self::BASE }
    }

    /// How long it takes.
    #[must_use]
    pub fn span(&self) -> Duration {
        if self.restart { 10 * MINUTE } else { WARM_UP + 10 * EVERY + 30 * MINUTE }
    }

    /// When transaction `index` is, or would be, submitted.
    #[must_use]
    pub fn submitted(&self, seed: u64, index: u64) -> Duration {
        if self.restart {
            return Duration::from_millis(10);
        }
        let keyed = Keyed::new(seed);
        WARM_UP + EVERY * index as u32 + keyed.span((Duration::ZERO, JITTER), Use::Submission, [index, 2, 0])
    }

    /// Who is hostile.
    #[must_use]
    pub const fn adversary(&self) -> Adversary {
        Adversary { permille: self.hostile.0, conduct: self.hostile.1 }
    }
}

/// One transaction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fate {
    /// When it was submitted.
    pub at: Duration,
    /// When the sender took it for spread.
    pub seen: Option<Duration>,
    /// When each node first had it.
    pub received: Vec<Option<Duration>>,
}

/// What came of a scene.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// The scene.
    pub scene: Scene,
    /// The seed.
    pub seed: u64,
    /// What was seen of the sender.
    pub trace: Trace,
    /// The transactions.
    pub fates: Vec<Fate>,
}

impl Run {
    /// Plays a scene.
    #[must_use]
    pub fn of(policy: Policy, scene: Scene, seed: u64) -> Self {
        match policy {
            Policy::Ours(relay) => {
                let mut sim = Sim::new(scenario(relay, scene, seed));
                sim.run_for(scene.span());
                let fate = |sub: &crate::sim::Submission| Fate { at: sub.at, seen: sub.seen, received: sub.received.clone() };
                let fates = sim.spread.submissions().map(fate).collect();
                let mut trace = std::mem::take(&mut sim.trace);
                // what no observer here looks at
                trace.streams.iter_mut().filter(|stream| public(scene, stream.zone)).for_each(|stream| stream.chunks.clear());
                Self { scene, seed, trace, fates }
            }
            Policy::Cuprate => cuprate::run(scene, seed),
            Policy::Core30 => core30::run(scene, seed),
        }
    }

    /// The sender's streams in anonymity zones.
    pub fn anonymous(&self) -> impl Iterator<Item = &crate::sim::watch::Stream> {
        self.trace.streams.iter().filter(|stream| !public(self.scene, stream.zone))
    }

    /// The sender's streams in the public zone.
    pub fn public(&self) -> impl Iterator<Item = &crate::sim::watch::Stream> {
        self.trace.streams.iter().filter(|stream| public(self.scene, stream.zone))
    }

    /// Whether a peer is hostile, as the scene says.
    #[must_use]
    pub fn is_hostile(&self, node: usize) -> bool {
        self.scene.adversary().is(Keyed::new(self.seed), node)
    }

    /// Whether a peer is one of so many in a thousand that only listen. Each `draw` draws others.
    #[must_use]
    pub fn is_spy(&self, permille: u64, draw: u64, node: usize) -> bool {
        let keyed = Keyed::new(self.seed ^ draw << 32);
        Adversary { permille, conduct: Conduct::Listens }.is(keyed, node)
    }

    /// How long after its submission a peer that is not hostile had transaction `index`.
    #[must_use]
    pub fn first_honest(&self, index: usize) -> Option<Duration> {
        let fate = &self.fates[index];
        let times = fate.received.iter().enumerate().filter(|(node, _)| !self.is_hostile(*node));
        times.filter_map(|(_, at)| *at).min().map(|at| at.saturating_sub(fate.at))
    }
}

fn public(scene: Scene, zone: usize) -> bool {
    scene.zones == Zones::TorAndPublic && zone == 1
}

/// The sender with Tor and the public network, and honest peers; nothing is submitted.
pub(crate) fn sender_among_peers(relay: RelayPolicy, seed: u64) -> Scenario {
    let mut scenario = Scenario::spread(seed);
    (scenario.nodes, scenario.outgoing, scenario.stagger) = (1 + PEERS, LINKS, Duration::ZERO);
    (scenario.submissions, scenario.tx_size, scenario.known) = (0, TX_SIZE, KNOWN);
    (scenario.confirms, scenario.height) = (Some(SPREAD), Some(HEIGHT));
    (scenario.relay, scenario.shape) = (relay, Shape::Star { tellers: 0 });
    scenario
}

fn scenario(relay: RelayPolicy, scene: Scene, seed: u64) -> Scenario {
    let mut scenario = sender_among_peers(relay, seed);
    (scenario.nodes, scenario.span) = (scenario.nodes + usize::from(scene.tellers > 0), scene.span());
    if scene.zones == Zones::TorAndI2p {
        scenario.zones = vec![ZoneKind::Tor, ZoneKind::I2p];
    }
    scenario.timetable = (0..scene.txs).map(|index| scene.submitted(seed, index)).collect();
    // what public links say counts only without a daemon
    scenario.confirms = scenario.confirms.filter(|_| scene.hostile.1 != Conduct::Echoes);
    scenario.shape = Shape::Star { tellers: scene.tellers };
    scenario.layers.push(Box::new(scene.adversary()));
    if scene.restart {
        scenario.layers.push(Box::new(Restart { node: 0, down: DOWN }));
    }
    scenario
}
