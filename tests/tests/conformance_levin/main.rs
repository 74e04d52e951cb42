//! Levin framing, statement by statement (spec: levin).

mod dialogue;
mod receiver;

use anonet_core::levin::{BodyLimit, Flags, FrameLimits, Header, Kind, MIN_FRAGMENT_UNIT, fragments, frame, frame_count, noise};
use anonet_tests::conformance::{Row, Sections, assert_covered, check, differs, hex, same, stream};
use bytes::BytesMut;

const SECTIONS: [&str; 9] =
    ["levin §1", "levin §2", "levin §3", "levin §4", "levin §5", "levin §6", "levin §7", "levin §8", "levin §9"];

const NOT_APPLICABLE: [(&str, &str, &str); 6] = [
    ("levin §2", "bodies of 2001, 2003 to 2009", "block messages: this node relays transactions and does not sync"),
    (
        "levin §3",
        "the limit of a read is fixed at its start",
        "limits are given with each frame; a stream cut otherwise must not differ",
    ),
    ("levin §6", "new connection and established timers", "the runtime keeps no timers; the core's deadlines are in the rows"),
    ("levin §6", "timeouts shrink with the number of sockets", "caps on links and on bytes for each link bound them instead"),
    ("levin §6", "1000 entries of the send queue", "the queue is bounded in bytes, which is what memory is made of"),
    ("levin §8", "slow data extends the handshake's timer", "0.18.0.0 only; see the dripping handshake in §6"),
];

const PING: &str = "0121010101010101 0a00000000000000 01 eb030000 00000000 01000000 01000000 01110101010102010100";
const NOTIFY_BODY: &str = "011101010101020101 08 015f 0a 00 03747873 8a 04 08aabb";
const OPEN: FrameLimits = FrameLimits::public();

fn written(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    write(&mut out);
    out.to_vec()
}

fn sent(kind: Kind, command: u32, body: &str) -> Vec<u8> {
    written(|out| frame(out, kind, command, |out| out.extend_from_slice(&hex(body))))
}

fn padded(unit: usize, body: &[u8]) -> Vec<u8> {
    written(|out| {
        fragments(out, unit, 2002, body).expect("the unit is large enough");
    })
}

/// A frame with any header.
fn raw(header: Header, body: &[u8]) -> Vec<u8> {
    [&header.write()[..], body].concat()
}

/// A notify 2002 whose header says `length`, without any of its body.
fn head(command: u32, length: u64) -> Vec<u8> {
    raw(Header::new(Kind::Request, command, length), &[])
}

fn flagged(bits: u32, expects_response: bool, body: &[u8]) -> Vec<u8> {
    let header = Header::new(Kind::Notify, if bits & 3 == 0 { 0 } else { 2002 }, body.len() as u64);
    raw(Header { flags: Flags::from_bits(bits), expects_response, ..header }, body)
}

fn filled(start: &str, total: usize) -> Vec<u8> {
    let mut bytes = hex(start);
    bytes.resize(total, 0);
    bytes
}

fn stem_body() -> Vec<u8> {
    let mut body = hex("011101010101020101 0c 015f 0a00 1164616e64656c696f6e70705f666c756666 0b00 03747873 8a04 f000");
    body.extend(1..0x3c);
    body
}

const THREE_FRAGMENTS: &str = "0121010101010101 2f00000000000000 00 00000000 00000000 04000000 01000000
    0121010101010101 6500000000000000 00 d2070000 00000000 01000000 01000000 0111010101010201010c015f0a00
    0121010101010101 2f00000000000000 00 00000000 00000000 00000000 01000000
    1164616e64656c696f6e70705f666c7566660b00037478738a04f0000102030405060708090a0b0c0d0e0f10111213
    0121010101010101 2f00000000000000 00 00000000 00000000 08000000 01000000
    1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b 00000000000000";

/// What we write, and what monerod writes.
fn written_rows() -> Vec<Row<Vec<u8>, Vec<u8>>> {
    let unknown = hex("0121010101010101 0000000000000000 00 eb030000 faffffff 02000000 01000000");
    let undecodable = hex("0121010101010101 0000000000000000 00 e9030000 ffffffff 02000000 01000000");
    let pong = "011101010101020101 08 07706565725f6964 05 0100000000000000 06737461747573 0a 084f4b";
    let padded_notify = format!("0121010101010101 2f00000000000000 00 d2070000 00000000 01000000 01000000 {NOTIFY_BODY}");
    vec![
        same("levin §1", "an invoke expects an answer", sent(Kind::Request, 1003, "01110101010102010100"), hex(PING)),
        same(
            "levin §7",
            "ping response",
            sent(Kind::Response { code: 1 }, 1003, pong),
            hex(&format!("0121010101010101 2600000000000000 00 eb030000 01000000 02000000 01000000 {pong}")),
        ),
        same("levin §7", "answer to a filtered request", sent(Kind::Response { code: -6 }, 1003, ""), unknown),
        same("levin §7", "answer to an undecodable request", sent(Kind::Response { code: -1 }, 1001, ""), undecodable),
        same(
            "levin §7",
            "a notify of one transaction",
            sent(Kind::Notify, 2002, NOTIFY_BODY),
            hex(&format!("0121010101010101 1700000000000000 00 d2070000 00000000 01000000 01000000 {NOTIFY_BODY}")),
        ),
        same(
            "levin §5",
            "noise of 3072 bytes",
            written(|out| noise(out, 3072).expect("large enough")),
            filled("0121010101010101 df0b000000000000 00 00000000 00000000 0c000000 01000000", 3072),
        ),
        same(
            "levin §7",
            "noise of 80 bytes",
            written(|out| noise(out, 80).expect("large enough")),
            filled("0121010101010101 2f00000000000000 00 00000000 00000000 0c000000 01000000", 80),
        ),
        same("levin §5", "a body that fits is padded in its frame", padded(80, &hex(NOTIFY_BODY)), filled(&padded_notify, 80)),
        same("levin §7", "three fragments", padded(80, &stem_body()), hex(THREE_FRAGMENTS)),
    ]
}

/// Sizes of fragmented messages: unit and body, frames and their total.
fn fragment_rows() -> Vec<Row<(usize, usize), Option<usize>>> {
    let rows = [
        ("frames are ceil((33 + body) / (unit - 33))", 80, 101, 3),
        ("a transaction of 2997 bytes takes one", 3072, 3039, 1),
        ("a transaction of 2998 bytes takes two", 3072, 3040, 2),
        ("6144 bytes take three", 3072, 6144, 3),
        ("60,747 bytes take the twenty of an epoch", 3072, 60_747, 20),
        ("one byte more takes 21", 3072, 60_748, 21),
    ];
    let mut rows: Vec<_> =
        rows.into_iter().map(|(what, unit, body, frames)| same("levin §5", what, (unit, body), Some(frames))).collect();
    rows.push(same("levin §5", "a unit below 66 is refused", (MIN_FRAGMENT_UNIT - 1, 0), None));
    rows
}

/// `get_max_bytes`: what may come with each command on the public network and on an anonymity network.
fn command_rows() -> Vec<Row<u32, (BodyLimit, BodyLimit)>> {
    const TOTAL: (u32, u32) = (8 << 20, 4 << 20);
    use BodyLimit::{Keep, Skip};
    let table = [
        ("handshake", 1001, 65_536),
        ("timed sync", 1002, 65_536),
        ("ping", 1003, 4_096),
        ("a removed debugging request", 1004, u32::MAX),
        ("support flags", 1007, 4_096),
        ("new block", 2001, 134_217_728),
        ("new transactions", 2002, 134_217_728),
        ("get objects", 2003, 2_097_152),
        ("objects", 2004, 134_217_728),
        ("a command that is not used", 2005, u32::MAX),
        ("request chain", 2006, 524_288),
        ("chain entry", 2007, 4_194_304),
        ("new fluffy block", 2008, 4_194_304),
        ("fluffy missing transactions", 2009, 1_048_576),
        ("pool complement", 2010, 4_194_304),
    ];
    let rows = table.into_iter().map(|(what, command, monerod)| {
        let known = !matches!(command, 1004 | 2005);
        let public = if known { Keep(monerod.min(TOTAL.0)) } else { Skip(monerod.min(TOTAL.0)) };
        // filtered commands are tolerated within their limit, and their bodies dropped
        let kept = matches!(command, 1001 | 1002 | 2002);
        let anonymity = if kept { Keep(monerod.min(TOTAL.1)) } else { Skip(monerod.min(TOTAL.1)) };
        if monerod > TOTAL.0 {
            differs(
                "levin §2",
                what,
                "the link's total is smaller: 8 MiB in public, 4 MiB elsewhere",
                command,
                (public, anonymity),
            )
        } else {
            same("levin §2", what, command, (public, anonymity))
        }
    });
    rows.collect()
}

#[test]
fn what_is_written() {
    check(&written_rows(), Clone::clone);
    check(&fragment_rows(), |&(unit, body)| {
        let frames = frame_count(unit, body).ok()?;
        let out = padded(unit, &vec![7; body]);
        assert_eq!(out.len(), frames * unit, "every frame is exactly as long as the unit");
        Some(frames)
    });
}

#[test]
fn what_is_received() {
    for rows in [receiver::header_rows(), receiver::assembly_rows(), receiver::limit_rows()] {
        check(&rows, |(limits, bytes)| stream(bytes, limits));
    }
    check(&command_rows(), |&command| (OPEN.body(command), FrameLimits::anonymity().body(command)));
}

#[test]
fn what_is_answered() {
    for rows in [dialogue::answer_rows(), dialogue::deadline_rows()] {
        check(&rows, |steps| steps());
    }
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 8] = [
        &written_rows(),
        &fragment_rows(),
        &command_rows(),
        &receiver::header_rows(),
        &receiver::assembly_rows(),
        &receiver::limit_rows(),
        &dialogue::answer_rows(),
        &dialogue::deadline_rows(),
    ];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
