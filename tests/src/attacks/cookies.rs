//! A peer-list cookie: an onion that only some peers know of, all of them the same spy's. Who sends a transaction there
//! has one of their links.

use super::arena::{PEERS, Scene};
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Figure, Policy};

pub(super) const ATTACK: Attack = Attack {
    name: "peer-list cookie",
    about: "a sender that knows ten peers and wants twelve links; k of the ten tell of an onion that nobody else knows: the share of runs in which it is handed one of ten transactions, in less than two hours. The models \
            have no peer list",
    figure: Figure::Share,
    variants: &[1, 3, 10],
    parameter: ("k", ""),
    play,
};

fn play(bench: &Bench, policy: Policy, tellers: u64) -> Option<f64> {
    if !matches!(policy, Policy::Ours(_)) {
        return None;
    }
    let runs = bench.runs(policy, Scene { tellers: tellers as usize, ..Scene::BASE });
    let carried =
        |run: &super::arena::Run| run.anonymous().any(|stream| stream.peer == Some(PEERS + 1) && !stream.txs.is_empty());
    Some(share(runs.iter().map(carried)))
}
