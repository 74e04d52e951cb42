//! An I2P proxy gives all streams one destination: whoever gets two transactions from it has two of one sender.

use super::arena::{Scene, Zones};
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Policy};

pub(super) const ATTACK: Attack = Attack::share(
    "linking by I2P destination",
    "the sender has Tor, where each stream has a circuit of its own, and I2P: the share of transactions that leave by I2P at all. The \
            models have no second anonymity zone",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    if !matches!(policy, Policy::Ours(_)) {
        return None;
    }
    let runs = bench.runs(policy, Scene { zones: Zones::TorAndI2p, ..Scene::BASE });
    let shown = runs.iter().flat_map(|run| {
        (0..run.fates.len())
            .map(move |index| run.anonymous().any(|stream| stream.zone == 1 && stream.txs.iter().any(|(_, tx)| *tx == index)))
    });
    Some(share(shown))
}
