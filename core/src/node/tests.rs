use alloc::boxed::Box;
use alloc::vec;

use bytes::{Buf, Bytes, BytesMut};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::addr::{Addr, ZoneKind};
use crate::config::{PeerRole, RelayPolicy, ZoneConfig};
use crate::conn::Conn;
use crate::ids::TxId;
use crate::levin;
use crate::network::Network;
use crate::output::Direction;
use crate::tx::LocalTx;
use crate::wire::{NewTransactions, TxForm, command};
use crate::zone::route::{Why, route_local};

mod edges;

const NOW: Instant = Instant::from_micros(1);

fn node() -> Node {
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Public), ZoneConfig::new(ZoneKind::Tor)];
    config.zones[1].relay = RelayPolicy::Fluff;
    Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap()
}

fn link(node: &mut Node, zone: ZoneId) -> ConnId {
    let mut conn = Conn::new(NOW, zone, Direction::Outgoing, node.zones[zone.index()].policy.frame_rate);
    conn.phase = Phase::Ready { since: NOW };
    node.zones[zone.index()].outgoing += 1;
    node.zones[zone.index()].ready_outgoing += 1;
    ConnId(node.conns.insert(conn))
}

#[test]
fn the_last_step_hands_nothing_to_a_link_of_another_zone_than_the_exits() {
    let mut node = node();
    let (public, tor) = (link(&mut node, ZoneId(0)), link(&mut node, ZoneId(1)));
    let tx = LocalTx::new(Bytes::from_static(b"own")).unwrap();
    let entry = node.stash.insert(NOW, TxId::new([1; 32]), tx, Why::NoPeer, &mut node.own_rng).unwrap().unwrap();
    let exit = route_local(node.rules, &node.statuses(), None).unwrap();
    assert_eq!(exit.zone(), ZoneId(1));
    node.hand_over(public, &[entry], &exit);
    assert_eq!(node.outgoing(public).unwrap().remaining(), 0);
    node.hand_over(tor, &[entry], &exit);
    assert!(node.outgoing(tor).unwrap().remaining() > 0);
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let rng = || Box::new(ChaCha20Rng::from_seed([1; 32]));
    let with = |zones| {
        let mut config = Config::new(Network::Regtest);
        config.zones = zones;
        Node::new(config, rng(), NOW).map(|_| ()).unwrap_err()
    };
    let tor = || ZoneConfig::new(ZoneKind::Tor);
    assert_eq!(with(vec![]), ConfigError::NoZone);
    assert_eq!(with(vec![tor(), tor()]), ConfigError::DuplicateZone(ZoneKind::Tor));
    assert_eq!(with((0..256).map(|_| tor()).collect()), ConfigError::TooManyZones);
    let mut foreign = tor();
    foreign.peers.push((Addr::parse("45.0.0.1", 1).unwrap(), PeerRole::Known));
    assert_eq!(with(vec![foreign]), ConfigError::ForeignAddr(ZoneKind::Tor));
}

#[test]
fn a_slow_reader_is_paused_at_half_the_queue_and_closed_past_all_of_it() {
    let mut node = node();
    node.limits.queue_bytes = 1_000;
    let conn = link(&mut node, ZoneId(1));
    let queue = |node: &mut Node, bytes| node.enqueue(conn, Bytes::from(vec![0; bytes]), &[]);
    queue(&mut node, 500);
    assert_eq!(node.recv_window(conn), node.limits.window);
    queue(&mut node, 1);
    assert_eq!(node.recv_window(conn), 0);
    node.outgoing(conn).unwrap().advance(1);
    assert!(matches!(node.poll_output(), Some(Output::Resume(id)) if id == conn) || node.recv_window(conn) > 0);
    queue(&mut node, 500);
    assert!(node.outgoing(conn).is_ok(), "at the limit");
    queue(&mut node, 1);
    assert!(node.outgoing(conn).is_err(), "past it");
}

#[test]
fn a_slow_link_lives_while_it_progresses_and_a_stalled_one_is_given_up() {
    let minute = |count: u64| NOW + core::time::Duration::from_secs(60 * count);
    let mut node = node();
    let (slow, stalled) = (link(&mut node, ZoneId(1)), link(&mut node, ZoneId(1)));
    for conn in [slow, stalled] {
        node.enqueue(conn, Bytes::from(vec![0; 100_000]), &[]);
    }
    for count in 1..10 {
        node.handle_timeout(minute(count));
        if let Ok(mut outgoing) = node.outgoing(slow) {
            outgoing.advance(10_000);
        }
    }
    assert!(node.outgoing(slow).is_ok(), "it still reads");
    assert!(node.outgoing(stalled).is_err());
    let closed = core::iter::from_fn(|| node.poll_output()).filter_map(|output| match output {
        Output::Close { conn, reason } => Some((conn, reason)),
        _ => None,
    });
    assert_eq!(closed.collect::<Vec<_>>(), [(stalled, crate::CloseReason::SlowReader)]);
}

#[test]
fn copies_of_own_transactions_count_on_outgoing_public_links_alone() {
    for (zone, direction, counts) in
        [(ZoneId(0), Direction::Outgoing, true), (ZoneId(0), Direction::Incoming, false), (ZoneId(1), Direction::Outgoing, false)]
    {
        let mut node = node();
        let tx = LocalTx::new(Bytes::from_static(b"own")).unwrap();
        node.submit_tx(NOW, TxId::new([1; 32]), tx).unwrap();
        for host in ["45.1.0.1:1", "45.2.0.1:1"] {
            let conn = link(&mut node, zone);
            let found = node.conns.find_mut(conn.0).unwrap();
            // an anonymity peer has no such address, and would not count if it had
            (found.direction, found.addr) = (direction, Some(Addr::parse(host, 1).unwrap()));
            let mut frame = BytesMut::new();
            levin::frame(&mut frame, levin::Kind::Notify, command::NEW_TRANSACTIONS, |out| {
                NewTransactions::encode(out, TxForm::Fluff, 0, [&b"own"[..]].into_iter());
            });
            node.handle_data(NOW, conn, &frame).unwrap();
            let tickets = core::iter::from_fn(|| node.poll_output());
            let ticket = |output| if let Output::Event(Event::Tx { ticket, .. }) = output { Some(ticket) } else { None };
            let ticket = tickets.filter_map(ticket).next().unwrap();
            node.echo(NOW, ticket, TxId::new([1; 32]));
        }
        assert_eq!(node.stash().count(), usize::from(!counts), "{zone:?} {direction:?}");
    }
}

#[test]
fn a_message_has_256_kib_of_transactions_and_a_larger_one_alone() {
    let mut node = node();
    let conn = link(&mut node, ZoneId(1));
    let lengths = |node: &Node, sizes: &[usize]| {
        let (batch, rest) = node.batch(conn, sizes, Some);
        (batch.len(), rest.len())
    };
    assert_eq!(lengths(&node, &[200 << 10, 56 << 10]), (2, 0));
    assert_eq!(lengths(&node, &[200 << 10, (56 << 10) + 1]), (1, 1));
    assert_eq!(lengths(&node, &[900 << 10, 1]), (1, 1));
    // a quarter of the queue is theirs
    node.limits.queue_bytes = 4_000;
    node.enqueue(conn, Bytes::from_static(&[0; 400]), &[]);
    assert_eq!(lengths(&node, &[600]), (1, 0));
    assert_eq!(lengths(&node, &[601]), (0, 1));
    assert_eq!(lengths(&node, &[300, 301]), (1, 1));
}

#[test]
fn a_link_that_is_told_of_1024_strangers_transactions_is_not_told_of_more_for_now() {
    let mut node = node();
    let conn = link(&mut node, ZoneId(0));
    for (number, waiting) in [(1_023, 1_023), (1_024, 1_024), (1_025, 1_024)] {
        for number in node.fluffs.waiting(conn)..number {
            let tx = crate::PeerTx::copy_from(&number.to_le_bytes()).unwrap();
            let digest = node.transit.digest(&tx);
            node.transit.fluff(digest, tx);
            node.embargo_over(digest);
        }
        assert_eq!(node.fluffs.waiting(conn), waiting);
    }
}

#[test]
fn there_is_one_timer_for_each_link_that_stands_and_none_for_those_that_stood() {
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Public)];
    config.zones[0].max_incoming = 32;
    let mut node = Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap();
    for _ in 0..100 {
        let conns: alloc::vec::Vec<ConnId> = core::iter::from_fn(|| node.accept(NOW, ZoneId(0), None).ok()).collect();
        assert_eq!((conns.len(), node.timers.len()), (8, 8));
        conns.into_iter().for_each(|conn| node.handle_closed(NOW, conn));
        assert_eq!(node.timers.len(), 0);
        while node.poll_output().is_some() {}
    }
}

/// A node whose Tor zone sends by courier, and the address of the peer that may carry.
fn courier_node() -> (Node, Addr) {
    let peer = Addr::parse("plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion", 18_083).unwrap();
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Tor)];
    config.zones[0].peers = vec![(peer.clone(), PeerRole::Known)];
    (Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap(), peer)
}

#[test]
fn a_node_that_has_stopped_queues_nothing_for_couriers_that_leave_no_more() {
    for stops in [false, true] {
        let (mut node, _) = courier_node();
        let tx = LocalTx::new(Bytes::from_static(b"own")).unwrap();
        let (id, exposure) = (TxId::new([1; 32]), crate::Exposure::Anonymity);
        node.restore_tx(NOW, crate::StoredTx { id, tx, submitted: NOW, exposure, uses: vec![] }).unwrap();
        if stops {
            node.shutdown(NOW);
        }
        // past the round for which it was held back
        node.handle_timeout(NOW + node.limits.round_pause.1);
        let queued = core::iter::from_fn(|| node.poll_output()).any(|it| matches!(it, Output::Event(Event::Queued { .. })));
        assert_eq!(queued, !stops);
    }
}

#[test]
fn what_height_is_plausible_follows_the_clock_once_it_is_set() {
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![ZoneConfig::new(ZoneKind::Tor)];
    // by a clock that is years behind
    config.expected_height = Some(100_000);
    let mut node = Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).unwrap();
    assert!(node.is_plausible(100_000) && !node.is_plausible(3_000_000));
    node.expect_height(NOW + core::time::Duration::from_secs(3_600), Some(3_000_000));
    assert!(node.is_plausible(3_000_000) && !node.is_plausible(100_000));
    // and time goes on from there: a hundred thousand blocks
    node.handle_timeout(NOW + core::time::Duration::from_secs(3_600 + 120 * 100_000));
    assert!(node.is_plausible(3_100_000) && !node.is_plausible(3_000_000));
    node.expect_height(node.now, None);
    assert!(node.is_plausible(100_000), "a network without a clock");
}
