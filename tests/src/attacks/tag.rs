//! A spy claims a chain of a length that nobody else claims: does any of it show on another link of the node that heard it?

use std::time::Duration;

use anonet_core::{ChainTip, ZoneKind};

use super::bench::Bench;
use super::stats::share;
use super::{Attack, Policy};
use crate::world::World;
use crate::world::cast::{config, zone};

/// A multiple of 30, so that it passes the rounding of heights that peers on Tor are shown.
const TAG: u64 = 7_777_770;

const SPIES: usize = 3;

/// Ten timed syncs of each link.
const SPAN: Duration = Duration::from_secs(600);

pub(super) const ATTACK: Attack = Attack::share(
    "a tag in the claimed tip",
    "spies in both zones claim a height that nobody else has: the share of runs in which the node writes it to any link. The models do not \
            take heights in",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    let Policy::Ours(relay) = policy else { return None };
    Some(share((0..bench.seeds()).map(|seed| {
        let mut world = World::new(seed);
        let names: Vec<usize> = (1..=SPIES).collect();
        let kinds = [ZoneKind::Tor, ZoneKind::Public];
        for (kind, &name) in kinds.iter().flat_map(|kind| names.iter().map(move |name| (*kind, name))) {
            let spy = world.add(config([zone(kind, name, &[])]));
            world.call(spy, |node, now| node.set_tip(now, ChainTip::new(TAG, [7; 32], 7, 16)));
        }
        let mut zones = kinds.map(|kind| zone(kind, 0, &names));
        zones.iter_mut().for_each(|zone| zone.relay = relay);
        let user = world.add(config(zones));
        world.run_for(SPAN);
        let shows = |node: usize| {
            let mut written = kinds.iter().flat_map(|&kind| world.record.written(node, kind));
            written.any(|stream| stream.windows(8).any(|part| part == TAG.to_le_bytes()))
        };
        assert!((0..SPIES).any(shows), "seed {seed}: the tag is claimed");
        shows(user)
    })))
}
