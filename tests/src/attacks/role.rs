//! Public peers: does the sender tell them of a transaction before anybody has told it?

use super::arena::Scene;
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};
use crate::sim::people::Conduct;

pub(super) const ATTACK: Attack = Attack {
    name: "role identification",
    about: "the share of transactions that the sender writes to a public link, where its IP address is known, before it was sent a copy; with peers who swallow it, to see whether that drives it there",
    figure: Figure::Share,
    variants: &[0, 30],
    parameter: ("black holes", " %"),
    play,
};

fn play(bench: &Bench, policy: Policy, percent: u64) -> Option<f64> {
    let scene = if percent == 0 { Scene::BASE } else { Scene::among(percent * 10, Conduct::Swallows) };
    let runs = bench.runs(policy, scene);
    let originates = runs.iter().flat_map(|run| {
        (0..run.fates.len()).map(move |index| {
            let first = |of: fn(&crate::sim::watch::Stream) -> &Vec<(std::time::Duration, usize)>| {
                run.public().flat_map(of).filter(|(_, tx)| *tx == index).map(|(at, _)| *at).min()
            };
            let (written, copied) = (first(|stream| &stream.txs), first(|stream| &stream.copies));
            written.is_some_and(|written| copied.is_none_or(|copied| written < copied))
        })
    });
    Some(share(originates))
}
