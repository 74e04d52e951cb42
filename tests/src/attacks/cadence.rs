//! A spy in two zones: does the rhythm of a link in one tell which link in the other is of the same node?

use std::time::Duration;

use super::arena::{Run, Scene, Zones};
use super::bench::Bench;
use super::{Attack, Policy};
use crate::sim::watch::Stream;

pub(super) const ATTACK: Attack = Attack::share(
    "cadence between zones",
    "the spy has one Tor and one I2P link of every candidate, the runs of all seeds, and pairs those whose timed syncs are closest: \
            hits beyond chance. The models have no second anonymity zone",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    if !matches!(policy, Policy::Ours(_)) {
        return None;
    }
    let runs = bench.runs(policy, Scene { zones: Zones::TorAndI2p, ..Scene::QUIET });
    let links: Vec<(Vec<Duration>, Vec<Duration>)> = runs.iter().filter_map(|run| Some((link(run, 0)?, link(run, 1)?))).collect();
    if links.len() < 2 {
        return None;
    }
    let hits = links.iter().enumerate().filter(|(own, (tor, _))| {
        let closest = (0..links.len()).min_by_key(|&other| distance(tor, &links[other].1));
        closest == Some(*own)
    });
    let chance = 1.0 / links.len() as f64;
    Some(((hits.count() as f64 / links.len() as f64 - chance) / (1.0 - chance)).max(0.0))
}

/// The times of the link of a zone that lived longest.
fn link(run: &Run, zone: usize) -> Option<Vec<Duration>> {
    let streams = run.trace.streams.iter().filter(|stream| stream.zone == zone);
    let longest: &Stream = streams.max_by_key(|stream| stream.chunks.len())?;
    Some(longest.chunks.iter().filter(|chunk| chunk.sent).map(|chunk| chunk.at).collect())
}

/// From each time to the closest of the others, summed up.
fn distance(one: &[Duration], other: &[Duration]) -> Duration {
    one.iter().filter_map(|at| other.iter().map(|time| at.abs_diff(*time)).min()).sum()
}
