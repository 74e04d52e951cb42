//! Frames captured from a real monerod: what `vectors/*/index.json` says of them, and the same bytes again.

use std::fs;
use std::path::{Path, PathBuf};

use anonet_core::levin::{Decoder, Flags, Frame, FrameLimits, HEADER_LEN, Header, Kind, fragments, frame, noise};
use bytes::BytesMut;
use serde_json::Value;

/// A captured stream: what the index says of each frame, and the bytes.
struct Vector {
    name: String,
    zone: String,
    frames: Vec<Header>,
    wire: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    ["tor", "i2p"].into_iter().flat_map(|set| read_set(&root.join(set))).collect()
}

fn read_set(directory: &Path) -> Vec<Vector> {
    let index: Value = serde_json::from_str(&read(directory.join("index.json"))).unwrap();
    let listed = index["vectors"].as_array().unwrap();
    listed
        .iter()
        .map(|vector| {
            let name = vector["file"].as_str().unwrap();
            Vector {
                name: format!("{}/{name}", directory.display()),
                zone: vector["zone"].as_str().unwrap().into(),
                frames: vector["frames"].as_array().unwrap().iter().map(header).collect(),
                wire: hex(read(directory.join(name)).trim()),
            }
        })
        .collect()
}

fn header(frame: &Value) -> Header {
    let number = |key: &str| u32::try_from(frame[key].as_u64().unwrap()).unwrap();
    Header {
        length: frame["payload_bytes"].as_u64().unwrap(),
        expects_response: frame["expect"].as_bool().unwrap(),
        command: number("command"),
        return_code: i32::try_from(frame["code"].as_i64().unwrap()).unwrap(),
        flags: Flags::from_bits(number("flags")),
        version: number("version"),
    }
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn limits(vector: &Vector) -> FrameLimits {
    if vector.zone == "public" { FrameLimits::public() } else { FrameLimits::anonymity() }
}

/// Hands every frame of the stream, fed in pieces of `size`, to `check` and counts them.
fn decode(vector: &Vector, size: usize, mut check: impl FnMut(Frame<'_>)) -> usize {
    let mut decoder = Decoder::new();
    let mut count = 0;
    for mut piece in vector.wire.chunks(size) {
        loop {
            let (consumed, frame) =
                decoder.feed(piece, &limits(vector)).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
            piece = &piece[consumed..];
            match frame {
                Some(frame) => check(frame),
                None => break,
            }
            count += 1;
        }
    }
    assert_eq!(decoder.buffered(), 0, "{}: bytes are left", vector.name);
    count
}

#[test]
fn there_are_vectors_of_both_networks() {
    assert_eq!(vectors().len(), 40);
}

#[test]
fn headers_are_as_listed() {
    for vector in vectors() {
        let mut rest = &vector.wire[..];
        for listed in &vector.frames {
            let (raw, body) = rest.split_first_chunk::<HEADER_LEN>().unwrap();
            assert_eq!(Header::parse(raw).as_ref(), Ok(listed), "{}", vector.name);
            assert_eq!(listed.write(), *raw, "{}", vector.name);
            rest = &body[usize::try_from(listed.length).unwrap()..];
        }
        assert!(rest.is_empty(), "{}: bytes are left", vector.name);
    }
}

#[test]
fn frames_are_as_listed() {
    for vector in vectors() {
        for size in [1, 7, 3072, usize::MAX] {
            let fragmented = vector.frames.len() > 1;
            let [listed, ..] = vector.frames[..] else { panic!("{}: no frames", vector.name) };
            let count = decode(&vector, size, |frame| {
                if fragmented {
                    assert_eq!((frame.kind, frame.command), (Kind::Notify, 2002), "{}", vector.name);
                    assert_eq!(usize::try_from(frame.fragments), Ok(vector.frames.len()));
                    return;
                }
                let (kind, body) = match (listed.flags, listed.expects_response) {
                    (Flags::NOISE, _) => (Kind::Dummy, &[][..]),
                    (Flags::RESPONSE, _) => (Kind::Response { code: listed.return_code }, &vector.wire[HEADER_LEN..]),
                    (_, true) => (Kind::Request, &vector.wire[HEADER_LEN..]),
                    (_, false) => (Kind::Notify, &vector.wire[HEADER_LEN..]),
                };
                assert_eq!((frame.kind, frame.command), (kind, listed.command), "{}", vector.name);
                assert_eq!(frame.body, body, "{}", vector.name);
                assert_eq!(frame.fragments, 0, "{}", vector.name);
            });
            assert_eq!(count, 1, "{}", vector.name);
        }
    }
}

#[test]
fn the_same_bytes_come_out_again() {
    for vector in vectors() {
        decode(&vector, usize::MAX, |received| {
            let mut out = BytesMut::new();
            match (received.kind, received.fragments) {
                (Kind::Dummy, _) => noise(&mut out, vector.wire.len()).unwrap(),
                (kind, 0) => frame(&mut out, kind, received.command, |out| out.extend_from_slice(received.body)),
                (_, count) => {
                    let frames = fragments(&mut out, 3072, received.command, received.body).unwrap();
                    assert_eq!(u32::try_from(frames), Ok(count), "{}", vector.name);
                }
            }
            assert_eq!(out, vector.wire, "{}", vector.name);
        });
    }
}

#[test]
fn a_padded_notification_is_padded_alike() {
    let mut seen = 0;
    for vector in vectors().iter().filter(|vector| vector.name.ends_with("noise_small.hex")) {
        decode(vector, usize::MAX, |received| {
            let padding = received.body.iter().rev().take_while(|byte| **byte == 0).count();
            assert!(padding > 0);
            let body = &received.body[..received.body.len() - padding];
            let mut out = BytesMut::new();
            assert_eq!(fragments(&mut out, 3072, received.command, body), Ok(1));
            assert_eq!(out, vector.wire, "{}", vector.name);
            seen += 1;
        });
    }
    assert_eq!(seen, 2);
}
