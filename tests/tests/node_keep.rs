//! What a node keeps of its peers from one run to the next, and what it says of its own hidden address.

use std::time::Duration;

use anonet_core::levin::{Decoder, FrameLimits, Kind};
use anonet_core::wire::{HandshakeResponse, PeerEntry, TimedSyncRequest, TimedSyncResponse, command};
use anonet_core::{DocumentVersion, Event, Network, Snapshot, ZoneConfig, ZoneKind};
use anonet_tests::world::cast::{addr, config, frame, handshake_request, handshake_response, zone};
use anonet_tests::world::{Happened, RawIndex, World};

const SECOND: Duration = Duration::from_secs(1);

fn tor(index: usize, peers: &[usize]) -> anonet_core::Config {
    config([zone(ZoneKind::Tor, index, peers)])
}

fn outgoing(world: &World, node: usize) -> u32 {
    world.node(node).zones().map(|zone| zone.outgoing).sum()
}

fn document(world: &World, node: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    world.node(node).snapshot(Snapshot::Peers, &mut bytes);
    bytes
}

/// When the node said that its peers are worth keeping, in seconds since the world began.
fn said(world: &World, node: usize) -> Vec<u64> {
    let due = |happened: &Happened| matches!(happened, Happened::Event(Event::SnapshotDue(Snapshot::Peers)));
    let times = world.record.timed(node).filter(|(_, happened)| due(happened));
    times.map(|(at, _)| at.saturating_since(anonet_tests::world::START).as_secs()).collect()
}

#[test]
fn peers_found_by_gossip_are_kept_and_dialled_after_a_restart() {
    let mut world = World::new(31);
    let (_, b) = (world.add(tor(0, &[])), world.add(tor(1, &[0])));
    world.run_for(SECOND * 5);
    let c = world.add(tor(2, &[1]));
    assert!(world.run_until(SECOND * 120, |world| outgoing(world, c) == 2));
    let bytes = document(&world, c);
    world.kill(c);
    world.kill(b);
    // without the one peer that it was told of, the document is all there is
    world.start(c, tor(2, &[]));
    let restored = world.call(c, |node, now| node.restore(now, Snapshot::Peers, &bytes));
    assert_eq!((restored.kept, restored.dropped, restored.version), (2, 0, DocumentVersion::Current));
    assert!(world.run_until(SECOND * 10, |world| outgoing(world, c) == 1));
    let lists = world.node(c).zones().next().unwrap();
    assert_eq!((lists.white, lists.gray), (2, 0));
}

#[test]
fn a_document_is_asked_for_minutes_after_a_change_not_without_one_and_a_last_time_at_the_end() {
    let mut world = World::new(32);
    let (_, b) = (world.add(tor(0, &[])), world.add(tor(1, &[0])));
    world.run_for(SECOND * 3_600);
    let times = said(&world, b);
    assert!(matches!(times[..], [at] if (120..=302).contains(&at)), "{times:?}");
    world.call(b, |node, now| node.shutdown(now));
    world.run_for(SECOND);
    assert_eq!(said(&world, b).len(), 2);
    let last: Vec<_> = world.events(b).collect();
    assert!(matches!(last[last.len() - 2..], [Event::SnapshotDue(Snapshot::Peers), Event::Stopped]), "{last:?}");
    assert_eq!(world.node(b).poll_timeout(), None);
}

#[test]
fn peers_of_a_zone_that_is_not_configured_now_are_written_back() {
    let mut world = World::new(33);
    let both = || config([zone(ZoneKind::Tor, 2, &[0]), zone(ZoneKind::I2p, 2, &[0])]);
    world.add(config([zone(ZoneKind::Tor, 0, &[]), zone(ZoneKind::I2p, 0, &[])]));
    let node = world.add(both());
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, node) == 2));
    let full = document(&world, node);
    world.kill(node);
    world.start(node, tor(2, &[]));
    let restored = world.call(node, |node, now| node.restore(now, Snapshot::Peers, &full));
    assert_eq!((restored.kept, restored.dropped), (2, 0));
    let written_back = document(&world, node);
    world.kill(node);
    world.start(node, config([zone(ZoneKind::I2p, 2, &[])]));
    let restored = world.call(node, |node, now| node.restore(now, Snapshot::Peers, &written_back));
    assert_eq!((restored.kept, restored.dropped), (2, 0));
    assert_eq!(world.node(node).zones().next().unwrap().white, 1);
}

#[test]
fn a_restored_onion_that_is_none_is_neither_dialled_nor_checked_and_is_forgotten() {
    // a right checksum over 32 bytes that are no point of the curve
    let bad = "aibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibejsqd";
    let mut world = World::new(39);
    world.add(tor(5, &[]));
    let one = world.add(tor(1, &[5]));
    world.run_for(SECOND * 5);
    let full = || {
        let mut zone = zone(ZoneKind::Tor, 0, &[1]);
        zone.max_outgoing = 1;
        config([zone])
    };
    let node = world.add(full());
    world.run_for(SECOND * 5);
    let mut bytes = document(&world, node);
    let told = addr(ZoneKind::Tor, 5).reveal().to_string();
    let place = bytes.windows(56).position(|name| name == &told.as_bytes()[..56]).expect("peer 1 tells of peer 5");
    bytes[place..place + 56].copy_from_slice(bad.as_bytes());
    // and now of nobody
    world.kill(one);
    world.start(one, tor(1, &[]));
    for config in [full(), tor(0, &[1])] {
        world.kill(node);
        let begin = world.record.of(node).count();
        world.start(node, config);
        let restored = world.call(node, |node, now| node.restore(now, Snapshot::Peers, &bytes));
        assert_eq!((restored.kept, restored.dropped), (2, 0));
        world.run_for(SECOND * 600);
        let mut dials = world.record.of(node).skip(begin).filter_map(|happened| match happened {
            Happened::Dialed(_, addr, _) => Some(addr.clone()),
            _ => None,
        });
        assert!(dials.all(|dialled| dialled == addr(ZoneKind::Tor, 1)));
        let lists = world.node(node).zones().next().unwrap();
        assert_eq!((lists.outgoing, lists.white, lists.gray), (1, 1, 0));
    }
}

#[test]
fn another_version_is_said_and_nothing_is_read_of_it() {
    let mut world = World::new(34);
    let node = world.add(tor(0, &[]));
    let empty = document(&world, node);
    let with = |version: u8| [&empty[..8], &[version, 0], &[3, 0, 1, 1, b'x']].concat();
    for (bytes, version) in [
        (with(0), DocumentVersion::Older(0)),
        (with(2), DocumentVersion::Newer(2)),
        (b"something else".to_vec(), DocumentVersion::NotOne),
    ] {
        let restored = world.call(node, |node, now| node.restore(now, Snapshot::Peers, &bytes));
        assert_eq!((restored.kept, restored.dropped, restored.version), (0, 0, version));
    }
    let restored = world.call(node, |node, now| node.restore(now, Snapshot::Peers, &with(1)));
    assert_eq!((restored.kept, restored.dropped, restored.version), (0, 1, DocumentVersion::Current));
}

/// The peer lists of all answers that a scripted peer got: command and entries.
fn lists(world: &World, peer: RawIndex) -> Vec<(u32, Vec<PeerEntry>)> {
    let (mut decoder, mut data) = (Decoder::new(), world.raw(peer).received.as_slice());
    let mut lists = Vec::new();
    while !data.is_empty() {
        let (consumed, frame) = decoder.feed(data, &FrameLimits::public()).unwrap();
        if let Some(frame) = frame.filter(|frame| matches!(frame.kind, Kind::Response { .. })) {
            let peers = match frame.command {
                command::HANDSHAKE => HandshakeResponse::decode(frame.body).unwrap().peers,
                _ => TimedSyncResponse::decode(frame.body).unwrap().peers,
            };
            lists.push((frame.command, peers.map(Result::unwrap).collect()));
        }
        data = &data[consumed..];
    }
    lists
}

fn sync_request() -> Vec<u8> {
    let request = TimedSyncRequest { sync: Network::Regtest.genesis_sync() };
    frame(Kind::Request, command::TIMED_SYNC, |out| request.encode(out))
}

/// A node that advertises address 0 and has proven peers 1 to 3; of address 4 and of an inbound link scripted peers answer.
fn advertising(seed: u64) -> (World, usize, RawIndex, RawIndex) {
    let mut world = World::new(seed);
    for index in 1..4 {
        world.add(tor(index, &[]));
    }
    world.raw_listen(addr(ZoneKind::Tor, 4));
    let mut hidden: ZoneConfig = zone(ZoneKind::Tor, 0, &[1, 2, 3, 4]);
    hidden.advertise = Some(addr(ZoneKind::Tor, 0));
    let node = world.add(config([hidden, zone(ZoneKind::Public, 0, &[])]));
    assert!(world.run_until(SECOND * 5, |world| world.raw_count() == 1 && outgoing(world, node) == 3));
    world.raw_send(0, &handshake_response());
    let tor = world.node(node).zones().next().unwrap().id;
    let inbound = world.raw_connect(node, tor);
    world.raw_send(inbound, &handshake_request());
    world.run_for(SECOND);
    (world, node, 0, inbound)
}

#[test]
fn the_own_address_goes_to_an_outgoing_peer_in_one_sync_answer_and_nowhere_else() {
    let own = addr(ZoneKind::Tor, 0);
    let (mut world, node, outgoing, inbound) = advertising(35);
    for _ in 0..3 {
        world.raw_send(outgoing, &sync_request());
        world.raw_send(inbound, &sync_request());
        world.run_for(SECOND * 20);
    }
    let answers = lists(&world, outgoing);
    assert_eq!(answers.len(), 3);
    let (_, first) = &answers[0];
    let told: Vec<&PeerEntry> = first.iter().filter(|entry| entry.addr == own).collect();
    assert_eq!(
        told,
        [&PeerEntry { last_seen: 0, id: 1, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0, addr: own.clone() }]
    );
    // by bytes: the name occurs once in all that was ever written to that link, and never to one that dialled us
    let name = own.reveal().to_string().split(':').next().unwrap().to_owned();
    let count = |bytes: &[u8]| bytes.windows(name.len()).filter(|window| *window == name.as_bytes()).count();
    assert_eq!(count(&world.raw(outgoing).received), 1);
    assert_eq!(count(&world.raw(inbound).received), 0);
    assert!(lists(&world, inbound).iter().map(|(_, list)| list.len()).sum::<usize>() > 0, "it was told of others");
    assert_eq!(world.record.written(node, ZoneKind::Public).map(count).sum::<usize>(), 0);
}

#[test]
fn the_own_address_stands_at_any_place_of_the_list() {
    let mut places = std::collections::BTreeMap::new();
    for seed in 0..60 {
        let (mut world, _, outgoing, _) = advertising(seed);
        world.raw_send(outgoing, &sync_request());
        world.run_for(SECOND);
        let (_, list) = &lists(&world, outgoing)[0];
        assert_eq!(list.len(), 5, "four proven peers and itself");
        let place = list.iter().position(|entry| entry.addr == addr(ZoneKind::Tor, 0)).unwrap();
        *places.entry(place).or_insert(0) += 1;
    }
    assert!(places.len() == 5 && places.values().all(|&count| count > 4), "{places:?}");
}
