//! What happens at the edges: bans, full queues, failures that are nobody's fault.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::bans::Banned;
use crate::error::{DialFailure, Refused};
use crate::peers::Source;
use crate::received::Verdict;
use crate::snapshot::Snapshot;
use crate::wire::{HandshakeRequest, NodeData, PeerEntry, PingRequest};

/// The dials that a node asks for until `end`, each answered with `failure` at once.
fn dials(node: &mut Node, end: Instant, failure: DialFailure) -> Vec<Addr> {
    let mut dials = Vec::new();
    loop {
        while let Some(output) = node.poll_output() {
            if let Output::Dial { conn, addr, .. } = output {
                dials.push(addr);
                node.handle_dial_failed(node.now, conn, failure);
            }
        }
        let Some(at) = node.poll_timeout().filter(|&at| at <= end) else { return dials };
        node.handle_timeout(at);
    }
}

#[test]
fn no_courier_goes_to_the_banned_until_they_are_pardoned() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let (mut node, peer) = courier_node();
    let who = Banned::host(&peer);
    node.ban(NOW, who.clone(), None).unwrap();
    while node.poll_output().is_some() {}
    assert_eq!(dials(&mut node, NOW + HOUR, DialFailure::HostRefused), []);
    assert!(node.unban(NOW + HOUR, &who));
    assert!(!dials(&mut node, NOW + HOUR * 2, DialFailure::HostRefused).is_empty());
}

#[test]
fn a_host_is_none_the_worse_for_a_network_that_cannot_be_reached() {
    let rests = |failure| {
        let (mut node, _) = courier_node();
        // every stream is a courier
        node.zones[0].max_outgoing = 0;
        while node.poll_output().is_some() {}
        let mut next = || {
            let at = node.poll_timeout().unwrap();
            node.handle_timeout(at);
            core::iter::from_fn(|| node.poll_output())
                .find_map(|it| if let Output::Dial { conn, .. } = it { Some(conn) } else { None })
        };
        let conn = (0..99).find_map(|_| next()).unwrap();
        node.handle_dial_failed(node.now, conn, failure);
        node.zones[0].peers.courier_targets(node.now).count() == 0
    };
    let failures = [DialFailure::Socks(3), DialFailure::ProxyUnreachable, DialFailure::HostRefused, DialFailure::HostUnreachable];
    assert_eq!(failures.map(rests), [false, false, true, true]);
}

#[test]
fn nobody_is_accepted_while_too_many_outputs_wait() {
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Tor)];
    (config.zones[0].max_outgoing, config.zones[0].max_incoming) = (0, 4);
    let mut node = Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap();
    // each says that it is held
    for number in 0u64..4_096 {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        node.submit_tx(NOW, TxId::new(id), LocalTx::new(Bytes::from_static(b"own")).unwrap()).unwrap();
    }
    assert_eq!(node.accept(NOW, ZoneId(0), None), Err(Refused::Full));
    assert!(node.poll_output().is_some());
    assert!(node.accept(NOW, ZoneId(0), None).is_ok());
}

#[test]
fn a_document_gives_back_neither_the_banned_nor_more_of_other_zones_than_there_is_room_for() {
    let mut all = node();
    let hosts: Vec<Addr> = (1..6).map(|host| Addr::parse(&format!("45.{host}.0.1"), 18_080).unwrap()).collect();
    let (zone, source) = (&mut all.zones[0], Source::peer(&hosts[0]));
    let _ = zone.peers.learn(NOW, source, hosts.iter().cloned().map(PeerEntry::bare), &mut zone.rng);
    let mut document = Vec::new();
    all.snapshot(Snapshot::Peers, &mut document);

    let mut banning = node();
    hosts[..2].iter().for_each(|host| banning.ban(NOW, Banned::host(host), None).unwrap());
    let restored = banning.restore(NOW, Snapshot::Peers, &document);
    assert_eq!((restored.kept, restored.dropped), (5, 0), "that they are banned is no fault of the document");
    assert_eq!(banning.zones().next().unwrap().gray, 3);

    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Tor)];
    (config.limits.white, config.limits.gray) = (1, 1);
    let mut elsewhere = Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap();
    let restored = elsewhere.restore(NOW, Snapshot::Peers, &document);
    assert_eq!((restored.kept, restored.dropped), (4, 1));
}

fn message(kind: levin::Kind, command: u32, body: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut frame = BytesMut::new();
    levin::frame(&mut frame, kind, command, body);
    frame
}

/// A node that listens in the public zone, and dials nobody by itself.
fn listening(port: Option<u16>) -> Node {
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Public)];
    let public = &mut config.zones[0];
    (public.max_outgoing, public.max_incoming, public.max_per_host, public.public_port) = (0, 8, 2, port);
    Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap()
}

#[test]
fn a_host_that_names_its_port_twice_is_pinged_once() {
    let mut node = listening(None);
    let data = NodeData {
        my_port: 18_080,
        network_id: Network::Regtest.id(),
        peer_id: 7,
        rpc_credits_per_hash: 0,
        rpc_port: 0,
        support_flags: 1,
    };
    let request = message(levin::Kind::Request, command::HANDSHAKE, |out| {
        HandshakeRequest { node: data, sync: Network::Regtest.genesis_sync() }.encode(out);
    });
    for port in [5_000, 5_001] {
        let conn = node.accept(NOW, ZoneId(0), Some(Addr::parse("45.1.0.1", port).unwrap())).unwrap();
        node.handle_data(NOW, conn, &request).unwrap();
    }
    let outputs: Vec<Output> = core::iter::from_fn(|| node.poll_output()).collect();
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Event(Event::Up { .. }))).count(), 2);
    assert_eq!(outputs.iter().filter(|output| matches!(output, Output::Dial { .. })).count(), 1);
}

#[test]
fn who_names_no_port_answers_no_ping_before_the_handshake() {
    let ping = message(levin::Kind::Request, command::PING, |out| PingRequest.encode(out));
    for (port, answers) in [(None, false), (Some(18_080), true)] {
        let mut node = listening(port);
        let conn = node.accept(NOW, ZoneId(0), Some(Addr::parse("45.1.0.1", 1).unwrap())).unwrap();
        assert_eq!(node.handle_data(NOW, conn, &ping).is_ok(), answers);
        assert_eq!(node.outgoing(conn).is_ok_and(|outgoing| outgoing.remaining() > 0), answers);
    }
}

#[test]
fn a_peers_transaction_waits_until_there_is_room_for_it_and_its_hop_reads() {
    let stem = |number: u8| {
        message(levin::Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, TxForm::Stem, 0, [&[number; 300][..]].into_iter());
        })
    };
    let accepted = |node: &mut Node, from: ConnId, number: u8| {
        node.handle_data(NOW, from, &stem(number)).unwrap();
        let ticket = |output| if let Output::Event(Event::Tx { ticket, .. }) = output { Some(ticket) } else { None };
        let ticket = core::iter::from_fn(|| node.poll_output()).find_map(ticket).unwrap();
        node.resolve_tx(NOW, ticket, Verdict::Accept).unwrap();
        node.received.accepted().count()
    };
    for (transit_bytes, queued, waits) in [(9_000, 0, 0), (200, 0, 1), (9_000, 3_000, 1)] {
        let mut config = Config::new(Network::Regtest);
        config.zones = vec![ZoneConfig::new(ZoneKind::Public)];
        (config.limits.transit_bytes, config.limits.queue_bytes) = (transit_bytes, 8_000);
        let mut node = Node::new(config, Box::new(ChaCha20Rng::from_seed([3; 32])), NOW).unwrap();
        let (from, hop) = (link(&mut node, ZoneId(0)), link(&mut node, ZoneId(0)));
        node.conns.find_mut(from.0).unwrap().direction = Direction::Incoming;
        node.enqueue(hop, Bytes::from(vec![0; queued]), &[]);
        assert_eq!(accepted(&mut node, from, 1), waits, "{transit_bytes} {queued}");
        if queued > 0 {
            node.outgoing(hop).unwrap().advance(queued);
            while node.poll_output().is_some() {}
            assert_eq!(node.received.accepted().count(), 0, "it reads on");
        }
    }
}
