//! Two or three real nodes in virtual time: handshake, gossip, hand-over, holding, interruption, stopping.

use std::time::Duration;

use anonet_core::route::Why;
use anonet_core::{
    CloseReason, Direction, Event, LocalTx, Note, ProxyState, StashState, SubmitError, Submitted, TxId, Verdict, Witness,
    ZoneKind,
};
use anonet_tests::world::cast::{addr, config, zone};
use anonet_tests::world::{Happened, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const BLOB: &[u8] = b"a signed transaction, as far as the core can tell";
const ID: TxId = TxId::new([7; 32]);

fn local() -> LocalTx {
    LocalTx::new(Bytes::from_static(BLOB)).unwrap()
}

fn tor(index: usize, peers: &[usize]) -> anonet_core::Config {
    config([zone(ZoneKind::Tor, index, peers)])
}

fn outgoing(world: &World, node: usize) -> u32 {
    world.node(node).zones().map(|zone| zone.outgoing).sum()
}

fn state(world: &World, node: usize) -> Option<StashState> {
    world.node(node).stash().next().map(|report| report.state)
}

fn received(world: &World, node: usize) -> Vec<Bytes> {
    let blobs = world.events(node).filter_map(|event| match event {
        Event::Tx { blob, .. } => Some(blob.clone()),
        _ => None,
    });
    blobs.collect()
}

#[test]
fn a_handshake_comes_up_on_both_sides_and_timed_syncs_keep_the_link() {
    let mut world = World::new(1);
    let (a, b) = (world.add(tor(0, &[])), world.add(tor(1, &[0])));
    world.run_for(Duration::from_secs(3_600));
    let up = |node, wanted| {
        let ups = world.events(node).filter(|event| matches!(event, Event::Up { direction, .. } if *direction == wanted));
        ups.count()
    };
    assert_eq!((up(a, Direction::Incoming), up(b, Direction::Outgoing)), (1, 1));
    assert!(!world.events(a).chain(world.events(b)).any(|event| matches!(event, Event::Down { .. })));
    // an hour of one question every 45 to 75 s each way, 205 bytes each, and as many answers
    for node in [a, b] {
        let written: usize = world.record.written(node, ZoneKind::Tor).map(<[u8]>::len).sum();
        assert!((48 * 2 * 205..81 * 2 * 205).contains(&written), "{written}");
    }
}

#[test]
fn a_peer_that_proved_itself_is_passed_on_and_dialled() {
    let mut world = World::new(2);
    let (a, b) = (world.add(tor(0, &[])), world.add(tor(1, &[0])));
    world.run_for(SECOND * 5);
    assert_eq!((outgoing(&world, a), outgoing(&world, b)), (0, 1));
    // the third knows b alone, and b knows a
    let c = world.add(tor(2, &[1]));
    assert!(world.run_until(SECOND * 120, |world| outgoing(world, c) == 2), "c found a through b");
    let lists = world.node(c).zones().next().unwrap();
    assert_eq!((lists.white, lists.gray), (2, 0));
}

#[test]
fn a_transaction_without_a_way_out_is_held_and_leaves_when_a_peer_appears() {
    let mut world = World::new(3);
    let a = world.add(tor(0, &[1]));
    world.faults.refusing.insert(addr(ZoneKind::Tor, 1));
    world.run_for(SECOND * 60);
    assert_eq!(world.call(a, |node, now| node.submit_tx(now, ID, local())), Ok(Submitted::New));
    assert_eq!(world.call(a, |node, now| node.submit_tx(now, ID, local())), Ok(Submitted::Known));
    assert_eq!(state(&world, a), Some(StashState::Held(Why::NoPeer)));
    assert!(world.events(a).any(|event| matches!(event, Event::Held { id: ID, why: Why::NoPeer })));
    world.run_for(SECOND * 600);
    assert_eq!(state(&world, a), Some(StashState::Held(Why::NoPeer)), "held means held");
    world.faults.refusing.clear();
    let b = world.add(tor(1, &[]));
    assert!(world.run_until(SECOND * 30, |world| matches!(state(world, a), Some(StashState::Handed(_)))));
    world.run_for(SECOND);
    assert_eq!(received(&world, b), [BLOB]);
    let report = world.node(a).stash().next().unwrap();
    assert_eq!((report.recipients, report.proven), (1, 0));
    world.run_for(SECOND * 160);
    assert_eq!(world.node(a).stash().next().unwrap().proven, 1, "a later timed sync proves it");
}

#[test]
fn a_proxy_that_is_down_is_named_as_the_reason_and_its_return_releases_the_transaction() {
    let mut world = World::new(4);
    let (a, b) = (world.add(tor(0, &[1])), world.add(tor(1, &[])));
    let zone = world.node(a).zones().next().unwrap().id;
    world.run_for(SECOND * 10);
    world.faults.proxies_down.insert((a, zone));
    world.cut_all(a);
    world.run_for(SECOND * 20);
    world.call(a, |node, now| node.submit_tx(now, ID, local())).unwrap();
    assert_eq!(state(&world, a), Some(StashState::Held(Why::ProxyDown)));
    assert!(matches!(world.node(a).zones().next().unwrap().proxy, ProxyState::Down(_)));
    let downs = world.events(a).filter(|event| matches!(event, Event::Note(Note::ProxyDown { .. })));
    assert_eq!(downs.count(), 1, "said once, not at every attempt");
    world.faults.proxies_down.clear();
    assert!(world.run_until(SECOND * 20, |world| !received(world, b).is_empty()), "within seconds of its return");
    assert!(world.events(a).any(|event| matches!(event, Event::Note(Note::ProxyUp { .. }))));
}

#[test]
fn a_link_that_breaks_after_the_hand_over_makes_it_count_for_nothing() {
    let mut world = World::new(5);
    let (a, b) = (world.add(tor(0, &[1])), world.add(tor(1, &[])));
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, a) == 1));
    world.faults.deaf.insert(b);
    world.call(a, |node, now| node.submit_tx(now, ID, local())).unwrap();
    assert!(world.run_until(SECOND * 10, |world| matches!(state(world, a), Some(StashState::Handed(_)))));
    assert!(received(&world, b).is_empty());
    world.cut_all(a);
    assert_eq!(state(&world, a), Some(StashState::Held(Why::NoPeer)));
    assert!(world.events(a).any(|event| matches!(event, Event::Note(Note::HandOverInterrupted { .. }))));
    world.faults.deaf.clear();
    assert!(world.run_until(SECOND * 30, |world| received(world, b) == [BLOB]), "handed over again on the next link");
}

#[test]
fn every_outgoing_link_gets_it_after_its_own_delay_and_incoming_links_never() {
    let mut world = World::new(6);
    let a = world.add(tor(0, &[1, 2, 3]));
    let others = [1, 2, 3].map(|index| world.add(tor(index, &[])));
    let inbound = world.add(tor(4, &[0]));
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, a) == 3 && outgoing(world, inbound) >= 1));
    world.call(a, |node, now| node.submit_tx(now, ID, local())).unwrap();
    world.run_for(SECOND * 20);
    assert_eq!(others.map(|other| received(&world, other)), [[BLOB], [BLOB], [BLOB]]);
    assert!(received(&world, inbound).is_empty());
    let report = world.node(a).stash().next().unwrap();
    assert_eq!((report.state, report.recipients), (StashState::Handed(world.node(a).zones().next().unwrap().id), 3));
    let handed = world.record.timed(a).filter(|(_, happened)| matches!(happened, Happened::Event(Event::Handed { .. })));
    let times: std::collections::BTreeSet<u64> = handed.map(|(at, _)| at.as_micros()).collect();
    // in steps of a quarter second, so that two of three may coincide
    assert!(times.len() > 1, "delays of their own");
}

#[test]
fn without_evidence_it_is_sent_four_rounds_to_nobody_twice_and_then_kept_until_it_expires() {
    let mut world = World::new(7);
    let mut user = tor(0, &[1, 2, 3, 4, 5]);
    user.witness = Witness::Embedder;
    let a = world.add(user);
    let begin = |world: &mut World, index| {
        let mut config = tor(index, &[]);
        config.zones[0].max_outgoing = 0;
        let peer = world.add(config);
        // longer than the longest pause
        world.run_for(SECOND * 2_700);
        peer
    };
    world.call(a, |node, now| node.submit_tx(now, ID, local())).unwrap();
    let first = begin(&mut world, 1);
    assert_eq!(received(&world, first).len(), 1);
    assert!(matches!(state(&world, a), Some(StashState::Handed(_))), "and waits for a peer that has not got it");
    let others = [2, 3, 4, 5].map(|index| begin(&mut world, index));
    assert_eq!(received(&world, first).len(), 1);
    assert_eq!(others.map(|other| received(&world, other).len()), [1, 1, 1, 0]);
    world.run_for(SECOND * 3_600 * 67);
    assert!(state(&world, a).is_some());
    world.run_for(SECOND * 3_600 * 2);
    assert_eq!(state(&world, a), None);
    assert!(world.events(a).any(|event| matches!(event, Event::Expired { id: ID })));
}

#[test]
fn an_exclusive_peer_is_the_only_one_dialled_in_any_zone() {
    let mut exclusive = zone(ZoneKind::Tor, 0, &[2, 3]);
    exclusive.peers.push((addr(ZoneKind::Tor, 1), anonet_core::PeerRole::Exclusive));
    let mut world = World::new(8);
    let a = world.add(config([zone(ZoneKind::Public, 0, &[1]), exclusive]));
    for index in 1..4 {
        world.add(tor(index, &[]));
    }
    world.run_for(SECOND * 600);
    let dialled = world.record.of(a).filter_map(|happened| match happened {
        Happened::Dialed(_, addr, _) => Some(addr.clone()),
        _ => None,
    });
    assert!(dialled.collect::<Vec<_>>().iter().all(|dialled| *dialled == addr(ZoneKind::Tor, 1)));
    assert_eq!(outgoing(&world, a), 1);
}

#[test]
fn a_dead_address_delays_no_other_dial_and_no_address_is_dialled_twice_at_once() {
    let mut world = World::new(9);
    world.faults.silent.insert(addr(ZoneKind::Tor, 1));
    let a = world.add(tor(0, &[1, 2]));
    world.add(tor(2, &[]));
    assert!(world.run_until(SECOND * 2, |world| outgoing(world, a) == 1));
    world.run_for(SECOND * 200);
    let timeouts = world.events(a).filter(|event| matches!(event, Event::Down { reason: CloseReason::DialTimeout, .. }));
    assert!((1..=3).contains(&timeouts.count()));
    let tokens = world.record.of(a).filter_map(|happened| match happened {
        Happened::Dialed(_, _, isolation) => Some(*isolation.as_bytes()),
        _ => None,
    });
    let tokens: Vec<_> = tokens.collect();
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len(), "no two dials share an isolation token");
}

#[test]
fn a_strangers_transaction_waits_for_its_verdict_and_then_goes_public_in_the_form_in_which_it_came() {
    let mut world = World::new(10);
    let a = world.add(config([zone(ZoneKind::Public, 0, &[1, 2, 3]), zone(ZoneKind::Tor, 0, &[])]));
    let publics = [1, 2, 3].map(|index| world.add(config([zone(ZoneKind::Public, index, &[])])));
    let sender = world.add(config([zone(ZoneKind::Tor, 1, &[0])]));
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, a) == 3 && outgoing(world, sender) == 1));
    world.call(sender, |node, now| node.submit_tx(now, ID, local())).unwrap();
    assert!(world.run_until(SECOND * 20, |world| received(world, a) == [BLOB]));
    world.run_for(SECOND * 60);
    assert!(publics.iter().all(|&public| received(&world, public).is_empty()), "no verdict, no relay");
    let ticket = world.events(a).find_map(|event| match event {
        Event::Tx { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.unwrap();
    world.call(a, |node, now| node.resolve_tx(now, ticket, Verdict::Accept)).unwrap();
    world.run_for(SECOND * 15);
    let reached = publics.iter().filter(|&&public| received(&world, public) == [BLOB]).count();
    assert_eq!(reached, 3, "policy fluff sets the flag");
    assert!(world.call(a, |node, now| node.resolve_tx(now, ticket, Verdict::Reject)).is_err(), "answered before");
}

#[test]
fn a_rejected_transaction_costs_its_sender_the_link() {
    let mut world = World::new(11);
    let (a, b) = (world.add(tor(0, &[1])), world.add(tor(1, &[])));
    world.run_for(SECOND * 10);
    world.call(a, |node, now| node.submit_tx(now, ID, local())).unwrap();
    world.run_for(SECOND * 20);
    let ticket = world.events(b).find_map(|event| match event {
        Event::Tx { ticket, .. } => Some(*ticket),
        _ => None,
    });
    world.call(b, |node, now| node.resolve_tx(now, ticket.unwrap(), Verdict::Reject)).unwrap();
    let closed = world.record.of(b).filter(|happened| matches!(happened, Happened::Closed(_, CloseReason::InvalidTx)));
    assert_eq!(closed.count(), 1);
}

#[test]
fn without_any_anonymity_zone_an_own_transaction_stems_to_the_public_network() {
    let mut world = World::new(12);
    let a = world.add(config([zone(ZoneKind::Public, 0, &[1, 2])]));
    let publics = [1, 2].map(|index| world.add(config([zone(ZoneKind::Public, index, &[])])));
    world.call(a, |node, now| node.submit_tx(now, ID, local())).unwrap();
    assert_eq!(state(&world, a), Some(StashState::Held(Why::NoPublicPeer)));
    // long before the embargo, 39 s in the mean, lets everybody have it
    world.run_for(SECOND * 15);
    assert_eq!(publics.iter().filter(|&&public| received(&world, public) == [BLOB]).count(), 1);
}

#[test]
fn stopping_calls_off_dials_closes_every_link_and_takes_nothing_more() {
    let mut world = World::new(13);
    world.faults.silent.insert(addr(ZoneKind::Tor, 2));
    let a = world.add(tor(0, &[1, 2]));
    world.add(tor(1, &[]));
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, a) == 1));
    let began = world.now();
    world.call(a, |node, now| node.shutdown(now));
    assert!(world.run_until(SECOND, |world| world.events(a).any(|event| matches!(event, Event::Stopped))));
    assert!(world.now().saturating_since(began) < SECOND);
    assert_eq!(world.call(a, |node, now| node.submit_tx(now, ID, local())), Err(SubmitError::Stopping));
    let ended = |happened: &&Happened| matches!(happened, Happened::Event(Event::Down { .. }));
    let dialled = |happened: &&Happened| matches!(happened, Happened::Dialed(..));
    assert_eq!(world.record.of(a).filter(ended).count(), world.record.of(a).filter(dialled).count(), "each dial ends once");
    assert_eq!(world.node(a).poll_timeout(), None, "no deadline is left");
    let before = world.record.of(a).count();
    world.run_for(SECOND * 600);
    assert_eq!(world.record.of(a).count(), before, "and then it is silent");
}

#[test]
fn own_transactions_of_one_message_stand_in_an_order_that_says_nothing() {
    let mut world = World::new(15);
    let a = world.add(tor(0, &[1]));
    let b = world.add(tor(1, &[]));
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, a) == 1));
    for number in [9, 3, 7, 1, 8, 2] {
        let tx = LocalTx::new(vec![number; 200].into()).unwrap();
        world.call(a, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx)).unwrap();
    }
    world.run_for(SECOND * 20);
    let order: Vec<u8> = received(&world, b).iter().map(|blob| blob[0]).collect();
    assert_eq!(order, [1, 2, 3, 7, 8, 9]);
}
