//! What hiding costs, as curves: delay against traffic, for each policy and size of transaction, over the numbers of couriers.
//!
//! [`world`] plays; a [`Point`] is one setting and all that was measured of it. The first peer's delay and what comes after it
//! are measured apart, as the peer who passes a transaction on neither knows nor minds how long it waited: a wait of hours
//! for a courier needs no public network around it, and the sums of both are the delay until the network has it.

pub mod plot;
pub mod presets;
pub mod table;
pub mod world;

use std::time::Duration;

use anonet_core::{CourierConfig, Privacy, RelayPolicy};

use self::world::{BUSY, Networks, Setting, Spread, Traffic, peers};
use crate::attacks::stats::Ordered;
use crate::sim::people::Conduct;

/// Bytes of the transactions: two inputs; about ten; a hundred, as when dust is swept.
pub const SIZES: [usize; 3] = [2_000, 6_500, 60_000];

/// The presets.
pub const PRESETS: [(&str, Privacy); 3] = [("fast", Privacy::Fast), ("balanced", Privacy::Balanced), ("strict", Privacy::Strict)];

const HONEST: (u64, Conduct) = (0, Conduct::Listens);

/// How much is played.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Extent {
    /// Mean times between small couriers, in seconds.
    pub every: &'static [u64],
    /// How many of [`PRESETS`], from the first on.
    pub presets: usize,
    /// Transactions of each delay to the first peer, one in each run.
    pub seeds: u64,
    /// Public networks.
    pub networks: Networks,
    /// For how long traffic is watched, and how often.
    pub watch: (Duration, u64),
    /// Of a hundred peers, so many fail.
    pub failing: &'static [u64],
}

impl Extent {
    /// What is kept as `curves.md`.
    pub const FULL: Self = Self {
        every: &[15, 30, 60, 120, 300, 600],
        presets: 3,
        seeds: 120,
        networks: Networks { nodes: 60, seeds: 12, txs: 10 },
        watch: (Duration::from_secs(86_400), 3),
        failing: &[20, 50],
    };

    /// What every test run makes.
    pub const SMALL: Self = Self {
        every: &[60],
        presets: 1,
        seeds: 3,
        networks: Networks { nodes: 20, seeds: 1, txs: 2 },
        watch: (Duration::from_secs(600), 1),
        failing: &[50],
    };
}

/// One setting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Point {
    /// Its name.
    pub name: String,
    /// The setting.
    pub setting: Setting,
    /// Traffic without a transaction, and with ten a day.
    pub traffic: [Traffic; 2],
    /// Seconds until the first peer has it, for each of [`SIZES`].
    pub first: [Ordered; 3],
    /// Seconds until nine in ten public nodes have it, for each of [`SIZES`].
    pub wide: [Ordered; 3],
}

/// A preset among peers that fail.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trouble {
    /// The preset's name, or what else is set.
    pub name: &'static str,
    /// What is wrong with how many of a hundred peers.
    pub peers: (&'static str, u64),
    /// Seconds until the first honest peer has a small transaction.
    pub first: Ordered,
}

/// How long it takes until a node, such as the sender's own daemon, has what a first honest peer has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evidence {
    /// Of a hundred nodes, so many swallow what they are told.
    pub silent: u64,
    /// Seconds, of each pair of a transaction and a node.
    pub after: Ordered,
}

/// All that was measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Curves {
    /// How much was played.
    pub extent: Extent,
    /// Couriers by the time between them, then the presets, `noise` and `fluff`.
    pub points: Vec<Point>,
    /// Presets among peers that fail.
    pub troubles: Vec<Trouble>,
    /// From the first honest peer to everybody.
    pub evidence: Vec<Evidence>,
}

/// Couriers every so many seconds; a transaction waits half as long before it may ride, as in the default preset.
#[must_use]
pub fn every(seconds: u64) -> CourierConfig {
    let mut numbers = CourierConfig::default();
    numbers.every = CourierConfig::clocks(Duration::from_secs(seconds));
    (numbers.release, numbers.uptime) = (Duration::from_secs(seconds) / 2, (Duration::ZERO, Duration::ZERO));
    numbers
}

fn settings(extent: &Extent) -> Vec<(String, Setting)> {
    let couriers = extent.every.iter().map(|&seconds| (format!("courier, {seconds} s"), Setting::courier(every(seconds))));
    let preset = |(name, privacy): (&str, Privacy)| (name.into(), Setting::courier(CourierConfig::preset(privacy)));
    let presets = PRESETS[..extent.presets].iter().copied().map(preset);
    let others = [RelayPolicy::Noise, RelayPolicy::Fluff].map(|relay| (relay.name().into(), Setting::of(relay)));
    couriers.chain(presets).chain(others).collect()
}

impl Curves {
    /// Plays everything; `done` hears of each setting.
    pub fn play(extent: &Extent, mut done: impl FnMut(usize, usize)) -> Self {
        let settings = settings(extent);
        let troubled = trouble_settings(extent);
        let all = settings.len() + troubled.len() + 2;
        let mut count = 0;
        let mut next = || {
            count += 1;
            done(count, all);
        };
        let tails = Tails::play(extent);
        next();
        let mut points = Vec::new();
        for (name, setting) in settings {
            points.push(Point::play(extent, name, setting, &tails));
            next();
        }
        let mut troubles = Vec::new();
        for (name, setting, what, conduct, percent) in troubled {
            let first = first(extent, &setting, SIZES[0], (percent, conduct));
            troubles.push(Trouble { name, peers: (what, percent), first });
            next();
        }
        let evidence = evidence(extent, &tails);
        next();
        Self { extent: *extent, points, troubles, evidence }
    }

    /// The point of this name.
    #[must_use]
    pub fn point(&self, name: &str) -> Option<&Point> {
        self.points.iter().find(|point| point.name == name)
    }

    /// What came of a preset among such peers.
    #[must_use]
    pub fn trouble(&self, name: &str, peers: (&str, u64)) -> Option<&Trouble> {
        self.troubles.iter().find(|trouble| trouble.name == name && trouble.peers == peers)
    }
}

fn first(extent: &Extent, setting: &Setting, size: usize, (percent, conduct): (u64, Conduct)) -> Ordered {
    Ordered::of(world::of_each_seed(extent.seeds, |seed| world::first_peer(setting, size, peers(percent, conduct), seed)))
}

impl Point {
    fn play(extent: &Extent, name: String, setting: Setting, tails: &Tails) -> Self {
        let traffic = [0, BUSY.0].map(|txs| world::traffic(&setting, txs, extent.watch.0, extent.watch.1));
        let first = SIZES.map(|size| first(extent, &setting, size, HONEST));
        let tail = Ordered::of(tails.of(setting.relay).wide.iter().copied());
        let wide = first.each_ref().map(|first| first.plus(&tail));
        Self { name, setting, traffic, first, wide }
    }
}

/// What follows the first peer, of each policy. It is the same for all sizes, as links have no bandwidth here.
#[derive(Debug)]
struct Tails(Vec<(RelayPolicy, Spread)>);

impl Tails {
    fn play(extent: &Extent) -> Self {
        let play = |relay| (relay, Self::spread(extent, relay, 0));
        Self([RelayPolicy::Courier, RelayPolicy::Noise, RelayPolicy::Fluff].map(play).into())
    }

    /// Couriers of every size leave often here, as what they wait for is measured elsewhere.
    fn spread(extent: &Extent, relay: RelayPolicy, silent: u64) -> Spread {
        let mut setting = Setting::of(relay);
        (setting.courier.every, setting.courier.release) = ([Duration::from_secs(15); 3], Duration::ZERO);
        world::spread(&setting, SIZES[0], peers(silent, Conduct::Swallows), extent.networks)
    }

    fn of(&self, relay: RelayPolicy) -> &Spread {
        let found = self.0.iter().find(|(policy, _)| *policy == relay);
        &found.expect("all policies that are played have one").1
    }
}

type Troubled = (&'static str, Setting, &'static str, Conduct, u64);

/// Presets among failing peers, and the default one with other pauses.
fn trouble_settings(extent: &Extent) -> Vec<Troubled> {
    let mut all: Vec<Troubled> = Vec::new();
    for (what, conduct) in [("full", Conduct::Leaves(0)), ("silent", Conduct::Swallows)] {
        for &percent in extent.failing {
            for &(name, privacy) in &PRESETS[..extent.presets] {
                all.push((name, Setting::courier(CourierConfig::preset(privacy)), what, conduct, percent));
            }
            if conduct == Conduct::Swallows && extent.presets > 1 {
                let mut setting = Setting::of(RelayPolicy::Courier);
                setting.pause = (Duration::from_secs(150), Duration::from_secs(300));
                all.push(("balanced, half the pauses", setting, what, conduct, percent));
            }
        }
    }
    all
}

fn evidence(extent: &Extent, tails: &Tails) -> Vec<Evidence> {
    let of = |silent, spread: &Spread| Evidence { silent, after: Ordered::of(spread.each.iter().copied()) };
    let honest = of(0, tails.of(RelayPolicy::Courier));
    let others = extent.failing.iter().map(|&silent| of(silent, &Tails::spread(extent, RelayPolicy::Courier, silent)));
    std::iter::once(honest).chain(others).collect()
}
