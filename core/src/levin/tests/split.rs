//! How a stream is cut changes neither frames nor errors.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Commands of every fate, small bodies mostly.
fn message() -> impl Strategy<Value = Owned> {
    let kind = prop_oneof![Just(Kind::Request), Just(Kind::Notify), any::<i32>().prop_map(|code| Kind::Response { code }),];
    let command = prop_oneof![Just(1001), Just(1002), Just(2002)];
    (kind, command, vec(any::<u8>(), 0..300)).prop_map(|(kind, command, body)| owned(kind, command, &body))
}

/// Frames as they go onto the wire, and what must come out.
fn part() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<Owned>)> {
    let whole = message().prop_map(|message| {
        let wire = encoded(message.kind, message.command, &message.body).to_vec();
        ([wire].to_vec(), [message].to_vec())
    });
    let noise = (33_usize..200).prop_map(|unit| {
        let mut out = BytesMut::new();
        noise(&mut out, unit).unwrap();
        ([out.to_vec()].to_vec(), [owned(Kind::Dummy, 0, b"")].to_vec())
    });
    let fragmented =
        (message(), 1_usize..200, vec(message(), 0..4), 0_usize..40).prop_map(|(message, piece, between, padding)| {
            let mut wire = encoded(message.kind, message.command, &message.body).to_vec();
            wire.resize(wire.len() + padding, 0xee);
            assemble(&wire, piece, &between, message)
        });
    prop_oneof![whole, noise, fragmented]
}

/// `wire` in pieces with one of `between` after each but the last; a single piece gets an empty last fragment.
fn assemble(wire: &[u8], piece: usize, between: &[Owned], message: Owned) -> (Vec<Vec<u8>>, Vec<Owned>) {
    let mut pieces: Vec<&[u8]> = wire.chunks(piece).collect();
    if pieces.len() == 1 {
        pieces.push(b"");
    }
    let last = pieces.len() - 1;
    let (mut frames, mut out) = (Vec::new(), Vec::new());
    for (at, piece) in pieces.iter().enumerate() {
        let flags = match at {
            0 => Flags::BEGIN,
            _ if at == last => Flags::END,
            _ => Flags::NONE,
        };
        frames.push(fragment(flags, piece));
        if let (true, Some(other)) = (at < last, between.get(at)) {
            frames.push(encoded(other.kind, other.command, &other.body).to_vec());
            out.push(other.clone());
        }
    }
    out.push(Owned { fragments: pieces.len() as u32, ..message });
    (frames, out)
}

/// `stream` in pieces of these sizes, over and over.
fn pieces<'a>(mut stream: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    sizes.iter().cycle().map_while(move |size| {
        let (piece, rest) = stream.split_at((*size).min(stream.len()));
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(1_usize..5, 1..4), vec(1_usize..400, 1..8)]
}

proptest! {
    #[test]
    fn every_frame_arrives_however_it_is_cut(parts in vec(part(), 0..6), sizes in sizes()) {
        let stream = parts.iter().flat_map(|(wire, _)| wire.concat()).collect::<Vec<u8>>();
        let expected = parts.into_iter().flat_map(|(_, out)| out).collect::<Vec<Owned>>();
        prop_assert_eq!(decode(&stream, &OPEN), (expected.clone(), None));
        prop_assert_eq!(decode_pieces(pieces(&stream, &sizes), &FrameLimits::anonymity()), (expected, None));
    }

    #[test]
    fn a_damaged_stream_fails_alike_however_it_is_cut(
        parts in vec(part(), 1..6),
        damage in vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..3),
        sizes in sizes(),
        total in 0_u32..2000,
    ) {
        let mut wire = parts.into_iter().flat_map(|(wire, _)| wire).collect::<Vec<_>>();
        for (frame, place, value) in &damage {
            // in the headers, outer or inner, where it matters
            let frame = frame.index(wire.len());
            let place = place.index(wire[frame].len().min(66));
            wire[frame][place] = *value;
        }
        let stream = wire.concat();
        let limits = FrameLimits::anonymity().with_total(total);
        let whole = decode(&stream, &limits);
        prop_assert_eq!(&decode_pieces(stream.chunks(1), &limits), &whole);
        prop_assert_eq!(&decode_pieces(pieces(&stream, &sizes), &limits), &whole);
    }

    #[test]
    fn fragments_come_back(unit in 66_usize..400, body in vec(any::<u8>(), 0..2000)) {
        let mut out = BytesMut::new();
        let count = fragments(&mut out, unit, 2002, &body).unwrap();
        prop_assert_eq!(frame_count(unit, body.len()), Ok(count));
        prop_assert_eq!(out.len(), unit * count);
        let (frames, error) = decode(&out, &OPEN);
        prop_assert_eq!((frames.len(), error), (1, None));
        let (kept, padding) = frames[0].body.split_at(body.len());
        prop_assert_eq!(kept, &body[..]);
        prop_assert!(padding.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn headers_come_back(length: u64, expects_response: bool, command: u32, return_code: i32, bits: u32, version: u32) {
        let header = Header { length, expects_response, command, return_code, flags: Flags::from_bits(bits), version };
        prop_assert_eq!(Header::parse(&header.write()), Ok(header));
    }
}
