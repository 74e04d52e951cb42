//! Peers that keep a transaction from the network: those that drop it unread, swallow it, hang up before it or do not read.

use std::time::Duration;

use super::arena::Scene;
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};
use crate::sim::people::Conduct;

/// What is later than this is late.
const LATE: Duration = Duration::from_secs(1_800);

const fn attack(name: &'static str, about: &'static str, play: fn(&Bench, Policy, u64) -> Option<f64>) -> Attack {
    Attack { name, about, figure: Figure::Share, variants: &[30, 60], parameter: ("p", " %"), play }
}

pub(super) const UNSYNCHRONIZED: Attack = attack(
    "unsynchronized recipients",
    "p % of the peers have no chain and drop transactions unread: the share that no other peer has within half an hour",
    |bench, policy, percent| late(bench, policy, percent, Conduct::Lags),
);

pub(super) const BLACK_HOLE: Attack = attack(
    "black hole",
    "p % of the peers take transactions and tell nobody: the share that no other peer has within half an hour",
    |bench, policy, percent| late(bench, policy, percent, Conduct::Swallows),
);

pub(super) const DISCONNECT: Attack = attack(
    "disconnect before hand-over",
    "p % of the peers hang up at what comes after the handshake: the share that no other peer has within half an hour",
    |bench, policy, percent| late(bench, policy, percent, Conduct::Leaves(1)),
);

pub(super) const SLOW_READER: Attack = attack(
    "slow reader",
    "p % of the peers read everything ten minutes late: the share that no other peer has within half an hour",
    |bench, policy, percent| late(bench, policy, percent, Conduct::Reads(Duration::from_secs(600))),
);

fn late(bench: &Bench, policy: Policy, percent: u64, conduct: Conduct) -> Option<f64> {
    let runs = bench.runs(policy, Scene::among(percent * 10, conduct));
    let late = runs
        .iter()
        .flat_map(|run| (0..run.fates.len()).map(move |index| run.first_honest(index).is_none_or(|after| after > LATE)));
    Some(share(late))
}
