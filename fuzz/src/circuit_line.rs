//! The line with which Tor begins a stream, cut in any way.

use std::net::Ipv6Addr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anonet_smol::fuzzing::circuit;
use bytes::Bytes;

use crate::says::Says;
use crate::script::Script;

/// Four sizes of pieces, and what comes.
///
/// # Panics
/// If the outcome depends on the pieces, a byte behind the line is lost, or a circuit is read that the line does not name.
pub fn circuit_line(data: &[u8]) {
    let mut script = Script::new(data);
    let sizes = script.bytes(4);
    let comes = script.bytes(1 << 12);
    let (whole, left) = read(comes, &[]);
    let (cut, left_cut) = read(comes, sizes);
    assert_eq!(whole.as_ref().map(|(circuit, _)| *circuit), cut.as_ref().map(|(circuit, _)| *circuit));
    let Some((number, early)) = whole else { return };
    let line = &comes[..comes.len() - left - early.len()];
    assert_eq!(Some(line.len()), cut.map(|(_, early)| comes.len() - left_cut - early.len()), "a byte is lost");
    let text = std::str::from_utf8(line).expect("a line is text");
    let source: Ipv6Addr = text.split(' ').nth(2).expect("a source").parse().expect("an address");
    assert!(text.starts_with("PROXY TCP6 ") && text.ends_with("\r\n") && text.len() <= 107);
    assert_eq!(u128::from(source), 0xfc00_dead_beef_4dad << 64 | u128::from(number));
}

/// What is found, and how much is still in the stream.
fn read(comes: &[u8], sizes: &[u8]) -> (Option<(u32, Bytes)>, usize) {
    let mut stream = Says::new(comes, sizes);
    let found = pin!(circuit(&mut stream)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(found) = found else { panic!("waits for a stream that never makes it wait") };
    (found, stream.left())
}
