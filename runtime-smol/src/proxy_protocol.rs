//! The line with which Tor begins a stream to a hidden service that is told circuits (torrc:
//! `HiddenServiceExportCircuitID haproxy`), and the count of streams that share a circuit.
//!
//! It is a line of the PROXY protocol, version 1, whose source address is made up: `fc00:dead:beef:4dad::` and behind it
//! the circuit's number. The number is the daemon's own and says nothing about the peer, but who opens many streams over
//! one circuit is one peer.
//!
//! Source: tor(1), `HiddenServiceExportCircuitID`; spec `socks.md` §7.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use smol::future::or;
use smol::io::{AsyncRead, AsyncReadExt};
use thiserror::Error;

/// The longest line of the protocol, with its end, in bytes.
const LINE_MAX: usize = 107;

/// How every line of Tor's begins.
const START: &[u8] = b"PROXY TCP6 ";

/// The first half of the source address.
const PREFIX: [u16; 4] = [0xfc00, 0xdead, 0xbeef, 0x4dad];

/// Streams that may share one circuit. A peer needs one, and a second while the first is closing.
pub(crate) const STREAMS_PER_CIRCUIT: u32 = 4;

/// Circuits that are counted at once; further ones are refused.
const CIRCUITS: usize = 4_096;

/// The number of a circuit at the hidden-service daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CircuitId(u32);

impl CircuitId {
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// Why a stream is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoCircuit {
    /// It begins in another way.
    #[error("it does not begin with the line of HiddenServiceExportCircuitID haproxy")]
    OtherBytes,
    /// It ended before the line did.
    #[error("it ended within its first line")]
    Ended,
    /// The line did not come in time.
    #[error("its first line did not come in time")]
    Late,
}

/// Reads the line, and what came behind it in the same chunk, unless `deadline` is over first.
pub(crate) async fn read<T>(
    stream: &mut (impl AsyncRead + Unpin),
    deadline: impl Future<Output = T>,
) -> Result<(CircuitId, Bytes), NoCircuit> {
    let late = async {
        deadline.await;
        Err(NoCircuit::Late)
    };
    or(read_line(stream), late).await
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Result<(CircuitId, Bytes), NoCircuit> {
    let mut received = BytesMut::new();
    let mut chunk = [0; LINE_MAX];
    loop {
        // never more than the longest line, so that there is always space for a byte unless it is too long
        let space = LINE_MAX - received.len();
        let count = stream.read(&mut chunk[..space]).await.map_err(|_| NoCircuit::Ended)?;
        if count == 0 {
            return Err(NoCircuit::Ended);
        }
        received.extend_from_slice(&chunk[..count]);
        if let Some((circuit, len)) = parse(&received)? {
            received.advance(len);
            return Ok((circuit, received.freeze()));
        }
    }
}

/// The circuit and the length of the line; `None` if more bytes have to come.
fn parse(received: &[u8]) -> Result<Option<(CircuitId, usize)>, NoCircuit> {
    let common = received.len().min(START.len());
    if received[..common] != START[..common] {
        return Err(NoCircuit::OtherBytes);
    }
    let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
        return if received.len() < LINE_MAX { Ok(None) } else { Err(NoCircuit::OtherBytes) };
    };
    let line = received.get(START.len()..end).and_then(|line| line.strip_suffix(b"\r"));
    let circuit = line.and_then(|line| circuit(str::from_utf8(line).ok()?));
    circuit.map(|circuit| Some((circuit, end + 1))).ok_or(NoCircuit::OtherBytes)
}

/// `SOURCE DESTINATION PORT PORT`
fn circuit(line: &str) -> Option<CircuitId> {
    let mut items = line.split(' ');
    let source: Ipv6Addr = items.next()?.parse().ok()?;
    let _destination: Ipv6Addr = items.next()?.parse().ok()?;
    for _ in 0..2 {
        let port = items.next()?;
        if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err() {
            return None;
        }
    }
    let [a, b, c, d, 0, 0, high, low] = source.segments() else { return None };
    let known = items.next().is_none() && [a, b, c, d] == PREFIX;
    known.then_some(CircuitId(u32::from(high) << 16 | u32::from(low)))
}

/// How many streams each circuit has. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circuits(Arc<Mutex<BTreeMap<CircuitId, u32>>>);

/// The place of one stream among those of its circuit, until it is dropped.
#[derive(Debug)]
pub(crate) struct CircuitSlot {
    circuits: Circuits,
    id: CircuitId,
}

impl Circuits {
    /// A place for one more stream, unless the circuit has [`STREAMS_PER_CIRCUIT`] or too many circuits are counted.
    pub(crate) fn enter(&self, id: CircuitId) -> Option<CircuitSlot> {
        let mut counts = self.counts();
        let full = counts.len() >= CIRCUITS;
        match counts.get_mut(&id) {
            Some(count) if *count >= STREAMS_PER_CIRCUIT => return None,
            Some(count) => *count += 1,
            None if full => return None,
            None => drop(counts.insert(id, 1)),
        }
        Some(CircuitSlot { circuits: self.clone(), id })
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<CircuitId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CircuitSlot {
    fn drop(&mut self) {
        let mut counts = self.circuits.counts();
        if let Some(count) = counts.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use smol::block_on;
    use smol::future::{pending, ready};

    use super::*;

    /// What is found in this stream, which has all the time.
    fn read(mut stream: impl AsyncRead + Unpin) -> Result<(CircuitId, Bytes), NoCircuit> {
        block_on(super::read(&mut stream, pending::<()>()))
    }

    /// As tor 0.4.9 writes it.
    const LINE: &str = "PROXY TCP6 fc00:dead:beef:4dad::1:2c ::1 65535 42\r\n";

    #[test]
    fn the_circuit_is_the_end_of_the_source_address() {
        for (source, expected) in [
            ("fc00:dead:beef:4dad::ffff:ffff", u32::MAX),
            ("fc00:dead:beef:4dad::0:11", 17),
            ("fc00:dead:beef:4dad::", 0),
            ("fc00:dead:beef:4dad::aabb:ccdd", 0xaabb_ccdd),
        ] {
            let line = format!("PROXY TCP6 {source} ::1 65535 42\r\n");
            assert_eq!(parse(line.as_bytes()), Ok(Some((CircuitId(expected), line.len()))));
        }
    }

    #[test]
    fn byte_by_byte_and_with_what_follows() {
        let whole = [LINE.as_bytes(), b"\x01\x21\x01\x01levin"].concat();
        for len in 0..LINE.len() {
            assert_eq!(parse(&whole[..len]), Ok(None), "{len}");
        }
        for len in LINE.len()..=whole.len() {
            assert_eq!(parse(&whole[..len]), Ok(Some((CircuitId(0x1_002c), LINE.len()))), "{len}");
        }
        let found = read(&whole[..]).unwrap();
        assert_eq!(found, (CircuitId(0x1_002c), Bytes::from_static(b"\x01\x21\x01\x01levin")));
        let slowly = smol::io::AsyncReadExt::chain(&whole[..7], &whole[7..]);
        assert_eq!(read(slowly).unwrap().0, CircuitId(0x1_002c));
    }

    #[test]
    fn nothing_else_passes() {
        let with = |line: &str| format!("PROXY TCP6 {line}\r\n");
        let long = |ports: usize| with(&format!("fc00:dead:beef:4dad::1 ::1 {} 42", "0".repeat(ports)));
        for bad in [
            "\x01\x21\x01\x01\x01\x01\x01\x01".to_owned(),
            "GET / HTTP/1.1\r\n".into(),
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n".into(),
            "PROXY UNKNOWN\r\n".into(),
            "proxy TCP6 ".into(),
            LINE.replace("\r\n", "\n"),
            LINE.replace("4dad::1:2c", "4dae::1:2c"),
            LINE.replace("4dad::1:2c", "4dad:0:1:1:2c"),
            LINE.replace("65535", "65536"),
            LINE.replace("65535", "+5"),
            LINE.replace("65535", ""),
            LINE.replace(" 42", ""),
            LINE.replace(" 42", " 42 1"),
            LINE.replace("::1 ", "127.0.0.1 "),
            with(""),
            // as long as a line may be, and without an end
            format!("{}{}", "PROXY TCP6 ", "f".repeat(LINE_MAX - 11)),
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(NoCircuit::OtherBytes), "{bad:?}");
        }
        let unfinished = format!("{}{}", "PROXY TCP6 ", "f".repeat(LINE_MAX - 12));
        assert_eq!(parse(unfinished.as_bytes()), Ok(None));
        // leading zeros stretch a line to the limit; one more has no end within it
        let room = LINE_MAX - long(0).len();
        assert_eq!(read(long(room).as_bytes()).unwrap().0, CircuitId(1));
        assert_eq!(read(long(room + 1).as_bytes()), Err(NoCircuit::OtherBytes));
        assert_eq!(read(&LINE.as_bytes()[..LINE.len() - 1]), Err(NoCircuit::Ended));
        assert_eq!(read(&b""[..]), Err(NoCircuit::Ended));
    }

    #[test]
    fn a_line_that_comes_too_late_is_not_waited_for() {
        let mut silent = smol::io::AsyncReadExt::chain(&LINE.as_bytes()[..20], Silent);
        assert_eq!(block_on(super::read(&mut silent, ready(()))), Err(NoCircuit::Late));
        // what is there at the last moment counts
        assert!(block_on(super::read(&mut LINE.as_bytes(), ready(()))).is_ok());
    }

    /// A stream from which nothing comes.
    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    #[test]
    fn a_circuit_has_a_few_streams_and_gets_them_back() {
        let circuits = Circuits::default();
        let enter = |id| circuits.enter(CircuitId(id));
        let mut slots: Vec<_> = (0..STREAMS_PER_CIRCUIT).map(|_| enter(1).unwrap()).collect();
        assert!(enter(1).is_none(), "one more than it may have");
        assert!(enter(2).is_some(), "another circuit");
        slots.pop();
        slots.push(enter(1).unwrap());
        assert!(enter(1).is_none());
        drop(slots);
        assert!(circuits.counts().is_empty());
    }

    #[test]
    fn the_number_of_circuits_is_bounded() {
        let circuits = Circuits::default();
        let mut slots: Vec<_> = (0..CIRCUITS as u32).map(|id| circuits.enter(CircuitId(id)).unwrap()).collect();
        assert!(circuits.enter(CircuitId(u32::MAX)).is_none(), "one too many");
        assert!(circuits.enter(CircuitId(0)).is_some(), "one that is counted");
        slots.pop();
        assert!(circuits.enter(CircuitId(u32::MAX)).is_some());
    }
}
