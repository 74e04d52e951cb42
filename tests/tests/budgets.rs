//! What hostile streams cost the core in memory: each kind at most its share, and all of them together one pool.

use std::time::Duration;

use allocation_counter::measure;
use anonet_core::levin::{HEADER_LEN, Header, Kind};
use anonet_core::wire::command;
use anonet_core::{CloseReason, ConnId, Limits, ZoneKind};
use anonet_tests::hostile::{HOSTILE, Hostile, Victim, fragment, sync_question};

/// Of each kind at once.
const STREAMS: usize = 40;

fn victim(receive_bytes: usize) -> Victim {
    Victim::new(ZoneKind::Tor, |config| {
        config.zones[0].max_incoming = 4 * STREAMS as u32;
        config.limits.receive_bytes = receive_bytes;
    })
}

#[test]
fn a_hostile_stream_of_any_kind_costs_its_share_and_all_together_the_pools() {
    let mut limits = Limits::new();
    limits.receive_bytes = 8 << 20;
    for Hostile { kind, acts, holds, pool, .. } in HOSTILE {
        let mut victim = victim(limits.receive_bytes);
        let mut conns = Vec::with_capacity(STREAMS);
        let cost = measure(|| {
            conns.extend((0..STREAMS).map(|_| victim.connected()));
            acts(&mut victim, &conns);
            victim.ended();
        });
        let most = STREAMS * holds + pool(&limits);
        let held = usize::try_from(cost.bytes_current).unwrap();
        println!("{kind}: {} bytes for each stream", held / STREAMS);
        assert!(held <= most, "{kind}: {held} bytes for {STREAMS} streams");
        assert!(held > most / 4, "{kind}: {held} bytes are far fewer than {most}: the table is wrong");
    }
}

#[test]
fn who_never_reads_is_cut_off_after_two_minutes_and_costs_nothing_then() {
    let mut victim = victim(8 << 20);
    let acts = HOSTILE.iter().find(|hostile| hostile.kind == "asks and never reads").unwrap().acts;
    let conns: Vec<ConnId> = (0..STREAMS).map(|_| victim.connected()).collect();
    victim.ended();
    let mut ended = Vec::new();
    let cost = measure(|| {
        acts(&mut victim, &conns);
        assert_eq!(victim.ended(), []);
        victim.pass(Duration::from_secs(1));
        ended = victim.ended();
    });
    assert!(ended.len() == STREAMS && ended.iter().all(|(_, reason)| *reason == CloseReason::SlowReader), "{ended:?}");
    // the slots of the links are used again
    assert!(cost.bytes_current < 100_000, "{}", cost.bytes_current);
}

#[test]
fn who_asks_as_fast_as_the_public_network_may_and_never_reads_holds_less_than_a_queue() {
    const DEAF: usize = 4;
    let mut victim = Victim::new(ZoneKind::Public, |_| {});
    let mut conns = Vec::with_capacity(DEAF);
    let cost = measure(|| {
        conns.extend((0..DEAF).map(|_| victim.connected()));
        for second in 0..119 {
            let questions = sync_question().repeat(if second == 0 { 500 } else { 32 });
            for &conn in &conns {
                victim.feed(conn, &questions);
            }
            victim.pass(Duration::from_secs(1));
        }
        victim.ended();
    });
    assert!(conns.iter().all(|&conn| victim.is_open(conn)));
    let each = usize::try_from(cost.bytes_current).unwrap() / DEAF;
    println!("{each} bytes for each stream");
    assert!((1 << 20..Limits::new().queue_bytes).contains(&each), "{each}");
}

#[test]
fn unfinished_messages_share_one_pool_and_the_large_one_under_way_for_longest_gives_way() {
    let mut victim = victim(1_000_000);
    let streams: Vec<ConnId> = (0..4).map(|_| victim.connected()).collect();
    for (stream, size) in [(0, 100_000), (1, 300_000), (2, 300_000), (3, 300_000)] {
        victim.pass(Duration::from_secs(1));
        assert!(victim.feed(streams[stream], &fragment(size)));
    }
    // all of the room is taken, and no more
    assert_eq!(victim.ended(), []);
    assert!(victim.feed(streams[3], &[0]));
    // the first one is no large one, so the second gives way
    assert_eq!(victim.ended(), [(streams[1], CloseReason::OutOfRoom)]);
    assert!(victim.feed(streams[0], &[0; 299_999]) && victim.feed(streams[2], &[]));
    assert_eq!(victim.ended(), []);
    // whoever needs the room may be the one who gives way
    assert!(!victim.feed(streams[0], &[0]));
    assert_eq!(victim.ended(), [(streams[0], CloseReason::OutOfRoom)]);
}

/// A handshake of so many bytes that does not end.
fn half_a_handshake(bytes: usize) -> Vec<u8> {
    let mut stream = Header::new(Kind::Request, command::HANDSHAKE, 65_536).write().to_vec();
    stream.resize(HEADER_LEN + bytes, 0);
    stream
}

#[test]
fn where_no_message_is_large_who_has_proven_nothing_gives_way_first_and_then_the_oldest() {
    let mut victim = victim(500_000);
    let (first, second) = (victim.connected(), victim.connected());
    let (unproven, late) = (victim.accept(), victim.accept());
    for (stream, bytes) in [(first, fragment(200_000)), (second, fragment(200_000)), (unproven, half_a_handshake(50_000))] {
        victim.pass(Duration::from_secs(1));
        assert!(victim.feed(stream, &bytes));
    }
    assert!(victim.feed(late, &half_a_handshake(50_000)));
    assert_eq!(victim.ended(), [], "all of the room is taken");
    assert!(victim.feed(late, &[0]));
    assert_eq!(victim.ended(), [(unproven, CloseReason::OutOfRoom)]);
    // the ceiling holds although each of them holds little
    assert!(victim.feed(second, &[0; 49_999]));
    assert_eq!(victim.ended(), []);
    assert!(victim.feed(second, &[0]));
    assert_eq!(victim.ended(), [(late, CloseReason::OutOfRoom)]);
    let third = victim.connected();
    assert!(victim.feed(third, &fragment(50_000)));
    assert_eq!(victim.ended(), []);
    assert!(victim.feed(third, &[0]));
    assert_eq!(victim.ended(), [(first, CloseReason::OutOfRoom)]);
}

#[test]
fn a_message_of_256_kib_is_small_and_one_byte_more_is_large() {
    const SMALL: usize = 256 << 10;
    for (size, gives_way) in [(SMALL, 0), (SMALL + 1, 1)] {
        let mut victim = victim(SMALL + size);
        let streams = [victim.connected(), victim.connected(), victim.connected()];
        for (stream, bytes) in [(0, SMALL), (1, size)] {
            victim.pass(Duration::from_secs(1));
            assert!(victim.feed(streams[stream], &fragment(bytes)));
        }
        assert_eq!(victim.ended(), []);
        victim.feed(streams[2], &fragment(1));
        assert_eq!(victim.ended(), [(streams[gives_way], CloseReason::OutOfRoom)], "the older one, unless the other is large");
    }
}

#[test]
fn whom_we_chose_gives_way_last() {
    let mut victim = Victim::knowing(ZoneKind::Tor, 1, 0, |config| {
        config.limits.receive_bytes = 600_000;
        config.zones[0].max_incoming = 8;
    });
    victim.pass(Duration::from_secs(3_600));
    let (chosen, came) = (victim.dialled(), victim.connected());
    assert!(victim.feed(chosen, &fragment(300_000)) && victim.feed(came, &fragment(300_000)));
    victim.ended();
    assert!(victim.feed(chosen, &[0]));
    assert_eq!(victim.ended(), [(came, CloseReason::OutOfRoom)]);
    assert!(victim.feed(chosen, &[0; 299_999]));
    assert!(!victim.feed(chosen, &[0]));
}

#[test]
fn what_an_ended_link_held_is_room_again() {
    let mut victim = victim(1_000_000);
    for _ in 0..10 {
        let stream = victim.connected();
        assert!(victim.feed(stream, &fragment(900_000)));
        victim.node.handle_closed(victim.now, stream);
        assert_eq!(victim.ended(), [(stream, CloseReason::Ended)]);
    }
}
