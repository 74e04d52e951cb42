//! Whom a node dials: seeds, checks of hearsay, exclusive peers, addresses where nobody is, and what a failure costs whom.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::levin::{Decoder, FrameLimits, Kind};
use anonet_core::wire::{HandshakeResponse, PeerEntry, TimedSyncResponse, command};
use anonet_core::{
    Addr, CloseReason, Config, DialFailure, Event, Instant, LocalTx, Network, Node, Output, PeerRole, TxId, ZoneKind,
};
use anonet_tests::world::cast::{addr, config, frame, node_data, zone};
use anonet_tests::world::{Happened, START, World};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

const SECOND: Duration = Duration::from_secs(1);

fn tor(index: usize, peers: &[usize]) -> Config {
    config([zone(ZoneKind::Tor, index, peers)])
}

fn onion(index: usize) -> Addr {
    addr(ZoneKind::Tor, index)
}

fn outgoing(world: &World, node: usize) -> u32 {
    world.node(node).zones().map(|zone| zone.outgoing).sum()
}

fn lists(world: &World, node: usize) -> (usize, usize) {
    world.node(node).zones().next().map(|zone| (zone.white, zone.gray)).unwrap()
}

fn dialled(world: &World, node: usize) -> Vec<Addr> {
    let dials = world.record.of(node).filter_map(|happened| match happened {
        Happened::Dialed(_, addr, _) => Some(addr.clone()),
        _ => None,
    });
    dials.collect()
}

/// The handshake answer of a peer that tells of others.
fn telling(others: impl IntoIterator<Item = Addr>) -> Vec<u8> {
    let entry = |addr| PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 };
    let (node, sync) = (node_data(), Network::Regtest.genesis_sync());
    let peers: Vec<PeerEntry> = others.into_iter().map(entry).collect();
    frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| HandshakeResponse::encode(out, &node, &sync, peers.iter()))
}

#[test]
fn a_seed_is_asked_once_when_nobody_is_known_and_enters_no_list() {
    let mut world = World::new(51);
    let (seed, peer) = (world.add(tor(5, &[1])), world.add(tor(1, &[])));
    world.run_for(SECOND * 5);
    let mut seeded = zone(ZoneKind::Tor, 0, &[]);
    seeded.seeds = vec![onion(5)];
    let node = world.add(config([seeded]));
    assert!(world.run_until(SECOND * 30, |world| outgoing(world, node) == 1), "the peer that the seed told of");
    world.run_for(SECOND * 3_600);
    assert_eq!(dialled(&world, node), [onion(5), onion(1)]);
    assert_eq!(lists(&world, node), (1, 0));
    assert_eq!(world.node(seed).zones().next().unwrap().incoming, 0, "the seed's link was closed");
    assert_eq!(world.node(peer).zones().next().unwrap().incoming, 2);
    let done = |happened: &&Happened| matches!(happened, Happened::Closed(_, CloseReason::Done));
    assert_eq!(world.record.of(node).filter(done).count(), 1);
}

#[test]
fn seeds_are_left_alone_while_a_known_peer_answers_and_asked_when_none_does() {
    let mut world = World::new(52);
    world.add(tor(1, &[]));
    let mut seeded = zone(ZoneKind::Tor, 0, &[1]);
    seeded.seeds = vec![onion(4), onion(5), onion(0)];
    let node = world.add(config([seeded]));
    world.run_for(SECOND * 3_600);
    assert_eq!(dialled(&world, node), [onion(1)]);
    world.faults.refusing.insert(onion(1));
    world.cut_all(node);
    world.run_for(SECOND * 3_600);
    let seeds: Vec<Addr> = dialled(&world, node).into_iter().filter(|addr| *addr != onion(1)).collect();
    assert!(seeds.contains(&onion(4)) && seeds.contains(&onion(5)), "both in turn");
    assert!(!seeds.contains(&onion(0)), "never itself");
    // 20, 40, 80 s apart and so on
    assert!((5..=10).contains(&seeds.len()), "{} visits in an hour", seeds.len());
}

#[test]
fn a_seed_that_is_dialled_as_a_peer_is_not_asked_meanwhile() {
    let mut world = World::new(57);
    world.faults.silent.extend([onion(1), onion(5)]);
    world.faults.refusing.extend((10..30).map(onion));
    let mut seeded = zone(ZoneKind::Tor, 0, &[1]);
    seeded.peers.extend((10..30).map(|index| (onion(index), PeerRole::Known)));
    seeded.seeds = vec![onion(1), onion(5)];
    let node = world.add(config([seeded]));
    world.run_for(SECOND * 60);
    let asked = |index| dialled(&world, node).into_iter().filter(|addr| *addr == onion(index)).count();
    assert_eq!((asked(1), asked(5)), (1, 1), "as nobody else is there, the seed that nobody dials yet");
}

#[test]
fn hearsay_is_verified_in_the_background_on_streams_that_carry_nothing() {
    let mut world = World::new(53);
    world.raw_listen(onion(1));
    for index in 10..20 {
        world.raw_listen(onion(index));
    }
    let mut one = zone(ZoneKind::Tor, 0, &[1]);
    one.max_outgoing = 1;
    let node = world.add(config([one]));
    world.run_for(SECOND);
    world.raw_send(0, &telling((10..20).map(onion)));
    world.run_for(SECOND);
    assert_eq!((lists(&world, node), outgoing(&world, node)), ((1, 10), 1));
    let tx = LocalTx::new(Bytes::from(vec![0xab; 500])).unwrap();
    world.call(node, |node, now| node.submit_tx(now, TxId::new([1; 32]), tx)).unwrap();
    let (mut shaken, mut synced) = (1, 0);
    for _ in 0..120 {
        world.run_for(SECOND * 5);
        if syncs_asked(&world, 0) > synced {
            synced += 1;
            let sync = Network::Regtest.genesis_sync();
            let answer = frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
                TimedSyncResponse::encode(out, &sync, [].iter());
            });
            world.raw_send(0, &answer);
        }
        while shaken < world.raw_count() {
            world.raw_send(shaken, &telling([onion(30)]));
            shaken += 1;
        }
    }
    // the last one hangs up
    world.run_for(SECOND);
    let request = anonet_tests::world::cast::handshake_request().len();
    let received: Vec<usize> = (0..shaken).map(|raw| world.raw(raw).received.len()).collect();
    assert!(received.len() > 4 && received[0] > request + 500 && received[1..].iter().all(|&len| len == request), "{received:?}");
    assert!((1..received.len()).all(|raw| !world.raw(raw).open));
    assert_eq!(lists(&world, node).0, received.len(), "who was there is proven");
    assert!(!dialled(&world, node).contains(&onion(30)), "what they say of others is not heard");
    assert_eq!(lists(&world, node).0 + lists(&world, node).1, 11);
    let ups = world.events(node).filter(|event| matches!(event, Event::Up { .. })).count();
    assert_eq!(ups, 1, "a check is no link");
}

/// How many timed syncs a scripted peer was asked for.
fn syncs_asked(world: &World, raw: usize) -> usize {
    let (mut decoder, mut data, mut asked) = (Decoder::new(), world.raw(raw).received.as_slice(), 0);
    while !data.is_empty() {
        let (consumed, frame) = decoder.feed(data, &FrameLimits::public()).unwrap();
        asked += usize::from(frame.is_some_and(|frame| (frame.kind, frame.command) == (Kind::Request, command::TIMED_SYNC)));
        data = &data[consumed..];
    }
    asked
}

#[test]
fn checks_are_about_a_minute_apart_and_none_is_made_while_links_are_wanted() {
    let mut world = World::new(54);
    world.add(tor(1, &[]));
    world.raw_listen(onion(2));
    for index in 10..40 {
        world.faults.silent.insert(onion(index));
    }
    let mut both = zone(ZoneKind::Tor, 0, &[1]);
    both.max_outgoing = 1;
    both.peers.push((onion(2), PeerRole::Priority));
    let node = world.add(config([both]));
    world.run_for(SECOND * 5);
    world.raw_send(0, &telling((10..40).map(onion)));
    world.run_for(SECOND * 10_800);
    let checks = dialled(&world, node).into_iter().filter(|addr| (10..40).any(|index| *addr == onion(index))).count();
    assert!((60..270).contains(&checks), "{checks} in three hours, each of which took 90 s to fail");
    let (_, gray) = lists(&world, node);
    assert!(gray < 30, "those that failed thrice are forgotten");
}

#[test]
fn nobody_is_checked_beside_an_exclusive_peer() {
    let mut world = World::new(56);
    world.raw_listen(onion(1));
    let mut exclusive = zone(ZoneKind::Tor, 0, &[]);
    exclusive.peers.push((onion(1), PeerRole::Exclusive));
    // it has all the links that it wants
    exclusive.max_outgoing = 1;
    let node = world.add(config([exclusive]));
    world.run_for(SECOND);
    world.raw_send(0, &telling((10..20).map(onion)));
    for _ in 0..60 {
        world.run_for(SECOND * 30);
        world.raw_answer_syncs(0, 1);
    }
    assert_eq!((lists(&world, node), outgoing(&world, node)), ((1, 10), 1));
    assert_eq!(dialled(&world, node), [onion(1)]);
}

#[test]
fn exclusive_peers_of_two_zones_are_both_kept_and_nobody_else_is_dialled() {
    let mut world = World::new(55);
    let mut hidden = zone(ZoneKind::Tor, 0, &[2, 3]);
    hidden.peers.push((onion(1), PeerRole::Exclusive));
    hidden.peers.push((onion(4), PeerRole::Priority));
    hidden.seeds = vec![onion(5)];
    let mut public = zone(ZoneKind::Public, 0, &[2, 3]);
    public.peers.push((addr(ZoneKind::Public, 1), PeerRole::Exclusive));
    public.seeds = vec![addr(ZoneKind::Public, 5)];
    for index in 1..7 {
        world.add(config([zone(ZoneKind::Tor, index, &[2, 3, 6]), zone(ZoneKind::Public, index, &[2, 3, 6])]));
    }
    world.run_for(SECOND * 60);
    let node = world.add(config([public, hidden]));
    world.run_for(SECOND * 1_800);
    world.cut_all(node);
    world.faults.refusing.insert(onion(1));
    world.run_for(SECOND * 1_800);
    let only: BTreeSet<Addr> = [onion(1), addr(ZoneKind::Public, 1)].into();
    assert_eq!(dialled(&world, node).into_iter().collect::<BTreeSet<_>>(), only);
    assert_eq!(world.node(node).zones().map(|zone| zone.outgoing).collect::<Vec<_>>(), [1, 0]);
    world.faults.refusing.clear();
    world.run_for(SECOND * 30);
    assert_eq!(world.node(node).zones().map(|zone| zone.outgoing).collect::<Vec<_>>(), [1, 1]);
    let heard: usize = world.node(node).zones().map(|zone| zone.gray).sum();
    assert!(heard > 0, "others were heard of, and neither dialled nor checked");
}

#[test]
fn a_dozen_dead_onions_delay_neither_a_live_one_nor_a_sync_nor_another_zone() {
    let mut world = World::new(56);
    for index in 10..22 {
        world.faults.silent.insert(onion(index));
    }
    let peers: Vec<usize> = (10..22).chain([1]).collect();
    let node = world.add(config([zone(ZoneKind::Public, 0, &[1]), zone(ZoneKind::Tor, 0, &peers)]));
    let other = world.add(config([zone(ZoneKind::Public, 1, &[])]));
    world.add(tor(1, &[]));
    assert!(world.run_until(SECOND * 2, |world| outgoing(world, other) + outgoing(world, node) >= 1), "the public link");
    // four dials at once, each of which holds the next back for 15 s, of 90 s that it takes to fail
    assert!(world.run_until(SECOND * 60, |world| outgoing(world, node) == 2), "the live onion is reached");
    let before: usize = world.record.written(node, ZoneKind::Public).map(<[u8]>::len).sum();
    world.run_for(SECOND * 600);
    let after: usize = world.record.written(node, ZoneKind::Public).map(<[u8]>::len).sum();
    assert!((8 * 2 * 205..14 * 2 * 205).contains(&(after - before)), "syncs of both sides go on: {}", after - before);
    let tor = world.node(node).zones().nth(1).unwrap();
    assert!(tor.dialing <= 16, "{} under way", tor.dialing);
}

/// A node that dials one stranger, heard of from nobody in particular, and its rest after each failure.
fn rests(failures: &[DialFailure]) -> Vec<Duration> {
    let mut seeded = zone(ZoneKind::Tor, 0, &[]);
    seeded.seeds = vec![onion(5)];
    let mut node = Node::new(config([seeded]), Box::new(ChaCha20Rng::seed_from_u64(1)), START).unwrap();
    let now = node.poll_timeout().unwrap();
    node.handle_timeout(now);
    let Some(Output::Dial { conn, .. }) = node.poll_output() else { panic!("the seed is asked") };
    node.handle_dialed(now, conn).unwrap();
    assert!(node.handle_data(now, conn, &telling([onion(10)])).is_err(), "the link was closed");
    let mut rests = Vec::new();
    let (mut conn, mut now) = next_dial(&mut node, now, &onion(10));
    for failure in failures {
        node.handle_dial_failed(now, conn, *failure);
        let failed = now;
        (conn, now) = next_dial(&mut node, now, &onion(10));
        rests.push(now.saturating_since(failed));
    }
    rests
}

/// Lets time pass until `addr` is dialled; everybody else who is refuses.
fn next_dial(node: &mut Node, mut now: Instant, addr: &Addr) -> (anonet_core::ConnId, Instant) {
    loop {
        while let Some(output) = node.poll_output() {
            match output {
                Output::Dial { conn, addr: to, .. } if to == *addr => return (conn, now),
                Output::Dial { conn, .. } => node.handle_dial_failed(now, conn, DialFailure::Socks(5)),
                _ => {}
            }
        }
        now = node.poll_timeout().unwrap();
        node.handle_timeout(now);
    }
}

#[test]
fn who_is_to_blame_decides_how_long_an_address_rests() {
    let within = |rest: Duration, seconds: std::ops::RangeInclusive<f64>| {
        assert!(seconds.contains(&rest.as_secs_f64()), "{rest:?} is not in {seconds:?}");
    };
    // the proxy: it rests itself for a moment, the address is none the worse
    let rest = rests(&[DialFailure::ProxyUnreachable, DialFailure::ProxyUnreachable, DialFailure::Socks(0xf0)]);
    within(rest[0], 0.2..=4.0);
    within(rest[1], 0.2..=4.0);
    within(rest[2], 45.0..=75.0);
    // somebody said no: soon again
    let rest = rests(&[DialFailure::HostRefused, DialFailure::Socks(5)]);
    within(rest[0], 15.0..=25.0);
    within(rest[1], 30.0..=50.0);
    // nobody there
    let rest = rests(&[DialFailure::HostUnreachable, DialFailure::Socks(4)]);
    within(rest[0], 45.0..=75.0);
    within(rest[1], 90.0..=150.0);
    // no network: it rests, and is never counted out
    for rest in rests(&[DialFailure::Socks(3); 10]) {
        within(rest, 45.0..=75.0);
    }
}

#[test]
fn entries_that_no_list_takes_cost_themselves_and_one_too_many_costs_the_link() {
    let mut world = World::new(57);
    world.raw_listen(onion(1));
    let node = world.add(tor(0, &[1]));
    world.run_for(SECOND);
    let local = Addr::parse("10.0.0.1", 18_080).unwrap();
    // itself, another network, a local address, another port of a known host, and one good onion
    let other_port = Addr::parse(onion(1).reveal().to_string().split(':').next().unwrap(), 9).unwrap();
    world.raw_send(0, &telling([onion(0), addr(ZoneKind::I2p, 1), local, other_port, onion(10)]));
    world.run_for(SECOND);
    assert!(world.raw(0).open);
    assert_eq!(lists(&world, node), (1, 1));

    for (count, open) in [(250, true), (251, false)] {
        let mut world = World::new(58);
        world.raw_listen(onion(1));
        let node = world.add(tor(0, &[1]));
        world.run_for(SECOND);
        // the encoder keeps to the limit, so the last entry is written by hand into the array and its count
        let mut bytes = telling((10..260).map(onion));
        if count == 251 {
            bytes = one_more(&bytes, &telling([onion(300)]));
        }
        world.raw_send(0, &bytes);
        world.run_for(SECOND);
        assert_eq!((world.raw(0).open, lists(&world, node).1), (open, if open { 250 } else { 0 }), "{count}");
    }
}

/// The handshake answer `many` with the one peer of `single` put behind its last.
fn one_more(many: &[u8], single: &[u8]) -> Vec<u8> {
    const HEADER: usize = 33;
    let key = b"local_peerlist_new";
    let start = |bytes: &[u8]| bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    let (many_at, single_at) = (start(many), start(single));
    // type, then the count: one byte for one entry, two for 250
    let entries = &single[single_at + 2..];
    let length = entries.windows(10).position(|window| window == b"\x09node_data").unwrap();
    let mut bytes = many[..many_at + 1].to_vec();
    bytes.extend_from_slice(&(251u16 << 2 | 1).to_le_bytes());
    bytes.extend_from_slice(&entries[..length]);
    bytes.extend_from_slice(&many[many_at + 3..]);
    let body = (bytes.len() - HEADER) as u64;
    bytes[8..16].copy_from_slice(&body.to_le_bytes());
    bytes
}

#[test]
fn timed_syncs_keep_no_beat() {
    let mut world = World::new(58);
    (1..=6).for_each(|peer| world.raw_listen(onion(peer)));
    let mut all = zone(ZoneKind::Tor, 0, &[1, 2, 3, 4, 5, 6]);
    all.max_outgoing = 6;
    world.add(config([all]));
    assert!(world.run_until(SECOND * 60, |world| world.raw_count() == 6));
    (0..6).for_each(|peer| world.raw_welcome(peer, node_data(), 1));
    let mut asked = [const { Vec::new() }; 6];
    for tenth in 0..36_000 {
        world.run_for(SECOND / 10);
        for (peer, asked) in asked.iter_mut().enumerate() {
            asked.extend((0..world.raw_answer_syncs(peer, 1)).map(|_| tenth));
        }
    }
    // in tenths of a second
    assert!(asked.iter().any(|asked| asked[0] < 300), "soon after the link was made, and on each at another moment");
    for asked in asked {
        let pauses: Vec<i32> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.len() > 40 && pauses.iter().all(|pause| (448..=753).contains(pause)), "{pauses:?}");
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(most - least > 150, "{pauses:?}");
    }
}
