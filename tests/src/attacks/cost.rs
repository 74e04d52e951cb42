//! What hiding costs: delay, traffic and circuits.

use super::arena::{Run, Scene};
use super::bench::Bench;
use super::stats::median;
use super::{Attack, Figure, Policy};

pub(super) const DELAY: Attack = Attack {
    name: "cost: delay",
    about: "from the submission until the first peer has it, median",
    figure: Figure::Seconds,
    variants: &[0],
    parameter: ("", ""),
    play: |bench, policy, _| {
        let runs = bench.runs(policy, Scene::BASE);
        let after = |run: &Run, index| run.first_honest(index).map(|after| after.as_secs_f64());
        median(runs.iter().flat_map(|run| (0..run.fates.len()).filter_map(move |index| after(run, index))).collect())
    },
};

pub(super) const TRAFFIC: Attack = Attack {
    name: "cost: traffic",
    about: "megabytes a day in both directions over all streams of the anonymity zone, without a transaction; the models' links carry what ours would",
    figure: Figure::Megabytes,
    variants: &[0],
    parameter: ("", ""),
    play: |bench, policy, _| {
        per_day(bench, policy, |run| {
            run.anonymous().flat_map(|stream| &stream.chunks).map(|chunk| chunk.size).sum::<usize>() as f64 / 1e6
        })
    },
};

pub(super) const CIRCUITS: Attack = Attack {
    name: "cost: circuits",
    about: "streams dialled in a day in the anonymity zone, without a transaction",
    figure: Figure::Count,
    variants: &[0],
    parameter: ("", ""),
    play: |bench, policy, _| per_day(bench, policy, |run| run.anonymous().count() as f64),
};

fn per_day(bench: &Bench, policy: Policy, of: impl Fn(&Run) -> f64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::QUIET);
    let days: f64 = runs.iter().map(|run| run.scene.span().as_secs_f64() / 86_400.0).sum();
    Some(runs.iter().map(of).sum::<f64>() / days)
}
