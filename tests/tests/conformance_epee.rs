//! Portable storage, statement by statement (spec: epee).

use anonet_core::epee::{EpeeError, Limits, Value, read, write};
use anonet_core::wire::{
    HandshakeRequest, NewTransactions, SupportFlagsResponse, TimedSyncResponse, TxForm, TxPoolComplement, WireError,
};
use anonet_core::{Addr, Network};
use anonet_tests::conformance::{Row, Sections, assert_covered, check, differs, hex, same};
use anonet_tests::world::cast::node_data;
use bytes::BytesMut;

const SECTIONS: [&str; 8] = ["epee §A1", "epee §A2", "epee §A3", "epee §A4", "epee §B", "epee §C", "epee §D", "epee §E"];

const NOT_APPLICABLE: [(&str, &str, &str); 4] = [
    ("epee §A4", "limits of HTTP bodies", "this node serves no .bin endpoint"),
    ("epee §A4", "strings below 2,000,000,000 bytes", "a body is far smaller: levin §2"),
    ("epee §B", "what a struct of monerod's keeps of a failed load", "nothing is kept: a decoder answers with an error"),
    ("epee §D", "the JSON form", "only RPC has it, and the runtime's RPC reads JSON with serde"),
];

const EMPTY: &str = "01110101010102010100";
const EVERY_SHAPE: &str = "20 0161 08 ff 0162 03 feff 0163 0b 01 0164 0a 08 6869 0165 87 08 0100 0200
    0166 0c 04 0178 06 07000000 0167 8c 08 00 04 0179 01 ffffffffffffffff 0168 09 000000000000f83f";

/// A document with this root section.
fn document(root: &str) -> Vec<u8> {
    hex(&format!("011101010101020101 {root}"))
}

fn first_word(error: impl std::fmt::Debug) -> String {
    format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// `ok`, or what is wrong with the grammar.
fn judge(body: &[u8]) -> String {
    let walked = read(body, Limits::LEVIN, |_, _| Ok::<_, EpeeError>(()));
    walked.map_or_else(|error| first_word(error.kind), |()| "ok".to_owned())
}

fn written(fill: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    fill(&mut out);
    out.to_vec()
}

type Grammar = Row<Vec<u8>, String>;

fn grammar(section: &'static str, what: &'static str, body: Vec<u8>, told: &str) -> Grammar {
    same(section, what, body, told.to_owned())
}

fn stricter(section: &'static str, what: &'static str, why: &'static str, body: Vec<u8>, told: &str) -> Grammar {
    differs(section, what, why, body, told.to_owned())
}

/// The document, its sections and their entries.
fn grammar_rows() -> Vec<Grammar> {
    let good = hex(EMPTY);
    let damaged = |at: usize| {
        let mut bytes = hex(EMPTY);
        bytes[at] ^= 4;
        bytes
    };
    let long_key = [&document("04 ff")[..], &[b'k'; 255], &[8, 1]].concat();
    vec![
        grammar("epee §A1", "ten bytes are a document", good.clone(), "ok"),
        grammar("epee §A1", "nine are not", good[..9].to_vec(), "UnexpectedEnd"),
        grammar("epee §A1", "a wrong first signature", damaged(0), "Header"),
        grammar("epee §A1", "a wrong second signature", damaged(7), "Header"),
        grammar("epee §A1", "another format version", damaged(8), "Header"),
        grammar("epee §A1", "bytes after the root section are ignored", [good, vec![0xee; 3_000]].concat(), "ok"),
        grammar("epee §A3", "a name of 255 bytes is read", long_key, "ok"),
        grammar("epee §A3", "an empty name", document("04 00 08 01 00"), "EmptyKey"),
        grammar("epee §A3", "the same name twice in a section", document("08 0161 08 00 0161 08 00"), "DuplicateKey"),
        grammar("epee §A3", "the same name in two sections", document("08 0161 08 00 0162 0c 04 0161 08 00"), "ok"),
        grammar("epee §A3", "names in any order are read", document("08 0162 08 00 0161 08 00"), "ok"),
        grammar("epee §A3", "each scalar type has its size", document("08 0161 02 01020304 0162 07 0102"), "ok"),
        grammar("epee §A3", "a boolean is 0 or 1", document("04 0161 0b 02"), "Bool"),
        grammar("epee §A3", "type 0 does not exist", document("04 0161 00 00"), "UnknownType"),
        grammar("epee §A3", "type 14 does not exist", document("04 0161 0e 00"), "UnknownType"),
        grammar("epee §A3", "the older form of an array", document("04 0161 0d 88 08 01 02"), "ok"),
        grammar("epee §A3", "the older form needs a flagged type", document("04 0161 0d 08 01"), "UnknownType"),
        grammar("epee §A3", "an array of arrays", document("04 0161 8d 04 88 04 01"), "NestedArray"),
        stricter("epee §A3", "an empty array of arrays", "no message has one", document("04 0161 8d 00"), "NestedArray"),
        grammar("epee §A3", "an array of every scalar type", document("08 0161 89 04 000000000000f83f 0162 8b 04 01"), "ok"),
        grammar("epee §A2", "the reader takes wider forms than needed", document("0500 0161 0a 02000000"), "ok"),
        grammar("epee §A2", "in eight bytes, too", document("0700000000000000 0161 0a 00"), "ok"),
        grammar("epee §C", "every shape", document(EVERY_SHAPE), "ok"),
        grammar("epee §A2", "a length that is cut off", document("04 0161 0a 02"), "UnexpectedEnd"),
    ]
}

/// Counts at a limit, and one past it. monerod counts objects, fields and strings on Levin.
fn limit_rows() -> Vec<Grammar> {
    let count = |value: usize| ((value << 2) | 2).to_le_bytes()[..4].to_vec();
    let zeros = |tag: u8, elements: usize| [&document("04 0161")[..], &[tag], &count(elements), &vec![0; elements]].concat();
    let nested = |sections: usize| document(&["04 0161 0c".repeat(sections - 1), "00".to_owned()].concat());
    let wide = |fields: u8| {
        let mut body = [&document("")[..], &[fields << 2]].concat();
        (1..=fields).for_each(|key| body.extend([1, key, 8, 0]));
        body
    };
    let declared = |tag: u8| [&document("04 0161")[..], &[tag], &count(1 << 28)].concat();
    vec![
        grammar("epee §A4", "8192 objects", zeros(0x8c, 8_192), "ok"),
        grammar("epee §A4", "one object more", zeros(0x8c, 8_193), "TooManyObjects"),
        grammar("epee §A4", "16,384 strings", [zeros(0x8a, 16_384), vec![0; 16_384]].concat(), "ok"),
        stricter("epee §A4", "one string more", "all elements of arrays count as well", zeros(0x8a, 16_385), "TooManyElements"),
        stricter(
            "epee §A4",
            "numbers in arrays are not counted",
            "all elements of arrays count",
            zeros(0x88, 16_385),
            "TooManyElements",
        ),
        stricter(
            "epee §A4",
            "n empty strings at the very end of a buffer are refused",
            "each takes one byte, which is there",
            document("04 0161 8a 0c 00 00 00"),
            "ok",
        ),
        grammar("epee §A4", "an array count beyond what the rest can hold", declared(0x85), "Count"),
        grammar("epee §A4", "a declared count is enough to fail", declared(0x8c), "Count"),
        grammar("epee §A4", "a string longer than the rest", document("04 0161 0a 0c 6162"), "UnexpectedEnd"),
        grammar("epee §E", "eight levels of objects are enough for every message", nested(8), "ok"),
        stricter("epee §A4", "about 31 levels are read", "an explicit depth of 8 is enough (§E)", nested(9), "TooDeep"),
        grammar("epee §A4", "32 fields in one section", wide(32), "ok"),
        stricter(
            "epee §A4",
            "fields are limited by their sum alone",
            "no message has more than 6 in a section",
            wide(33),
            "TooManyFields",
        ),
    ]
}

type Take = fn(&mut Value<'_, '_>) -> Result<String, EpeeError>;

/// Reads the only field of a document, and shows what it holds or why not.
fn taken((take, root): &(Take, &str)) -> String {
    let mut found = String::new();
    let walked = read(&document(&format!("04 0161 {root}")), Limits::LEVIN, |_, value| {
        found = take(value)?;
        Ok::<_, EpeeError>(())
    });
    walked.map_or_else(|error| first_word(error.kind), |()| found)
}

fn conversion_rows() -> Vec<Row<(Take, &'static str), String>> {
    const U8: Take = |value| value.integer::<u8>().map(|number| number.to_string());
    const U64: Take = |value| value.integer::<u64>().map(|number| number.to_string());
    const I64: Take = |value| value.integer::<i64>().map(|number| number.to_string());
    const BOOL: Take = |value| value.bool().map(|flag| flag.to_string());
    const TEXT: Take = |value| value.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    const BLOB: Take = |value| value.blob::<2>().map(|bytes| format!("{bytes:?}"));
    const STRINGS: Take = |value| value.strings().map(|strings| strings.len().to_string());
    const OBJECTS: Take = |value| value.objects().map(|objects| objects.left().to_string());
    const OBJECT: Take = |value| value.object(|_, _| Ok::<_, EpeeError>(())).map(|()| "object".to_owned());
    let row = |what, take: Take, root, told: &str| same("epee §B", what, (take, root), told.to_owned());
    let strict = |what, why, take: Take, root, told: &str| differs("epee §B", what, why, (take, root), told.to_owned());
    let default = "a field of the wrong type is an error, not a default";
    vec![
        row("an integer of another width is converted", U8, "05 ff00000000000000", "255"),
        row("an integer of another sign is converted", U64, "04 7f", "127"),
        row("a negative one for an unsigned field", U64, "04 ff", "IntegerRange"),
        row("one too large for the field", U8, "07 0001", "IntegerRange"),
        row("one too large for a signed field", I64, "05 ffffffffffffffff", "IntegerRange"),
        row("an integer from a boolean", U8, "0b 01", "WrongType"),
        row("a boolean from an integer", BOOL, "08 01", "WrongType"),
        row("an integer from a double", U8, "09 000000000000f83f", "WrongType"),
        row("a small integer from text", U8, "0a 04 31", "WrongType"),
        differs("epee §E", "a u64 from a string of digits", "no peer sends it (§E)", (U64, "0a 04 31"), "WrongType".to_owned()),
        row("text from a number", TEXT, "08 01", "WrongType"),
        row("text", TEXT, "0a 08 6869", "hi"),
        row("a scalar from an array", U8, "88 04 01", "WrongType"),
        strict("an array from a scalar is empty", default, STRINGS, "0a 00", "WrongType"),
        strict("an object from a scalar keeps its default", default, OBJECT, "08 01", "WrongType"),
        strict("an array of objects from another one is empty", default, OBJECTS, "88 04 00", "WrongType"),
        row("an empty array of any type where strings belong", STRINGS, "88 00", "0"),
        row("an empty array of any type where objects belong", OBJECTS, "8a 00", "0"),
        strict("a blob of another length keeps its default", default, BLOB, "0a 0c 616263", "Length"),
        row("a blob of its length", BLOB, "0a 08 0102", "[1, 2]"),
        row("an element of another type fails the load", STRINGS, "88 04 00", "WrongType"),
    ]
}

/// What the mapping of messages does with missing, unknown and optional keys.
fn message_rows() -> Vec<Row<fn() -> String, String>> {
    fn handshake(root: &str) -> String {
        HandshakeRequest::decode(&document(root)).map_or_else(first_word, |_| "ok".to_owned())
    }
    let told = |section, what, steps: fn() -> String, told: &str| same(section, what, steps, told.to_owned());
    vec![
        told(
            "epee §B",
            "an unknown key is ignored",
            || {
                let body = document("08 0161 08 00 0d 737570706f72745f666c616773 06 01000000");
                format!("{:?}", SupportFlagsResponse::decode(&body).map(|response| response.support_flags))
            },
            "Ok(1)",
        ),
        told(
            "epee §B",
            "an optional key that is missing has its default",
            || {
                let body = hex(EMPTY);
                NewTransactions::decode(&body).map_or_else(first_word, |message| message.fluff.to_string())
            },
            "true",
        ),
        differs("epee §B", "a missing key is no error", "every peer sends them (§E)", || handshake("00"), "Missing".to_owned()),
        differs(
            "epee §E",
            "a handshake without its fields is one of zeros",
            "a strict reader requires what tells peers apart (§E)",
            || handshake("08 096e6f64655f64617461 0c 00 0c7061796c6f61645f64617461 0c 00"),
            "Missing".to_owned(),
        ),
        differs(
            "epee §B",
            "a container of another length stays empty",
            "it is an error, as any wrong length",
            || TxPoolComplement::decode(&document("04 06686173686573 0a 04 01")).map_or_else(first_word, |_| "ok".to_owned()),
            "HashesLength".to_owned(),
        ),
        told(
            "epee §B",
            "an address that does not load fails nothing but itself",
            || {
                // one entry of type 9, then the payload of every timed sync
                let entry =
                    "126c6f63616c5f706565726c6973745f6e6577 8c 04 08 03616472 0c 04 0474797065 08 09 026964 05 0100000000000000";
                let sync = written(|out| TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), [].iter()));
                let body = [document(&format!("08 {entry}")), sync[10..].to_vec()].concat();
                let response = TimedSyncResponse::decode(&body).expect("the message stands");
                format!("{:?}", response.peers.map(|peer| peer.map(|_| ()).map_err(first_word)).collect::<Vec<_>>())
            },
            "[Err(\"UnknownType\")]",
        ),
    ]
}

fn addr_bytes(text: &str) -> Vec<u8> {
    let peer = anonet_core::wire::PeerEntry {
        addr: Addr::parse(text, 0).expect("an address"),
        id: 1,
        last_seen: 0,
        pruning_seed: 0,
        rpc_credits_per_hash: 0,
        rpc_port: 0,
    };
    let body = written(|out| TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), [peer].iter()));
    // from behind the key and type of `adr` to the key of `id`
    let start = body.windows(5).position(|window| window == b"\x03adr\x0c").expect("an adr") + 5;
    let end = start + body[start..].windows(3).position(|window| window == b"\x02id").expect("an id");
    body[start..end].to_vec()
}

/// What is written, and how.
fn written_rows() -> Vec<Row<Vec<u8>, Vec<u8>>> {
    const ONION: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion";
    const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
    let length =
        |count: usize| written(|out| write(out, |root| root.repeated("a", b' ', count)))[13..][..4.min(count + 1)].to_vec();
    let notify = |form| written(|out| NewTransactions::encode(out, form, 0, [&b"\xaa\xbb"[..]].into_iter()));
    let text = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hidden = |host: &str, length: &str, port: &str, kind: &str| {
        let host = text(host);
        hex(&format!("08 0461646472 0c 08 04686f7374 0a {length} {host} 04706f7274 07 {port} 0474797065 08 {kind}"))
    };
    let flags = written(|out| SupportFlagsResponse { support_flags: 1 }.encode(out));
    vec![
        same("epee §A2", "the smallest form: 0", length(0), hex("00")),
        same("epee §A2", "1", length(1)[..1].to_vec(), hex("04")),
        same("epee §A2", "63", length(63)[..1].to_vec(), hex("fc")),
        same("epee §A2", "64", length(64)[..2].to_vec(), hex("0101")),
        same("epee §A2", "100", length(100)[..2].to_vec(), hex("9101")),
        same("epee §A2", "16,383", length(16_383)[..2].to_vec(), hex("fdff")),
        same("epee §A2", "16,384", length(16_384), hex("02000100")),
        same("epee §C", "an empty root", written(|out| write(out, |_| ())), hex(EMPTY)),
        same(
            "epee §B",
            "empty strings are written",
            written(|out| {
                write(out, |root| {
                    root.bytes("one", b"");
                    root.bytes("two", b"");
                })
            }),
            document("08 036f6e65 0a00 0374776f 0a00"),
        ),
        same("epee §B", "empty arrays are omitted", written(|out| TxPoolComplement::encode(out, [].iter())), hex(EMPTY)),
        same(
            "epee §B",
            "containers are blobs without a count",
            written(|out| TxPoolComplement::encode(out, [[1; 32], [2; 32]].iter())),
            [document("04 06686173686573 0a 0101"), vec![1; 32], vec![2; 32]].concat(),
        ),
        same("epee §C", "support flags", flags, document("04 0d 737570706f72745f666c616773 06 01000000")),
        same(
            "epee §C",
            "a stem",
            notify(TxForm::Stem),
            document("0c 015f 0a00 11 64616e64656c696f6e70705f666c756666 0b00 03747873 8a 04 08aabb"),
        ),
        same(
            "epee §B",
            "an optional field at its default is omitted",
            notify(TxForm::Fluff),
            document("08 015f 0a00 03747873 8a 04 08aabb"),
        ),
        same("epee §C", "a Tor address", addr_bytes(&format!("{ONION}:18083")), hidden(ONION, "f8", "a346", "04")),
        same("epee §C", "an I2P address, port 1", addr_bytes(B32), hidden(B32, "f0", "0100", "03")),
        same(
            "epee §C",
            "an IPv4 address",
            addr_bytes("1.2.3.4:18080"),
            hex("08 0461646472 0c 08 046d5f6970 06 01020304 066d5f706f7274 07 a046 0474797065 08 01"),
        ),
        same(
            "epee §C",
            "an IPv6 address",
            addr_bytes("[2001:db8::1]:18080"),
            hex("08 0461646472 0c 08 0461646472 0a 40 20010db8000000000000000000000001 066d5f706f7274 07 a046 0474797065 08 02"),
        ),
    ]
}

#[test]
fn the_grammar() {
    check(&grammar_rows(), |body| judge(body));
    check(&limit_rows(), |body| judge(body));
}

#[test]
fn the_mapping() {
    check(&conversion_rows(), taken);
    check(&message_rows(), |steps| steps());
    let strict: Result<_, WireError> = HandshakeRequest::decode(&written(|out| {
        HandshakeRequest { node: node_data(), sync: Network::Regtest.genesis_sync() }.encode(out);
    }));
    assert!(strict.is_ok(), "what is written is what is read");
}

#[test]
fn what_is_written() {
    check(&written_rows(), Clone::clone);
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 5] = [&grammar_rows(), &limit_rows(), &conversion_rows(), &message_rows(), &written_rows()];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
