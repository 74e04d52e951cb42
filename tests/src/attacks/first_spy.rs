//! Peers who only listen: does one of them get a transaction from its sender's own hand?

use super::arena::Scene;
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};

/// Who the spies are is drawn so often for each run.
const DRAWS: u64 = 10;

pub(super) const ATTACK: Attack = Attack {
    name: "first spy",
    about: "of all peers p % are spies who only listen: the share of transactions that one of them gets from the sender's own stream",
    figure: Figure::Share,
    variants: &[5, 10, 20, 50],
    parameter: ("p", " %"),
    play,
};

fn play(bench: &Bench, policy: Policy, percent: u64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::BASE);
    let caught = runs.iter().flat_map(|run| {
        (0..DRAWS).flat_map(move |draw| {
            (0..run.fates.len()).map(move |index| {
                let mut recipients = run.anonymous().filter(|stream| stream.txs.iter().any(|(_, tx)| *tx == index));
                recipients.any(|stream| stream.peer.is_some_and(|peer| run.is_spy(percent * 10, draw, peer)))
            })
        })
    });
    Some(share(caught))
}
