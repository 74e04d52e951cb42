//! What a peer may not do: each ends the link with its reason, once, and nothing else is disturbed.

use std::time::Duration;

use anonet_core::levin::{self, HEADER_LEN, Header, Kind};
use anonet_core::wire::{HandshakeRequest, NewTransactions, NodeData, TimedSyncRequest, TimedSyncResponse, TxForm, command};
use anonet_core::{CloseReason, Event, Network, Note, Refused, ZoneKind};
use anonet_tests::world::cast::{addr, config, frame, handshake_request, handshake_response, node_data, zone};
use anonet_tests::world::{Happened, RawIndex, World};
use bytes::BytesMut;

const SECOND: Duration = Duration::from_secs(1);

fn world_with(kind: ZoneKind) -> (World, usize, anonet_core::ZoneId) {
    let mut world = World::new(21);
    let node = world.add(config([zone(kind, 0, &[])]));
    let zone = world.node(node).zones().next().unwrap().id;
    (world, node, zone)
}

fn connected() -> (World, usize, RawIndex) {
    let (mut world, node, zone) = world_with(ZoneKind::Tor);
    let peer = world.raw_connect(node, zone);
    world.raw_send(peer, &handshake_request());
    world.run_for(SECOND);
    assert!(world.raw(peer).open);
    (world, node, peer)
}

fn reasons(world: &World, node: usize) -> Vec<CloseReason> {
    let closed = world.record.of(node).filter_map(|happened| match happened {
        Happened::Closed(_, reason) => Some(*reason),
        _ => None,
    });
    closed.collect()
}

/// Exactly one close, with a reason that `expected` accepts, and the stream is shut.
fn assert_closed(world: &mut World, node: usize, peer: RawIndex, expected: impl Fn(&CloseReason) -> bool) {
    world.run_for(SECOND);
    let reasons = reasons(world, node);
    assert!(reasons.len() == 1 && expected(&reasons[0]), "{reasons:?}");
    assert!(!world.raw(peer).open);
    let downs = world.events(node).filter(|event| matches!(event, Event::Down { .. })).count();
    assert_eq!(downs, 1);
}

/// The frames that a scripted peer received: kind, command, body length.
fn answers(world: &World, peer: RawIndex) -> Vec<(Kind, u32, usize)> {
    let (mut decoder, mut data) = (levin::Decoder::new(), world.raw(peer).received.as_slice());
    let mut frames = Vec::new();
    while !data.is_empty() {
        let (consumed, frame) = decoder.feed(data, &levin::FrameLimits::public()).unwrap();
        frames.extend(frame.map(|frame| (frame.kind, frame.command, frame.body.len())));
        data = &data[consumed..];
    }
    frames
}

fn txs(form: TxForm, blobs: &[&[u8]]) -> Vec<u8> {
    frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| NewTransactions::encode(out, form, 0, blobs.iter().copied()))
}

#[test]
fn before_the_handshake_a_peer_gets_nothing_but_a_handshake() {
    let sync = frame(Kind::Request, command::TIMED_SYNC, |out| {
        TimedSyncRequest { sync: Network::Regtest.genesis_sync() }.encode(out);
    });
    let early = [sync, frame(Kind::Request, command::PING, |_| {}), txs(TxForm::Fluff, &[b"x"]), handshake_response()];
    for bytes in early {
        let (mut world, node, zone) = world_with(ZoneKind::Tor);
        let peer = world.raw_connect(node, zone);
        world.raw_send(peer, &bytes);
        assert_closed(&mut world, node, peer, |reason| matches!(reason, CloseReason::Frame(_) | CloseReason::BeforeHandshake(_)));
        assert!(world.raw(peer).received.is_empty());
    }
}

#[test]
fn silence_and_a_dripping_handshake_end_at_the_deadline() {
    let (mut world, node, zone) = world_with(ZoneKind::Tor);
    let (silent, dripping) = (world.raw_connect(node, zone), world.raw_connect(node, zone));
    let request = handshake_request();
    for byte in request.iter().take(29) {
        world.raw_send(dripping, &[*byte]);
        world.run_for(SECOND);
    }
    assert!(world.raw(silent).open && world.raw(dripping).open);
    world.run_for(SECOND * 2);
    assert!(!world.raw(silent).open && !world.raw(dripping).open);
    assert_eq!(reasons(&world, node), [CloseReason::HandshakeTimeout; 2]);
}

#[test]
fn wrong_network_zero_id_and_second_handshakes_are_refused() {
    let request = |node: NodeData| {
        let request = HandshakeRequest { node, sync: Network::Regtest.genesis_sync() };
        frame(Kind::Request, command::HANDSHAKE, |out| request.encode(out))
    };
    let (mut world, node, zone) = world_with(ZoneKind::Tor);
    let peer = world.raw_connect(node, zone);
    world.raw_send(peer, &request(NodeData { network_id: Network::Testnet.id(), ..node_data() }));
    assert_closed(&mut world, node, peer, |reason| *reason == CloseReason::WrongNetwork);

    let (mut world, node, zone) = world_with(ZoneKind::Tor);
    let peer = world.raw_connect(node, zone);
    world.raw_send(peer, &request(NodeData { peer_id: 0, ..node_data() }));
    assert_closed(&mut world, node, peer, |reason| matches!(reason, CloseReason::Message { command: 1001, .. }));

    let (mut world, node, peer) = connected();
    world.raw_send(peer, &handshake_request());
    assert_closed(&mut world, node, peer, |reason| *reason == CloseReason::HandshakeOutOfTurn);
}

#[test]
fn an_answer_nobody_asked_for_ends_the_link() {
    let (mut world, node, peer) = connected();
    world.raw_send(peer, &handshake_response());
    assert_closed(&mut world, node, peer, |reason| *reason == CloseReason::Unasked(1001));

    let (mut world, node, peer) = connected();
    world.raw_send(
        peer,
        &frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
            TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), [].iter());
        }),
    );
    assert_closed(&mut world, node, peer, |reason| *reason == CloseReason::Unasked(1002));
}

#[test]
fn filtered_requests_are_refused_filtered_notifies_ignored_and_noise_swallowed() {
    let (mut world, node, peer) = connected();
    for command in [command::PING, command::SUPPORT_FLAGS, 9_999] {
        world.raw_send(peer, &frame(Kind::Request, command, |_| {}));
    }
    for command in [2_001, command::TXPOOL_COMPLEMENT, 9_999] {
        world.raw_send(peer, &frame(Kind::Notify, command, |out| out.extend_from_slice(b"whatever")));
    }
    let mut noise = BytesMut::new();
    levin::noise(&mut noise, 3_072).unwrap();
    world.raw_send(peer, &noise);
    world.run_for(SECOND);
    assert!(world.raw(peer).open, "{:?}", reasons(&world, node));
    let refused = |command| (Kind::Response { code: -6 }, command, 0);
    let is_refusal = |answer: &(Kind, u32, usize)| matches!(answer.0, Kind::Response { code: ..=0 });
    let answers: Vec<_> = answers(&world, peer).into_iter().filter(is_refusal).collect();
    assert_eq!(answers, [refused(command::PING), refused(command::SUPPORT_FLAGS), refused(9_999)]);
}

#[test]
fn the_public_zone_answers_pings_and_support_flags() {
    let (mut world, node, zone) = world_with(ZoneKind::Public);
    let peer = world.raw_connect(node, zone);
    world.raw_send(peer, &handshake_request());
    world.raw_send(peer, &frame(Kind::Request, command::PING, |out| anonet_core::wire::PingRequest.encode(out)));
    world.raw_send(peer, &frame(Kind::Request, command::SUPPORT_FLAGS, |out| anonet_core::wire::SupportFlagsRequest.encode(out)));
    world.run_for(SECOND);
    // it is asked for its own flags, as it shows none
    let codes = answers(&world, peer).into_iter().map(|(kind, command, _)| (kind, command));
    let codes: Vec<_> = codes.filter(|(kind, _)| *kind != Kind::Request).collect();
    let answered = Kind::Response { code: 1 };
    assert_eq!(codes, [(answered, command::HANDSHAKE), (answered, command::PING), (answered, command::SUPPORT_FLAGS)]);
    assert!(reasons(&world, node).is_empty());
}

#[test]
fn a_burst_of_frames_is_allowed_and_one_more_is_a_flood() {
    let (mut world, node, peer) = connected();
    // the handshake took one of 128, and one second earned it back
    let ping = frame(Kind::Request, command::PING, |_| {});
    for _ in 0..128 {
        world.raw_send(peer, &ping);
    }
    world.run_for(Duration::from_millis(1));
    assert!(world.raw(peer).open);
    world.raw_send(peer, &ping);
    assert_closed(&mut world, node, peer, |reason| *reason == CloseReason::Flood);
}

#[test]
fn impossible_transactions_end_the_link() {
    let twice: [&[u8]; 2] = [b"same", b"same"];
    let empty: [&[u8]; 1] = [b""];
    let oversize = vec![1; anonet_core::MAX_TX_SIZE + 1];
    for message in [txs(TxForm::Fluff, &twice), txs(TxForm::Stem, &empty), txs(TxForm::Stem, &[&oversize])] {
        let (mut world, node, peer) = connected();
        world.raw_send(peer, &message);
        assert_closed(&mut world, node, peer, |reason| *reason == CloseReason::ImpossibleTx);
    }
    let (mut world, _, peer) = connected();
    world.raw_send(peer, &txs(TxForm::Stem, &[&oversize[1..]]));
    assert!(world.raw(peer).open, "the largest legal transaction is no offence");
}

#[test]
fn unresolved_transactions_of_one_link_are_capped_and_the_rest_dropped() {
    let (mut world, node, peer) = connected();
    for number in 0..65u8 {
        world.raw_send(peer, &txs(TxForm::Fluff, &[&[number, 1]]));
        world.run_for(SECOND);
    }
    let taken = world.events(node).filter(|event| matches!(event, Event::Tx { .. })).count();
    let dropped = world.events(node).filter(|event| matches!(event, Event::Note(Note::ReceivedDropped { .. }))).count();
    assert_eq!((taken, dropped), (64, 1));
    assert!(world.raw(peer).open);
}

#[test]
fn a_claimed_length_is_judged_at_the_header() {
    for (length, allowed) in [(65_536u64, true), (65_537, false)] {
        let (mut world, node, zone) = world_with(ZoneKind::Tor);
        let peer = world.raw_connect(node, zone);
        let header = Header::new(Kind::Request, command::HANDSHAKE, length).write();
        assert_eq!(header.len(), HEADER_LEN);
        world.raw_send(peer, &header);
        world.run_for(SECOND);
        assert_eq!(world.raw(peer).open, allowed, "{:?}", reasons(&world, node));
    }
}

#[test]
fn a_peer_that_answers_no_timed_sync_is_given_up() {
    let (mut world, node, peer) = connected();
    world.run_for(SECOND * 76);
    assert!(world.raw(peer).open);
    world.run_for(SECOND * 120);
    assert!(!world.raw(peer).open);
    assert_eq!(reasons(&world, node), [CloseReason::SyncTimeout]);
}

#[test]
fn a_dialled_peer_that_declines_or_answers_garbage_is_left() {
    let declined = frame(Kind::Response { code: 0 }, command::HANDSHAKE, |_| {});
    let garbage = frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| out.extend_from_slice(b"junk"));
    for (answer, expected) in [(declined, "refused"), (garbage, "bad message"), (b"HTTP/1.1 400".to_vec(), "bad frame")] {
        let mut world = World::new(22);
        world.raw_listen(addr(ZoneKind::Tor, 1));
        let node = world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
        assert!(world.run_until(SECOND * 2, |world| world.raw_count() == 1));
        world.run_for(SECOND);
        assert!(!world.raw(0).received.is_empty(), "the dialler speaks first");
        world.raw_send(0, &answer);
        world.run_for(SECOND);
        let reasons = reasons(&world, node);
        assert!(reasons.len() == 1 && reasons[0].to_string().contains(expected), "{reasons:?}");
    }
}

#[test]
fn incoming_links_are_capped_and_a_zone_without_listener_takes_none() {
    let mut world = World::new(23);
    let mut open = zone(ZoneKind::Tor, 0, &[]);
    open.max_incoming = 2;
    let mut shut = zone(ZoneKind::I2p, 0, &[]);
    shut.max_incoming = 0;
    let node = world.add(config([open, shut]));
    let ids: Vec<_> = world.node(node).zones().map(|zone| zone.id).collect();
    world.raw_connect(node, ids[0]);
    let second = world.raw_connect(node, ids[0]);
    assert_eq!(world.call(node, |node, now| node.accept(now, ids[0], None)), Err(Refused::Full));
    assert_eq!(world.call(node, |node, now| node.accept(now, ids[1], None)), Err(Refused::NotListening));
    world.raw_send(second, b"GET / HTTP/1.1");
    world.run_for(SECOND);
    assert!(world.call(node, |node, now| node.accept(now, ids[0], None)).is_ok(), "a place is free again");
}
