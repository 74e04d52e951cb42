//! The P2P messages, statement by statement (spec: messages).

mod links;
mod lists;
mod pings;

use anonet_core::levin::Kind;
use anonet_core::wire::{
    HandshakeRequest, HandshakeResponse, NewTransactions, NodeData, PeerEntry, PingRequest, PingResponse, SupportFlagsRequest,
    SupportFlagsResponse, SyncData, TimedSyncRequest, TimedSyncResponse, TxForm, command,
};
use anonet_core::{Addr, Network};
use anonet_tests::conformance::{Row, Sections, assert_covered, check, hex, same};
use anonet_tests::world::cast::{frame, node_data};
use bytes::BytesMut;

const SECTIONS: [&str; 14] = [
    "messages §1",
    "messages §2",
    "messages §3",
    "messages §3.1",
    "messages §3.2",
    "messages §3.3",
    "messages §3.4",
    "messages §4",
    "messages §5",
    "messages §6",
    "messages §7",
    "messages §8",
    "messages §9",
    "messages §10",
];

const NOT_APPLICABLE: [(&str, &str, &str); 6] = [
    ("messages §2", "zone enum values", "internal to monerod; zones are told apart by address here"),
    ("messages §3.2", "host-fail accounting of inbound links", "it does nothing for hidden hosts in monerod either"),
    ("messages §5", "top id known, synchronized, target height", "this node does not sync; the tip comes from its daemon"),
    ("messages §6", "RPC and zmq ports", "this node's RPC has a port of its own, which the user gives"),
    (
        "messages §7",
        "ignored until the node is synchronized",
        "this node verifies nothing: the embedder's daemon judges when it can",
    ),
    ("messages §7", "which offences of a transaction drop its sender", "the embedder's verdict says so: Reject, or not"),
];

/// The request of §8, as captured from a real monerod.
const HANDSHAKE: &str = "011101010101020101 08
    096e6f64655f64617461 0c 0c
      076d795f706f7274 06 00000000
      0a6e6574776f726b5f6964 0a 40 1230f171610441611731008216a1a110
      07706565725f6964 05 0100000000000000
    0c7061796c6f61645f64617461 0c 14
      1563756d756c61746976655f646966666963756c7479 05 0100000000000000
      1b63756d756c61746976655f646966666963756c74795f746f703634 05 0000000000000000
      0e63757272656e745f686569676874 05 0100000000000000
      06746f705f6964 0a 80 418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3
      0b746f705f76657273696f6e 08 01";
const EMPTY: &str = "01110101010102010100";

/// What a peer claims of its chain.
fn sync() -> SyncData {
    Network::Regtest.genesis_sync()
}

fn body(encode: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(&mut out);
    out.to_vec()
}

fn entry(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
}

fn handshake(node: NodeData, sync: SyncData) -> Vec<u8> {
    frame(Kind::Request, command::HANDSHAKE, |out| HandshakeRequest { node, sync }.encode(out))
}

fn answer(node: NodeData, sync: SyncData, peers: &[PeerEntry]) -> Vec<u8> {
    frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| HandshakeResponse::encode(out, &node, &sync, peers.iter()))
}

fn notify(form: TxForm, blobs: &[&[u8]]) -> Vec<u8> {
    frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| NewTransactions::encode(out, form, 0, blobs.iter().copied()))
}

fn onion_entry() -> PeerEntry {
    entry(Addr::parse("vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion:18083", 0).expect("an address"))
}

/// Bodies as bytes.
fn body_rows() -> Vec<Row<Vec<u8>, Vec<u8>>> {
    let node = node_data();
    let full = NodeData { my_port: 18_080, rpc_credits_per_hash: 1, rpc_port: 18_081, support_flags: 1, ..node };
    let request = body(|out| HandshakeRequest { node: full, sync: sync() }.encode(out));
    let bare = body(|out| TimedSyncResponse::encode(out, &sync(), [].iter()));
    let pong = "011101010101020101 08 07706565725f6964 05 0100000000000000 06737461747573 0a 084f4b";
    vec![
        same(
            "messages §8",
            "a handshake request",
            body(|out| HandshakeRequest { node, sync: sync() }.encode(out)),
            hex(HANDSHAKE),
        ),
        same(
            "messages §1",
            "optional fields are written when they are not 0, in the order of their names",
            request[21..request.len() - 162].to_vec(),
            hex("18 076d795f706f7274 06 a0460000 0a6e6574776f726b5f6964 0a 40 1230f171610441611731008216a1a110
                 07706565725f6964 05 0100000000000000 147270635f637265646974735f7065725f68617368 06 01000000
                 087270635f706f7274 07 a146 0d737570706f72745f666c616773 06 01000000"),
        ),
        same(
            "messages §3",
            "a timed sync's list is absent if empty",
            bare,
            [hex("011101010101020101 04"), hex(HANDSHAKE)[81..].to_vec()].concat(),
        ),
        same("messages §3", "a ping has no fields", body(|out| PingRequest.encode(out)), hex(EMPTY)),
        same("messages §3", "a ping's answer", body(|out| PingResponse { peer_id: 1 }.encode(out)), hex(pong)),
        same("messages §3", "a question for support flags has none", body(|out| SupportFlagsRequest.encode(out)), hex(EMPTY)),
        same(
            "messages §3",
            "support flags, bit 0",
            body(|out| SupportFlagsResponse { support_flags: 1 }.encode(out)),
            hex("011101010101020101 04 0d737570706f72745f666c616773 06 01000000"),
        ),
        same(
            "messages §3",
            "padding is of blanks, and always there",
            body(|out| NewTransactions::encode(out, TxForm::Fluff, 3, [&b"\x01"[..]].into_iter())),
            hex("011101010101020101 08 015f 0a 0c 202020 03747873 8a 04 04 01"),
        ),
        same(
            "messages §3",
            "a stem carries the flag as 0, and transactions are absent if there are none",
            body(|out| NewTransactions::encode(out, TxForm::Stem, 0, [].into_iter())),
            hex("011101010101020101 08 015f 0a 00 1164616e64656c696f6e70705f666c756666 0b 00"),
        ),
    ]
}

/// Lengths that the section states.
fn length_rows() -> Vec<Row<usize, usize>> {
    let response = |peers: &[PeerEntry]| body(|out| HandshakeResponse::encode(out, &node_data(), &sync(), peers.iter())).len();
    let full = PeerEntry { last_seen: 1, pruning_seed: 0x181, rpc_credits_per_hash: 1, rpc_port: 1, ..onion_entry() };
    let one = response(&[onion_entry()]);
    vec![
        same("messages §8", "a handshake request takes 243 bytes", hex(HANDSHAKE).len(), 243),
        same(
            "messages §8",
            "a timed sync request takes 172",
            body(|out| TimedSyncRequest { sync: sync() }.encode(out)).len(),
            172,
        ),
        same("messages §8", "a response with one Tor peer takes 374", one, 374),
        same("messages §8", "a bare Tor entry takes 110", response(&[onion_entry(), onion_entry()]) - one, 110),
        same("messages §8", "one with all fields takes 185", response(&[onion_entry(), full]) - one, 185),
    ]
}

/// The last byte of the network id, and the P2P port.
fn network_rows() -> Vec<Row<Network, (u8, u16)>> {
    let row = |what, network, told| same("messages §6", what, network, told);
    vec![
        row("mainnet", Network::Mainnet, (0x10, 18_080)),
        row("testnet", Network::Testnet, (0x11, 28_080)),
        row("stagenet", Network::Stagenet, (0x12, 38_080)),
        row("regtest has mainnet's id", Network::Regtest, (0x10, 18_080)),
    ]
}

#[test]
fn bodies() {
    check(&body_rows(), Clone::clone);
    check(&length_rows(), |&length| length);
    check(&network_rows(), |network| {
        assert_eq!(network.id()[..15], hex("1230f1716104416117310082 16a1a1"));
        (network.id()[15], network.p2p_port())
    });
}

#[test]
fn handshakes_and_timed_syncs() {
    for rows in [
        links::dialler_rows(),
        links::acceptor_rows(),
        links::sync_rows(),
        links::own_address_rows(),
        pings::ping_rows(),
        pings::flag_rows(),
        links::zone_rows(),
    ] {
        check(&rows, |steps| steps());
    }
}

#[test]
fn peer_lists_and_transactions() {
    for rows in [lists::peer_list_rows(), lists::payload_rows(), lists::transaction_rows(), lists::form_rows()] {
        check(&rows, |steps| steps());
    }
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 14] = [
        &body_rows(),
        &length_rows(),
        &network_rows(),
        &links::dialler_rows(),
        &links::acceptor_rows(),
        &links::sync_rows(),
        &links::own_address_rows(),
        &pings::ping_rows(),
        &pings::flag_rows(),
        &links::zone_rows(),
        &lists::peer_list_rows(),
        &lists::payload_rows(),
        &lists::transaction_rows(),
        &lists::form_rows(),
    ];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
