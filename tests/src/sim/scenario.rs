//! What is simulated.

use std::time::Duration;

use anonet_core::{Config, Limits, Network, PeerRole, ZoneConfig, ZoneKind};

use super::layers::{Churn, Dead, Latency, Layer, Loss, Partition};
use super::names::addr;
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
    /// Clocks are ahead by up to this much.
    pub skew: Duration,
    /// Transactions submitted, all by nodes that stay up.
    pub submissions: u64,
    /// Nothing is submitted before this.
    pub warm_up: Duration,
    /// Bytes in a transaction.
    pub tx_size: usize,
    seed: u64,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Scenario {
    /// All of them, for a run with this seed.
    #[must_use]
    pub fn all(seed: u64) -> [Self; 3] {
        [Self::gossip(seed), Self::spread(seed), Self::storm(seed)]
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
            layers: vec![Box::new(ONION_LATENCY), Box::new(Dead { percent: 30 })],
            stagger: MINUTE,
            skew: Duration::from_secs(3),
            submissions: 0,
            warm_up: Duration::ZERO,
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
            layers: vec![Box::new(ONION_LATENCY)],
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
                Box::new(loss),
                Box::new(partition),
                Box::new(churn),
                Box::new(Dead { percent: 20 }),
            ],
            span: 40 * MINUTE,
            ..Self::spread(seed)
        }
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
        config.limits = self.limits;
        for &kind in &self.zones {
            let mut zone = ZoneConfig::new(kind);
            zone.max_outgoing = self.outgoing;
            zone.max_incoming = self.outgoing * 4;
            zone.own = vec![addr(kind, index)];
            let known = |place| network.below(self.nodes as u64, Use::Known, [index as u64, place, kind as u64]) as usize;
            zone.peers = (0..self.known).map(known).filter(|&peer| peer != index).map(|peer| named(kind, peer)).collect();
            config.zones.push(zone);
        }
        config
    }
}

fn named(kind: ZoneKind, peer: usize) -> (anonet_core::Addr, PeerRole) {
    (addr(kind, peer), PeerRole::Known)
}

/// Dials through three hops and a rendezvous, and what a chunk takes through six.
const ONION_LATENCY: Latency = Latency {
    dial: (Duration::from_millis(500), Duration::from_secs(6)),
    chunk: (Duration::from_millis(100), Duration::from_millis(600)),
};
