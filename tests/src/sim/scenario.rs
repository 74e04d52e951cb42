//! What is simulated.

use std::time::Duration;

use anonet_core::{Config, CourierConfig, Limits, Network, PeerRole, RelayPolicy, Witness, ZoneConfig, ZoneKind};
use bytes::Bytes;

use super::layers::{Churn, Dead, Latency, Layer, Loss, Partition};
use super::names::addr;
use super::people::{Adversary, Conduct, Restart, Skew};
use super::random::{Keyed, Use};

/// A network and what happens in it. The fields may be changed before a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Nodes, running or not.
    pub nodes: usize,
    /// How long it runs, in virtual time.
    pub span: Duration,
    /// The zones of every node.
    pub zones: Vec<ZoneKind>,
    /// Outgoing links that each node wants in each zone.
    pub outgoing: u32,
    /// Addresses that each node knows at first in each zone.
    pub known: u64,
    /// Caps of every node; the lists are shorter than real ones, so that ten thousand fit into memory.
    pub limits: Limits,
    /// What the network does.
    pub layers: Vec<Box<dyn Layer>>,
    /// Nodes join at random times up to this one.
    pub stagger: Duration,
    /// Transactions submitted at random times, all by nodes that stay up.
    pub submissions: u64,
    /// Nothing is submitted before this.
    pub warm_up: Duration,
    /// When one node submits further ones.
    pub timetable: Vec<Duration>,
    /// Which node that is.
    pub submitter: usize,
    /// How long after a node has relayed a transaction the sender's daemon has it; `None`: it has no daemon.
    pub confirms: Option<Duration>,
    /// How own transactions leave.
    pub relay: RelayPolicy,
    /// The numbers of policy `courier`.
    pub courier: CourierConfig,
    /// Who dials whom.
    pub shape: Shape,
    /// Blocks that the nodes claim to have, all but the first one, which has no daemon to tell it.
    pub height: Option<u64>,
    /// Bytes in a transaction.
    pub tx_size: usize,
    seed: u64,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Scenario {
    /// All of them, for a run with this seed.
    #[must_use]
    pub fn all(seed: u64) -> [Self; 4] {
        [Self::gossip(seed), Self::spread(seed), Self::storm(seed), Self::siege(seed)]
    }

    /// Nodes of one anonymity zone that know two others each: how they find more.
    #[must_use]
    pub fn gossip(seed: u64) -> Self {
        let mut limits = Limits::new();
        (limits.white, limits.gray) = (60, 120);
        Self {
            name: "gossip",
            about: "one anonymity zone; every node knows two others, three tenths of all names are dead",
            nodes: 1_000,
            span: 60 * MINUTE,
            zones: vec![ZoneKind::Tor],
            outgoing: 8,
            known: 2,
            limits,
            layers: vec![Box::new(ONION_LATENCY), Box::new(SKEW), Box::new(Dead { percent: 30 })],
            stagger: MINUTE,
            submissions: 0,
            warm_up: Duration::ZERO,
            timetable: Vec::new(),
            submitter: 0,
            confirms: None,
            relay: RelayPolicy::Fluff,
            courier: CourierConfig::default(),
            shape: Shape::Mesh,
            height: None,
            tx_size: 0,
            seed,
        }
    }

    /// Own transactions leave over an anonymity zone and spread in the public one.
    #[must_use]
    pub fn spread(seed: u64) -> Self {
        Self {
            name: "spread",
            about: "an anonymity zone and the public one; own transactions go out over the one and spread over the other",
            zones: vec![ZoneKind::Tor, ZoneKind::Public],
            known: 6,
            span: 30 * MINUTE,
            layers: vec![Box::new(ONION_LATENCY), Box::new(SKEW)],
            submissions: 20,
            warm_up: 10 * MINUTE,
            tx_size: 2_200,
            ..Self::gossip(seed)
        }
    }

    /// The same in bad weather.
    #[must_use]
    pub fn storm(seed: u64) -> Self {
        let loss = Loss { lost: 10_000, breaking: 200, repeat: Duration::from_secs(1) };
        let partition = Partition { during: (12 * MINUTE, 16 * MINUTE), percent: 30 };
        let churn = Churn { period: 20 * MINUTE, percent_up: 80 };
        Self {
            name: "storm",
            about: "spread, with loss, broken streams, churn, dead names and a partition of four minutes",
            layers: vec![
                Box::new(ONION_LATENCY),
                Box::new(SKEW),
                Box::new(loss),
                Box::new(partition),
                Box::new(churn),
                Box::new(Dead { percent: 20 }),
            ],
            span: 40 * MINUTE,
            ..Self::spread(seed)
        }
    }

    /// A storm among enemies: of each hundred nodes ten hang up early, ten read late and ten swallow what they are told; senders
    /// are stopped and started again.
    #[must_use]
    pub fn siege(seed: u64) -> Self {
        let mut siege = Self::storm(seed);
        (siege.name, siege.about) = ("siege", "storm, among peers that hang up, read late or swallow, and with restarts");
        for conduct in [Conduct::Leaves(3), Conduct::Reads(Duration::from_secs(20)), Conduct::Swallows] {
            siege.layers.push(Box::new(Adversary { permille: 100, conduct }));
        }
        for node in 0..3 {
            let from = siege.warm_up + MINUTE * (2 + node as u32);
            siege.layers.push(Box::new(Restart { node, down: (from, from + MINUTE) }));
        }
        siege
    }

    /// The bytes of a transaction: its number, then filler.
    pub(super) fn blob(&self, index: usize) -> Bytes {
        let mut blob = vec![super::watch::FILLER; self.tx_size.max(8)];
        blob[..8].copy_from_slice(&(index as u64).to_le_bytes());
        blob.into()
    }

    pub(super) const fn keyed(&self) -> Keyed {
        Keyed::new(self.seed)
    }

    /// Whether nodes come and go at all.
    pub(super) fn changes(&self) -> bool {
        !self.stagger.is_zero() || self.layers.iter().any(|layer| layer.changes())
    }

    /// How node `index` is configured.
    pub(super) fn config(&self, network: Keyed, index: usize) -> Config {
        let mut config = Config::new(Network::Regtest);
        (config.limits, config.courier) = (self.limits, self.courier);
        config.expected_height = self.height;
        if self.confirms.is_some() {
            config.witness = Witness::Embedder;
        }
        for &kind in &self.zones {
            let mut zone = ZoneConfig::new(kind);
            zone.max_outgoing = self.outgoing;
            zone.max_incoming = self.outgoing * 4;
            zone.own = vec![addr(kind, index)];
            zone.relay = self.relay;
            let drawn = |place| network.below(self.nodes as u64, Use::Known, [index as u64, place, kind as u64]) as usize;
            let known: Vec<usize> = match self.shape {
                Shape::Mesh => (0..self.known).map(drawn).collect(),
                Shape::Public if !kind.is_anonymity() => (0..self.known).map(drawn).collect(),
                Shape::Public if index == 0 => (1..self.nodes).collect(),
                Shape::Public => Vec::new(),
                Shape::Star { tellers: 0 } if index == 0 => (1..self.nodes).collect(),
                Shape::Star { .. } if index == 0 => (1..=self.known as usize).collect(),
                Shape::Star { tellers } if index <= tellers => vec![self.nodes - 1],
                Shape::Star { .. } => Vec::new(),
            };
            let waits = matches!(self.shape, Shape::Star { .. }) || self.shape == Shape::Public && kind.is_anonymity();
            if waits && index > 0 {
                zone.max_outgoing = known.len() as u32;
            }
            zone.peers = known.into_iter().filter(|&peer| peer != index).map(|peer| named(kind, peer)).collect();
            config.zones.push(zone);
        }
        config
    }
}

/// Who dials whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Every node knows a few others at first.
    Mesh,
    /// In the public zone every node knows a few others at first. In the others the first node knows all, and nobody else dials.
    Public,
    /// The first node knows all others, and nobody else dials. If there are tellers it knows as many as the scenario says, and
    /// not the last one, which the tellers, the nodes after the first, know and are linked to, and of which they tell.
    Star {
        /// How many.
        tellers: usize,
    },
}

fn named(kind: ZoneKind, peer: usize) -> (anonet_core::Addr, PeerRole) {
    (addr(kind, peer), PeerRole::Known)
}

/// Dials through three hops and a rendezvous, and what a chunk takes through six.
const ONION_LATENCY: Latency = Latency {
    dial: (Duration::from_millis(500), Duration::from_secs(6)),
    chunk: (Duration::from_millis(100), Duration::from_millis(600)),
};

const SKEW: Skew = Skew { most: Duration::from_secs(3) };
