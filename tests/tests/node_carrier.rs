//! Policy `courier`: who may carry, and who gets what.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::{
    Addr, ChainTip, CourierConfig, Durability, Event, Exposure, LocalTx, Privacy, RecipientKey, RelayPolicy, StashState,
    StoredTx, TxId, ZoneKind,
};
use anonet_tests::world::cast::{config, zone};
use anonet_tests::world::couriers::{arrivals, courier, fast, state, submit, world};
use anonet_tests::world::{Happened, NodeIndex, START, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn without_evidence_others_follow_and_nobody_gets_it_twice() {
    let (mut world, user) = world(12, 8, fast());
    world.run_for(SECOND * 30);
    submit(&mut world, user, 4, 2_000).unwrap();
    world.run_for(HOUR * 30);
    let got = arrivals(&world, 8, 4);
    // nobody can show that it has spread: two are enough (design §3)
    assert_eq!(got.len(), 2, "{got:?}");
    assert_ne!(got[0].0, got[1].0);
}

#[test]
fn with_few_peers_the_one_that_rested_longest_serves_again() {
    let (mut world, user) = world(13, 2, fast());
    world.run_for(SECOND * 30);
    let mut recipients = Vec::new();
    for number in 1..=4 {
        submit(&mut world, user, number, 2_000).unwrap();
        assert!(world.run_until(HOUR, |world| !arrivals(world, 2, number).is_empty()));
        recipients.push(arrivals(&world, 2, number)[0].0);
        world.call(user, |node, now| node.forget_tx(now, TxId::new([number; 32])));
    }
    assert!(recipients.windows(2).all(|pair| pair[0] != pair[1]), "{recipients:?}");
}

#[test]
fn a_peer_that_was_chosen_in_vain_is_not_waited_for() {
    let (mut world, user) = world(20, 2, fast());
    let mut config = courier(0, &[1, 2], fast());
    config.durability = Durability::BeforeRelay(RecipientKey::new([7; 32]));
    world.kill(user);
    world.start(user, config);
    let id = |number: u8| TxId::new([number; 32]);
    let record =
        |world: &mut World, number| world.call(user, |node, now| node.recorded(now, id(number), node.uses(id(number)).count()));
    let written_until_it_arrives = |world: &mut World, number| {
        let arrives = (0..36_000).any(|_| {
            world.run_for(SECOND / 10);
            record(world, number);
            !arrivals(world, 2, number).is_empty()
        });
        assert!(arrives, "within an hour");
        arrivals(world, 2, number)[0].0
    };
    submit(&mut world, user, 1, 2_000).unwrap();
    let first = written_until_it_arrives(&mut world, 1);
    // the other one's turn: its courier ends before anything may leave on it
    submit(&mut world, user, 2, 2_000).unwrap();
    world.run_for(HOUR / 2);
    assert_eq!(world.node(user).uses(id(2)).count(), 1);
    assert_eq!(written_until_it_arrives(&mut world, 2), first);
}

#[test]
fn an_unsynchronized_peer_carries_nothing() {
    let (mut world, user) = world(14, 4, fast());
    world.call(user, |node, now| node.set_tip(now, ChainTip::new(3_000, [1; 32], 77, 16)));
    world.run_for(SECOND * 30);
    submit(&mut world, user, 4, 2_000).unwrap();
    world.run_for(HOUR);
    assert!(arrivals(&world, 4, 4).is_empty(), "they claim one block");
    for peer in 0..4 {
        world.call(peer, |node, now| node.set_tip(now, ChainTip::new(2_999, [1; 32], 77, 16)));
    }
    assert!(world.run_until(HOUR, |world| !arrivals(world, 4, 4).is_empty()));
}

#[test]
fn without_a_carrier_it_is_held_and_a_stranger_that_one_peer_told_of_never_carries() {
    let mut world = World::new(15);
    // the user knows one peer, by a role that is dropped: it tells of three others
    let teller = world.add(config([zone(ZoneKind::Tor, 1, &[2, 3])]));
    for peer in [2, 3] {
        world.add(config([zone(ZoneKind::Tor, peer, &[])]));
    }
    let user = world.add(courier(0, &[1], fast()));
    world.run_for(HOUR * 60);
    submit(&mut world, user, 5, 2_000).unwrap();
    world.run_for(HOUR * 3);
    assert_eq!(arrivals(&world, 3, 5).iter().map(|(peer, ..)| *peer).collect::<Vec<_>>(), [teller], "nobody else is trusted");
    let names: BTreeSet<Addr> = world
        .record
        .of(user)
        .filter_map(|it| if let Happened::Dialed(_, addr, _) = it { Some(addr.clone()) } else { None })
        .collect();
    assert!(names.len() > 1, "though couriers do go there");
}

#[test]
fn nothing_leaves_before_its_recipient_is_written_down_and_no_restart_hands_it_there_again() {
    // the first is chosen in vain, as its courier leaves before that is written down
    let peers = 3;
    // that a host rests is another rule
    let mut numbers = fast();
    numbers.rest = Duration::ZERO;
    let stored = |world: &World, user: NodeIndex| world.node(user).uses(TxId::new([4; 32])).collect::<Vec<_>>();
    let (mut world, user) = world(16, peers, numbers);
    let config = || {
        let mut config = courier(0, &[1, 2, 3], numbers);
        config.durability = Durability::BeforeRelay(RecipientKey::new([7; 32]));
        config
    };
    world.kill(user);
    world.start(user, config());
    submit(&mut world, user, 4, 2_000).unwrap();
    // the store is slow: couriers leave without it
    let asks = |world: &World| world.events(user).filter(|event| matches!(event, Event::Exposing { .. })).count();
    assert!(world.run_until(HOUR, |world| asks(world) == 1));
    world.run_for(HOUR / 2);
    assert!(arrivals(&world, peers, 4).is_empty() && asks(&world) == 1, "one question at a time");
    let uses = stored(&world, user);
    assert_eq!(uses.len(), 1);
    world.call(user, |node, now| node.recorded(now, TxId::new([4; 32]), 1));
    // from now on the store is quick
    for _ in 0..36_000 {
        world.run_for(SECOND / 10);
        let asked = stored(&world, user).len();
        world.call(user, |node, now| node.recorded(now, TxId::new([4; 32]), asked));
        if !arrivals(&world, peers, 4).is_empty() {
            break;
        }
    }
    let first = arrivals(&world, peers, 4)[0].0;
    let uses = stored(&world, user);
    world.kill(user);
    world.start(user, config());
    let tx = LocalTx::new(vec![4; 2_000].into()).unwrap();
    let restored = StoredTx { id: TxId::new([4; 32]), tx, submitted: START, exposure: Exposure::Anonymity, uses };
    world.call(user, |node, now| node.restore_tx(now, restored)).unwrap();
    for _ in 0..72_000 {
        world.run_for(SECOND / 10);
        let asked = stored(&world, user).len();
        world.call(user, |node, now| node.recorded(now, TxId::new([4; 32]), asked));
    }
    let got: Vec<NodeIndex> = arrivals(&world, peers, 4).iter().map(|(peer, ..)| *peer).collect();
    assert_eq!((got.len(), got.iter().filter(|peer| **peer == first).count()), (2, 1), "{got:?}");
}

#[test]
fn where_all_who_may_carry_have_had_it_it_is_held_until_there_is_another() {
    let (mut world, user) = world(18, 2, fast());
    let config = |peers: &[usize]| {
        let mut config = courier(0, peers, fast());
        config.durability = Durability::BeforeRelay(RecipientKey::new([7; 32]));
        config
    };
    let id = TxId::new([4; 32]);
    world.kill(user);
    world.start(user, config(&[1]));
    submit(&mut world, user, 4, 2_000).unwrap();
    while arrivals(&world, 2, 4).is_empty() {
        world.run_for(SECOND / 10);
        world.call(user, |node, now| node.recorded(now, id, node.uses(id).count()));
    }
    for (peers, got) in [(&[1][..], 1), (&[1, 2], 2)] {
        let uses = world.node(user).uses(id).collect();
        world.kill(user);
        world.start(user, config(peers));
        let tx = LocalTx::new(vec![4; 2_000].into()).unwrap();
        let stored = StoredTx { id, tx, submitted: START, exposure: Exposure::Anonymity, uses };
        world.call(user, |node, now| node.restore_tx(now, stored)).unwrap();
        for _ in 0..36_000 {
            world.run_for(SECOND / 10);
            world.call(user, |node, now| node.recorded(now, id, node.uses(id).count()));
        }
        assert_eq!(arrivals(&world, 2, 4).len(), got);
        let held = state(&world, user) == StashState::Held(anonet_core::route::Why::NoFreshPeer);
        assert_eq!(held, got == 1, "{:?}", state(&world, user));
    }
}

#[test]
fn a_young_node_lets_nothing_go_and_a_release_is_drawn() {
    let mut numbers = CourierConfig::preset(Privacy::Fast);
    numbers.uptime = (SECOND * 600, SECOND * 1_800);
    let mut left = Vec::new();
    for seed in 0..8 {
        let (mut world, user) = world(100 + seed, 6, numbers);
        submit(&mut world, user, 4, 2_000).unwrap();
        assert!(world.run_until(HOUR, |world| !arrivals(world, 6, 4).is_empty()));
        left.push(world.now().saturating_since(START));
    }
    assert!(left.iter().all(|span| *span >= SECOND * 600), "{left:?}");
    assert!(left.iter().max().unwrap().saturating_sub(*left.iter().min().unwrap()) > SECOND * 120, "{left:?}");
}

#[test]
fn couriers_of_a_zone_by_which_it_does_not_leave_fly_without_it() {
    let (mut world, _) = world(24, 3, fast());
    for peer in [1, 2] {
        world.add(config([zone(ZoneKind::I2p, peer, &[])]));
    }
    let mut both = courier(0, &[1, 2, 3], fast());
    let mut i2p = zone(ZoneKind::I2p, 0, &[1, 2]);
    i2p.relay = RelayPolicy::Courier;
    both.zones.push(i2p);
    let user = world.add(both);
    (1..=3).for_each(|number| submit(&mut world, user, number, 2_000).unwrap());
    world.run_for(HOUR * 2);
    let sent = |zone: anonet_core::ZoneReport| zone.couriers.expect("both have couriers").answered;
    assert!(world.node(user).zones().all(|zone| sent(zone) > 100));
    for number in 1..=3 {
        let uses = world.node(user).uses(TxId::new([number; 32])).count();
        assert!(uses > 0);
        assert_eq!(arrivals(&world, 3, number).len(), uses, "whoever was chosen is a peer of the first zone");
    }
}

#[test]
fn who_carried_before_a_restart_rests_after_it() {
    for seed in 30..38 {
        let (mut world, user) = world(seed, 3, fast());
        let config = || {
            let mut config = courier(0, &[1, 2, 3], fast());
            config.durability = Durability::BeforeRelay(RecipientKey::new([7; 32]));
            config
        };
        let first_arrival = |world: &mut World, number: u8| {
            let id = TxId::new([number; 32]);
            for _ in 0..36_000 {
                world.run_for(SECOND / 10);
                for id in [TxId::new([1; 32]), id] {
                    world.call(user, |node, now| node.recorded(now, id, node.uses(id).count()));
                }
                if let Some((peer, ..)) = arrivals(world, 3, number).first() {
                    return *peer;
                }
            }
            panic!("it did not arrive within an hour");
        };
        world.kill(user);
        world.start(user, config());
        submit(&mut world, user, 1, 2_000).unwrap();
        let before = first_arrival(&mut world, 1);
        let uses = world.node(user).uses(TxId::new([1; 32])).collect();
        world.kill(user);
        world.start(user, config());
        let tx = LocalTx::new(vec![1; 2_000].into()).unwrap();
        let restored = StoredTx { id: TxId::new([1; 32]), tx, submitted: START, exposure: Exposure::Anonymity, uses };
        world.call(user, |node, now| node.restore_tx(now, restored)).unwrap();
        submit(&mut world, user, 2, 2_000).unwrap();
        assert_ne!(first_arrival(&mut world, 2), before, "{seed}");
    }
}
