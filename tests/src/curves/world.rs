//! The scenes of which the curves are made: a sender who waits for its first peer, a day of a sender, and a public network.

use std::time::Duration;

use anonet_core::{CourierConfig, Limits, RelayPolicy};

use crate::attacks::arena;
use crate::sim::people::{Adversary, Conduct};
use crate::sim::scenario::Shape;
use crate::sim::{Keyed, Scenario, Sim};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = MINUTE.saturating_mul(24 * 60);

/// How long a sender has run before it submits anything: by then its links are up.
pub const WARM_UP: Duration = MINUTE.saturating_mul(5);

/// What no peer has after so long counts as never received.
pub const PATIENCE: Duration = MINUTE.saturating_mul(24 * 60);

/// How often it is looked whether a run may end.
const LOOK: Duration = Duration::from_secs(30);

/// Outgoing links of each public node.
const PUBLIC_LINKS: u32 = 8;

/// Between two transactions of one run in the public network, which do not mind each other.
const APART: Duration = MINUTE;

/// Transactions of the day on which some are sent, and bytes in each.
pub const BUSY: (u64, usize) = (10, 2_000);

/// How own transactions leave, and with which numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The policy.
    pub relay: RelayPolicy,
    /// The numbers of policy `courier`.
    pub courier: CourierConfig,
    /// From which the first pause without evidence is drawn.
    pub pause: (Duration, Duration),
}

impl Setting {
    /// A policy, with the numbers that couriers have by default.
    #[must_use]
    pub fn of(relay: RelayPolicy) -> Self {
        Self { relay, courier: CourierConfig::default(), pause: Limits::new().round_pause }
    }

    /// Couriers with these numbers.
    #[must_use]
    pub fn courier(courier: CourierConfig) -> Self {
        Self { courier, ..Self::of(RelayPolicy::Courier) }
    }

    fn sender(&self, seed: u64) -> Scenario {
        let mut scenario = arena::sender_among_peers(self.relay, seed);
        (scenario.courier, scenario.limits.round_pause) = (self.courier, self.pause);
        // it has run for longer than that
        scenario.courier.uptime = (Duration::ZERO, Duration::ZERO);
        scenario
    }
}

/// Peers of whom so many in a hundred behave like this.
#[must_use]
pub const fn peers(percent: u64, conduct: Conduct) -> Adversary {
    Adversary { permille: percent * 10, conduct }
}

/// Seconds from the submission of a transaction of `size` bytes until an honest peer has it; infinite if none ever has.
#[must_use]
pub fn first_peer(setting: &Setting, size: usize, peers: Adversary, seed: u64) -> f64 {
    let mut scenario = setting.sender(seed);
    (scenario.tx_size, scenario.timetable) = (size, vec![WARM_UP]);
    scenario.layers.push(Box::new(peers));
    let mut sim = Sim::new(scenario);
    sim.run_for(WARM_UP);
    while sim.elapsed() < WARM_UP + PATIENCE {
        sim.run_for(LOOK);
        if let Some(first) = honest_times(&sim, 0, peers, seed).first() {
            return *first;
        }
    }
    f64::INFINITY
}

/// Seconds from a submission until each honest node had it, in order.
fn honest_times(sim: &Sim, index: usize, peers: Adversary, seed: u64) -> Vec<f64> {
    let Some(submission) = sim.spread.submissions().nth(index) else { return Vec::new() };
    let times = submission.received.iter().enumerate().filter(|(node, _)| !peers.is(Keyed::new(seed), *node));
    let mut times: Vec<f64> =
        times.filter_map(|(_, at)| Some(at.as_ref()?.saturating_sub(submission.at).as_secs_f64())).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// What went over a sender's streams in its anonymity zone, as if for a whole day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Traffic {
    /// Megabytes, in both directions.
    pub megabytes: f64,
    /// Streams dialled, each on a circuit of its own.
    pub circuits: f64,
}

/// Watches a sender for `span`, in which it submits `txs` transactions at even distances; the average over `seeds`.
#[must_use]
pub fn traffic(setting: &Setting, txs: u64, span: Duration, seeds: u64) -> Traffic {
    let watched = of_each_seed(seeds, |seed| {
        let mut scenario = setting.sender(seed);
        scenario.tx_size = BUSY.1;
        scenario.timetable = (0..txs).map(|index| span / 100 + span * index as u32 / txs as u32).collect();
        let mut sim = Sim::new(scenario);
        sim.run_for(span);
        let streams = || sim.trace.streams.iter().filter(|stream| stream.zone == 0);
        (streams().flat_map(|stream| &stream.chunks).map(|chunk| chunk.size).sum::<usize>(), streams().count())
    });
    let (bytes, circuits) = watched.iter().fold((0, 0), |(bytes, circuits), more| (bytes + more.0, circuits + more.1));
    let days = span.as_secs_f64() / DAY.as_secs_f64() * seeds as f64;
    Traffic { megabytes: bytes as f64 / 1e6 / days, circuits: circuits as f64 / days }
}

/// One value for each seed from 0 on, in their order; made on all cores.
pub fn of_each_seed<T: Send>(seeds: u64, make: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let lane = &|core: u64| (core..seeds).step_by(cores as usize).map(&make).collect::<Vec<T>>();
    let mut lanes: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..cores).map(|core| scope.spawn(move || lane(core))).collect();
        running.into_iter().map(|lane| lane.join().expect("a run that fails ends all").into_iter()).collect()
    });
    (0..seeds).filter_map(|seed| lanes[(seed % cores) as usize].next()).collect()
}

/// What follows once a first honest peer has a transaction: a forward delay, a public stem with its embargoes, the fluff.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Spread {
    /// Seconds from the first honest peer until nine in ten honest nodes have it, of each transaction.
    pub wide: Vec<f64>,
    /// Seconds from the first honest peer until any one other honest node has it, of each pair of both.
    pub each: Vec<f64>,
}

/// A public network that is a sender's only way to everybody.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Networks {
    /// Nodes, all of which may also be reached over Tor.
    pub nodes: usize,
    /// How many networks.
    pub seeds: u64,
    /// Transactions sent into each.
    pub txs: u64,
}

/// Sends transactions into public networks of which some nodes, on Tor too, behave as `peers` says.
#[must_use]
pub fn spread(setting: &Setting, size: usize, peers: Adversary, networks: Networks) -> Spread {
    let Networks { nodes, seeds, txs } = networks;
    let mut all = Spread::default();
    for seed in 0..seeds {
        let mut scenario = setting.sender(seed);
        (scenario.nodes, scenario.shape, scenario.tx_size) = (nodes, Shape::Public, size);
        scenario.outgoing = PUBLIC_LINKS;
        // nobody shows another its tip first, and stems go only to who shows one, if one has a tip
        scenario.height = None;
        scenario.timetable = (0..txs).map(|index| WARM_UP + APART * index as u32).collect();
        scenario.layers.push(Box::new(peers));
        let honest = (1..nodes).filter(|&node| !peers.is(Keyed::new(seed), node)).count();
        let mut sim = Sim::new(scenario);
        sim.run_for(WARM_UP + APART * txs as u32 + 10 * APART);
        for index in 0..txs as usize {
            let times = honest_times(&sim, index, peers, seed);
            let Some(&first) = times.first() else { continue };
            let since = |place: usize| times.get(place).map_or(f64::INFINITY, |at| at - first);
            all.wide.push(since((honest * 9).div_ceil(10) - 1));
            all.each.extend((1..honest).map(since));
        }
    }
    all
}
