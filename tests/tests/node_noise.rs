//! Policy `noise`: own transactions hide among units that leave on a clock, and arrive.

use std::collections::BTreeMap;
use std::time::Duration;

use anonet_core::levin::{Decoder, FrameLimits, Kind};
use anonet_core::wire::TxForm;
use anonet_core::{
    Config, ConnId, Durability, Event, Exposure, Instant, LocalTx, RecipientKey, RelayPolicy, StashState, StoredTx, SubmitError,
    TxId, ZoneKind,
};
use anonet_tests::world::cast::{config, zone};
use anonet_tests::world::{Happened, NodeIndex, START, World};

const SECOND: Duration = Duration::from_secs(1);
const UNIT: usize = 3_072;
const LARGEST: usize = 60_703;

fn noisy(index: usize, peers: &[usize]) -> Config {
    let mut zone = zone(ZoneKind::Tor, index, peers);
    zone.relay = RelayPolicy::Noise;
    config([zone])
}

/// A user with noise channels, and peers that it is linked to.
fn world(seed: u64, peers: usize) -> (World, NodeIndex) {
    let mut world = World::new(seed);
    let names: Vec<usize> = (1..=peers).collect();
    for &peer in &names {
        world.add(config([zone(ZoneKind::Tor, peer, &[])]));
    }
    let user = world.add(noisy(0, &names));
    assert!(world.run_until(SECOND * 60, |world| world.node(user).zones().all(|zone| zone.outgoing as usize == peers)));
    (world, user)
}

fn submit(world: &mut World, user: NodeIndex, number: u8, size: usize) -> Result<(), SubmitError> {
    let tx = LocalTx::new(vec![number; size].into()).unwrap();
    world.call(user, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx)).map(|_| ())
}

fn arrivals(world: &World, node: NodeIndex, number: u8) -> Vec<(TxForm, usize)> {
    let txs = world.events(node).filter_map(|event| match event {
        Event::Tx { form, blob, .. } if blob[0] == number => Some((*form, blob.len())),
        _ => None,
    });
    txs.collect()
}

fn state(world: &World, user: NodeIndex) -> StashState {
    world.node(user).stash().next().expect("it is kept").state
}

/// Everything that a node wrote, by link: when and how much.
fn traffic(world: &World, node: NodeIndex) -> BTreeMap<ConnId, Vec<(Instant, usize)>> {
    let mut traffic: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at, conn, size) in world.record.chunks(node) {
        traffic.entry(conn).or_default().push((at, size));
    }
    traffic
}

#[test]
fn units_leave_on_two_links_whether_there_is_anything_to_send_or_not() {
    let (mut world, user) = world(1, 4);
    world.run_for(SECOND * 280);
    let noisy: Vec<Vec<Instant>> = traffic(&world, user)
        .values()
        .map(|chunks| chunks.iter().filter(|(_, size)| *size == UNIT).map(|(at, _)| *at).collect::<Vec<_>>())
        .filter(|units: &Vec<Instant>| !units.is_empty())
        .collect();
    assert_eq!(noisy.len(), 2, "in one epoch");
    for units in noisy {
        assert!((17..=29).contains(&units.len()), "{}", units.len());
    }
    assert!((1..=4).all(|peer| world.events(peer - 1).all(|event| !matches!(event, Event::Down { .. }))), "peers take it");
}

#[test]
fn transactions_of_one_and_of_many_units_arrive_in_stem_form() {
    for (number, size) in [(1, 2_000), (2, 2_990), (3, 7_000), (4, LARGEST)] {
        let (mut world, user) = world(u64::from(number), 3);
        submit(&mut world, user, number, size).unwrap();
        let everywhere = |world: &World| (0..3).flat_map(|peer| arrivals(world, peer, number)).collect::<Vec<_>>();
        assert!(world.run_until(SECOND * 1_000, |world| everywhere(world).len() == 2), "{size}");
        assert_eq!(everywhere(&world), [(TxForm::Stem, size); 2], "over both channels");
        assert!(matches!(state(&world, user), StashState::Handed(_)));
        assert_eq!(world.node(user).stash().next().unwrap().recipients, 2);
    }
}

#[test]
fn every_byte_of_a_noisy_link_is_a_frame_that_a_peer_understands() {
    let (mut world, user) = world(5, 2);
    submit(&mut world, user, 9, 7_000).unwrap();
    world.run_for(SECOND * 120);
    let (mut dummies, mut notifies) = (0, 0);
    for stream in world.record.written(user, ZoneKind::Tor) {
        let (mut decoder, mut rest) = (Decoder::new(), stream);
        while let (consumed, Some(frame)) = decoder.feed(rest, &FrameLimits::anonymity()).expect("frames") {
            rest = &rest[consumed..];
            dummies += usize::from(frame.kind == Kind::Dummy);
            notifies += usize::from(frame.kind == Kind::Notify);
        }
    }
    assert!(dummies > 10, "{dummies}");
    assert_eq!(notifies, 2);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_accepted_or_held() {
    let (mut world, user) = world(6, 2);
    let refused = submit(&mut world, user, 1, LARGEST + 1);
    assert_eq!(refused, Err(SubmitError::TooLarge { size: LARGEST + 1, most: LARGEST }));
    assert_eq!(world.node(user).stash().count(), 0);
    // one that an earlier run accepted under another policy
    let tx = LocalTx::new(vec![2; LARGEST + 1].into()).unwrap();
    let stored = StoredTx { id: TxId::new([2; 32]), tx, submitted: START, exposure: Exposure::Nobody, uses: vec![] };
    world.call(user, |node, now| node.restore_tx(now, stored)).unwrap();
    assert_eq!(state(&world, user), StashState::Held(anonet_core::route::Why::TooLargeForNoise));
    world.run_for(SECOND * 700);
    assert_eq!(state(&world, user), StashState::Held(anonet_core::route::Why::TooLargeForNoise));
}

#[test]
fn a_link_lost_in_the_middle_of_a_message_loses_nothing() {
    for seed in 0..10 {
        let (mut world, user) = world(100 + seed, 4);
        submit(&mut world, user, 7, 20_000).unwrap();
        world.run_for(SECOND * 40);
        world.cut_all(user);
        let arrived = |world: &World| (0..4).any(|peer| !arrivals(world, peer, 7).is_empty());
        assert!(!arrived(&world), "it takes a minute and more");
        assert!(world.run_until(SECOND * 700, arrived), "seed {seed}");
    }
}

#[test]
fn without_a_link_it_is_held_and_leaves_when_one_comes() {
    let mut world = World::new(8);
    let user = world.add(noisy(0, &[1]));
    submit(&mut world, user, 3, 2_000).unwrap();
    world.run_for(SECOND * 30);
    assert_eq!(state(&world, user), StashState::Held(anonet_core::route::Why::NoPeer));
    let peer = world.add(config([zone(ZoneKind::Tor, 1, &[])]));
    assert!(world.run_until(SECOND * 60, |world| arrivals(world, peer, 3).len() == 1));
}

#[test]
fn submissions_change_neither_time_nor_size_nor_link_of_anything_on_the_wire() {
    let run = |submissions: &[(u64, u8, usize)]| {
        let (mut world, user) = world(9, 4);
        for &(wait, number, size) in submissions {
            world.run_for(SECOND * wait as u32);
            submit(&mut world, user, number, size).unwrap();
        }
        let rest = START + SECOND * 7_200;
        let now = world.now();
        world.run_for(rest.saturating_since(now));
        let dials: Vec<String> = world
            .record
            .timed(user)
            .filter(|(_, happened)| matches!(happened, Happened::Dialed(..) | Happened::Closed(..)))
            .map(|(at, happened)| format!("{at:?} {happened:?}"))
            .collect();
        let handed = world.events(user).filter(|event| matches!(event, Event::Handed { .. })).count();
        (traffic(&world, user), dials, handed)
    };
    let quiet = run(&[]);
    let busy = run(&[(100, 1, 2_000), (50, 2, 40_000), (1_000, 3, 9_000), (7, 4, 500)]);
    assert_eq!(quiet.2, 0);
    assert!(busy.2 >= 8, "{}", busy.2);
    assert_eq!(quiet.1, busy.1);
    assert!(quiet.0 == busy.0, "the same chunks at the same times on the same links");
}

#[test]
fn the_bytes_of_a_transaction_stand_on_no_link_but_those_of_its_zone() {
    let mut world = World::new(10);
    world.add(config([zone(ZoneKind::Tor, 1, &[]), zone(ZoneKind::Public, 1, &[])]));
    let mut both = noisy(0, &[1]);
    both.zones.push(zone(ZoneKind::Public, 0, &[1]));
    let user = world.add(both);
    assert!(world.run_until(SECOND * 60, |world| world.node(user).zones().all(|zone| zone.outgoing == 1)));
    submit(&mut world, user, 0xc3, 9_000).unwrap();
    world.run_for(SECOND * 300);
    let stands = |kind| world.record.written(user, kind).any(|stream| stream.windows(32).any(|part| part == [0xc3; 32]));
    assert!(stands(ZoneKind::Tor) && !stands(ZoneKind::Public));
}

/// A user that writes down who gets what, when it is asked at the ends of seconds.
fn durable_world(seed: u64, peers: usize) -> (World, NodeIndex) {
    let mut world = World::new(seed);
    let names: Vec<usize> = (1..=peers).collect();
    for &peer in &names {
        world.add(config([zone(ZoneKind::Tor, peer, &[])]));
    }
    let mut config = noisy(0, &names);
    config.durability = Durability::BeforeRelay(RecipientKey::new([3; 32]));
    let user = world.add(config);
    assert!(world.run_until(SECOND * 60, |world| world.node(user).zones().all(|zone| zone.outgoing as usize == peers)));
    (world, user)
}

fn run_recording(world: &mut World, user: NodeIndex, number: u8, seconds: u32) {
    let id = TxId::new([number; 32]);
    for _ in 0..seconds {
        world.run_for(SECOND);
        world.call(user, |node, now| node.recorded(now, id, node.uses(id).count()));
    }
}

#[test]
fn until_its_recipients_are_written_down_noise_leaves_in_its_place_at_the_same_times() {
    let run = |submits: bool, writes: bool| {
        let (mut world, user) = durable_world(11, 4);
        if submits {
            submit(&mut world, user, 0xc7, 9_000).unwrap();
        }
        run_recording(&mut world, user, if writes { 0xc7 } else { 1 }, 1_200);
        let stands = world.record.written(user, ZoneKind::Tor).any(|stream| stream.windows(32).any(|part| part == [0xc7; 32]));
        (traffic(&world, user), stands, world.node(user).uses(TxId::new([0xc7; 32])).count())
    };
    let (quiet, waiting, busy) = (run(false, false), run(true, false), run(true, true));
    assert!(quiet.0 == waiting.0 && quiet.0 == busy.0);
    assert_eq!((waiting.1, waiting.2), (false, 2), "both hosts are to be written down first");
    assert_eq!((busy.1, busy.2), (true, 2));
}

#[test]
fn a_host_that_a_channel_turns_to_is_written_down_and_none_gets_it_twice() {
    let mut further = 0;
    for seed in 0..10 {
        let (mut world, user) = durable_world(200 + seed, 4);
        submit(&mut world, user, 7, 20_000).unwrap();
        run_recording(&mut world, user, 7, 40);
        let begun = world.node(user).uses(TxId::new([7; 32])).count();
        // one of the two, in the middle of the message
        world.kill(seed as usize % 4);
        run_recording(&mut world, user, 7, 3_600);
        let got: Vec<usize> = (0..4).map(|peer| arrivals(&world, peer, 7).len()).collect();
        let uses = world.node(user).uses(TxId::new([7; 32])).count();
        further += uses - begun;
        assert!(got.iter().all(|&count| count <= 1) && got.iter().sum::<usize>() >= 2, "{got:?}");
        assert!(got.iter().sum::<usize>() <= uses, "{got:?} {uses}");
    }
    assert!(further > 0, "some channel turned to another host");
}

#[test]
fn after_a_restart_channels_carry_it_to_fresh_hosts_alone() {
    let (mut world, user) = durable_world(12, 4);
    submit(&mut world, user, 7, 2_000).unwrap();
    run_recording(&mut world, user, 7, 120);
    let count = |world: &World| (0..4).map(|peer| arrivals(world, peer, 7).len()).collect::<Vec<_>>();
    assert_eq!(count(&world).iter().sum::<usize>(), 2);
    let uses: Vec<_> = world.node(user).uses(TxId::new([7; 32])).collect();
    world.kill(user);
    let mut config = noisy(0, &[1, 2, 3, 4]);
    config.durability = Durability::BeforeRelay(RecipientKey::new([3; 32]));
    world.start(user, config);
    let tx = LocalTx::new(vec![7; 2_000].into()).unwrap();
    let stored = StoredTx { id: TxId::new([7; 32]), tx, submitted: START, exposure: Exposure::Anonymity, uses };
    world.call(user, |node, now| node.restore_tx(now, stored)).unwrap();
    run_recording(&mut world, user, 7, 7_200);
    assert_eq!(count(&world), [1; 4]);
}
