//! A model of cuprate's way for own transactions, as read in its source in August 2026 (`txpool/dandelion.rs`,
//! `anon_net_service.rs`, `dandelion-tower`): in stem form to one connected Tor peer at a time, another one for each
//! transaction; with an embargo, exponential with a mean of 51 s, at whose end the transaction is fluffed in the public network unless
//! a fluff of it has come; without a Tor peer at once. A restart makes stem transactions public.
//!
//! Left out: how links are found, kept and replaced, that a transaction may come back by a stem, verification, the pool and its
//! rules (of `relay_rules` none concerns this), and all other traffic.

use std::time::Duration;

use super::Model;
use crate::attacks::arena::{Run, Scene, Zones};
use crate::sim::watch::Stream;

/// ⌈-k(k-1)·0.175 s / (2·ln 0.9)⌉ for stems of k = 1/0.12 hops.
const EMBARGO: Duration = Duration::from_secs(51);

/// Plays a scene.
#[must_use]
pub fn run(scene: Scene, seed: u64) -> Run {
    let mut model = Model::new(scene, seed);
    let links = model.run.trace.streams.len();
    for index in 0..model.run.fates.len() {
        let at = model.run.fates[index].at;
        // no link is up yet at the start of a program, and the public network is asked at once
        let link = model.keyed.below(links.max(1) as u64, crate::sim::random::Use::Model, [index as u64, 4, 0]) as usize;
        let up = model.run.trace.streams.get(link).is_some_and(|stream| stream.dialled <= at);
        let (heard, embargo) = if up {
            let heard = model.hand(link, index, at, true);
            (heard, at + model.exponential(EMBARGO, [index as u64, 5, 0]))
        } else {
            (None, at)
        };
        if scene.zones == Zones::TorAndPublic && heard.is_none_or(|heard| embargo < heard) {
            publish(&mut model, index, embargo);
        }
        model.run.fates[index].seen = heard;
    }
    model.run
}

/// Tells public peers.
fn publish(model: &mut Model, index: usize, at: Duration) {
    let peer = model.peer([index as u64, 6, 0]);
    let mut stream = Stream::dialled(Duration::ZERO, Some(peer), 1, [0; 8]);
    stream.txs.push((at, index));
    model.run.trace.streams.push(stream);
    model.spread(index, at);
}
