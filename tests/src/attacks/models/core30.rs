//! A model of Bitcoin Core's private broadcast (pull request 29415, merged in January 2026, so in the releases after 30): a
//! transaction makes three short streams, each to a random peer and by a circuit of its own, with one transaction and nothing else. One that
//! fails is replaced. Until the transaction comes back from an ordinary peer, one more follows every two to three minutes, but not in the first
//! five. Nothing is kept over a restart.
//!
//! Left out: the cap of 64 streams, streams to IPv4 through an exit, the choice among address tables, and that recipients are
//! nodes of another network: they are given the latencies of ours, and relay at once, as Bitcoin's do.

use std::time::Duration;

use super::Model;
use crate::attacks::arena::{Run, Scene};
use crate::sim::random::Use;
use crate::sim::watch::Stream;

/// Streams for one transaction.
const STREAMS: u64 = 3;

/// From its submission on, for how long nothing more is done.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks at what has not come back, in milliseconds.
const LOOK: (u64, u64) = (120_000, 180_000);

/// Bytes of the handshake.
const HANDSHAKE: usize = 200;

/// Plays a scene.
#[must_use]
pub fn run(scene: Scene, seed: u64) -> Run {
    let mut model = Model::new(scene, seed);
    if scene.restart {
        model.run.fates.clear();
    }
    for index in 0..model.run.fates.len() {
        let at = model.run.fates[index].at;
        let first = (0..STREAMS).filter_map(|attempt| send(&mut model, index, at, attempt)).min();
        let (mut heard, mut now, mut attempt) = (first, at, STREAMS);
        while heard.is_none_or(|heard| now < heard) && now < scene.span() {
            now += model.span(LOOK, [index as u64, 7, attempt]);
            if now >= at + PATIENCE && heard.is_none_or(|heard| now < heard) {
                let again = send(&mut model, index, now, attempt);
                heard = heard.into_iter().chain(again).min();
            }
            attempt += 1;
        }
        model.run.fates[index].seen = heard;
    }
    model.run.trace.streams.sort_by_key(|stream| stream.dialled);
    model.run
}

/// One short stream; another at once where the peer hangs up.
fn send(model: &mut Model, index: usize, mut at: Duration, attempt: u64) -> Option<Duration> {
    for again in 0.. {
        let key = |what| [index as u64, what, attempt << 8 | again];
        let peer = model.peer(key(8));
        let open = at + model.span((500, 6_000), key(9));
        let greeted = open + model.span((200, 1_200), key(10));
        let isolation = model.keyed.bits(Use::Model, key(11)).to_le_bytes();
        let mut stream = Stream::dialled(at, Some(peer), 0, isolation);
        stream.carried(open, HANDSHAKE, true);
        let place = model.run.trace.streams.len();
        if model.leaves(peer) {
            stream.ended = Some(greeted);
            model.run.trace.streams.push(stream);
            at = greeted;
            continue;
        }
        stream.carried(greeted, HANDSHAKE, false);
        stream.ended = Some(greeted + model.span((200, 1_200), key(12)));
        model.run.trace.streams.push(stream);
        return model.hand(place, index, greeted, false);
    }
    None
}
