//! Much at once, slow or flapping peers, and outages: nothing is lost, nobody honest is blamed, and nothing storms.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NewTransactions, PeerEntry, TimedSyncResponse, TxForm, command};
use anonet_core::{Addr, CloseReason, Event, LocalTx, Network, Note, PeerRole, StashState, TxId, Verdict, ZoneKind};
use anonet_tests::world::cast::{addr, config, frame, handshake_response, zone};
use anonet_tests::world::{Happened, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn submit(world: &mut World, node: usize, number: u16, size: usize) {
    let [high, low] = number.to_be_bytes();
    let mut blob = vec![0xa5; size];
    (blob[0], blob[1]) = (high, low);
    let mut id = [0; 32];
    (id[0], id[1]) = (high, low);
    let tx = LocalTx::new(Bytes::from(blob)).unwrap();
    world.call(node, |node, now| node.submit_tx(now, TxId::new(id), tx)).unwrap();
}

fn arrived(world: &World, node: usize) -> BTreeSet<Bytes> {
    let blobs = world.events(node).filter_map(|event| match event {
        Event::Tx { blob, .. } => Some(blob.clone()),
        _ => None,
    });
    blobs.collect()
}

fn closed_for(world: &World, node: usize, wanted: fn(&CloseReason) -> bool) -> usize {
    world.record.of(node).filter(|happened| matches!(happened, Happened::Closed(_, reason) if wanted(reason))).count()
}

fn dials(world: &World, node: usize) -> usize {
    world.record.of(node).filter(|happened| matches!(happened, Happened::Dialed(..))).count()
}

#[test]
fn a_full_stash_drains_over_one_link_however_large_or_many() {
    for (kind, count, size) in [(ZoneKind::Tor, 5, 990_000), (ZoneKind::Tor, 300, 2_200), (ZoneKind::Public, 300, 2_200)] {
        let mut world = World::new(41);
        let user = world.add(config([zone(kind, 0, &[1])]));
        for number in 0..count {
            submit(&mut world, user, number, size);
        }
        let mut peer = config([zone(kind, 1, &[])]);
        peer.limits.received_per_link = 1_000;
        let peer = world.add(peer);
        assert!(world.run_until(HOUR, |world| arrived(world, peer).len() == usize::from(count)), "{kind} {count} x {size}");
        assert_eq!(closed_for(&world, user, |reason| *reason == CloseReason::SlowReader), 0);
        assert_eq!(closed_for(&world, peer, |reason| *reason == CloseReason::Flood), 0);
        assert!(world.node(user).stash().all(|report| matches!(report.state, StashState::Handed(_))));
    }
}

#[test]
fn thousands_of_tiny_blobs_in_one_message_cost_one_note() {
    let mut world = World::new(42);
    let node = world.add(config([zone(ZoneKind::Tor, 0, &[])]));
    let zone = world.node(node).zones().next().unwrap().id;
    let peer = world.raw_connect(node, zone);
    world.raw_send(peer, &anonet_tests::world::cast::handshake_request());
    let blobs: Vec<[u8; 2]> = (0..16_000u16).map(u16::to_be_bytes).collect();
    let notify = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
        NewTransactions::encode(out, TxForm::Fluff, 0, blobs.iter().map(|blob| &blob[..]));
    });
    world.raw_send(peer, &notify);
    world.run_for(SECOND);
    let dropped = world.events(node).filter(|event| matches!(event, Event::Note(Note::ReceivedDropped { .. }))).count();
    assert_eq!((arrived(&world, node).len(), dropped), (64, 1));
    let duplicate = [&b"a"[..], b"b", b"a"];
    let notify = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
        NewTransactions::encode(out, TxForm::Fluff, 0, duplicate.into_iter());
    });
    world.raw_send(peer, &notify);
    world.run_for(SECOND);
    assert_eq!(closed_for(&world, node, |reason| *reason == CloseReason::ImpossibleTx), 1);
}

#[test]
fn peers_that_leave_after_the_handshake_use_up_no_round_and_are_dialled_ever_less() {
    let mut world = World::new(43);
    world.raw_listen(addr(ZoneKind::Tor, 1));
    let user = world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
    submit(&mut world, user, 1, 500);
    let mut answered = 0;
    for _ in 0..6_000 {
        world.run_for(Duration::from_millis(100));
        if world.raw_count() > answered {
            // the handshake, and then it is gone
            world.raw_send(answered, &handshake_response());
            world.cut_all(user);
            answered = world.raw_count();
        }
    }
    // 2, 4, 8 and then 12 s apart, a quarter more or less
    assert!((40..80).contains(&dials(&world, user)), "{}", dials(&world, user));
    let honest = world.add(config([zone(ZoneKind::Tor, 1, &[])]));
    assert!(world.run_until(SECOND * 30, |world| arrived(world, honest).len() == 1));
    let report = world.node(user).stash().next().unwrap();
    assert!(report.next_round.is_some(), "further rounds are left: {report:?}");
}

#[test]
fn an_outage_neither_storms_nor_erases_what_is_known() {
    let mut world = World::new(44);
    let mut public = zone(ZoneKind::Public, 0, &[]);
    public.peers = vec![(addr(ZoneKind::Public, 1), PeerRole::Known)];
    let node = world.add(config([public]));
    world.raw_listen(addr(ZoneKind::Public, 1));
    world.run_for(SECOND);
    world.raw_send(0, &handshake_response_of_public(200));
    world.run_for(SECOND * 5);
    let lists = |world: &World| world.node(node).zones().next().map(|zone| (zone.white, zone.gray)).unwrap();
    let (white, gray) = lists(&world);
    assert_eq!((white, gray), (1, 200));
    world.faults.refusing.insert(addr(ZoneKind::Public, 1));
    world.cut_all(node);
    let before = dials(&world, node);
    world.run_for(HOUR);
    assert!(dials(&world, node) - before < 4_000, "at most about one a second: {}", dials(&world, node) - before);
    let (white, gray) = lists(&world);
    assert!(white + gray > 190, "{white} {gray}");
}

/// A public peer's handshake answer that tells of `count` others.
fn handshake_response_of_public(count: usize) -> Vec<u8> {
    let peers: Vec<PeerEntry> = (10..10 + count).map(|index| entry(addr(ZoneKind::Public, index))).collect();
    let node = anonet_core::wire::NodeData { peer_id: 77, ..anonet_tests::world::cast::node_data() };
    let sync = Network::Regtest.genesis_sync();
    frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| {
        anonet_core::wire::HandshakeResponse::encode(out, &node, &sync, peers.iter());
    })
}

fn entry(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 0xdead_beef, last_seen: 1_700_000_000, pruning_seed: 0x181, rpc_credits_per_hash: 9, rpc_port: 7 }
}

#[test]
fn an_accepted_transaction_that_has_to_wait_holds_up_no_other() {
    let mut world = World::new(45);
    let relay = world.add(config([zone(ZoneKind::Public, 0, &[1]), zone(ZoneKind::Tor, 0, &[])]));
    let only = world.add(config([zone(ZoneKind::Public, 1, &[])]));
    let zones: Vec<_> = world.node(relay).zones().map(|zone| zone.id).collect();
    assert!(world.run_until(SECOND * 20, |world| world.node(relay).zones().any(|zone| zone.outgoing == 1)));
    // the only public peer sends one itself, which cannot go back to it
    let notify = |byte: u8| {
        frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, TxForm::Stem, 0, std::iter::once(&[byte; 300][..]));
        })
    };
    world.raw_to_link(relay, only, &notify(1));
    let stranger = world.raw_connect(relay, zones[1]);
    world.raw_send(stranger, &anonet_tests::world::cast::handshake_request());
    world.raw_send(stranger, &notify(2));
    world.run_for(SECOND);
    let tickets: Vec<_> = world
        .events(relay)
        .filter_map(|event| if let Event::Tx { ticket, form, .. } = event { Some((*ticket, *form)) } else { None })
        .collect();
    assert_eq!(tickets.len(), 2);
    assert!(tickets.iter().all(|(_, form)| *form == TxForm::Stem));
    for (ticket, _) in tickets {
        world.call(relay, |node, now| node.resolve_tx(now, ticket, Verdict::Accept)).unwrap();
    }
    world.run_for(SECOND * 5);
    assert_eq!(arrived(&world, only), BTreeSet::from([Bytes::from(vec![2; 300])]));
}

#[test]
fn what_is_passed_on_is_the_bare_address_of_a_peer_that_all_can_dial() {
    let mut world = World::new(46);
    let mut i2p = zone(ZoneKind::I2p, 0, &[1]);
    let named = Addr::parse("some-node.i2p", 1).unwrap();
    i2p.peers.push((named.clone(), PeerRole::Known));
    world.raw_listen(named);
    let node = world.add(config([i2p]));
    let peer = world.add(config([zone(ZoneKind::I2p, 1, &[])]));
    world.run_for(SECOND * 5);
    world.raw_send(0, &handshake_response());
    let told = entry(addr(ZoneKind::I2p, 2));
    world.run_for(SECOND);
    let answer = |world: &World| world.raw(0).received.len();
    // the scripted peer answers the first timed sync with an entry full of marks
    assert!(world.run_until(SECOND * 80, |world| answer(world) > 300));
    world.raw_send(
        0,
        &frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
            TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), std::iter::once(&told));
        }),
    );
    world.add(config([zone(ZoneKind::I2p, 2, &[])]));
    assert!(world.run_until(SECOND * 60, |world| world.node(node).zones().any(|zone| zone.outgoing == 3)));
    assert!(world.run_until(SECOND * 200, |world| world.node(peer).zones().any(|zone| zone.white + zone.gray > 0)));
    let written: Vec<u8> = world.record.written(node, ZoneKind::I2p).flatten().copied().collect();
    let holds = |needle: &[u8]| written.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(b"some-node.i2p"), "a name of the user's");
    assert!(holds(b"ugnlcdciyhghh2zert7c3kl4biwkirc43ke33jiy5slnd3mv2trq"), "the address that was told");
    assert!(!holds(b"rpc_port") && !holds(b"pruning_seed") && !holds(b"last_seen") && !holds(b"rpc_credits"));
    assert!(!holds(&0xdead_beef_u64.to_le_bytes()), "the id that was told");
}

#[test]
fn debug_output_holds_no_bytes_of_a_transaction() {
    let mut world = World::new(47);
    let user = world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
    let peer = world.add(config([zone(ZoneKind::Tor, 1, &[])]));
    world.run_for(SECOND * 10);
    submit(&mut world, user, 1, 500);
    world.run_for(SECOND * 20);
    let event = world.events(peer).find(|event| matches!(event, Event::Tx { .. })).unwrap();
    let text = format!("{event:?} {:?}", world.node(user));
    assert!(text.contains("500 bytes") && !text.contains("\\xa5\\xa5") && !text.contains("165, 165"), "{text}");
}

#[test]
fn the_caps_on_received_transactions_hold_at_their_edges() {
    for (entries, bytes, taken) in [(3, 1_000_000, 3), (1_000, 900, 3), (1_000, 899, 2)] {
        let mut world = World::new(48);
        let mut receiver = config([zone(ZoneKind::Tor, 0, &[])]);
        (receiver.limits.received_entries, receiver.limits.received_bytes) = (entries, bytes);
        let node = world.add(receiver);
        let zone = world.node(node).zones().next().unwrap().id;
        let peer = world.raw_connect(node, zone);
        world.raw_send(peer, &anonet_tests::world::cast::handshake_request());
        for byte in 0..5u8 {
            let notify = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
                NewTransactions::encode(out, TxForm::Stem, 0, std::iter::once(&[byte; 300][..]));
            });
            world.raw_send(peer, &notify);
        }
        assert_eq!(arrived(&world, node).len(), taken, "{entries} {bytes}");
        // room again once they are too old
        world.run_for(HOUR + SECOND);
        let again = world.raw_connect(node, zone);
        world.raw_send(again, &anonet_tests::world::cast::handshake_request());
        let notify = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, TxForm::Stem, 0, std::iter::once(&[9; 300][..]));
        });
        world.raw_send(again, &notify);
        assert_eq!(arrived(&world, node).len(), taken + 1);
    }
}

#[test]
fn the_end_of_time_is_survived() {
    let mut world = World::new(49);
    let node = world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
    submit(&mut world, node, 1, 500);
    let end = anonet_core::Instant::from_micros(u64::MAX);
    world.call(node, |node, _| node.handle_timeout(end));
    assert_eq!(world.node(node).stash().count(), 0, "it has expired, and the call came back");
}
