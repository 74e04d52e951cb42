//! The invariant of a configured anonymity zone, attacked with random faults: no byte of an own transaction is ever
//! written to a public link, and none is lost. And: one seed gives one run.

use std::time::Duration;

use anonet_core::{Event, StashState};
use anonet_core::{LocalTx, TxId, Verdict, ZoneKind};
use anonet_tests::world::World;
use anonet_tests::world::cast::{addr, config, zone};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

const SECOND: Duration = Duration::from_secs(1);

/// Every run uses the same few transactions, which no other message contains.
fn blob(number: u8) -> Bytes {
    Bytes::from(vec![0xa0 | number; 600])
}

struct Run {
    world: World,
    user: usize,
    submitted: u8,
}

/// One user with a public and two anonymity zones, eight other nodes, ten minutes of faults, then ten of calm.
fn run(seed: u64) -> Run {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut world = World::new(seed);
    let user_config = || {
        let public = zone(ZoneKind::Public, 0, &[1, 2, 3]);
        config([public, zone(ZoneKind::Tor, 0, &[1, 2, 3]), zone(ZoneKind::I2p, 0, &[1, 2])])
    };
    let user = world.add(user_config());
    let mut others: Vec<_> = (1..4).map(|index| world.add(config([zone(ZoneKind::Public, index, &[])]))).collect();
    others.extend((1..4).map(|index| world.add(config([zone(ZoneKind::Tor, index, &[])]))));
    others.extend((1..3).map(|index| world.add(config([zone(ZoneKind::I2p, index, &[])]))));
    let zones: Vec<_> = world.node(user).zones().map(|zone| zone.id).collect();
    let mut submitted = 0;
    for _ in 0..40 {
        match rng.next_u32() % 8 {
            0 => drop(world.faults.proxies_down.insert((user, zones[1 + rng.next_u32() as usize % 2]))),
            1 => world.faults.proxies_down.clear(),
            2 => drop(world.faults.refusing.insert(addr(ZoneKind::Tor, 1 + rng.next_u32() as usize % 3))),
            3 => drop(world.faults.silent.insert(addr(ZoneKind::Tor, 1 + rng.next_u32() as usize % 3))),
            4 => world.cut_all(user),
            5 => drop(world.faults.deaf.insert(others[rng.next_u32() as usize % others.len()])),
            6 => world.faults.deaf.clear(),
            _ if submitted < 8 => {
                let tx = LocalTx::new(blob(submitted)).unwrap();
                world.call(user, |node, now| node.submit_tx(now, TxId::new([submitted; 32]), tx)).unwrap();
                submitted += 1;
            }
            _ => world.faults.refusing.clear(),
        }
        world.run_for(Duration::from_millis(u64::from(rng.next_u32() % 30_000)));
    }
    world.faults.deaf.clear();
    world.faults.proxies_down.clear();
    world.faults.refusing.clear();
    world.faults.silent.clear();
    world.run_for(SECOND * 600);
    Run { world, user, submitted }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn no_byte_of_an_own_transaction_reaches_a_public_link_and_none_is_lost() {
    for seed in 0..60 {
        let Run { world, user, submitted } = run(seed);
        for number in 0..submitted {
            let part = &blob(number)[..64];
            for stream in world.record.written(user, ZoneKind::Public) {
                assert!(!contains(stream, part), "SEED={seed}: transaction {number} on a public link");
            }
            assert!(
                world
                    .record
                    .written(user, ZoneKind::Tor)
                    .chain(world.record.written(user, ZoneKind::I2p))
                    .any(|s| contains(s, part)),
                "SEED={seed}: transaction {number} never left"
            );
        }
        let states: Vec<_> = world.node(user).stash().map(|report| report.state).collect();
        assert_eq!(states.len(), usize::from(submitted), "SEED={seed}");
        assert!(states.iter().all(|state| matches!(state, StashState::Handed(_))), "SEED={seed}: {states:?}");
        assert!(world.record.written(user, ZoneKind::Public).count() > 0, "SEED={seed}: the public zone was in use");
    }
}

#[test]
fn a_copy_that_comes_back_from_a_peer_is_treated_as_a_strangers() {
    let mut world = World::new(77);
    let user = world.add(config([zone(ZoneKind::Public, 0, &[1]), zone(ZoneKind::Tor, 0, &[1])]));
    let (public, tor) = (world.add(config([zone(ZoneKind::Public, 1, &[])])), world.add(config([zone(ZoneKind::Tor, 1, &[])])));
    // its one link is to the user, so that its stem goes there
    let mut one_link = zone(ZoneKind::Public, 2, &[0]);
    one_link.max_outgoing = 1;
    let echo = world.add(config([one_link]));
    world.run_for(SECOND * 30);
    world.call(user, |node, now| node.submit_tx(now, TxId::new([1; 32]), LocalTx::new(blob(1)).unwrap())).unwrap();
    world.run_for(SECOND * 30);
    let heard = |world: &World, node| world.events(node).filter(|event| matches!(event, Event::Tx { .. })).count();
    assert_eq!((heard(&world, tor), heard(&world, public), heard(&world, user)), (1, 0, 0));
    // a stranger replays it
    world.call(echo, |node, now| node.submit_tx(now, TxId::new([1; 32]), LocalTx::new(blob(1)).unwrap())).unwrap();
    world.run_for(SECOND * 10);
    let ticket = world.events(user).find_map(|event| match event {
        Event::Tx { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.expect("it is announced like any unknown transaction");
    world.call(user, |node, now| node.resolve_tx(now, ticket, Verdict::Accept)).unwrap();
    world.run_for(SECOND * 10);
    assert_eq!(heard(&world, public), 1, "and relayed like one");
}

#[test]
fn one_seed_gives_one_run_and_another_seed_another() {
    let hash = |seed| run(seed).world.record.hash();
    let first = hash(5);
    assert_eq!(first, hash(5));
    assert_ne!(first, hash(6));
}
