//! The driver: a node behind one function that takes bytes and gives bytes, for a host that shares nothing else with it: C,
//! JavaScript around WebAssembly, an interrupt loop. Names nothing of std.
//!
//! An input is one record: a kind, the link as 8 bytes, a payload to the end. The output is a row of records, each with the
//! length of its payload as 4 bytes behind the link. Numbers are little-endian.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::vec::Vec;

use anonet_core::{
    Addr, Config, ConnId, DialFailure, Event, Instant, LocalTx, Network, Node, Output, PeerRole, RelayPolicy, TxId, ZoneConfig,
    ZoneKind,
};
use bytes::{Buf, Bytes};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

/// Kinds of inputs. `SUBMIT` has a transaction's id and bytes, `READ` bytes, `WROTE` their number as 4 bytes.
pub mod input {
    pub const TIMEOUT: u8 = 0;
    pub const SUBMIT: u8 = 1;
    pub const DIALED: u8 = 2;
    pub const DIAL_FAILED: u8 = 3;
    pub const READ: u8 = 4;
    pub const WROTE: u8 = 5;
    pub const CLOSED: u8 = 6;
}

/// Kinds of outputs. `DIAL` has 8 bytes that isolate the stream and `HOST:PORT`, `WINDOW` how many bytes may be read as 4
/// bytes, `WRITE` bytes, of which there are no more before `WROTE` says so, `TIMER` a time as 8 bytes.
pub mod output {
    pub const TIMER: u8 = 0;
    pub const DIAL: u8 = 1;
    pub const WINDOW: u8 = 2;
    pub const WRITE: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const HANDED: u8 = 5;
    pub const STOPPED: u8 = 6;
}

pub struct Machine {
    node: Node,
    writing: BTreeSet<ConnId>,
}

impl Machine {
    /// A node with one peer, an onion name with its port; `None` if that is none.
    pub fn new(now: u64, seed: [u8; 32], peer: &str) -> Option<Self> {
        let mut zone = ZoneConfig::new(ZoneKind::Tor);
        zone.relay = RelayPolicy::Fluff;
        zone.peers.push((Addr::parse(peer, 0).ok()?, PeerRole::Exclusive));
        let mut config = Config::new(Network::Regtest);
        config.zones.push(zone);
        let node = Node::new(config, Box::new(ChaCha20Rng::from_seed(seed)), Instant::from_micros(now)).ok()?;
        Some(Self { node, writing: BTreeSet::new() })
    }

    /// Takes one record, and appends what is to be done to `out`. A record that is none changes nothing.
    pub fn step(&mut self, now: u64, record: &[u8], out: &mut Vec<u8>) {
        let now = Instant::from_micros(now);
        if let Some((&kind, (conn, payload))) = record.split_first().and_then(|(kind, rest)| Some((kind, split_conn(rest)?))) {
            self.take_in(now, kind, conn, payload);
            self.offer(conn, out);
        }
        while let Some(asked) = self.node.poll_output() {
            match asked {
                Output::Dial { conn, addr, isolation, .. } => {
                    let target = addr.reveal().to_string();
                    write(out, output::DIAL, conn, &[isolation.as_bytes(), target.as_bytes()].concat());
                }
                Output::Transmit(conn) | Output::Resume(conn) => self.offer(conn, out),
                Output::Close { conn, .. } => write(out, output::CLOSE, conn, &[]),
                Output::Event(Event::Handed { .. }) => {
                    write(out, output::HANDED, ConnId::from_bits(0), &[]);
                    self.node.shutdown(now);
                }
                Output::Event(Event::Stopped) => write(out, output::STOPPED, ConnId::from_bits(0), &[]),
                Output::Event(Event::Down { conn, .. }) => drop(self.writing.remove(&conn)),
                _ => {}
            }
        }
        let timer = self.node.poll_timeout().map_or(u64::MAX, Instant::as_micros);
        write(out, output::TIMER, ConnId::from_bits(0), &timer.to_le_bytes());
    }

    fn take_in(&mut self, now: Instant, kind: u8, conn: ConnId, payload: &[u8]) {
        // errors say that the link is gone, or that the node does not take the transaction
        match (kind, payload) {
            (input::DIALED, _) => _ = self.node.handle_dialed(now, conn),
            (input::DIAL_FAILED, _) => self.node.handle_dial_failed(now, conn, DialFailure::ProxyClosed),
            (input::READ, bytes) => _ = self.node.handle_data(now, conn, bytes),
            (input::WROTE, &[a, b, c, d]) if self.writing.remove(&conn) => {
                if let Ok(mut outgoing) = self.node.outgoing(conn) {
                    outgoing.advance(outgoing.remaining().min(u32::from_le_bytes([a, b, c, d]) as usize));
                }
            }
            (input::CLOSED, _) => self.node.handle_closed(now, conn),
            (input::SUBMIT, payload) => {
                let parts = payload.split_first_chunk().map(|(id, tx)| (*id, LocalTx::new(Bytes::copy_from_slice(tx))));
                if let Some((id, Ok(tx))) = parts {
                    let _ = self.node.submit_tx(now, TxId::new(id), tx);
                }
            }
            _ => self.node.handle_timeout(now),
        }
    }

    /// Says how much may be read, and what is to be written unless something is being written.
    fn offer(&mut self, conn: ConnId, out: &mut Vec<u8>) {
        let window = self.node.recv_window(conn) as u32;
        if let Ok(outgoing) = self.node.outgoing(conn) {
            write(out, output::WINDOW, conn, &window.to_le_bytes());
            if outgoing.has_remaining() && self.writing.insert(conn) {
                write(out, output::WRITE, conn, outgoing.chunk());
            }
        }
    }
}

fn split_conn(rest: &[u8]) -> Option<(ConnId, &[u8])> {
    let (conn, payload) = rest.split_first_chunk()?;
    Some((ConnId::from_bits(u64::from_le_bytes(*conn)), payload))
}

fn write(out: &mut Vec<u8>, kind: u8, conn: ConnId, payload: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&conn.to_bits().to_le_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(payload);
}
