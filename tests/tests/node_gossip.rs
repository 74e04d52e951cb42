//! Networks of real nodes that find each other by gossip, and one that keeps its links for fifteen hours among the dead.

use std::time::Duration;

use anonet_core::{Config, ZoneKind};
use anonet_tests::world::cast::{addr, config, zone};
use anonet_tests::world::{Happened, World};

const MINUTE: Duration = Duration::from_secs(60);
const WANTED: u32 = 4;

fn wanting(index: usize, peers: &[usize]) -> Config {
    let mut zone = zone(ZoneKind::Tor, index, peers);
    (zone.max_outgoing, zone.max_incoming) = (WANTED, 40);
    config([zone])
}

fn outgoing(world: &World, node: usize) -> u32 {
    world.node(node).zones().map(|zone| zone.outgoing).sum()
}

/// Nodes 0 to `count - 1`, each of which was told of the one before it.
fn chain(seed: u64, count: usize) -> World {
    let mut world = World::new(seed);
    for index in 0..count {
        world.add(wanting(index, &index.checked_sub(1).map_or(vec![], |before| vec![before])));
    }
    world
}

#[test]
fn from_one_peer_each_all_find_as_many_as_they_want() {
    let mut world = chain(61, 12);
    // nobody advertises, so the first few, who were told of fewer than they want, find no more than those
    assert!(world.run_until(MINUTE * 30, |world| (WANTED as usize..12).all(|node| outgoing(world, node) == WANTED)));
}

#[test]
fn a_hidden_service_is_found_by_gossip_alone() {
    let mut world = chain(62, 8);
    world.run_for(MINUTE * 10);
    let hidden = addr(ZoneKind::Tor, 20);
    let mut service = wanting(20, &[1]);
    service.zones[0].advertise = Some(hidden.clone());
    service.zones[0].max_outgoing = 1;
    let service = world.add(service);
    let dials_it = |world: &World, node| {
        world.record.of(node).any(|happened| matches!(happened, Happened::Dialed(_, addr, _) if *addr == hidden))
    };
    // nobody was told of it, and it has one link, to node 1
    assert!(world.run_until(MINUTE * 60, |world| dials_it(world, 1)), "the peer that it told");
    assert!(world.run_until(MINUTE * 240, |world| (2..8).any(|node| dials_it(world, node))), "and whom that one told");
    assert!(outgoing(&world, service) == 1);
}

#[test]
fn targets_are_kept_for_fifteen_hours_with_three_in_ten_dead() {
    const NODES: usize = 20;
    let mut world = chain(63, NODES);
    world.run_for(MINUTE * 30);
    // these have proven themselves to others, who go on telling of them
    for dead in (1..NODES).step_by(3) {
        world.kill(dead);
        world.faults.silent.insert(addr(ZoneKind::Tor, dead));
    }
    let newcomer = world.add(wanting(NODES, &[NODES - 2]));
    assert!(world.run_until(MINUTE * 10, |world| outgoing(world, newcomer) == WANTED), "it finds them among the dead");
    let (mut full, mut samples) = (0, 0);
    for hour in 0..15 {
        for minute in 0..60 {
            world.run_for(MINUTE);
            full += u32::from(outgoing(&world, newcomer) == WANTED);
            samples += 1;
            // once an hour all that it has is cut off
            if minute == 20 {
                world.cut_all(newcomer);
                let back = world.run_until(MINUTE * 5, |world| outgoing(world, newcomer) == WANTED);
                assert!(back, "hour {hour}: {} of {WANTED} links", outgoing(&world, newcomer));
            }
        }
    }
    assert!(full * 100 >= samples * 99, "{full} of {samples} minutes");
    let dials = world.record.of(newcomer).filter(|happened| matches!(happened, Happened::Dialed(..))).count();
    assert!(dials < 15 * 60, "{dials} dials in fifteen hours");
    println!("{full} of {samples} minutes at the target, {dials} dials");
}
