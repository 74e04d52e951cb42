//! Transactions on one stream, or on streams of one circuit, have one sender: do spies get two?

use std::collections::{BTreeMap, BTreeSet};

use super::arena::{Run, Scene};
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};

const SPIES: u64 = 100;
const DRAWS: u64 = 10;

pub(super) const ATTACK: Attack = Attack {
    name: "two transactions on one stream",
    about: "10 % of the peers are spies; the sender submits k transactions, six minutes apart: how often they get two on one stream, or on \
            streams that share a circuit",
    figure: Figure::Share,
    variants: &[2, 5, 10],
    parameter: ("k", ""),
    play,
};

fn play(bench: &Bench, policy: Policy, count: u64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::BASE);
    Some(share(runs.iter().flat_map(|run| (0..DRAWS).map(move |draw| links(run, draw, count as usize)))))
}

/// Whether a spy's streams of one circuit carry two of the first `count` transactions.
fn links(run: &Run, draw: u64, count: usize) -> bool {
    let mut circuits: BTreeMap<[u8; 8], BTreeSet<usize>> = BTreeMap::new();
    for stream in run.anonymous().filter(|stream| stream.peer.is_some_and(|peer| run.is_spy(SPIES, draw, peer))) {
        let txs = stream.txs.iter().map(|(_, tx)| *tx).filter(|&tx| tx < count);
        circuits.entry(stream.isolation).or_default().extend(txs);
    }
    circuits.values().any(|txs| txs.len() >= 2)
}
