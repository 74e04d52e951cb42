//! What outlives a process: nothing leaves before it is written down, and a restart neither loses nor downgrades.

use std::time::Duration;

use anonet_core::route::Why;
use anonet_core::{
    Config, Durability, Event, Exposure, Instant, LocalTx, Node, RecipientKey, StashState, StoredTx, Submitted, TxId, Use,
    ZoneKind,
};
use anonet_tests::world::cast::{config, zone};
use anonet_tests::world::{START, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const BLOB: &[u8] = b"a signed transaction that outlives its process";
const KEY: RecipientKey = RecipientKey::new([5; 32]);
const ID: TxId = TxId::new([9; 32]);

fn local() -> LocalTx {
    LocalTx::new(Bytes::from_static(BLOB)).unwrap()
}

fn stored(exposure: Exposure) -> StoredTx {
    StoredTx { id: ID, tx: local(), submitted: START, exposure, uses: vec![] }
}

fn record(node: &mut Node, now: Instant) {
    node.recorded(now, ID, node.uses(ID).count());
}

fn durable(kind: ZoneKind) -> Config {
    let mut config = config([zone(kind, 0, &[1])]);
    config.durability = Durability::BeforeRelay(KEY);
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
fn without_a_zone_that_dials_a_transaction_is_taken_in_and_said_to_be_held() {
    let mut listening = zone(ZoneKind::Public, 0, &[]);
    listening.max_outgoing = 0;
    let mut world = World::new(34);
    let user = world.add(config([listening]));
    assert_eq!(world.call(user, |node, now| node.submit_tx(now, ID, local())), Ok(Submitted::New));
    let said: Vec<&Event> = world.events(user).collect();
    assert!(matches!(said[..], [Event::Held { id: ID, why: Why::NoZone }]), "{said:?}");
    assert_eq!(state(&world, user), Some(StashState::Held(Why::NoZone)));
}

#[test]
fn nothing_leaves_before_its_exposure_is_written_down() {
    for (kind, exposure) in [(ZoneKind::Tor, Exposure::Anonymity), (ZoneKind::Public, Exposure::Public)] {
        let (mut world, user, peer) = linked(kind);
        world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
        world.run_for(SECOND * 60);
        assert_eq!((exposing(&world, user), arrivals(&world, peer)), (vec![exposure], 0));
        world.call(user, record);
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
    world.call(user, record);
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
    assert_eq!((arrivals(&second, peer_again), exposing(&second, user_again).len()), (0, 1), "whose it now becomes is new");
    second.call(user_again, record);
    second.run_for(SECOND * 20);
    assert_eq!(arrivals(&second, peer_again), 1);
    assert_eq!(arrivals(&world, peer), 0);
}

#[test]
fn restarted_with_the_public_network_only_just_what_never_left_goes_out() {
    for (exposure, sent) in [(Exposure::Nobody, 1), (Exposure::Public, 1), (Exposure::Anonymity, 0)] {
        let (mut world, user, peer) = linked(ZoneKind::Public);
        world.call(user, |node, now| node.restore_tx(now, stored(exposure))).unwrap();
        for _ in 0..4 {
            world.call(user, record);
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

/// Runs for so many seconds with an embedder that writes down what it is asked to.
fn run_recording(world: &mut World, user: usize, seconds: u32) {
    for _ in 0..seconds {
        world.run_for(SECOND);
        world.call(user, record);
    }
}

/// A durable node that knows two peers, of which the first is there; it has handed the transaction over and was killed.
fn killed_after_the_hand_over() -> (World, usize, usize, Vec<Use>) {
    let mut world = World::new(33);
    let user = world.add(knowing_two());
    let peer = world.add(config([zone(ZoneKind::Tor, 1, &[])]));
    assert!(world.run_until(SECOND * 30, |world| world.node(user).zones().any(|zone| zone.outgoing == 1)));
    world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
    run_recording(&mut world, user, 30);
    assert_eq!(arrivals(&world, peer), 1);
    let uses = world.node(user).uses(ID).collect();
    world.kill(user);
    (world, user, peer, uses)
}

fn knowing_two() -> Config {
    let mut config = config([zone(ZoneKind::Tor, 0, &[1, 2])]);
    config.durability = Durability::BeforeRelay(KEY);
    config
}

#[test]
fn after_a_restart_no_host_gets_it_twice_and_a_fresh_one_does() {
    let (mut world, user, peer, uses) = killed_after_the_hand_over();
    assert_eq!(uses.len(), 1);
    world.start(user, knowing_two());
    let stored = StoredTx { uses, ..stored(Exposure::Anonymity) };
    world.call(user, |node, now| node.restore_tx(now, stored)).unwrap();
    run_recording(&mut world, user, 4_000);
    world.cut_all(user);
    run_recording(&mut world, user, 600);
    assert_eq!((arrivals(&world, peer), state(&world, user)), (1, Some(StashState::Held(Why::NoFreshPeer))));
    let fresh = world.add(config([zone(ZoneKind::Tor, 2, &[])]));
    run_recording(&mut world, user, 4_000);
    assert_eq!((arrivals(&world, peer), arrivals(&world, fresh)), (1, 1));
    assert_eq!(world.node(user).uses(ID).count(), 2);
}

#[test]
fn a_power_cut_on_either_side_of_the_write_hands_nothing_twice() {
    for (is_written, sent) in [(false, 1), (true, 0)] {
        let (mut world, user, peer) = linked(ZoneKind::Tor);
        world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
        world.run_for(SECOND);
        assert_eq!(exposing(&world, user).len(), 1);
        let uses: Vec<Use> = world.node(user).uses(ID).collect();
        world.kill(user);
        assert_eq!((uses.len(), arrivals(&world, peer)), (1, 0));
        world.start(user, durable(ZoneKind::Tor));
        let (exposure, uses) = if is_written { (Exposure::Anonymity, uses) } else { (Exposure::Nobody, vec![]) };
        world.call(user, |node, now| node.restore_tx(now, StoredTx { uses, ..stored(exposure) })).unwrap();
        run_recording(&mut world, user, 4_000);
        assert_eq!(arrivals(&world, peer), sent, "written: {is_written}");
    }
}

#[test]
fn what_was_written_down_before_a_further_host_was_chosen_does_not_let_it_go_there() {
    let (mut world, user, peer) = linked(ZoneKind::Tor);
    world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
    world.call(user, |node, now| node.recorded(now, ID, 0));
    world.run_for(SECOND * 60);
    assert_eq!(arrivals(&world, peer), 0);
    world.call(user, record);
    world.run_for(SECOND * 20);
    assert_eq!(arrivals(&world, peer), 1);
}

#[test]
fn an_interrupted_host_gets_it_again_only_if_nobody_else_is_there() {
    for fresh_is_there in [false, true] {
        let mut world = World::new(34);
        let user = world.add(knowing_two());
        let peer = world.add(config([zone(ZoneKind::Tor, 1, &[])]));
        assert!(world.run_until(SECOND * 30, |world| world.node(user).zones().any(|zone| zone.outgoing == 1)));
        world.call(user, |node, now| node.submit_tx(now, ID, local())).unwrap();
        while arrivals(&world, peer) == 0 {
            run_recording(&mut world, user, 1);
        }
        // long before a timed sync can have proved anything
        world.kill(peer);
        let fresh = fresh_is_there.then(|| world.add(config([zone(ZoneKind::Tor, 2, &[])])));
        run_recording(&mut world, user, 4_000);
        world.start(peer, config([zone(ZoneKind::Tor, 1, &[])]));
        run_recording(&mut world, user, 8_000);
        assert_eq!(arrivals(&world, peer), if fresh_is_there { 1 } else { 2 });
        assert!(fresh.is_none_or(|fresh| arrivals(&world, fresh) == 1));
    }
}
