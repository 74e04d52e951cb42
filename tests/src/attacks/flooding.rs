//! Hostile identities push made-up names at a node; [`sybils`](crate::sybils) says what is played.

use super::bench::Bench;
use super::{Attack, Figure, Policy};
use crate::sybils::ours::Ours;
use crate::sybils::{Outcome, Scene, play as play_scene};

/// Minutes before they come, and after.
const SHIFT: u32 = 120;

pub(super) const ATTACK: Attack = Attack {
    name: "peer-list flooding",
    about: "of a node that has run for two hours, in the two hours after n identities began to push 5,000 made-up names: the share of its dials \
            that go to hostile names, one seed. Our policies have one peer list; the models have none",
    figure: Figure::Share,
    variants: &[1, 50],
    parameter: ("n", ""),
    play,
};

fn play(bench: &Bench, policy: Policy, identities: u64) -> Option<f64> {
    if !matches!(policy, Policy::Ours(_)) {
        return None;
    }
    Some(bench.once(ATTACK.name, identities, || {
        let scene = Scene { identities: identities as u32, peace: SHIFT, attack: SHIFT, seed: 0 };
        let Outcome { dials, hostile_dials, .. } = play_scene(scene, &mut Ours::new(0));
        f64::from(hostile_dials) / f64::from(dials.max(1))
    }))
}
