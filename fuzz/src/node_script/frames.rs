//! What a peer may write: every kind of frame, sound and unsound, by number.

use anonet_core::levin::{self, Flags, Header, Kind};
use anonet_core::wire::{
    HandshakeRequest, HandshakeResponse, NewTransactions, NodeData, PeerEntry, PingRequest, PingResponse, SupportFlagsRequest,
    SyncData, TimedSyncRequest, TimedSyncResponse, TxForm, TxPoolComplement, command,
};
use anonet_core::{Network, ZoneKind};
use bytes::BytesMut;

use crate::cast;

/// Frame `number`, shaped by `detail`, from a peer of a zone of the network `zone`.
pub(crate) fn frame(number: u8, detail: u8, zone: ZoneKind) -> BytesMut {
    let mut out = BytesMut::new();
    let foreign = cast::kind(detail >> 6);
    match number % 16 {
        0 => {
            message(&mut out, Kind::Request, 1001, |out| HandshakeRequest { node: node(detail), sync: sync(detail) }.encode(out))
        }
        1 => message(&mut out, ANSWER, 1001, |out| {
            HandshakeResponse::encode(out, &node(detail), &sync(detail), peers(detail, zone).iter());
        }),
        2 => message(&mut out, Kind::Request, 1002, |out| TimedSyncRequest { sync: sync(detail) }.encode(out)),
        3 => message(&mut out, ANSWER, 1002, |out| TimedSyncResponse::encode(out, &sync(detail), peers(detail, zone).iter())),
        4 => message(&mut out, Kind::Notify, command::NEW_TRANSACTIONS, |out| txs(out, detail)),
        5 => levin::noise(&mut out, 33 + usize::from(detail)).expect("a header fits"),
        6 => {
            let mut body = BytesMut::new();
            txs(&mut body, detail);
            levin::fragments(&mut out, 66 + usize::from(detail), command::NEW_TRANSACTIONS, &body).expect("two headers fit");
        }
        7 if detail >= 0x80 => message(&mut out, ANSWER, command::PING, |out| PingResponse { peer_id: 1 }.encode(out)),
        7 => message(&mut out, Kind::Request, command::PING, |out| PingRequest.encode(out)),
        8 => message(&mut out, Kind::Request, command::SUPPORT_FLAGS, |out| SupportFlagsRequest.encode(out)),
        // commands that some zones or all filter
        9 => message(&mut out, Kind::Request, 2_000 + u32::from(detail % 16), |out| out.extend_from_slice(&[detail; 40])),
        10 => message(&mut out, Kind::Notify, 2_000 + u32::from(detail % 16), |out| out.extend_from_slice(&[detail; 40])),
        11 => message(&mut out, Kind::Notify, command::TXPOOL_COMPLEMENT, |out| {
            TxPoolComplement::encode(out, vec![[detail; 32]; usize::from(detail % 8)].iter());
        }),
        // an answer with an error code, or that nobody asked for
        12 => message(&mut out, Kind::Response { code: i32::from(detail) - 8 }, 1_001 + u32::from(detail % 7), |_| {}),
        // addresses of other networks
        13 => message(&mut out, ANSWER, 1002, |out| TimedSyncResponse::encode(out, &sync(detail), peers(detail, foreign).iter())),
        // an empty or a repeated transaction
        14 => message(&mut out, Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            let blob = vec![detail; usize::from(detail % 2)];
            NewTransactions::encode(out, TxForm::Fluff, 0, [&blob[..], &blob[..]].into_iter());
        }),
        // a header with any length, flags and version, and no body
        _ => {
            let flags = Flags::from_bits(u32::from(detail % 32));
            let header = Header { flags, ..Header::new(Kind::Notify, command::NEW_TRANSACTIONS, 1 << (detail % 64)) };
            out.extend_from_slice(&Header { version: u32::from(detail >> 7) + 1, ..header }.write());
        }
    }
    out
}

const ANSWER: Kind = Kind::Response { code: 1 };

fn message(out: &mut BytesMut, kind: Kind, command: u32, body: impl FnOnce(&mut BytesMut)) {
    levin::frame(out, kind, command, body);
}

/// One node in sixteen is of another network, or without an id.
pub(crate) const fn node(detail: u8) -> NodeData {
    let network = if detail % 16 == 15 { Network::Testnet } else { Network::Regtest };
    let peer_id = if detail % 16 == 14 { 0 } else { 1 };
    let (my_port, support_flags) = ((detail as u32 % 8) * 0x2345, (detail as u32 >> 3) & 1);
    NodeData { my_port, network_id: network.id(), peer_id, rpc_credits_per_hash: 0, rpc_port: 0, support_flags }
}

pub(crate) fn sync(detail: u8) -> SyncData {
    SyncData { current_height: u64::from(detail >> 4), ..Network::Regtest.genesis_sync() }
}

/// Up to 16 addresses.
pub(crate) fn peers(detail: u8, zone: ZoneKind) -> Vec<PeerEntry> {
    (0..detail >> 4).map(|index| cast::entry(cast::addr(zone, detail.wrapping_add(index)))).collect()
}

/// One to four different transactions of up to 8 kB, of bytes that no own transaction has.
fn txs(out: &mut BytesMut, detail: u8) {
    let form = if detail.is_multiple_of(2) { TxForm::Stem } else { TxForm::Fluff };
    let blobs: Vec<Vec<u8>> = (0..=detail / 2 % 4).map(|index| vec![0x80 | index; 32 << (detail >> 5)]).collect();
    NewTransactions::encode(out, form, usize::from(detail), blobs.iter().map(Vec::as_slice));
}
