//! Policy `courier`: short streams that leave on a clock whether there is anything to send or not, and own transactions on
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NodeData, TxForm};
use anonet_core::{
    ChainTip, CourierConfig, Event, Exposure, LocalTx, Network, StashState, StoredTx, SubmitError, TxId, ZoneKind,
};
use anonet_tests::world::cast::{addr, node_data};
use anonet_tests::world::couriers::{arrivals, courier, couriers, fast, notifies, scripted, seen, state, submit, world};
use anonet_tests::world::{Happened, NodeIndex, START, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const RECORD: usize = 3_072;
const LARGEST: usize = 194_419;

#[test]
fn a_courier_leaves_every_half_minute_with_nothing_to_send() {
    let (mut world, user) = world(1, 6, fast());
    world.run_for(HOUR);
    let report = couriers(&world, user);
    assert!((90..=200).contains(&report.sent), "{report:?}");
    assert!(report.answered + 3 >= report.sent, "{report:?}");
    assert_eq!(report.carriers, 6);
    let records = |stream: &&[u8]| (stream.len() / RECORD, stream.len() % RECORD);
    let shapes: BTreeMap<(usize, usize), usize> =
        world.record.written(user, ZoneKind::Tor).fold(BTreeMap::new(), |mut all, it| {
            *all.entry(records(&it)).or_default() += 1;
            all
        });
    let handshake = 276;
    for (class, least) in [(4, 80), (16, 5), (64, 1)] {
        assert!(shapes.get(&(class, handshake)).is_some_and(|count| *count >= least), "{class} records: {shapes:?}");
    }
    // all that is neither is a standing link, or a courier that is under way
    let others: usize = shapes.iter().filter(|((class, _), _)| ![4, 16, 64].contains(class)).map(|(_, count)| count).sum();
    assert!(others <= 4, "{shapes:?}");
}

#[test]
fn transactions_of_every_size_arrive_in_stem_form_each_on_a_stream_of_its_own() {
    for (number, size) in [(1, 500), (2, 2_990), (3, 12_000), (4, 40_000), (5, LARGEST)] {
        let (mut world, user) = world(u64::from(number), 6, fast());
        world.run_for(SECOND * 60);
        submit(&mut world, user, number, size).unwrap();
        assert!(matches!(state(&world, user), StashState::Queued(_)));
        assert!(world.run_until(HOUR * 3, |world| !arrivals(world, 6, number).is_empty()), "{size}");
        let [(peer, form, length)] = arrivals(&world, 6, number)[..] else { panic!("one recipient first") };
        assert_eq!((form, length), (TxForm::Stem, size));
        world.run_for(SECOND * 60);
        assert!(matches!(state(&world, user), StashState::Handed(_)));
        let report = world.node(user).stash().next().unwrap();
        assert_eq!((report.recipients, report.proven), (1, 1), "peer {peer}");
    }
}

#[test]
fn what_no_courier_holds_is_refused_before_it_is_accepted() {
    let (mut world, user) = world(2, 2, fast());
    submit(&mut world, user, 1, LARGEST).unwrap();
    let refused = submit(&mut world, user, 2, LARGEST + 1);
    assert_eq!(refused, Err(SubmitError::TooLarge { size: LARGEST + 1, most: LARGEST }));
    // one that an earlier run accepted under another policy
    let tx = LocalTx::new(vec![2; LARGEST + 1].into()).unwrap();
    let stored = StoredTx { id: TxId::new([2; 32]), tx, submitted: START, exposure: Exposure::Nobody, uses: Vec::new() };
    world.call(user, |node, now| node.forget_tx(now, TxId::new([1; 32])));
    world.call(user, |node, now| node.restore_tx(now, stored)).unwrap();
    world.run_for(HOUR);
    assert_eq!(state(&world, user), StashState::Held(anonet_core::route::Why::TooLargeForCouriers));
}

#[test]
fn ten_transactions_take_ten_streams_ten_circuits_and_ten_recipients() {
    let (mut world, user) = world(3, 30, fast());
    world.run_for(SECOND * 60);
    for number in 1..=10 {
        submit(&mut world, user, number, 2_000).unwrap();
    }
    let all = |world: &World| (1..=10).all(|number| !arrivals(world, 30, number).is_empty());
    assert!(world.run_until(HOUR, all));
    let first: BTreeSet<NodeIndex> = (1..=10).map(|number| arrivals(&world, 30, number)[0].0).collect();
    assert_eq!(first.len(), 10, "nobody carries twice in a day while others are to be had");
    let isolations: Vec<_> =
        world.record.of(user).filter_map(|it| if let Happened::Dialed(_, _, token) = it { Some(token) } else { None }).collect();
    assert_eq!(isolations.iter().collect::<std::collections::HashSet<_>>().len(), isolations.len(), "never a circuit twice");
    for stream in world.record.written(user, ZoneKind::Tor) {
        let aboard = (1..=10).filter(|number| stream.windows(64).any(|part| part == [*number; 64])).count();
        assert!(aboard <= 1, "one transaction a stream");
    }
}

/// The same world with other submissions: what shows of the user is the same, to the microsecond and the byte.
#[test]
fn submissions_change_nothing_that_can_be_seen_in_24_hours() {
    let run = |submissions: &[(u64, u8, usize)]| {
        let (mut world, user) = world(4, 8, CourierConfig::default());
        for &(wait, number, size) in submissions {
            world.run_for(SECOND * wait as u32);
            submit(&mut world, user, number, size).unwrap();
        }
        let now = world.now();
        world.run_for((START + HOUR * 24).saturating_since(now));
        let handed = world.events(user).filter(|event| matches!(event, Event::Handed { .. })).count();
        (seen(&world, user), handed)
    };
    let quiet = run(&[]);
    let busy = [(100, 1, 2_000), (50, 2, 40_000), (0, 3, 9_000), (10_000, 4, 500), (3, 5, 150_000)];
    let permuted = [(100, 3, 9_000), (50, 1, 2_000), (0, 5, 500), (10_000, 2, 40_000)];
    for submissions in [&busy[..], &permuted[..]] {
        let loud = run(submissions);
        assert!(loud.1 >= submissions.len(), "{} hand-overs", loud.1);
        assert!(quiet.0 == loud.0, "the first that differs: {:?}", quiet.0.iter().zip(&loud.0).find(|(one, other)| one != other));
    }
    assert_eq!(quiet.1, 0);
}

#[test]
fn standing_links_never_carry() {
    let (mut world, user) = world(5, 4, fast());
    world.run_for(SECOND * 60);
    (1..=6).for_each(|number| submit(&mut world, user, number, 2_000).unwrap());
    world.run_for(HOUR);
    let handed = world.events(user).filter(|event| matches!(event, Event::Handed { .. })).count();
    assert!(handed >= 6, "{handed}");
    for stream in world.record.written(user, ZoneKind::Tor) {
        let carries = (1..=6).any(|number| stream.windows(64).any(|part| part == [number; 64]));
        assert!(!carries || [4, 16, 64].contains(&(stream.len() / RECORD)), "{} bytes", stream.len());
    }
}

#[test]
fn the_handshake_says_nothing_of_the_node() {
    let greetings = |seed: u64, tip: u64| {
        let (mut world, user) = world(seed, 3, fast());
        world.call(user, |node, now| node.set_tip(now, ChainTip::new(tip, [seed as u8; 32], 77, 16)));
        world.run_for(HOUR);
        let first = |stream: &[u8]| stream[..276.min(stream.len())].to_vec();
        world.record.written(user, ZoneKind::Tor).map(first).collect::<BTreeSet<_>>()
    };
    let one = greetings(6, 1_000);
    assert_eq!(one.len(), 1, "on every link and courier");
    assert_eq!(one, greetings(7, 3_000_000));
}

#[test]
fn nothing_is_handed_to_who_does_not_answer_and_the_courier_flies_on_all_the_same() {
    let (mut world, user) = scripted(8, 4);
    submit(&mut world, user, 9, 2_000).unwrap();
    world.run_for(HOUR);
    let couriers = (0..world.raw_count()).filter(|&raw| world.raw_heard(raw).len() == 5).count();
    assert!(couriers > 50, "{couriers}");
    assert!((0..world.raw_count()).all(|raw| notifies(&world, raw) == 0));
    assert!(matches!(state(&world, user), StashState::Queued(_)));
}

#[test]
fn who_answers_late_gets_it_in_a_later_slot_or_not_at_all() {
    let (mut world, user) = scripted(9, 4);
    submit(&mut world, user, 9, 2_000).unwrap();
    let (mut welcomed, mut in_time) = (BTreeSet::new(), None);
    for _ in 0..36_000 {
        world.run_for(SECOND / 10);
        // the answer comes once two records have been sent
        for raw in 0..world.raw_count() {
            if world.raw_heard(raw).len() >= 3 && welcomed.insert(raw) {
                world.raw_welcome(raw, node_data(), 1);
            }
        }
        in_time = (0..world.raw_count()).find(|&raw| notifies(&world, raw) > 0);
        if in_time.is_some() {
            break;
        }
    }
    let heard = world.raw_heard(in_time.expect("a slot was left"));
    assert!(heard.iter().position(|heard| heard.kind == Kind::Notify).unwrap() >= 3, "after the answer: {}", heard.len());
}

#[test]
fn where_nobody_answers_sixteen_couriers_are_under_way_and_no_more() {
    let mut numbers = fast();
    numbers.every = [SECOND, Duration::ZERO, Duration::ZERO];
    let (mut world, user) = world(17, 30, numbers);
    world.faults.silent.extend((1..=30).map(|peer| addr(ZoneKind::Tor, peer)));
    let mut most = 0;
    for _ in 0..300 {
        world.run_for(SECOND);
        most = most.max(couriers(&world, user).flying);
    }
    assert_eq!(most, 16, "a dial takes a minute and a half to fail");
}

#[test]
fn a_courier_reads_no_more_than_its_share_and_does_not_react() {
    let (mut world, _) = scripted(10, 4);
    // a standing link hears no record
    let flying = |world: &World| (0..world.raw_count()).find(|&raw| world.raw_heard(raw).len() == 2);
    assert!(world.run_until(HOUR, |world| flying(world).is_some()));
    let raw = flying(&world).unwrap();
    world.raw_welcome(raw, node_data(), 1);
    for _ in 0..40 {
        world.raw_send(raw, &[0x41; 8 << 10]);
    }
    assert!(world.raw(raw).open, "it does not hang up");
    world.run_for(SECOND * 30);
    assert_eq!(world.raw_heard(raw).len(), 5, "and sends what it would have sent");
    assert!(!world.raw(raw).open, "until its time is over");
}

#[test]
fn a_recipient_that_hangs_up_costs_a_retry_with_another_and_not_the_transaction() {
    let (mut world, user) = world(11, 3, fast());
    world.run_for(SECOND * 30);
    submit(&mut world, user, 4, 20_000).unwrap();
    let begun =
        |world: &World| world.record.written(user, ZoneKind::Tor).any(|stream| stream.windows(64).any(|part| part == [4; 64]));
    assert!(world.run_until(HOUR * 2, begun));
    world.cut_all(user);
    assert!(arrivals(&world, 3, 4).is_empty());
    assert!(world.run_until(HOUR * 4, |world| !arrivals(world, 3, 4).is_empty()));
    let streams: Vec<usize> = world
        .record
        .written(user, ZoneKind::Tor)
        .filter(|stream| stream.windows(64).any(|part| part == [4; 64]))
        .map(<[u8]>::len)
        .collect();
    assert_eq!(streams.len(), 2);
}

#[test]
fn a_peer_of_another_network_is_handed_nothing() {
    let (mut world, user) = scripted(23, 4);
    submit(&mut world, user, 9, 2_000).unwrap();
    let mut welcomed = BTreeSet::new();
    let stranger = NodeData { network_id: Network::Testnet.id(), ..node_data() };
    for _ in 0..36_000 {
        world.run_for(SECOND / 10);
        for raw in 0..world.raw_count() {
            if !world.raw_heard(raw).is_empty() && welcomed.insert(raw) {
                world.raw_welcome(raw, stranger, 1);
            }
        }
    }
    assert!(welcomed.len() > 50, "{}", welcomed.len());
    assert!((0..world.raw_count()).all(|raw| notifies(&world, raw) == 0));
}

#[test]
fn a_large_courier_to_who_does_not_answer_ends_as_any_other() {
    let mut world = World::new(25);
    world.raw_listen(addr(ZoneKind::Tor, 1));
    let mut config = courier(0, &[1], fast());
    config.zones[0].max_outgoing = 1;
    config.courier.every = [Duration::ZERO, Duration::ZERO, SECOND * 300];
    // longer than any handshake may take
    config.courier.gap = (SECOND, SECOND);
    world.add(config);
    world.run_for(HOUR * 2);
    let records = |raw| world.raw_heard(raw).len() - 1;
    let flown = (0..world.raw_count()).filter(|&raw| records(raw) == 64).count();
    assert!(flown >= 2, "{:?}", (0..world.raw_count()).map(records).collect::<Vec<_>>());
}
