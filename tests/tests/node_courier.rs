//! Policy `courier`: short streams that leave on a clock whether there is anything to send or not, and own transactions on
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NodeData, TxForm, command};
use anonet_core::{
    Addr, ChainTip, Config, CourierConfig, Durability, Event, Exposure, Instant, LocalTx, Network, Privacy, RecipientKey,
    RelayPolicy, StashState, StoredTx, SubmitError, TxId, ZoneKind,
};
use anonet_tests::world::cast::{addr, config, node_data, zone};
use anonet_tests::world::{Happened, NodeIndex, START, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const RECORD: usize = 3_072;
const LARGEST: usize = 194_419;

fn courier(index: usize, peers: &[usize], numbers: CourierConfig) -> Config {
    let mut tor = zone(ZoneKind::Tor, index, peers);
    tor.relay = RelayPolicy::Courier;
    tor.max_outgoing = 2;
    let mut config = config([tor]);
    config.courier = numbers;
    config
}

fn fast() -> CourierConfig {
    CourierConfig::preset(Privacy::Fast)
}

/// A user whose transactions go by courier, and `peers` that it knows.
fn world(seed: u64, peers: usize, numbers: CourierConfig) -> (World, NodeIndex) {
    let mut world = World::new(seed);
    let names: Vec<usize> = (1..=peers).collect();
    for &peer in &names {
        world.add(config([zone(ZoneKind::Tor, peer, &[])]));
    }
    let user = world.add(courier(0, &names, numbers));
    (world, user)
}

fn submit(world: &mut World, user: NodeIndex, number: u8, size: usize) -> Result<(), SubmitError> {
    let tx = LocalTx::new(vec![number; size].into()).unwrap();
    world.call(user, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx)).map(|_| ())
}

/// Which peers got a transaction, and in which form.
fn arrivals(world: &World, peers: usize, number: u8) -> Vec<(NodeIndex, TxForm, usize)> {
    let at = |peer: NodeIndex| {
        world.events(peer).filter_map(move |event| match event {
            Event::Tx { form, blob, .. } if blob[0] == number => Some((peer, *form, blob.len())),
            _ => None,
        })
    };
    (0..peers).flat_map(at).collect()
}

fn state(world: &World, user: NodeIndex) -> StashState {
    world.node(user).stash().next().expect("it is kept").state
}

fn couriers(world: &World, user: NodeIndex) -> anonet_core::CourierReport {
    world.node(user).zones().next().and_then(|zone| zone.couriers).expect("the zone has couriers")
}

/// Everything that can be seen of a node from outside: what it dialled, closed and wrote, and when.
fn seen(world: &World, node: NodeIndex) -> Vec<String> {
    let shows = |(_, happened): &(Instant, &Happened)| matches!(happened, Happened::Dialed(..) | Happened::Closed(..));
    let mut seen: Vec<String> = world.record.timed(node).filter(shows).map(|(at, it)| format!("{at:?} {it:?}")).collect();
    seen.extend(world.record.chunks(node).map(|(at, conn, size)| format!("{at:?} {conn:?} {size}")));
    seen
}

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

/// A user whose only peers are scripted.
fn scripted(seed: u64, peers: usize) -> (World, NodeIndex) {
    let mut world = World::new(seed);
    (1..=peers).for_each(|peer| world.raw_listen(addr(ZoneKind::Tor, peer)));
    let names: Vec<usize> = (1..=peers).collect();
    let mut config = courier(0, &names, fast());
    // no standing links: every stream is a courier
    config.zones[0].max_outgoing = 1;
    config.courier.every = [SECOND * 30, Duration::ZERO, Duration::ZERO];
    let user = world.add(config);
    (world, user)
}

fn notifies(world: &World, peer: usize) -> usize {
    world.raw_heard(peer).iter().filter(|heard| heard.kind == Kind::Notify && heard.command == command::NEW_TRANSACTIONS).count()
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
