//! A node among peers that mean it no good, and what such peers do: for the tests of what that may cost.

use std::iter;
use std::time::Duration;

use anonet_core::levin::{Flags, HEADER_LEN, Header, Kind};
use anonet_core::wire::{HandshakeResponse, NewTransactions, PeerEntry, TimedSyncRequest, TimedSyncResponse, TxForm, command};
use anonet_core::{CloseReason, Config, ConnId, Event, Instant, Limits, Network, Node, Output, ZoneId, ZoneKind};
use bytes::Buf;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::world::START;
use crate::world::cast::{addr, config, entry, frame, handshake_request, node_data, zone};

/// The first number of an address that nobody has told of yet: below are the peers that the node was told to dial.
const UNHEARD: usize = 2_000;

/// What the node's calls took, by a clock that tests do not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Bytes that were handed to it.
    pub bytes: usize,
    /// Calls with bytes.
    pub calls: u32,
    /// All of them.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

/// A node with one zone, and the hands of all its peers.
#[derive(Debug)]
pub struct Victim {
    /// The node.
    pub node: Node,
    /// Its zone.
    pub zone: ZoneId,
    /// Its time.
    pub now: Instant,
    /// What it was handed, and what that took by [`clock`](Self::clock).
    pub spent: Spent,
    /// Shows what a call takes.
    pub clock: fn() -> Duration,
    kind: ZoneKind,
    unheard: usize,
}

impl Victim {
    /// A node that dials nobody, with `adjust`ments.
    ///
    /// # Panics
    /// If the configuration contradicts itself.
    #[must_use]
    pub fn new(kind: ZoneKind, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut listening = zone(kind, 0, &[]);
        listening.max_outgoing = 0;
        let mut config = config([listening]);
        adjust(&mut config);
        let node = Node::new(config, Box::new(ChaCha20Rng::seed_from_u64(9)), START).expect("it is a sound configuration");
        let zone = node.zones().next().expect("it has one").id;
        Self { node, zone, now: START, spent: Spent::default(), clock: || Duration::ZERO, kind, unheard: UNHEARD }
    }

    /// A node whose lists are full: it has met so many peers, and heard of so many.
    ///
    /// # Panics
    /// If they do not fill.
    #[must_use]
    pub fn knowing(kind: ZoneKind, white: usize, gray: usize, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut victim = Self::new(kind, |config| {
            adjust(config);
            (config.limits.white, config.limits.gray) = (white, gray);
            let zone = &mut config.zones[0];
            zone.max_outgoing = 12;
            zone.peers = (1..=white).map(|index| (addr(kind, index), anonet_core::PeerRole::Known)).collect();
        });
        let mut met = 0;
        while met < white {
            while let Some(output) = victim.node.poll_output() {
                let Output::Dial { conn, .. } = output else { continue };
                victim.node.handle_dialed(victim.now, conn).expect("it was just asked for");
                let heard = gray.div_ceil(20).min(250);
                let answer = victim.handshake_answer(if met < 20 { heard } else { 0 });
                victim.feed(conn, &answer);
                victim.node.handle_closed(victim.now, conn);
                met += 1;
            }
            victim.pass(Duration::from_millis(10));
        }
        victim
    }

    /// A stream that somebody opened to the node.
    ///
    /// # Panics
    /// If it is refused.
    pub fn accept(&mut self) -> ConnId {
        self.node.accept(self.now, self.zone, None).expect("there is room")
    }

    /// The stream behind a handshake, with all that the node said to it read.
    pub fn connected(&mut self) -> ConnId {
        let conn = self.accept();
        self.feed(conn, &handshake_request());
        self.read_all(conn);
        conn
    }

    /// The next stream that the node opens, behind a handshake that tells of nobody.
    ///
    /// # Panics
    /// If it opens none.
    pub fn dialled(&mut self) -> ConnId {
        let conn = iter::from_fn(|| self.node.poll_output()).find_map(|output| match output {
            Output::Dial { conn, .. } => Some(conn),
            _ => None,
        });
        let conn = conn.expect("it dials");
        self.node.handle_dialed(self.now, conn).expect("it was just asked for");
        let answer = self.handshake_answer(0);
        self.feed(conn, &answer);
        self.read_all(conn);
        conn
    }

    /// Reads what the node has to say: how many bytes that is.
    pub fn read_all(&mut self, conn: ConnId) -> usize {
        let Ok(mut outgoing) = self.node.outgoing(conn) else { return 0 };
        let count = outgoing.remaining();
        outgoing.advance(count);
        count
    }

    /// Feeds as far as the windows go; whether the stream is still open.
    pub fn feed(&mut self, conn: ConnId, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let window = self.node.recv_window(conn).min(bytes.len());
            let begin = (self.clock)();
            let heard = window > 0 && self.node.handle_data(self.now, conn, &bytes[..window]).is_ok();
            let took = (self.clock)().saturating_sub(begin);
            let Spent { bytes: all, calls, total, longest } = self.spent;
            self.spent = Spent { bytes: all + window, calls: calls + 1, total: total + took, longest: longest.max(took) };
            if !heard {
                break;
            }
            bytes = &bytes[window..];
        }
        self.is_open(conn)
    }

    /// Whether a stream is still open.
    pub fn is_open(&mut self, conn: ConnId) -> bool {
        self.node.outgoing(conn).is_ok()
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Duration) {
        self.now = self.now + span;
        self.node.handle_timeout(self.now);
    }

    /// Takes all outputs: the links that have ended, and why.
    pub fn ended(&mut self) -> Vec<(ConnId, CloseReason)> {
        let outputs = iter::from_fn(|| self.node.poll_output());
        outputs
            .filter_map(|output| match output {
                Output::Event(Event::Down { conn, reason, .. }) => Some((conn, reason)),
                _ => None,
            })
            .collect()
    }

    /// So many addresses that nobody has told of.
    fn unheard(&mut self, count: usize) -> Vec<PeerEntry> {
        let first = self.unheard;
        self.unheard += count;
        (first..self.unheard).map(|index| entry(addr(self.kind, index))).collect()
    }

    fn handshake_answer(&mut self, tells: usize) -> Vec<u8> {
        let node = anonet_core::wire::NodeData { peer_id: if self.kind.is_anonymity() { 1 } else { 77 }, ..node_data() };
        let peers = self.unheard(tells);
        frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| {
            HandshakeResponse::encode(out, &node, &Network::Regtest.genesis_sync(), peers.iter());
        })
    }

    /// The answer to a timed sync that tells of so many addresses, none of which anybody has told of.
    pub fn sync_answer(&mut self, tells: usize) -> Vec<u8> {
        let peers = self.unheard(tells);
        frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
            TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), peers.iter());
        })
    }
}

/// The head of a fragment of 3 MiB, and so many bytes of it: a message begins that is as long.
#[must_use]
pub fn fragment(bytes: usize) -> Vec<u8> {
    const LENGTH: u64 = 3 << 20;
    let message = Header::new(Kind::Notify, command::NEW_TRANSACTIONS, LENGTH - HEADER_LEN as u64);
    let frame = Header { flags: Flags::BEGIN, command: 0, length: LENGTH, ..message };
    let mut stream = [frame.write(), message.write()].concat();
    stream.resize(HEADER_LEN + bytes, 0);
    stream
}

/// A timed sync's question.
#[must_use]
pub fn sync_question() -> Vec<u8> {
    frame(Kind::Request, command::TIMED_SYNC, |out| TimedSyncRequest { sync: Network::Regtest.genesis_sync() }.encode(out))
}

/// A message with these transactions.
#[must_use]
pub fn transactions(blobs: &[&[u8]]) -> Vec<u8> {
    frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
        NewTransactions::encode(out, TxForm::Stem, 0, blobs.iter().copied());
    })
}

/// One kind of hostile peer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Hostile {
    /// What it does, as a table says it.
    pub kind: &'static str,
    /// Does it, on each of these streams, which are behind their handshake.
    pub acts: fn(&mut Victim, &[ConnId]),
    /// Bytes that one such stream may make the node hold, beside its part of a pool.
    pub holds: usize,
    /// Bytes that the pool of all such streams may have.
    pub pool: fn(&Limits) -> usize,
}

/// A buffer that grows has up to twice the room that it needs.
const UNFINISHED: fn(&Limits) -> usize = |limits| 2 * limits.receive_bytes;
const RECEIVED: fn(&Limits) -> usize = |limits| limits.received_bytes;
const NONE: fn(&Limits) -> usize = |_| 0;

fn to_each(victim: &mut Victim, conns: &[ConnId], bytes: &[u8]) {
    for &conn in conns {
        victim.feed(conn, bytes);
    }
}

/// All kinds.
pub const HOSTILE: [Hostile; 9] = [
    Hostile { kind: "says nothing", acts: |_, _| {}, holds: 2 << 10, pool: NONE },
    Hostile {
        kind: "says one byte at a time",
        acts: |victim, conns| {
            for (byte, &conn) in fragment(2_000).iter().flat_map(|byte| conns.iter().map(move |conn| (byte, conn))) {
                victim.feed(conn, &[*byte]);
            }
        },
        holds: 4 << 10,
        pool: NONE,
    },
    Hostile {
        kind: "sends a fragment without end",
        acts: |victim, conns| to_each(victim, conns, &fragment(3 << 20)),
        holds: 2 << 10,
        pool: UNFINISHED,
    },
    Hostile {
        kind: "claims the largest length",
        acts: |victim, conns| to_each(victim, conns, &fragment(0)),
        holds: 2 << 10,
        pool: NONE,
    },
    Hostile {
        kind: "lists 250 peers each time",
        acts: |victim, conns| {
            for _ in 0..3 {
                // they are asked at random moments
                victim.pass(Duration::from_secs(76));
                let answer = victim.sync_answer(250);
                for &conn in conns {
                    victim.read_all(conn);
                    assert!(victim.feed(conn, &answer), "it answers what it is asked");
                }
            }
        },
        holds: 8 << 10,
        pool: NONE,
    },
    Hostile {
        kind: "sends junk for transactions",
        acts: |victim, conns| {
            for (number, &conn) in (0..64_u8).flat_map(|number| conns.iter().map(move |conn| (number, conn))) {
                let blob = [&[number][..], &[7; 100_000]].concat();
                victim.feed(conn, &transactions(&[&blob]));
            }
        },
        holds: 16 << 10,
        pool: RECEIVED,
    },
    Hostile {
        kind: "shakes hands on one stream after the other",
        acts: |victim, conns| {
            for &conn in conns {
                victim.feed(conn, &handshake_request().repeat(3));
                for _ in 0..50 {
                    let conn = victim.connected();
                    victim.node.handle_closed(victim.now, conn);
                    victim.ended();
                }
            }
        },
        holds: 2 << 10,
        pool: NONE,
    },
    Hostile {
        kind: "asks and never reads",
        acts: |victim, conns| {
            // as much as the bucket of frames allows, until the node gives up on it
            for second in 0..119 {
                let questions = sync_question().repeat(if second == 0 { 100 } else { 4 });
                for &conn in conns {
                    victim.feed(conn, &questions);
                }
                victim.pass(Duration::from_secs(1));
            }
        },
        holds: 256 << 10,
        pool: NONE,
    },
    Hostile {
        kind: "opens streams and shakes no hands",
        acts: |victim, conns| {
            for &conn in conns {
                victim.node.handle_closed(victim.now, conn);
                victim.accept();
            }
        },
        holds: 2 << 10,
        pool: NONE,
    },
];
