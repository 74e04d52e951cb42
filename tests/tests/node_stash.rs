//! What outlives a process: nothing leaves before it is written down, and a restart neither loses nor downgrades.

use std::time::Duration;

use anonet_core::route::Why;
use anonet_core::{Durability, Event, Exposure, LocalTx, StashState, StoredTx, Submitted, TxId, ZoneKind};
use anonet_tests::world::cast::{config, zone};
use anonet_tests::world::{START, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const BLOB: &[u8] = b"a signed transaction that outlives its process";
const ID: TxId = TxId::new([9; 32]);

fn local() -> LocalTx {
    LocalTx::new(Bytes::from_static(BLOB)).unwrap()
}

fn stored(exposure: Exposure) -> StoredTx {
    StoredTx { id: ID, tx: local(), submitted: START, exposure }
}

fn durable(kind: ZoneKind) -> anonet_core::Config {
    let mut config = config([zone(kind, 0, &[1])]);
    config.durability = Durability::BeforeRelay;
    config
}

/// A durable node and a peer of one zone, linked.
fn linked(kind: ZoneKind) -> (World, usize, usize) {
    let mut world = World::new(31);
    let user = world.add(durable(kind));
    let peer = world.add(config([zone(kind, 1, &[])]));
    assert!(world.run_until(SECOND * 30, |world| world.node(user).zones().any(|zone| zone.outgoing == 1)));
    (world, user, peer)
}

fn state(world: &World, node: usize) -> Option<StashState> {
    world.node(node).stash().next().map(|report| report.state)
}

fn arrivals(world: &World, node: usize) -> usize {
    world.events(node).filter(|event| matches!(event, Event::Tx { blob, .. } if blob == BLOB)).count()
}

fn exposing(world: &World, node: usize) -> Vec<Exposure> {
    let asked = world.events(node).filter_map(|event| match event {
        Event::Exposing { id: ID, exposure } => Some(*exposure),
        _ => None,
    });
    asked.collect()
}

#[test]
fn nothing_leaves_before_its_exposure_is_written_down() {
    for (kind, exposure) in [(ZoneKind::Tor, Exposure::Anonymity), (ZoneKind::Public, Exposure::Public)] {
        let (mut world, user, peer) = linked(kind);
        world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
        world.run_for(SECOND * 60);
        assert_eq!((exposing(&world, user), arrivals(&world, peer)), (vec![exposure], 0));
        world.call(user, |node, now| node.recorded(now, ID));
        world.run_for(SECOND * 20);
        assert_eq!(arrivals(&world, peer), 1);
        assert!(matches!(state(&world, user), Some(StashState::Handed(_))));
        world.run_for(SECOND * 700);
        assert_eq!(exposing(&world, user).len(), 1, "written down once, for all rounds");
    }
}

#[test]
fn a_link_lost_while_it_was_written_down_leaves_the_transaction_held() {
    let (mut world, user, peer) = linked(ZoneKind::Tor);
    world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
    world.kill(peer);
    world.run_for(SECOND);
    world.call(user, |node, now| node.recorded(now, ID));
    assert_eq!(state(&world, user), Some(StashState::Held(Why::NoPeer)));
    world.start(peer, config([zone(ZoneKind::Tor, 1, &[])]));
    assert!(world.run_until(SECOND * 30, |world| arrivals(world, peer) == 1));
    assert_eq!(exposing(&world, user).len(), 1);
}

#[test]
fn a_restored_transaction_that_never_left_goes_at_once_and_one_that_may_have_waits() {
    let (mut world, user, peer) = linked(ZoneKind::Tor);
    assert_eq!(world.call(user, |node, now| node.restore_tx(now, stored(Exposure::Nobody))), Ok(Submitted::New));
    assert_eq!(world.call(user, |node, now| node.restore_tx(now, stored(Exposure::Nobody))), Ok(Submitted::Known));
    assert_eq!(exposing(&world, user), [Exposure::Anonymity]);

    let (mut second, user_again, peer_again) = linked(ZoneKind::Tor);
    second.call(user_again, |node, now| node.restore_tx(now, stored(Exposure::Anonymity))).unwrap();
    assert_eq!(state(&second, user_again), Some(StashState::Held(Why::Resumed)));
    second.run_for(SECOND * 299);
    second.cut_all(user_again);
    second.run_for(SECOND * 1);
    assert_eq!(arrivals(&second, peer_again), 0, "a new link is no reason to hurry");
    second.run_for(SECOND * 320);
    assert_eq!((arrivals(&second, peer_again), exposing(&second, user_again).len()), (1, 0));
    assert_eq!(arrivals(&world, peer), 0);
}

#[test]
fn restarted_with_the_public_network_only_just_what_never_left_goes_out() {
    for (exposure, sent) in [(Exposure::Nobody, 1), (Exposure::Public, 1), (Exposure::Anonymity, 0)] {
        let (mut world, user, peer) = linked(ZoneKind::Public);
        world.call(user, |node, now| node.restore_tx(now, stored(exposure))).unwrap();
        for _ in 0..4 {
            world.call(user, |node, now| node.recorded(now, ID));
            world.run_for(SECOND * 400);
            world.cut_all(user);
        }
        assert!(arrivals(&world, peer) >= sent, "{exposure:?}");
        if exposure == Exposure::Anonymity {
            assert_eq!(arrivals(&world, peer), 0);
            assert_eq!(state(&world, user), Some(StashState::Held(Why::KnownToAnonymityPeers)));
        }
    }
}

#[test]
fn a_restored_transaction_expires_by_its_submission_and_never_lives_longer_for_a_wrong_clock() {
    let lifetime = Duration::from_secs(72 * 3_600);
    let (mut world, user, _) = linked(ZoneKind::Tor);
    world.run_for(lifetime);
    world.call(user, |node, now| node.restore_tx(now, stored(Exposure::Nobody))).unwrap();
    assert_eq!(state(&world, user), None);
    assert!(world.events(user).any(|event| matches!(event, Event::Expired { id: ID })));
    let future = StoredTx { submitted: world.now() + lifetime, ..stored(Exposure::Nobody) };
    world.call(user, |node, now| node.restore_tx(now, future)).unwrap();
    world.run_for(lifetime + SECOND);
    assert_eq!(state(&world, user), None);
}
