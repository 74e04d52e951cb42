//! Budgets of time: a microsecond before its end a link stands, and at its end it is gone.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{HandshakeRequest, NodeData, command};
use anonet_core::{CloseReason, ConnId, Event, Network, Output, PeerRole, ZoneKind};
use anonet_tests::hostile::{Victim, sync_question};
use anonet_tests::world::cast::{addr, frame, public_node_data};

const SECOND: Duration = Duration::from_secs(1);
const MICROSECOND: Duration = Duration::from_micros(1);

/// Zone, seconds for a dial, seconds for a handshake.
const ZONES: [(ZoneKind, u32, u32); 3] = [(ZoneKind::Tor, 90, 30), (ZoneKind::I2p, 120, 45), (ZoneKind::Public, 10, 10)];

fn dialling(kind: ZoneKind) -> Victim {
    Victim::new(kind, |config| {
        config.zones[0].max_outgoing = 1;
        config.zones[0].peers = vec![(addr(kind, 1), PeerRole::Known)];
    })
}

/// The link stands for as long as `span`, and not a microsecond longer.
#[track_caller]
fn assert_ends(victim: &mut Victim, conn: ConnId, span: Duration, reason: CloseReason) {
    victim.pass(span - MICROSECOND);
    assert_eq!(victim.ended(), []);
    assert!(victim.is_open(conn));
    victim.pass(MICROSECOND);
    assert_eq!(victim.ended(), [(conn, reason)]);
}

#[test]
fn each_zone_has_its_time_for_dials_and_handshakes() {
    for (kind, dial, handshake) in ZONES {
        let mut victim = Victim::new(kind, |_| {});
        let conn = victim.accept();
        assert_ends(&mut victim, conn, handshake * SECOND, CloseReason::HandshakeTimeout);

        let mut victim = dialling(kind);
        let Some(Output::Dial { conn, .. }) = victim.node.poll_output() else { panic!("it dials") };
        assert_ends(&mut victim, conn, dial * SECOND, CloseReason::DialTimeout);

        let mut victim = dialling(kind);
        let Some(Output::Dial { conn, .. }) = victim.node.poll_output() else { panic!("it dials") };
        victim.pass(dial * SECOND - MICROSECOND);
        victim.node.handle_dialed(victim.now, conn).unwrap();
        assert_ends(&mut victim, conn, handshake * SECOND, CloseReason::HandshakeTimeout);
    }
}

#[test]
fn a_peer_has_two_minutes_to_read_on_and_two_to_answer() {
    let mut victim = Victim::new(ZoneKind::Tor, |_| {});
    let silent = victim.connected();
    victim.ended();
    // from its question on, which comes when it comes
    while victim.read_all(silent) == 0 {
        victim.pass(victim.node.poll_timeout().unwrap().saturating_since(victim.now));
    }
    victim.ended();
    assert_ends(&mut victim, silent, 120 * SECOND, CloseReason::SyncTimeout);

    let deaf = victim.connected();
    victim.ended();
    victim.feed(deaf, &sync_question());
    assert_ends(&mut victim, deaf, 120 * SECOND, CloseReason::SlowReader);
}

#[test]
fn a_ping_has_two_seconds_to_connect_and_five_to_be_answered() {
    let ping = |victim: &mut Victim, host: usize| {
        let from = victim.node.accept(victim.now, victim.zone, Some(addr(ZoneKind::Public, host))).unwrap();
        let request =
            HandshakeRequest { node: NodeData { my_port: 18_080, ..public_node_data(7) }, sync: Network::Regtest.genesis_sync() };
        victim.feed(from, &frame(Kind::Request, command::HANDSHAKE, |out| request.encode(out)));
        let dials = std::iter::from_fn(|| victim.node.poll_output());
        let dial = |output| if let Output::Dial { conn, .. } = output { Some(conn) } else { None };
        dials.filter_map(dial).last().expect("who names a port is pinged")
    };
    let mut victim = Victim::new(ZoneKind::Public, |_| {});
    let conn = ping(&mut victim, 1);
    assert_ends(&mut victim, conn, 2 * SECOND, CloseReason::DialTimeout);
    let conn = ping(&mut victim, 300);
    victim.node.handle_dialed(victim.now, conn).unwrap();
    assert_ends(&mut victim, conn, 5 * SECOND, CloseReason::HandshakeTimeout);
}

#[test]
fn a_link_has_half_a_second_to_write_when_the_node_stops() {
    let mut victim = Victim::new(ZoneKind::Tor, |_| {});
    let deaf = victim.connected();
    victim.ended();
    victim.feed(deaf, &sync_question());
    victim.node.shutdown(victim.now);
    assert_ends(&mut victim, deaf, SECOND / 2, CloseReason::Shutdown);

    // and one on which nothing waits has none
    let mut victim = Victim::new(ZoneKind::Tor, |_| {});
    victim.connected();
    victim.node.shutdown(victim.now);
    let mut outputs = std::iter::from_fn(|| victim.node.poll_output());
    assert!(outputs.any(|output| matches!(output, Output::Event(Event::Stopped))));
}
