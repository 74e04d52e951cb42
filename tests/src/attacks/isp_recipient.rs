//! The recipient works with the ISPs of all who might be the sender: whose stream is it?

use std::time::Duration;

use super::arena::{Run, Scene};
use super::bench::Bench;
use super::stats::share;
use super::{Attack, Policy};
use crate::sim::Keyed;
use crate::sim::random::Use;
use crate::sim::watch::Stream;

/// From the ISP's wire to the recipient's: at least and at most.
const PASSAGE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(600));

/// How much of a stream the two compare, up to the transaction.
const COMPARED: Duration = Duration::from_secs(300);

pub(super) const ATTACK: Attack = Attack::share(
    "ISP together with the recipient",
    "the recipient's times against those of every candidate's streams; the candidates are the runs of all seeds: how often \
            the closest is the sender's. No policy defends against this",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    let runs = bench.runs(policy, Scene::BASE);
    let found = runs.iter().flat_map(|run| {
        let runs = &runs;
        // the first hand-over of each of the first three transactions is enough
        (0..3).filter_map(move |index| {
            let hand_overs =
                run.anonymous().filter_map(|stream| Some((stream.txs.iter().find(|(_, tx)| *tx == index)?.0, stream)));
            let (at, stream) = hand_overs.min_by_key(|(at, _)| *at)?;
            let seen: Vec<Duration> = sent(stream, at).map(|sent| sent + passage(run, sent)).collect();
            let closest = runs.iter().min_by(|one, other| best(one, &seen, at).total_cmp(&best(other, &seen, at)))?;
            Some(closest.seed == run.seed)
        })
    });
    Some(share(found))
}

/// How long a chunk that was sent then is under way.
fn passage(run: &Run, sent: Duration) -> Duration {
    Keyed::new(run.seed).span(PASSAGE, Use::Chunk, [u64::MAX, 0, sent.as_micros() as u64])
}

/// The closest of a candidate's streams.
fn best(candidate: &Run, seen: &[Duration], tx: Duration) -> f64 {
    candidate.anonymous().map(|stream| distance(stream, seen, tx)).fold(f64::INFINITY, f64::min)
}

fn sent(stream: &Stream, tx: Duration) -> impl Iterator<Item = Duration> + '_ {
    let window = tx.saturating_sub(COMPARED)..=tx;
    stream.chunks.iter().filter(move |chunk| chunk.sent && window.contains(&chunk.at)).map(|chunk| chunk.at)
}

/// Seconds from each chunk of either side to the other's closest, on average.
fn distance(stream: &Stream, seen: &[Duration], tx: Duration) -> f64 {
    let middle = (PASSAGE.0 + PASSAGE.1) / 2;
    let own: Vec<Duration> = sent(stream, tx + middle).map(|sent| sent + middle).collect();
    let to = |at: &Duration, others: &[Duration]| {
        others.iter().map(|other| at.abs_diff(*other).as_secs_f64()).fold(COMPARED.as_secs_f64(), f64::min)
    };
    let sum: f64 = seen.iter().map(|at| to(at, &own)).chain(own.iter().map(|at| to(at, seen))).sum();
    sum / (seen.len() + own.len()).max(1) as f64
}
