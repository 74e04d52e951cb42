//! Budgets that are counts, at the limit and one past it: frames, addresses, dials, outputs, stored peers.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::command;
use anonet_core::{
    CloseReason, ConnId, DialFailure, Event, Node, Output, PeerRole, Refused, Snapshot, StaleTicket, Verdict, ZoneKind,
};
use anonet_tests::hostile::{Victim, transactions};
use anonet_tests::world::cast::{addr, frame};

const SECOND: Duration = Duration::from_secs(1);
const MICROSECOND: Duration = Duration::from_micros(1);

fn gray(node: &Node) -> usize {
    node.zones().map(|zone| zone.gray).sum()
}

#[test]
fn a_link_may_send_a_burst_of_frames_and_then_so_many_a_second() {
    let ping = frame(Kind::Request, command::PING, |_| {});
    for (kind, burst, each_second) in [(ZoneKind::Tor, 128, 4), (ZoneKind::I2p, 128, 4), (ZoneKind::Public, 512, 32)] {
        let mut victim = Victim::new(kind, |_| {});
        let conn = victim.connected();
        // the handshake was one
        assert!(victim.feed(conn, &ping.repeat(burst - 1)), "{kind}");
        victim.pass(SECOND);
        assert!(victim.feed(conn, &ping.repeat(each_second)), "{kind}");
        victim.ended();
        assert!(!victim.feed(conn, &ping), "{kind}");
        assert_eq!(victim.ended(), [(conn, CloseReason::Flood)]);
    }
}

/// Answers three timed syncs on each link as soon as they are asked, each time with 250 addresses: how many the node took, and
/// the seconds from the first answer to the last.
fn teach(victim: &mut Victim, conns: &[ConnId]) -> (usize, usize) {
    let (before, mut times) = (gray(&victim.node), Vec::new());
    let mut left = vec![3; conns.len()];
    while left.iter().any(|left| *left > 0) {
        victim.pass(SECOND);
        for (&conn, left) in conns.iter().zip(&mut left) {
            // the only thing that it says of itself is that question
            if victim.read_all(conn) > 0 && *left > 0 {
                let answer = victim.sync_answer(250);
                assert!(victim.feed(conn, &answer));
                times.push(victim.now);
                *left -= 1;
            }
        }
    }
    let span = times[times.len() - 1].saturating_since(times[0]).as_secs() as usize;
    (gray(&victim.node) - before, span)
}

#[test]
fn a_link_teaches_500_addresses_at_once_and_one_a_second_and_so_do_all_that_dialled_us_together() {
    let public = || {
        Victim::new(ZoneKind::Public, |config| {
            config.limits.gray = 50_000;
            config.zones[0].max_outgoing = 1;
            config.zones[0].peers = vec![(addr(ZoneKind::Public, 1), PeerRole::Known)];
        })
    };
    let mut victim = public();
    let chosen = victim.dialled();
    let (learned, span) = teach(&mut victim, &[chosen]);
    assert_eq!(learned, 500 + span, "a link that we chose");
    let mut victim = public();
    let came = [victim.connected(), victim.connected()];
    let (learned, span) = teach(&mut victim, &came);
    assert_eq!(learned, 500 + span, "two that came to us");
}

/// So many dials of the node are not answered yet.
fn outstanding(victim: &mut Victim, dials: &mut BTreeSet<ConnId>) -> usize {
    while let Some(output) = victim.node.poll_output() {
        match output {
            Output::Dial { conn, .. } => assert!(dials.insert(conn)),
            Output::Event(Event::Down { conn, .. }) => drop(dials.remove(&conn)),
            _ => {}
        }
    }
    dials.len()
}

fn dialling_forty() -> Victim {
    Victim::new(ZoneKind::Tor, |config| {
        config.zones[0].max_outgoing = 40;
        config.zones[0].peers = (1..41).map(|index| (addr(ZoneKind::Tor, index), PeerRole::Known)).collect();
    })
}

#[test]
fn sixteen_dials_are_under_way_and_no_more_and_four_of_those_are_not_slow() {
    let (mut victim, mut dials) = (dialling_forty(), BTreeSet::new());
    assert_eq!(outstanding(&mut victim, &mut dials), 4);
    let mut counts = Vec::new();
    for _ in 0..80 {
        victim.pass(SECOND);
        counts.push(outstanding(&mut victim, &mut dials));
    }
    // each 15 s four more
    assert_eq!([13, 14, 29, 44, 59, 79].map(|second| counts[second]), [4, 8, 12, 16, 16, 16]);
}

#[test]
fn where_everything_fails_one_dial_at_a_time_is_made_and_four_are_under_way() {
    let (mut victim, mut dials) = (dialling_forty(), BTreeSet::new());
    let mut failed = 0;
    while failed < 13 {
        outstanding(&mut victim, &mut dials);
        if let Some(conn) = dials.pop_first() {
            victim.node.handle_dial_failed(victim.now, conn, DialFailure::Socks(4));
            failed += 1;
        }
        victim.pass(SECOND);
    }
    // what was under way before ends
    for conn in std::mem::take(&mut dials) {
        victim.node.handle_dial_failed(victim.now, conn, DialFailure::Socks(4));
    }
    victim.pass(SECOND * 2);
    assert_eq!(outstanding(&mut victim, &mut dials), 1);
    let most = (0..85).map(|_| {
        victim.pass(SECOND);
        outstanding(&mut victim, &mut dials)
    });
    assert_eq!(most.max(), Some(4));
}

#[test]
fn an_embedder_that_is_4096_outputs_behind_gets_no_more_streams() {
    let mut victim = Victim::new(ZoneKind::Tor, |_| {});
    for _ in 0..4_096 {
        let conn = victim.accept();
        // one output, its end
        victim.node.handle_closed(victim.now, conn);
    }
    assert_eq!(victim.node.accept(victim.now, victim.zone, None), Err(Refused::Full));
    assert!(victim.node.poll_output().is_some());
    assert!(victim.node.accept(victim.now, victim.zone, None).is_ok());
    assert_eq!(victim.ended().len(), 4_095);
}

#[test]
fn a_received_transaction_waits_an_hour_for_its_verdict_and_not_longer() {
    for (waits, expected) in [(3_600 * SECOND - MICROSECOND, Ok(())), (3_600 * SECOND, Err(StaleTicket))] {
        let mut victim = Victim::new(ZoneKind::Tor, |_| {});
        let conn = victim.connected();
        victim.feed(conn, &transactions(&[b"one"]));
        let ticket = std::iter::from_fn(|| victim.node.poll_output()).find_map(|output| match output {
            Output::Event(Event::Tx { ticket, .. }) => Some(ticket),
            _ => None,
        });
        victim.pass(waits);
        assert_eq!(victim.node.resolve_tx(victim.now, ticket.unwrap(), Verdict::Forget), expected);
    }
}

#[test]
fn stored_peers_of_zones_that_are_not_there_are_kept_as_far_as_two_zones_lists_go() {
    let mut document = Vec::new();
    Victim::knowing(ZoneKind::Tor, 4, 20, |_| {}).node.snapshot(Snapshot::Peers, &mut document);
    for (gray, kept) in [(11, 24), (10, 22)] {
        let mut victim = Victim::new(ZoneKind::Public, |config| (config.limits.white, config.limits.gray) = (1, gray));
        let restored = victim.node.restore(victim.now, Snapshot::Peers, &document);
        assert_eq!((restored.kept, restored.dropped), (kept, 24 - kept));
    }
}
