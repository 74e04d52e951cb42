//! Addresses, statement by statement (spec: addresses).

use anonet_core::wire::TimedSyncResponse;
use anonet_core::{Addr, Network};
use anonet_tests::conformance::{Row, Sections, assert_covered, check, differs, same};
use bytes::{BufMut, BytesMut};

const SECTIONS: [&str; 12] = [
    "addresses §1.1",
    "addresses §1.2",
    "addresses §1.3",
    "addresses §2.1",
    "addresses §2.2",
    "addresses §2.3",
    "addresses §3",
    "addresses §4",
    "addresses §4.1",
    "addresses §5",
    "addresses §6",
    "addresses §7",
];

const NOT_APPLICABLE: [(&str, &str, &str); 4] = [
    ("addresses §3", "order of addresses", "an order of this node's own, of its lists; it never reaches the wire"),
    ("addresses §3", "the null address", "an address that does not load is an error, there is no null one"),
    ("addresses §4", "get_tcp_endpoint", "proxy and bind addresses are options of the program: socks §1"),
    ("addresses §6", "the serialised form of a peer-list file", "monerod's own file; this node has a store of its own"),
];

const VWW6: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion";
const ZPV4: &str = "zpv4fa3szgel7vf6jdjeugizdclq2vzkelscs2bhbgnlldzzggcen3ad.onion";
const CIV5: &str = "civ5tgldg3yx73ytse6hvvk3nm6q3zctbqvytpszihm35b33ze73kxad.onion";
const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
/// The specification's own example, whose last character has bits that belong to no destination.
const TAIL: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopn.b32.i2p";

/// A text and a default port, and what it is read as.
type Parsed = Row<(String, u16), String>;

fn parsed((text, default_port): &(String, u16)) -> String {
    match Addr::parse(text, *default_port) {
        Ok(addr) => addr.reveal().to_string(),
        Err(error) => format!("{error:?}"),
    }
}

fn row(section: &'static str, what: &'static str, text: &str, told: &str) -> Parsed {
    same(section, what, (text.to_owned(), 18_080), told.to_owned())
}

fn other(section: &'static str, what: &'static str, why: &'static str, text: &str, told: &str) -> Parsed {
    differs(section, what, why, (text.to_owned(), 18_080), told.to_owned())
}

fn onion_rows() -> Vec<Parsed> {
    const SECTION: &str = "addresses §1.1";
    let with = |port: &str| format!("{VWW6}{port}");
    let upper = VWW6.to_uppercase();
    let version_2 = ZPV4.replace("3ad.", "3ac.");
    vec![
        row(SECTION, "host and port", &with(":18083"), &with(":18083")),
        row(SECTION, "without a colon the default port", VWW6, &with(":18080")),
        row(SECTION, "with an empty port the default port", &with(":"), &with(":18080")),
        row(SECTION, "letters become lower case", &upper, &with(":18080")),
        row(SECTION, "leading zeros in a port", &with(":00231"), &with(":231")),
        row(SECTION, "the highest port", &with(":65535"), &with(":65535")),
        row(SECTION, "a port above it", &with(":65536"), "Port"),
        row(SECTION, "a port with a sign", &with(":+1"), "Port"),
        other(SECTION, "port 0 is accepted", "it cannot be dialled (§7)", &with(":0"), "PortZero"),
        row(SECTION, "another character than base32 has", &VWW6.replace('w', "1"), "OnionAlphabet"),
        row(SECTION, "a sub-domain", &format!("www.{VWW6}"), "OnionAlphabet"),
        row(SECTION, "16 characters have an error of their own", "xmrto2bturnore26.onion", "LegacyOnion"),
        row(SECTION, "one character too few", &VWW6[1..], "OnionLength"),
        row(SECTION, "a second valid example", ZPV4, &format!("{ZPV4}:18080")),
        row(SECTION, "version 2 in 56 characters", &version_2, "OnionVersion"),
        row(SECTION, "a wrong checksum and version", &format!("wrongchecksum{}d.onion", "7".repeat(42)), "OnionVersion"),
        row(SECTION, "a wrong checksum alone", &VWW6.replace("pyyd", "pzyd"), "OnionChecksum"),
        row(SECTION, "a key that is no point of the curve", CIV5, "OnionPoint"),
        row("addresses §5", "a version 2 name, as master refuses it", "xmrto2bturnore26.onion:18083", "LegacyOnion"),
        row("addresses §5", "a v3 name is checked, as by master", CIV5, "OnionPoint"),
        row("addresses §5", "upper case is the same host, as since v0.18.5.1", &upper, &with(":18080")),
        row("addresses §1.3", "host, colon, port", &with(":1"), &with(":1")),
        row("addresses §7", "a name with a trailing dot is refused, not resolved", &with("."), "TrailingDot"),
        row("addresses §7", "an onion without a name is refused, not resolved", ".onion", "OnionLength"),
    ]
}

fn i2p_rows() -> Vec<Parsed> {
    const SECTION: &str = "addresses §2.1";
    let long = |count: usize| format!("{}.i2p", "a".repeat(count));
    let invalid = |what, text: &str| row(SECTION, what, text, "I2pName");
    vec![
        row(SECTION, "52 characters", B32, B32),
        row(SECTION, "letters become lower case", &B32.to_uppercase(), B32),
        row("addresses §2.2", "a port is dropped, and never printed", &format!("{B32}:2000"), B32),
        other(
            SECTION,
            "anything behind the colon is dropped",
            "it is a mistake: a number is expected",
            &format!("{B32}:garbage"),
            "Port",
        ),
        other(
            "addresses §7",
            "the unused bits of the last character are not checked",
            "no destination has such a name (§7)",
            TAIL,
            "I2pTail",
        ),
        row(SECTION, "no fall-back to the rule for names", "test.b32.i2p", "I2pLength"),
        row(SECTION, "longer than 52", &format!("aaaa{B32}"), "I2pLength"),
        row(SECTION, "another character than base32 has", &B32.replace("uq", "u1"), "I2pAlphabet"),
        row(SECTION, "a name", "test.i2p", "test.i2p"),
        row(SECTION, "dots and hyphens between", "a-b.c.i2p", "a-b.c.i2p"),
        row(SECTION, "a name in capitals", "Example.I2P", "example.i2p"),
        row(SECTION, "the last suffix decides", "test.b32.i2p.i2p", "test.b32.i2p.i2p"),
        row(SECTION, "the last suffix decides for 52 characters too", &format!("{B32}.i2p"), &format!("{B32}.i2p")),
        row(SECTION, "63 characters", &long(63), &long(63)),
        invalid("64 characters", &long(64)),
        invalid("no character", ".i2p"),
        row(SECTION, "no character before .b32.i2p", ".b32.i2p", "I2pLength"),
        invalid("a hyphen first", "-a.i2p"),
        invalid("a hyphen last", "a-.i2p"),
        invalid("two dots", "a..b.i2p"),
        invalid("a dot and a hyphen", "a.-b.i2p"),
        invalid("an underscore", "a_b.i2p"),
        row("addresses §5", "names, as master takes them", "a.i2p", "a.i2p"),
    ]
}

fn generic_rows() -> Vec<Parsed> {
    const SECTION: &str = "addresses §4";
    vec![
        row(SECTION, "an IPv4 literal", "1.2.3.4:7", "1.2.3.4:7"),
        row(SECTION, "without a port the default", "1.2.3.4", "1.2.3.4:18080"),
        row(SECTION, "brackets hold IPv6", "[2001:db8::1]:9", "[2001:db8::1]:9"),
        row(SECTION, "two colons make IPv6 without a port", "2001:db8::1", "[2001:db8::1]:18080"),
        row(SECTION, "IPv4-mapped IPv6 becomes IPv4", "[::ffff:1.2.3.4]:5", "1.2.3.4:5"),
        row(SECTION, "a port that is none", "1.2.3.4:x", "Port"),
        row(SECTION, "an empty host", ":80", "Empty"),
        row(SECTION, "a name of the DNS", "example.com", "HostName"),
        row(SECTION, "a suffix alone", "onion", "HostName"),
        other(
            SECTION,
            "the suffix is told in lower case only, and X.ONION is unsupported",
            "it is canonicalised first (§7), or it would be resolved",
            "X.ONION",
            "OnionLength",
        ),
        other(
            "addresses §4.1",
            "what does not parse goes to the resolver",
            "a mistyped onion would be told to the DNS: anonet never resolves",
            &VWW6.replace("pyyd", "pzyd"),
            "OnionChecksum",
        ),
        other("addresses §4.1", "a host name is resolved", "anonet never asks the DNS", "seed.example:18080", "HostName"),
        row("addresses §4.1", "the default port is that of the network, for onions too", VWW6, &format!("{VWW6}:18080")),
        differs(
            "addresses §4.1",
            "the default port of an advertised address is 0",
            "nobody could dial it (§7): it has to be given",
            (VWW6.to_owned(), 0),
            "PortMissing".to_owned(),
        ),
    ]
}

/// A peer list of one entry with an address of this type, host and port, and what is read of it.
type Loaded = Row<(u8, String, u16), String>;

fn loaded((kind, host, port): &(u8, String, u16)) -> String {
    let mut body = BytesMut::new();
    body.put_slice(
        b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x08\x12local_peerlist_new\x8c\x04\x08\x03adr\x0c\x08\x04addr\x0c\x08\x04host\x0a",
    );
    body.put_u16_le((u16::try_from(host.len()).expect("short") << 2) | 1);
    body.put_slice(host.as_bytes());
    body.put_slice(b"\x04port\x07");
    body.put_u16_le(*port);
    body.put_slice(b"\x04type\x08");
    body.put_u8(*kind);
    body.put_slice(b"\x02id\x05\x01\0\0\0\0\0\0\0");
    let mut sync = BytesMut::new();
    TimedSyncResponse::encode(&mut sync, &Network::Regtest.genesis_sync(), [].iter());
    body.put_slice(&sync[10..]);
    let response = TimedSyncResponse::decode(&body).expect("the message stands, whatever its entries are");
    let peers: Vec<_> = response.peers.collect();
    assert_eq!(peers.len(), 1);
    match &peers[0] {
        Ok(peer) => peer.addr.reveal().to_string(),
        Err(fault) => format!("{fault:?}"),
    }
}

fn binary_rows() -> Vec<Loaded> {
    let row = |section, what, kind: u8, host: &str, port: u16, told: &str| {
        same(section, what, (kind, host.to_owned(), port), told.to_owned())
    };
    let other = |section, what, why, kind: u8, host: &str, port: u16, told: &str| {
        differs(section, what, why, (kind, host.to_owned(), port), told.to_owned())
    };
    let full = format!("{VWW6}:18083");
    let rejected = "no one can dial it, it would only fill the list (§7)";
    vec![
        row("addresses §1.2", "a Tor address", 4, VWW6, 18_083, &full),
        row("addresses §1.2", "upper case is the same host", 4, &VWW6.to_uppercase(), 18_083, &full),
        row("addresses §1.2", "a host of 63 bytes does not load", 4, &format!("a{VWW6}"), 1, "Malformed(OnionLength)"),
        row("addresses §1.2", "a wrong checksum does not load", 4, &VWW6.replace("pyyd", "pzyd"), 1, "Malformed(OnionChecksum)"),
        row("addresses §1.2", "a version 2 name does not load", 4, "xmrto2bturnore26.onion", 1, "Malformed(LegacyOnion)"),
        other("addresses §1.2", "the unknown host loads", rejected, 4, "<unknown tor host>", 0, "Unknown"),
        other("addresses §1.2", "the port is taken as it is", rejected, 4, VWW6, 0, "PortZero"),
        row("addresses §2.3", "an I2P address", 3, B32, 1, B32),
        row("addresses §2.2", "the port on the wire is ignored", 3, B32, 18_080, B32),
        row("addresses §2.3", "a host of 68 bytes does not load", 3, &format!("{}.i2p", "a".repeat(64)), 1, "Malformed(I2pName)"),
        other("addresses §2.3", "the unknown host loads", rejected, 3, "<unknown i2p host>", 1, "Unknown"),
        other(
            "addresses §7",
            "names are taken from peer lists",
            "what a name means depends on the router: from local configuration only (§7)",
            3,
            "test.i2p",
            1,
            "NamedI2p",
        ),
        other(
            "addresses §3",
            "a placeholder is an address that equals itself",
            "it never becomes an address: an inbound link simply has none",
            4,
            "<unknown tor host>",
            1,
            "Unknown",
        ),
    ]
}

/// Two addresses: same host, and equal.
fn pair_rows() -> Vec<Row<(String, String), (bool, bool)>> {
    let tor = |port: u16| format!("{VWW6}:{port}");
    let row = |what, one: String, other: String, told| same("addresses §3", what, (one, other), told);
    vec![
        row("one onion, one port", tor(1), tor(1), (true, true)),
        row("one onion, two ports", tor(1), tor(2), (true, false)),
        row("two onions", tor(1), format!("{ZPV4}:1"), (false, false)),
        row("one destination, whatever its port", B32.to_owned(), format!("{B32}:5"), (true, true)),
        row("two destinations", B32.to_owned(), "test.i2p".to_owned(), (false, false)),
        row("two types", tor(1), B32.to_owned(), (false, false)),
    ]
}

#[test]
fn text_of_the_local_user() {
    for rows in [onion_rows(), i2p_rows(), generic_rows()] {
        check(&rows, parsed);
    }
}

#[test]
fn addresses_on_the_wire() {
    check(&binary_rows(), loaded);
}

#[test]
fn comparison() {
    check(&pair_rows(), |(one, other)| {
        let [one, other] = [one, other].map(|text| Addr::parse(text, 1).expect("an address"));
        assert!(!one.is_local() && !other.is_local(), "hidden addresses are never local");
        (one.same_host(&other), one == other)
    });
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 5] = [&onion_rows(), &i2p_rows(), &generic_rows(), &binary_rows(), &pair_rows()];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
