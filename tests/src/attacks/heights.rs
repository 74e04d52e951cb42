//! Spies claim a long chain, so that a sender that looks for peers at the tip chooses them.

use super::arena::{HEIGHT, Scene};
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};
use crate::sim::people::Conduct;

/// Peers in a thousand that do.
const HOSTILE: u64 = 600;

pub(super) const ATTACK: Attack = Attack {
    name: "height inflation",
    about: "60 % of the peers claim n blocks more than there are, and the sender has no daemon to know better: the share of transactions whose first \
            recipient is one of them; 0.6 is what chance gives",
    figure: Figure::Share,
    variants: &[1_000, 1_000_000],
    parameter: ("n", ""),
    play,
};

fn play(bench: &Bench, policy: Policy, ahead: u64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::among(HOSTILE, Conduct::Claims(HEIGHT + ahead)));
    let caught = runs.iter().flat_map(|run| {
        (0..run.fates.len()).filter_map(move |index| {
            let hand_overs = run.anonymous().flat_map(|stream| stream.txs.iter().map(move |tx| (tx, stream.peer)));
            let (_, peer) = hand_overs.filter(|((_, tx), _)| *tx == index).min_by_key(|((at, _), _)| *at)?;
            Some(peer.is_some_and(|peer| run.is_hostile(peer)))
        })
    });
    Some(share(caught))
}
