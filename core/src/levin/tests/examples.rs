//! The verified examples of spec `levin.md` §7 and the table of §5.

use super::*;

const PING_BODY: &str = "01110101010102010100";
const PONG_BODY: &str = "011101010101020101 08 07706565725f6964 05 0100000000000000 06737461747573 0a 084f4b";

fn both_ways(wire: &str, kind: Kind, command: u32, body: &str) {
    let (wire, body) = (hex(wire), hex(body));
    assert_eq!(encoded(kind, command, &body), wire);
    assert_eq!(decode(&wire, &OPEN), ([owned(kind, command, &body)].to_vec(), None));
}

#[test]
fn requests_and_responses() {
    both_ways(
        "0121010101010101 0a00000000000000 01 eb030000 00000000 01000000 01000000 01110101010102010100",
        Kind::Request,
        1003,
        PING_BODY,
    );
    both_ways(
        "0121010101010101 2600000000000000 00 eb030000 01000000 02000000 01000000
         011101010101020101 08 07706565725f6964 05 0100000000000000 06737461747573 0a 084f4b",
        Kind::Response { code: 1 },
        1003,
        PONG_BODY,
    );
    both_ways("0121010101010101 0000000000000000 00 eb030000 faffffff 02000000 01000000", Kind::Response { code: -6 }, 1003, "");
    both_ways("0121010101010101 0000000000000000 00 e9030000 ffffffff 02000000 01000000", Kind::Response { code: -1 }, 1001, "");
}

const NOTIFY_BODY: &str = "011101010101020101 08 015f 0a 00 03747873 8a 04 08aabb";

#[test]
fn notification() {
    both_ways(
        "0121010101010101 1700000000000000 00 d2070000 00000000 01000000 01000000
         011101010101020101 08 015f 0a 00 03747873 8a 04 08aabb",
        Kind::Notify,
        2002,
        NOTIFY_BODY,
    );
}

#[test]
fn noise_frames() {
    for (unit, header) in [
        (3072, "0121010101010101 df0b000000000000 00 00000000 00000000 0c000000 01000000"),
        (80, "0121010101010101 2f00000000000000 00 00000000 00000000 0c000000 01000000"),
        (33, "0121010101010101 0000000000000000 00 00000000 00000000 0c000000 01000000"),
    ] {
        let mut wire = hex(header);
        wire.resize(unit, 0);
        let mut out = BytesMut::new();
        noise(&mut out, unit).unwrap();
        assert_eq!(out, wire);
        assert_eq!(decode(&wire, &OPEN), ([owned(Kind::Dummy, 0, b"")].to_vec(), None));
    }
}

#[test]
fn a_body_that_fits_is_padded_inside_the_frame() {
    let mut wire = hex("0121010101010101 2f00000000000000 00 d2070000 00000000 01000000 01000000");
    wire.extend(hex(NOTIFY_BODY));
    wire.resize(80, 0);
    let mut out = BytesMut::new();
    assert_eq!(fragments(&mut out, 80, 2002, &hex(NOTIFY_BODY)), Ok(1));
    assert_eq!(out, wire);
    assert_eq!(decode(&wire, &OPEN), ([owned(Kind::Notify, 2002, &wire[33..])].to_vec(), None));
}

/// One transaction `00 01 … 3b` in stem form, as the spec's example has it.
fn stem_body() -> Vec<u8> {
    let mut body = hex("011101010101020101 0c 015f 0a00 1164616e64656c696f6e70705f666c756666 0b00 03747873 8a04 f000");
    body.extend(1..0x3c);
    body
}

#[test]
fn three_fragments() {
    let wire = hex("0121010101010101 2f00000000000000 00 00000000 00000000 04000000 01000000
         0121010101010101 6500000000000000 00 d2070000 00000000 01000000 01000000 0111010101010201010c015f0a00
         0121010101010101 2f00000000000000 00 00000000 00000000 00000000 01000000
         1164616e64656c696f6e70705f666c7566660b00037478738a04f0000102030405060708090a0b0c0d0e0f10111213
         0121010101010101 2f00000000000000 00 00000000 00000000 08000000 01000000
         1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b 00000000000000");
    let body = stem_body();
    assert_eq!(body.len(), 101);
    let mut out = BytesMut::new();
    assert_eq!(fragments(&mut out, 80, 2002, &body), Ok(3));
    assert_eq!(out, wire);
    let message = Owned { fragments: 3, ..owned(Kind::Notify, 2002, &body) };
    assert_eq!(decode(&wire, &OPEN), ([message].to_vec(), None));
}

#[test]
fn frame_counts() {
    for (unit, body_len, frames) in [
        (3072, 0, 1),
        (3072, 3039, 1),
        (3072, 3040, 2),
        (3072, 6144, 3),
        (3072, 60_747, 20),
        (3072, 60_748, 21),
        (66, 33, 1),
        (66, 34, 3),
        (80, 101, 3),
    ] {
        assert_eq!(frame_count(unit, body_len), Ok(frames), "{unit} {body_len}");
        let body: Vec<u8> = (0..body_len).map(|at| at as u8).collect();
        let mut out = BytesMut::new();
        assert_eq!(fragments(&mut out, unit, 2002, &body), Ok(frames));
        assert_eq!(out.len(), frames * unit);
        let (decoded, error) = decode(&out, &OPEN);
        assert_eq!((decoded.len(), error), (1, None));
        assert_eq!(&decoded[0].body[..body_len], &body[..]);
        let fragmented = if frames == 1 { 0 } else { frames as u32 };
        assert_eq!(decoded[0].fragments, fragmented);
        // padding is counted in the length of a single frame and cut off a re-assembled message
        assert_eq!(decoded[0].body.len(), if frames == 1 { unit - 33 } else { body_len });
    }
}

#[test]
fn a_body_of_6144_bytes() {
    let mut out = BytesMut::new();
    assert_eq!(fragments(&mut out, 3072, 2002, &[7; 6144]), Ok(3));
    assert_eq!(out.len(), 9216);
    let outer: Vec<Header> = out.chunks(3072).map(|frame| Header::parse(frame.first_chunk().unwrap()).unwrap()).collect();
    assert!(outer.iter().all(|header| header.length == 3039 && header.command == 0));
    assert_eq!(outer.iter().map(|header| header.flags).collect::<Vec<_>>(), [Flags::BEGIN, Flags::NONE, Flags::END]);
    let inner = Header::parse(out[33..].first_chunk().unwrap()).unwrap();
    assert_eq!(inner, Header::new(Kind::Notify, 2002, 6144));
}

#[test]
fn units_that_are_too_small_write_nothing() {
    let mut out = BytesMut::new();
    assert_eq!(noise(&mut out, 32), Err(UnitTooSmall { unit: 32, minimum: 33 }));
    let refused = UnitTooSmall { unit: 65, minimum: 66 };
    assert_eq!(fragments(&mut out, 65, 2002, b""), Err(refused));
    assert_eq!(frame_count(65, 0), Err(refused));
    assert!(out.is_empty());
}

#[test]
fn frames_follow_what_is_in_the_buffer() {
    let mut out = BytesMut::from(&b"before"[..]);
    frame(&mut out, Kind::Notify, 2002, |out| out.extend_from_slice(b"body"));
    assert_eq!(&out[..6], b"before");
    assert_eq!(out[6..], encoded(Kind::Notify, 2002, b"body")[..]);
}
