//! Spies who were handed a transaction send it back over public links, so that its sender takes it for spread.

use super::arena::Scene;
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};
use crate::sim::people::Conduct;

pub(super) const ATTACK: Attack = Attack {
    name: "false echoes",
    about: "p % of all peers, on Tor and public, are one spy's, who swallows what it is handed and sends copies over all its public links: the share \
            of transactions that the sender takes for spread and that no other peer ever has. A copy that comes is passed on like any other, by \
            which the transaction does spread",
    figure: Figure::Share,
    variants: &[20, 50],
    parameter: ("p", " %"),
    play,
};

fn play(bench: &Bench, policy: Policy, percent: u64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::among(percent * 10, Conduct::Echoes));
    let fooled = runs.iter().flat_map(|run| {
        (0..run.fates.len()).map(move |index| run.fates[index].seen.is_some() && run.first_honest(index).is_none())
    });
    Some(share(fooled))
}
