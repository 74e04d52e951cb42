//! The recipient is a spy: what else does it see of the sender?

use std::time::Duration;

use super::arena::Scene;
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Policy};

/// A stream that is older shows when its node is there, and how it behaves.
const YOUNG: Duration = Duration::from_secs(60);

pub(super) const ATTACK: Attack = Attack::share(
    "recipient is a spy",
    "the share of hand-overs on a stream that carries another transaction as well, or that the peer had watched for more than a minute before",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::BASE);
    let tells = runs.iter().flat_map(|run| {
        run.anonymous().flat_map(|stream| {
            stream
                .txs
                .iter()
                .map(|&(at, tx)| at.saturating_sub(stream.dialled) > YOUNG || stream.txs.iter().any(|&(_, other)| other != tx))
        })
    });
    Some(share(tells))
}
