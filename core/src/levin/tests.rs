//! Levin framing against the spec's examples, its limits, and itself cut into pieces.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test that goes wrong is to stop"
)]

use alloc::vec::Vec;

use bytes::BytesMut;

use super::*;

mod examples;
mod limits;
mod memory;
mod refusals;
mod split;

/// Roomier than the production limits where a test is not about them.
const OPEN: FrameLimits = FrameLimits::public();

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    kind: Kind,
    command: u32,
    body: Vec<u8>,
    fragments: u32,
}

impl From<Frame<'_>> for Owned {
    fn from(frame: Frame<'_>) -> Self {
        Self { kind: frame.kind, command: frame.command, body: frame.body.to_vec(), fragments: frame.fragments }
    }
}

fn owned(kind: Kind, command: u32, body: &[u8]) -> Owned {
    Owned { kind, command, body: body.to_vec(), fragments: 0 }
}

/// Feeds one piece to the end.
fn feed_all(decoder: &mut Decoder, mut data: &[u8], limits: &FrameLimits) -> Result<Vec<Owned>, LevinError> {
    let mut frames = Vec::new();
    loop {
        let (consumed, frame) = decoder.feed(data, limits)?;
        data = &data[consumed..];
        match frame {
            Some(frame) => frames.push(frame.into()),
            None => {
                assert!(data.is_empty(), "no frame, yet bytes are left");
                return Ok(frames);
            }
        }
    }
}

/// All frames of a stream and the error that ended it.
fn decode(stream: &[u8], limits: &FrameLimits) -> (Vec<Owned>, Option<LevinError>) {
    decode_pieces(core::iter::once(stream), limits)
}

fn decode_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: &FrameLimits) -> (Vec<Owned>, Option<LevinError>) {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.feed(piece, limits) {
                Err(error) => {
                    assert_eq!(decoder.feed(b"", limits), Err(error), "errors are sticky");
                    return (frames, Some(error));
                }
                Ok((consumed, None)) => {
                    assert_eq!(consumed, piece.len());
                    break;
                }
                Ok((consumed, Some(frame))) => {
                    frames.push(frame.into());
                    piece = &piece[consumed..];
                }
            }
            assert!(decoder.buffered() <= limits.total() as usize);
        }
    }
    (frames, None)
}

fn encoded(kind: Kind, command: u32, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    frame(&mut out, kind, command, |out| out.extend_from_slice(body));
    out
}

/// A frame of any header, also an impossible one.
fn raw(header: Header, body: &[u8]) -> Vec<u8> {
    [&header.write()[..], body].concat()
}

fn fragment(flags: Flags, body: &[u8]) -> Vec<u8> {
    raw(Header::fragment(flags, body.len() as u64), body)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|digit| !digit.is_whitespace()).map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
