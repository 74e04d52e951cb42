//! Pings and support flags in the public zone: who is asked what, and what comes of it.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NodeData, PingRequest, PingResponse, SupportFlagsResponse, command};
use anonet_core::{Addr, CloseReason, ZoneConfig, ZoneId, ZoneKind};
use anonet_tests::world::cast::{config, frame, node_data, public_node_data, zone};
use anonet_tests::world::{Happened, RawIndex, World};

const SECOND: Duration = Duration::from_secs(1);
const PORT: u16 = 18_080;

fn host(last: u8, port: u16) -> Addr {
    Addr::parse(&format!("45.1.2.{last}:{port}"), 1).unwrap()
}

fn world(public: ZoneConfig) -> (World, usize, ZoneId) {
    let mut world = World::new(71);
    let node = world.add(config([public]));
    let id = world.node(node).zones().next().unwrap().id;
    (world, node, id)
}

/// A public zone that dials nobody by itself, so that what it hears is not dialled at once.
fn listening() -> ZoneConfig {
    let mut public = zone(ZoneKind::Public, 0, &[]);
    (public.max_outgoing, public.max_incoming, public.max_per_host) = (0, 100, 2);
    public
}

/// What a peer says that listens on a port.
fn naming(port: u32) -> NodeData {
    NodeData { my_port: port, ..public_node_data(77) }
}

fn greet(world: &mut World, node: usize, zone: ZoneId, from: u8, data: NodeData) -> RawIndex {
    let peer = world.raw_connect_from(node, zone, Some(host(from, 5_000)));
    world.raw_greet(peer, data, 1);
    peer
}

fn dials(world: &World, node: usize) -> Vec<Addr> {
    let dials = world.record.of(node).filter_map(|happened| match happened {
        Happened::Dialed(_, addr, _) => Some(addr.clone()),
        _ => None,
    });
    dials.collect()
}

fn gray(world: &World, node: usize) -> usize {
    world.node(node).zones().next().unwrap().gray
}

fn ends(world: &World, node: usize) -> Vec<CloseReason> {
    let ends = world.record.of(node).filter_map(|happened| match happened {
        Happened::Closed(_, reason) => Some(*reason),
        _ => None,
    });
    ends.collect()
}

fn pong(peer_id: u64) -> Vec<u8> {
    frame(Kind::Response { code: 1 }, command::PING, |out| PingResponse { peer_id }.encode(out))
}

fn ping() -> Vec<u8> {
    frame(Kind::Request, command::PING, |out| PingRequest.encode(out))
}

#[test]
fn a_peer_that_names_a_port_is_learnt_of_once_it_answers_there_as_itself() {
    let refused = frame(Kind::Response { code: -6 }, command::PING, |_| {});
    let question = (ping(), 0);
    for (answer, learnt) in [(pong(77), 1), (pong(78), 0), (refused, 0), question, (b"HTTP/1.1 400 Bad Request".to_vec(), 0)] {
        let (mut world, node, zone) = world(listening());
        world.raw_listen(host(1, PORT));
        let peer = greet(&mut world, node, zone, 1, naming(PORT.into()));
        world.run_for(SECOND);
        assert_eq!(dials(&world, node), [host(1, PORT)]);
        let pinged = peer + 1;
        let heard = world.raw_heard(pinged);
        assert!(heard.len() == 1 && (heard[0].kind, heard[0].command) == (Kind::Request, command::PING), "no handshake");
        assert_eq!(gray(&world, node), 0, "not before the answer");
        world.raw_send(pinged, &answer);
        world.run_for(SECOND);
        assert_eq!(gray(&world, node), learnt);
        assert!(!world.raw(pinged).open && world.raw(peer).open);
        // whoever is known is not pinged again
        if learnt == 1 {
            greet(&mut world, node, zone, 1, naming(PORT.into()));
            world.run_for(SECOND);
            assert_eq!(dials(&world, node).len(), 1);
        }
    }
}

#[test]
fn a_peer_of_ipv6_is_pinged_on_ipv6_and_learnt_of() {
    let at = |host: &str, port: u16| Addr::parse(&format!("[{host}]:{port}"), 1).unwrap();
    for (host, learnt) in [("2001:db8:7::1", 1), ("2001:db8:7::2", 0)] {
        let (mut world, node, zone) = world(listening());
        world.raw_listen(at("2001:db8:7::1", PORT));
        let peer = world.raw_connect_from(node, zone, Some(at(host, 5_000)));
        world.raw_greet(peer, naming(PORT.into()), 1);
        world.run_for(SECOND);
        assert_eq!(dials(&world, node), [at(host, PORT)], "the port that it names, on the host that it comes from");
        if learnt == 1 {
            world.raw_send(peer + 1, &pong(77));
            world.run_for(SECOND);
        }
        assert_eq!(gray(&world, node), learnt);
        assert!(world.raw(peer).open);
    }
}

#[test]
fn silence_ends_a_ping_and_a_handshake_is_no_answer() {
    let (mut world, node, zone) = world(listening());
    world.faults.silent.insert(host(1, PORT));
    world.raw_listen(host(2, PORT));
    world.raw_listen(host(3, PORT));
    for last in 1..=3 {
        greet(&mut world, node, zone, last, naming(PORT.into()));
    }
    world.run_for(SECOND);
    world.raw_welcome(3, public_node_data(77), 1);
    world.run_for(SECOND * 2);
    assert_eq!(ends(&world, node), [CloseReason::BeforeHandshake(command::HANDSHAKE), CloseReason::DialTimeout]);
    world.run_for(SECOND * 4);
    assert_eq!(ends(&world, node).last(), Some(&CloseReason::HandshakeTimeout));
    assert_eq!(gray(&world, node), 0);
}

#[test]
fn nobody_is_pinged_without_a_port_by_a_node_behind_a_proxy_or_in_an_anonymity_zone() {
    let mut proxied = listening();
    proxied.can_ping_back = false;
    for (zone, data) in [(listening(), naming(0)), (listening(), naming(65_536)), (proxied, naming(PORT.into()))] {
        let (mut world, node, id) = world(zone);
        greet(&mut world, node, id, 1, data);
        world.run_for(SECOND);
        assert_eq!(dials(&world, node), []);
    }
    let (mut world, node, id) = world(zone(ZoneKind::Tor, 0, &[]));
    let peer = world.raw_connect(node, id);
    world.raw_greet(peer, NodeData { my_port: 18_083, ..node_data() }, 1);
    world.run_for(SECOND);
    assert_eq!(dials(&world, node), []);
    assert!(world.raw(peer).open);
}

#[test]
fn pings_are_bounded_at_once_and_in_the_long_run() {
    let (mut world, node, zone) = world(listening());
    let mut slowly = |from: u8| {
        world.faults.silent.insert(host(from, PORT));
        greet(&mut world, node, zone, from, naming(PORT.into()));
        dials(&world, node).len()
    };
    assert_eq!([1, 2, 3, 4, 5].map(&mut slowly), [1, 2, 3, 4, 4]);
    // those who refuse make room at once
    world.run_for(SECOND * 30);
    for from in 10..26 {
        world.faults.refusing.insert(host(from, PORT));
        greet(&mut world, node, zone, from, naming(PORT.into()));
        world.run_for(Duration::from_millis(500));
    }
    // 8 in a burst and, in 8 s, one a second
    assert_eq!(dials(&world, node).len(), 4 + 8 + 7);
}

#[test]
fn a_node_that_names_its_port_answers_one_ping_on_a_stream_without_a_handshake() {
    let mut named = listening();
    named.public_port = Some(18_081);
    let (mut world, node, zone) = world(named);
    let peer = world.raw_connect_from(node, zone, Some(host(1, 5_000)));
    world.raw_send(peer, &ping());
    world.run_for(SECOND);
    let id = PingResponse::decode(&world.raw_heard(peer)[0].body).unwrap().peer_id;
    // and a handshake after it, which shows the same id and the port
    world.raw_greet(peer, public_node_data(7), 1);
    world.run_for(SECOND);
    let answer = world.raw_heard(peer)[1].body.clone();
    let shown = anonet_core::wire::HandshakeResponse::decode(&answer).unwrap().node;
    assert_eq!((shown.my_port, shown.peer_id), (18_081, id));
    // once only
    let other = world.raw_connect_from(node, zone, Some(host(2, 5_000)));
    world.raw_send(other, &[ping(), ping()].concat());
    world.run_for(SECOND);
    assert_eq!(ends(&world, node), [CloseReason::BeforeHandshake(command::PING)]);
    // of 4,096 bytes at most, and nothing else
    let long = frame(Kind::Request, command::PING, |out| out.extend_from_slice(&[0; 4_097]));
    let flags = frame(Kind::Request, command::SUPPORT_FLAGS, |_| {});
    for bytes in [long, flags] {
        let other = world.raw_connect_from(node, zone, Some(host(3, 5_000)));
        world.raw_send(other, &bytes);
        world.run_for(SECOND);
        assert!(!world.raw(other).open && world.raw(other).received.is_empty());
    }
}

#[test]
fn support_flags_are_asked_of_those_who_show_none_and_answered_once() {
    let flags = frame(Kind::Response { code: 1 }, command::SUPPORT_FLAGS, |out| {
        SupportFlagsResponse { support_flags: 1 }.encode(out);
    });
    let asked = |world: &World, peer| {
        world
            .raw_heard(peer)
            .iter()
            .filter(|heard| (heard.kind, heard.command) == (Kind::Request, command::SUPPORT_FLAGS))
            .count()
    };
    let (mut world, node, zone) = world(listening());
    let silent = greet(&mut world, node, zone, 1, NodeData { support_flags: 0, ..public_node_data(7) });
    let showing = greet(&mut world, node, zone, 2, public_node_data(8));
    world.run_for(SECOND);
    assert_eq!((asked(&world, silent), asked(&world, showing)), (1, 0));
    world.raw_send(silent, &flags);
    world.run_for(SECOND);
    assert!(world.raw(silent).open);
    // an answer that says no is one, too
    let refusing = greet(&mut world, node, zone, 3, NodeData { support_flags: 0, ..public_node_data(9) });
    world.raw_send(refusing, &frame(Kind::Response { code: -6 }, command::SUPPORT_FLAGS, |_| {}));
    world.run_for(SECOND);
    assert!(asked(&world, refusing) == 1 && world.raw(refusing).open);
    for peer in [silent, showing, refusing] {
        world.raw_send(peer, &flags);
    }
    world.run_for(SECOND);
    assert_eq!(ends(&world, node), [CloseReason::Unasked(command::SUPPORT_FLAGS); 3]);
}
