use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use bytes::BytesMut;

use super::*;
use crate::addr::{Addr, AddrError, I2pAddr, OnionAddr};
use crate::epee::EpeeErrorKind;

mod messages;
mod padding;
mod random;

const ONION: &[u8] = b"vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion";
const I2P: &[u8] = b"vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopa.b32.i2p";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn encoded(encode: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    // what is in the buffer before must stay
    let mut out = BytesMut::from(&b"before"[..]);
    encode(&mut out);
    assert_eq!(out[..6], *b"before");
    out[6..].to_vec()
}

/// The node of `messages.md` §8.
fn node() -> NodeData {
    NodeData {
        my_port: 0,
        network_id: hex("1230f171610441611731008216a1a110").try_into().unwrap(),
        peer_id: 1,
        rpc_credits_per_hash: 0,
        rpc_port: 0,
        support_flags: 0,
    }
}

/// The chain of `messages.md` §8.
fn sync() -> SyncData {
    let top_id = "418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3";
    SyncData {
        cumulative_difficulty: 1,
        current_height: 1,
        pruning_seed: 0,
        top_id: hex(top_id).try_into().unwrap(),
        top_version: 1,
    }
}

fn onion(port: u16) -> Addr {
    Addr::Onion(OnionAddr::from_host(ONION, port).unwrap())
}

fn entry(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
}

/// A timed sync response with a peer list of these bytes.
fn with_entries(count: u16, entries: &[u8]) -> Vec<u8> {
    let count = (count << 2) | 1;
    [
        &hex("011101010101020101 08 126c6f63616c5f706565726c6973745f6e6577 8c"),
        &count.to_le_bytes()[..],
        entries,
        // the request has one field, payload_data, after its 10 first bytes
        &encoded(|out| TimedSyncRequest { sync: sync() }.encode(out))[10..],
    ]
    .concat()
}

/// An entry whose address has these fields, and id 1.
fn raw_entry(adr: &str) -> Vec<u8> {
    [hex("08 03616472 0c"), hex(adr), hex("026964 05 0100000000000000")].concat()
}

fn text_hex(text: &[u8]) -> alloc::string::String {
    let length = u8::try_from(text.len()).unwrap() << 2;
    let bytes = core::iter::once(length).chain(text.iter().copied());
    bytes.map(|byte| alloc::format!("{byte:02x}")).collect()
}

/// The address of a hidden host.
fn raw_host(kind: u8, host: &[u8], port: &str) -> Vec<u8> {
    let host = text_hex(host);
    raw_entry(&alloc::format!("08 0461646472 0c 08 04686f7374 0a {host} 04706f7274 07 {port} 0474797065 08 {kind:02x}"))
}

/// Reads an entry, also with its number of fields in an unusual width, so that it is not one of the
/// plain form.
fn only_entry(raw: &[u8]) -> Result<PeerEntry, EntryFault> {
    let entry = only_entry_as_is(raw);
    let unusual = [&[raw[0] | 1, 0], &raw[1..]].concat();
    assert_eq!(only_entry_as_is(&unusual), entry);
    entry
}

fn only_entry_as_is(raw: &[u8]) -> Result<PeerEntry, EntryFault> {
    let body = with_entries(1, raw);
    let mut peers = TimedSyncResponse::decode(&body).unwrap().peers;
    let entry = peers.next().unwrap();
    assert!(peers.next().is_none());
    entry
}

#[test]
fn addresses_of_the_specification() {
    let table = [
        (
            "08 0461646472 0c 08 04686f7374 0a f8 7677773679 62616c34626437737a6d676e6379727575637067666b7161687a64646933376b7463656f336168376e676d636f706e707979642e6f6e696f6e 04706f7274 07 a346 0474797065 08 04",
            onion(18_083),
        ),
        (
            "08 0461646472 0c 08 046d5f6970 06 01020304 066d5f706f7274 07 a046 0474797065 08 01",
            Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::new(1, 2, 3, 4), 18_080)),
        ),
        (
            "08 0461646472 0c 08 0461646472 0a 40 20010db8000000000000000000000001 066d5f706f7274 07 a046 0474797065 08 02",
            Addr::Ipv6(SocketAddrV6::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 18_080, 0, 0)),
        ),
    ];
    for (adr, addr) in table {
        let raw = raw_entry(adr);
        assert_eq!(only_entry(&raw), Ok(entry(addr.clone())), "{adr}");
        let peers = [entry(addr)];
        let body = encoded(|out| TimedSyncResponse::encode(out, &sync(), peers.iter()));
        assert_eq!(body[30..31], [4], "{adr}");
        assert_eq!(body[31..31 + raw.len()], raw, "{adr}");
    }
}

#[test]
fn i2p_is_written_with_port_1_and_read_with_any() {
    let addr = Addr::I2p(I2pAddr::from_host(I2P).unwrap());
    for port in ["0100", "0000", "a046"] {
        assert_eq!(only_entry(&raw_host(3, I2P, port)), Ok(entry(addr.clone())), "{port}");
    }
    let peers = [entry(addr)];
    let body = encoded(|out| TimedSyncResponse::encode(out, &sync(), peers.iter()));
    let raw = raw_host(3, I2P, "0100");
    assert_eq!(body[31..31 + raw.len()], raw);
}

#[test]
fn entry_faults() {
    let mut bad_checksum = ONION.to_vec();
    bad_checksum[0] = b'a';
    let table = [
        (raw_host(4, b"<unknown tor host>", "0000"), EntryFault::Unknown),
        (raw_host(3, b"<unknown i2p host>", "0100"), EntryFault::Unknown),
        (raw_host(4, b"<unknown i2p host>", "0100"), EntryFault::Malformed(AddrError::Suffix)),
        (raw_host(4, &bad_checksum, "a346"), EntryFault::Malformed(AddrError::OnionChecksum)),
        (raw_host(4, I2P, "a346"), EntryFault::Malformed(AddrError::Suffix)),
        (raw_host(4, ONION, "0000"), EntryFault::PortZero),
        (raw_host(3, b"stats.i2p", "0100"), EntryFault::NamedI2p),
        (raw_host(0, ONION, "a346"), EntryFault::UnknownType(0)),
        (raw_host(9, ONION, "a346"), EntryFault::UnknownType(9)),
        (raw_entry("00"), EntryFault::UnknownType(0)),
        (raw_entry("04 0474797065 08 01"), EntryFault::MissingAddress),
        (raw_entry("04 0474797065 08 02"), EntryFault::MissingAddress),
        (raw_entry("04 0474797065 08 03"), EntryFault::MissingAddress),
        (raw_entry("04 0474797065 08 04"), EntryFault::MissingAddress),
        (hex("04 026964 05 0100000000000000"), EntryFault::MissingAddress),
        (raw_entry("08 0461646472 0c 08 046d5f6970 06 01020304 066d5f706f7274 07 0000 0474797065 08 01"), EntryFault::PortZero),
        (raw_entry("08 0461646472 0c 04 046d5f6970 06 01020304 0474797065 08 01"), EntryFault::PortZero),
        (
            raw_entry(
                "08 0461646472 0c 08 0461646472 0a 40 00000000000000000000ffff01020304 066d5f706f7274 07 a046 0474797065 08 02",
            ),
            EntryFault::MappedIpv4,
        ),
    ];
    for (raw, fault) in table {
        assert_eq!(only_entry(&raw), Err(fault));
    }
    // the entry without its last field, the id, which takes 12 bytes
    let raw = raw_host(4, ONION, "a346");
    let without_id = [&[4], &raw[1..raw.len() - 12]].concat();
    assert_eq!(only_entry(&without_id), Err(EntryFault::MissingId));
}

#[test]
fn a_host_that_looks_like_the_rest_of_an_entry_is_only_a_host() {
    // its length, 65, takes two bytes; read as one byte it would be 1, and the entry would end early
    let inner = "04706f7274 07 a346 0474797065 08 04 026964 05 0100000000000000";
    let padding = "78".repeat(65 - 27);
    let raw = raw_entry(&alloc::format!(
        "08 0461646472 0c 08 04686f7374 0a 0501 {inner} {padding} 04706f7274 07 a346 0474797065 08 04"
    ));
    assert_eq!(only_entry(&raw), Err(EntryFault::Malformed(AddrError::Suffix)));
}

#[test]
fn entry_fields_of_the_wrong_type_are_faults_of_the_entry() {
    let table = [
        ("08 0461646472 0c 04 04686f7374 08 01 0474797065 08 04", EpeeErrorKind::WrongType),
        ("08 0461646472 0c 04 0461646472 0a 10 20010db8 0474797065 08 02", EpeeErrorKind::Length),
        ("08 0461646472 0a 00 0474797065 08 04", EpeeErrorKind::WrongType),
        ("04 0474797065 07 0101", EpeeErrorKind::IntegerRange),
    ];
    for (adr, kind) in table {
        let good = raw_host(4, ONION, "a346");
        let body = with_entries(3, &[&good[..], &raw_entry(adr), &good].concat());
        let peers = TimedSyncResponse::decode(&body).unwrap().peers;
        let entries: Vec<_> = peers.collect();
        assert_eq!(entries.len(), 3, "{adr}");
        assert_eq!(entries[0], Ok(entry(onion(18_083))), "{adr}");
        assert!(matches!(entries[1], Err(EntryFault::Epee(error)) if error.kind == kind), "{adr}: {:?}", entries[1]);
        assert_eq!(entries[2], entries[0], "{adr}");
    }
}

#[test]
fn peer_lists_at_the_limit_and_one_past() {
    let raw = raw_host(4, ONION, "a346");
    let body = with_entries(250, &raw.repeat(250));
    let peers = TimedSyncResponse::decode(&body).unwrap().peers;
    assert_eq!(peers.len(), 250);
    assert_eq!(peers.filter(Result::is_ok).count(), 250);
    let body = with_entries(251, &raw.repeat(251));
    let refused = TimedSyncResponse::decode(&body).map(drop);
    assert_eq!(refused, Err(WireError::TooManyPeers(251)));
}

#[test]
fn no_more_than_250_peers_are_written() {
    let peers = vec![entry(onion(1)); 251];
    let body = encoded(|out| TimedSyncResponse::encode(out, &sync(), peers.iter()));
    let written = TimedSyncResponse::decode(&body).unwrap().peers;
    assert!(written.map(Result::unwrap).eq(peers[..250].iter().cloned()));
}

#[test]
fn a_broken_entry_fails_the_message() {
    let mut raw = raw_host(4, ONION, "a346");
    // the type of `adr`
    raw[5] = 14;
    let body = with_entries(1, &raw);
    let refused = TimedSyncResponse::decode(&body).map(drop).unwrap_err();
    assert!(matches!(refused, WireError::Epee(error) if error.kind == EpeeErrorKind::UnknownType(14)));
}

#[test]
fn nothing_of_a_message_is_shown_for_debugging() {
    let body = with_entries(1, &raw_host(4, ONION, "a346"));
    let shown = alloc::format!("{:?}", TimedSyncResponse::decode(&body).unwrap());
    assert!(!shown.contains("vww6") && !shown.contains("118, 119, 119"), "{shown}");
    let body = encoded(|out| NewTransactions::encode(out, TxForm::Stem, 9, [&[0xab; 7][..]].into_iter()));
    let shown = alloc::format!("{:?}", NewTransactions::decode(&body).unwrap());
    assert!(!shown.contains("171") && !shown.contains("32, 32"), "{shown}");
}
