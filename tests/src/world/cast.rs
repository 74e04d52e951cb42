//! Names and configurations that tests share.

use anonet_core::levin::{self, Kind};
use anonet_core::wire::{HandshakeRequest, HandshakeResponse, NodeData, PeerEntry};
use anonet_core::{Addr, Config, Network, PeerRole, RelayPolicy, ZoneConfig, ZoneKind};
use bytes::BytesMut;

use crate::sim::names;

/// Well-formed onion names with valid keys: monerod's seed nodes, none of which is ever contacted by a test.
const ONIONS: [&str; 6] = [
    "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion",
    "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion",
    "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd.onion",
    "plowsofe6cleftfmk2raiw5h2x66atrik3nja4bfd3zrfa2hdlgworad.onion",
    "aclc4e2jhhtr44guufbnwk5bzwhaecinax4yip4wr4tjn27sjsfg6zqd.onion",
    "lykcas4tus7mkm4bhsgqe4drtd4awi7gja24goscc47xfgzj54yofyqd.onion",
];

/// The I2P counterparts of the onion names.
const B32S: [&str; 3] = [
    "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p",
    "vdmnehdjkpkg57nthgnjfuaqgku673r5bpbqg56ix6fyqoywgqrq.b32.i2p",
    "ugnlcdciyhghh2zert7c3kl4biwkirc43ke33jiy5slnd3mv2trq.b32.i2p",
];

/// The address of node `index` in a zone: an onion, one of three I2P names, or an IPv4 address.
///
/// # Panics
/// If there is no such name.
#[must_use]
pub fn addr(kind: ZoneKind, index: usize) -> Addr {
    let text = match kind {
        ZoneKind::Tor if index >= ONIONS.len() => return names::addr(kind, index),
        ZoneKind::Tor => ONIONS[index].to_owned(),
        ZoneKind::I2p => B32S[index].to_owned(),
        _ => format!("45.67.{}.{}", index / 200, index % 200 + 1),
    };
    Addr::parse(&text, 18_083).expect("the name is well formed")
}

/// A zone whose node is number `index`, which knows the nodes `peers`, and whose own transactions leave within seconds, as most
/// tests are not about when.
#[must_use]
pub fn zone(kind: ZoneKind, index: usize, peers: &[usize]) -> ZoneConfig {
    let mut zone = ZoneConfig::new(kind);
    zone.relay = RelayPolicy::Fluff;
    zone.own = vec![addr(kind, index)];
    zone.max_incoming = 16;
    zone.peers = peers.iter().map(|&peer| (addr(kind, peer), PeerRole::Known)).collect();
    zone
}

/// A regtest configuration with these zones.
#[must_use]
pub fn config(zones: impl IntoIterator<Item = ZoneConfig>) -> Config {
    let mut config = Config::new(Network::Regtest);
    config.zones = zones.into_iter().collect();
    config
}

/// What a peer of an anonymity zone says of itself.
#[must_use]
pub const fn node_data() -> NodeData {
    NodeData { my_port: 0, network_id: Network::Regtest.id(), peer_id: 1, rpc_credits_per_hash: 0, rpc_port: 0, support_flags: 0 }
}

/// What a peer of the public zone says of itself.
#[must_use]
pub const fn public_node_data(peer_id: u64) -> NodeData {
    NodeData { peer_id, support_flags: 1, ..node_data() }
}

/// A peer list entry that says nothing but the address.
#[must_use]
pub const fn entry(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
}

/// A frame with an encoded body.
#[must_use]
pub fn frame(kind: Kind, command: u32, body: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    levin::frame(&mut out, kind, command, body);
    out.to_vec()
}

/// The handshake request of a peer of an anonymity zone.
#[must_use]
pub fn handshake_request() -> Vec<u8> {
    let request = HandshakeRequest { node: node_data(), sync: Network::Regtest.genesis_sync() };
    frame(Kind::Request, 1001, |out| request.encode(out))
}

/// The handshake answer of a peer of an anonymity zone that knows nobody.
#[must_use]
pub fn handshake_response() -> Vec<u8> {
    let (node, sync) = (node_data(), Network::Regtest.genesis_sync());
    frame(Kind::Response { code: 1 }, 1001, |out| HandshakeResponse::encode(out, &node, &sync, [].iter()))
}
