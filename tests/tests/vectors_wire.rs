//! The messages captured from monerod decode to the fields that the index names, and encode to the
//! same bytes.

use std::fs;
use std::path::PathBuf;

use anonet_core::addr::Addr;
use anonet_core::levin::{Decoder, FrameLimits, Kind};
use anonet_core::wire::{
    HandshakeRequest, HandshakeResponse, NewTransactions, NodeData, PeerEntries, PeerEntry, PingRequest, PingResponse,
    SupportFlagsRequest, SupportFlagsResponse, SyncData, TimedSyncRequest, TimedSyncResponse, TxForm, command,
};
use bytes::BytesMut;
use serde_json::{Map, Value, json};

fn hex(bytes: impl AsRef<[u8]>) -> Value {
    let digits: String = bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "hex": digits })
}

fn from_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// An object without the optional fields that are 0.
fn object(required: Value, optional: &[(&str, i64)]) -> Value {
    let mut object: Map<String, Value> = required.as_object().unwrap().clone();
    for &(name, value) in optional.iter().filter(|(_, value)| *value != 0) {
        object.insert(name.into(), value.into());
    }
    object.into()
}

fn node_json(node: &NodeData) -> Value {
    object(
        json!({ "my_port": node.my_port, "network_id": hex(node.network_id), "peer_id": node.peer_id }),
        &[
            ("rpc_credits_per_hash", node.rpc_credits_per_hash.into()),
            ("rpc_port", node.rpc_port.into()),
            ("support_flags", node.support_flags.into()),
        ],
    )
}

fn sync_json(sync: &SyncData) -> Value {
    let low = u64::try_from(sync.cumulative_difficulty & u128::from(u64::MAX)).unwrap();
    let top = u64::try_from(sync.cumulative_difficulty >> 64).unwrap();
    object(
        json!({
            "cumulative_difficulty": low,
            "cumulative_difficulty_top64": top,
            "current_height": sync.current_height,
            "top_id": hex(sync.top_id),
        }),
        &[("pruning_seed", sync.pruning_seed.into()), ("top_version", sync.top_version.into())],
    )
}

fn addr_json(addr: &Addr) -> Value {
    let (kind, addr) = match addr {
        Addr::Ipv4(socket) => {
            let ip = u32::from_le_bytes(socket.ip().octets());
            (1, json!({ "m_ip": ip, "m_port": socket.port() }))
        }
        Addr::Ipv6(socket) => (2, json!({ "addr": hex(socket.ip().octets()), "m_port": socket.port() })),
        Addr::I2p(i2p) => (3, json!({ "host": { "text": i2p.host().as_str() }, "port": 1 })),
        Addr::Onion(onion) => (4, json!({ "host": { "text": onion.host().as_str() }, "port": onion.port() })),
        _ => panic!("a kind of address without a type on the wire"),
    };
    json!({ "addr": addr, "type": kind })
}

fn entry_json(entry: &PeerEntry) -> Value {
    object(
        json!({ "adr": addr_json(&entry.addr), "id": entry.id }),
        &[
            ("last_seen", entry.last_seen),
            ("pruning_seed", entry.pruning_seed.into()),
            ("rpc_credits_per_hash", entry.rpc_credits_per_hash.into()),
            ("rpc_port", entry.rpc_port.into()),
        ],
    )
}

/// Adds the entries to a message, unless there are none, and returns them.
fn add_peers(message: &mut Value, peers: PeerEntries<'_>) -> Vec<PeerEntry> {
    let peers: Vec<_> = peers.map(Result::unwrap).collect();
    if !peers.is_empty() {
        message["local_peerlist_new"] = peers.iter().map(entry_json).collect();
    }
    peers
}

/// The fields of a message, in the form of the index, and its encoding.
fn decode_and_encode(kind: Kind, command: u32, body: &[u8]) -> (Value, BytesMut) {
    let mut out = BytesMut::new();
    let message = match (kind, command) {
        (Kind::Request, command::HANDSHAKE) => {
            let request = HandshakeRequest::decode(body).unwrap();
            request.encode(&mut out);
            json!({ "node_data": node_json(&request.node), "payload_data": sync_json(&request.sync) })
        }
        (_, command::HANDSHAKE) => {
            let HandshakeResponse { node, sync, peers } = HandshakeResponse::decode(body).unwrap();
            let mut message = json!({ "node_data": node_json(&node), "payload_data": sync_json(&sync) });
            let peers = add_peers(&mut message, peers);
            HandshakeResponse::encode(&mut out, &node, &sync, peers.iter());
            message
        }
        (Kind::Request, command::TIMED_SYNC) => {
            let request = TimedSyncRequest::decode(body).unwrap();
            request.encode(&mut out);
            json!({ "payload_data": sync_json(&request.sync) })
        }
        (_, command::TIMED_SYNC) => {
            let TimedSyncResponse { sync, peers } = TimedSyncResponse::decode(body).unwrap();
            let mut message = json!({ "payload_data": sync_json(&sync) });
            let peers = add_peers(&mut message, peers);
            TimedSyncResponse::encode(&mut out, &sync, peers.iter());
            message
        }
        (Kind::Request, command::PING) => {
            PingRequest::decode(body).unwrap().encode(&mut out);
            json!({})
        }
        (_, command::PING) => {
            let response = PingResponse::decode(body).unwrap();
            response.encode(&mut out);
            json!({ "peer_id": response.peer_id, "status": { "text": "OK" } })
        }
        (Kind::Request, command::SUPPORT_FLAGS) => {
            SupportFlagsRequest::decode(body).unwrap().encode(&mut out);
            json!({})
        }
        (_, command::SUPPORT_FLAGS) => {
            let response = SupportFlagsResponse::decode(body).unwrap();
            response.encode(&mut out);
            json!({ "support_flags": response.support_flags })
        }
        (Kind::Notify, command::NEW_TRANSACTIONS) => {
            let message = NewTransactions::decode(body).unwrap();
            let form = if message.fluff { TxForm::Fluff } else { TxForm::Stem };
            NewTransactions::encode(&mut out, form, message.padding.len(), message.txs());
            let txs: Vec<_> = message.txs().map(hex).collect();
            let mut fields = json!({ "_": hex(message.padding), "txs": txs });
            if !message.fluff {
                fields["dandelionpp_fluff"] = false.into();
            }
            fields
        }
        other => panic!("no such message: {other:?}"),
    };
    (message, out)
}

/// anonet's I2P addresses have no port and are written with port 1, as since monerod 0.18.3.4; the
/// captured ones have a real port.
fn with_i2p_port_1(decoded: &mut Value, body: &mut [u8]) {
    let Some(peers) = decoded.get_mut("local_peerlist_new") else {
        return;
    };
    for entry in peers.as_array_mut().unwrap() {
        if entry["adr"]["type"] == 3 {
            entry["adr"]["addr"]["port"] = 1.into();
            let host = entry["adr"]["addr"]["host"]["text"].as_str().unwrap();
            let host = body.windows(host.len()).position(|window| window == host.as_bytes());
            // the host is followed by the key `port` with its length, a type, and the port
            let port = host.unwrap() + 60 + 6;
            body[port..port + 2].copy_from_slice(&[1, 0]);
        }
    }
}

/// The only message of a vector.
fn message(frames: &[u8], file: &str) -> (Kind, u32, Vec<u8>) {
    let mut decoder = Decoder::new();
    let mut rest = frames;
    let mut found = None;
    loop {
        let (consumed, frame) = decoder.feed(rest, &FrameLimits::public()).unwrap();
        rest = &rest[consumed..];
        let Some(frame) = frame else { break };
        let message = (frame.kind, frame.command, frame.body.to_vec());
        assert!(found.replace(message).is_none(), "{file} has two messages");
    }
    found.unwrap_or_else(|| panic!("{file} has no message"))
}

fn check_directory(zone: &str) -> usize {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(zone);
    let index = fs::read(directory.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let mut checked = 0;
    for vector in index["vectors"].as_array().unwrap() {
        let mut decoded = vector["decoded"].clone();
        if decoded.is_null() {
            continue;
        }
        let file = vector["file"].as_str().unwrap();
        let frames = fs::read_to_string(directory.join(file)).unwrap();
        let (kind, command, mut body) = message(&from_hex(frames.trim()), file);
        let (fields, encoded) = decode_and_encode(kind, command, &body);
        with_i2p_port_1(&mut decoded, &mut body);
        assert_eq!(fields, decoded, "{zone}/{file}");
        let (canonical, padding) = body.split_at(encoded.len());
        assert_eq!(encoded, canonical, "{zone}/{file}");
        assert!(padding.iter().all(|&byte| byte == 0), "{zone}/{file}");
        checked += 1;
    }
    checked
}

#[test]
fn tor_vectors() {
    assert_eq!(check_directory("tor"), 19);
}

#[test]
fn i2p_vectors() {
    assert_eq!(check_directory("i2p"), 19);
}
