//! Restart linking: does a transaction that was kept leave because the program was started?

use std::time::Duration;

use super::arena::Scene;
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Policy};

/// After the start; who sees the program begin looks at this.
const SOON: Duration = Duration::from_secs(60);

pub(super) const ATTACK: Attack = Attack::share(
    "restart linking",
    "a transaction is submitted as the program starts, which is stopped before it has a link and started again: the share that leaves \
            within a minute of the second start. core30 keeps nothing",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    if policy == Policy::Core30 {
        return None;
    }
    let runs = bench.runs(policy, Scene { txs: 1, restart: true, ..Scene::BASE });
    let soon = runs.iter().map(|run| {
        let start = run.trace.starts.last().copied().unwrap_or_default();
        let left = run.trace.streams.iter().filter(|stream| stream.copies.is_empty()).flat_map(|stream| &stream.txs);
        left.map(|(at, _)| *at).min().is_some_and(|at| at < start + SOON)
    });
    Some(share(soon))
}
