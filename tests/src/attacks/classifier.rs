//! The sender's ISP sees time, size and direction of what goes to its guard, and which stream it is of: does it see that a
//! transaction leaves?

use std::collections::BTreeSet;
use std::time::Duration;

use super::arena::{Run, Scene};
use super::bench::Bench;
use super::stats::{Sample, classify};
use super::{Attack, Policy};

/// Looked at from the submission on.
const WINDOWS: [Duration; 3] = [Duration::from_secs(15), Duration::from_secs(60), Duration::from_secs(300)];

pub(super) const ATTACK: Attack = Attack::share(
    "ISP traffic classifier",
    "as many windows in which a transaction was submitted as the same windows of runs without: 2·accuracy − 1 of the best rule for \
            one of 15 numbers, found in every other run and tried in the rest",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    let (busy, quiet) = (bench.runs(policy, Scene::BASE), bench.runs(policy, Scene::QUIET));
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (runs, case) in [(busy, true), (quiet, false)] {
        for run in runs.iter() {
            let samples = if run.seed % 2 == 0 { &mut train } else { &mut test };
            samples.extend((0..Scene::BASE.txs).map(|index| sample(run, index, case)));
        }
    }
    Some((2.0 * classify(&train, &test) - 1.0).max(0.0))
}

fn sample(run: &Run, index: u64, case: bool) -> Sample {
    let from = run.scene.submitted(run.seed, index);
    (WINDOWS.iter().flat_map(|window| numbers(run, from, from + *window)).collect(), case)
}

/// What the ISP sees in a window: bytes out, the largest chunk, sizes, chunks, and new streams.
fn numbers(run: &Run, from: Duration, to: Duration) -> [f64; 5] {
    let within = |at: Duration| (from..to).contains(&at);
    let sent = || run.anonymous().flat_map(|stream| &stream.chunks).filter(|chunk| chunk.sent && within(chunk.at));
    let sizes: BTreeSet<usize> = sent().map(|chunk| chunk.size).collect();
    [
        sent().map(|chunk| chunk.size).sum::<usize>() as f64,
        sizes.last().copied().unwrap_or(0) as f64,
        sizes.len() as f64,
        sent().count() as f64,
        run.anonymous().filter(|stream| within(stream.dialled)).count() as f64,
    ]
}
