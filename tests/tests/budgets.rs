//! What hostile streams cost the core: each kind at most its share, and all of them together one pool.

use std::time::Duration;

use allocation_counter::measure;
use anonet_core::levin::{Flags, HEADER_LEN, Header, Kind};
use anonet_core::wire::{NewTransactions, PeerEntry, TimedSyncResponse, TxForm, command};
use anonet_core::{CloseReason, ConnId, Event, Instant, Limits, Network, Node, Output, ZoneId, ZoneKind};
use anonet_tests::world::START;
use anonet_tests::world::cast::{addr, config, frame, handshake_request, zone};
use bytes::Buf;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

/// Of each kind at once.
const STREAMS: usize = 40;
/// What one may cost, beside a share of the pool of unfinished messages.
const SHARE: i64 = 256 << 10;

fn node(receive_bytes: usize) -> (Node, ZoneId) {
    let mut listening = zone(ZoneKind::Tor, 0, &[]);
    (listening.max_outgoing, listening.max_incoming) = (0, 4 * STREAMS as u32);
    let mut config = config([listening]);
    config.limits.receive_bytes = receive_bytes;
    let node = Node::new(config, Box::new(ChaCha20Rng::seed_from_u64(9)), START).unwrap();
    let id = node.zones().next().unwrap().id;
    (node, id)
}

/// The stream behind a handshake, with all that the node said to it read.
fn connected(node: &mut Node, zone: ZoneId) -> ConnId {
    // a time that has passed counts as now
    let conn = node.accept(START, zone, None).unwrap();
    node.handle_data(START, conn, &handshake_request()).unwrap();
    read_all(node, conn);
    conn
}

fn read_all(node: &mut Node, conn: ConnId) {
    if let Ok(mut outgoing) = node.outgoing(conn) {
        outgoing.advance(outgoing.remaining());
    }
}

/// The head of a fragment of 3 MiB, and so many bytes of it: a message begins that is as long.
fn fragment(bytes: usize) -> Vec<u8> {
    const LENGTH: u64 = 3 << 20;
    let message = Header::new(Kind::Notify, command::NEW_TRANSACTIONS, LENGTH - HEADER_LEN as u64);
    let frame = Header { flags: Flags::BEGIN, command: 0, length: LENGTH, ..message };
    let mut stream = [frame.write(), message.write()].concat();
    stream.resize(HEADER_LEN + bytes, 0);
    stream
}

/// Feeds as far as the windows go; whether the stream is still open.
fn feed(node: &mut Node, now: Instant, conn: ConnId, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let window = node.recv_window(conn).min(bytes.len());
        if window == 0 || node.handle_data(now, conn, &bytes[..window]).is_err() {
            break;
        }
        bytes = &bytes[window..];
    }
    node.outgoing(conn).is_ok()
}

fn ended(node: &mut Node) -> Vec<(ConnId, CloseReason)> {
    let outputs = std::iter::from_fn(|| node.poll_output());
    outputs
        .filter_map(|output| match output {
            Output::Event(Event::Down { conn, reason, .. }) => Some((conn, reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn unfinished_messages_share_one_pool_and_the_large_one_under_way_for_longest_gives_way() {
    let (mut node, zone) = node(1_000_000);
    let at = |second| START + Duration::from_secs(second);
    let streams: Vec<ConnId> = (0..4).map(|_| connected(&mut node, zone)).collect();
    for (second, size) in [(1, 100_000), (2, 300_000), (3, 300_000), (4, 300_000)] {
        assert!(feed(&mut node, at(second), streams[second as usize - 1], &fragment(size)));
    }
    // all of the room is taken, and no more
    assert_eq!(ended(&mut node), []);
    assert!(feed(&mut node, at(5), streams[3], &[0]));
    // the first one is no large one, so the second gives way
    assert_eq!(ended(&mut node), [(streams[1], CloseReason::OutOfRoom)]);
    assert!(feed(&mut node, at(6), streams[0], &[0; 299_999]) && feed(&mut node, at(6), streams[2], &[]));
    assert_eq!(ended(&mut node), []);
    // whoever needs the room may be the one who gives way
    assert!(!feed(&mut node, at(7), streams[0], &[0]));
    assert_eq!(ended(&mut node), [(streams[0], CloseReason::OutOfRoom)]);
}

#[test]
fn what_an_ended_link_held_is_room_again() {
    let (mut node, zone) = node(1_000_000);
    for _ in 0..10 {
        let stream = connected(&mut node, zone);
        assert!(feed(&mut node, START, stream, &fragment(900_000)));
        node.handle_closed(START, stream);
        assert_eq!(ended(&mut node), [(stream, CloseReason::Ended)]);
    }
}

/// One kind of hostile peer: what it does with a stream behind its handshake.
struct Hostile {
    kind: &'static str,
    acts: fn(&mut Node, &mut Instant, ConnId),
}

const HOSTILE: [Hostile; 8] = [
    Hostile { kind: "says nothing", acts: |_, _, _| {} },
    Hostile {
        kind: "says one byte at a time",
        acts: |node, now, conn| {
            for byte in fragment(2_000) {
                feed(node, *now, conn, &[byte]);
            }
        },
    },
    Hostile {
        kind: "sends a fragment without end",
        acts: |node, now, conn| {
            feed(node, *now, conn, &fragment(3 << 20));
        },
    },
    Hostile {
        kind: "claims the largest length",
        acts: |node, now, conn| {
            feed(node, *now, conn, &fragment(0));
        },
    },
    Hostile {
        kind: "lists 250 peers each time",
        acts: |node, now, conn| {
            let entry = |index| PeerEntry {
                addr: addr(ZoneKind::Tor, index),
                id: 1,
                last_seen: 0,
                pruning_seed: 0,
                rpc_credits_per_hash: 0,
                rpc_port: 0,
            };
            let peers: Vec<PeerEntry> = (1..251).map(entry).collect();
            let answer = frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
                TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), peers.iter());
            });
            for _ in 0..3 {
                // it is asked at random moments
                *now = *now + Duration::from_secs(76);
                node.handle_timeout(*now);
                read_all(node, conn);
                assert!(feed(node, *now, conn, &answer), "it answers what it is asked");
            }
        },
    },
    Hostile {
        kind: "sends junk for transactions",
        acts: |node, now, conn| {
            for number in 0..64_u8 {
                let blob = [&[number][..], &[7; 100_000]].concat();
                let message = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
                    NewTransactions::encode(out, TxForm::Stem, 0, [&blob[..]].into_iter());
                });
                feed(node, *now, conn, &message);
            }
        },
    },
    Hostile {
        kind: "shakes hands without end",
        acts: |node, now, conn| {
            feed(node, *now, conn, &handshake_request().repeat(3));
        },
    },
    Hostile {
        kind: "asks and never reads",
        acts: |node, now, conn| {
            let question = frame(Kind::Request, command::TIMED_SYNC, |out| {
                anonet_core::wire::TimedSyncRequest { sync: Network::Regtest.genesis_sync() }.encode(out);
            });
            feed(node, *now, conn, &question.repeat(500));
        },
    },
];

#[test]
fn a_hostile_stream_of_any_kind_costs_its_share_and_all_together_the_pools() {
    let limits = Limits::new();
    for Hostile { kind, acts } in HOSTILE {
        let (mut node, zone) = node(8 << 20);
        let mut now = START;
        let cost = measure(|| {
            for _ in 0..STREAMS {
                let conn = connected(&mut node, zone);
                acts(&mut node, &mut now, conn);
                while node.poll_output().is_some() {}
            }
        });
        // a buffer that grows has up to twice the room that it needs
        let pools = 2 * (8 << 20) + limits.received_bytes as i64;
        let pooled = ["sends a fragment without end", "sends junk for transactions"].contains(&kind);
        let most = STREAMS as i64 * SHARE + i64::from(pooled) * pools;
        assert!(cost.bytes_current <= most, "{kind}: {} bytes for {STREAMS} streams", cost.bytes_current);
    }
}
