//! The bodies of messages, as fields.

use anonet_core::levin::Kind;
use anonet_core::wire::{
    HandshakeRequest, HandshakeResponse, NewTransactions, NodeData, PeerEntries, PingRequest, PingResponse, SupportFlagsRequest,
    SupportFlagsResponse, SyncData, TimedSyncRequest, TimedSyncResponse, TxPoolComplement, WireError, command,
};

use super::field::Field;

/// The name of a command, if it is known.
pub(super) const fn name(command: u32) -> Option<&'static str> {
    Some(match command {
        command::HANDSHAKE => "HANDSHAKE",
        command::TIMED_SYNC => "TIMED_SYNC",
        command::PING => "PING",
        command::SUPPORT_FLAGS => "SUPPORT_FLAGS",
        2001 => "NEW_BLOCK",
        command::NEW_TRANSACTIONS => "NEW_TRANSACTIONS",
        2003 => "GET_OBJECTS_REQUEST",
        2004 => "GET_OBJECTS_RESPONSE",
        2006 => "CHAIN_REQUEST",
        2007 => "CHAIN_ENTRY",
        2008 => "NEW_FLUFFY_BLOCK",
        2009 => "FLUFFY_MISSING_TX",
        command::TXPOOL_COMPLEMENT => "GET_TXPOOL_COMPLEMENT",
        _ => return None,
    })
}

/// Reads a body; `None` for messages that are not looked into. A refused request is answered without a body.
pub(super) fn fields(kind: Kind, command: u32, body: &[u8]) -> Option<Result<Field, WireError>> {
    Some(match (kind, command) {
        (Kind::Response { .. }, _) if body.is_empty() => return None,
        (Kind::Request, command::HANDSHAKE) => {
            HandshakeRequest::decode(body).map(|message| handshake(&message.node, &message.sync))
        }
        (Kind::Response { .. }, command::HANDSHAKE) => {
            HandshakeResponse::decode(body).map(|message| with_peers(handshake(&message.node, &message.sync), message.peers))
        }
        (Kind::Request, command::TIMED_SYNC) => {
            TimedSyncRequest::decode(body).map(|message| group([("sync", sync(&message.sync))]))
        }
        (Kind::Response { .. }, command::TIMED_SYNC) => {
            TimedSyncResponse::decode(body).map(|message| with_peers(group([("sync", sync(&message.sync))]), message.peers))
        }
        (Kind::Request, command::PING) => PingRequest::decode(body).map(|_| group([])),
        (Kind::Response { .. }, command::PING) => {
            PingResponse::decode(body).map(|message| group([("peer_id", Field::Number(message.peer_id))]))
        }
        (Kind::Request, command::SUPPORT_FLAGS) => SupportFlagsRequest::decode(body).map(|_| group([])),
        (Kind::Response { .. }, command::SUPPORT_FLAGS) => {
            SupportFlagsResponse::decode(body).map(|message| group([("support_flags", number(message.support_flags))]))
        }
        (Kind::Notify, command::NEW_TRANSACTIONS) => NewTransactions::decode(body).map(|message| new_transactions(&message)),
        (Kind::Notify, command::TXPOOL_COMPLEMENT) => TxPoolComplement::decode(body).map(|message| {
            let hashes = message.hashes().map(|hash| Field::Blob(hash.to_vec()));
            group([("hashes", Field::List(hashes.collect()))])
        }),
        _ => return None,
    })
}

fn number(number: impl Into<u64>) -> Field {
    Field::Number(number.into())
}

fn group<const N: usize>(fields: [(&'static str, Field); N]) -> Field {
    Field::Group(fields.into())
}

fn handshake(node: &NodeData, sync_data: &SyncData) -> Field {
    let node = group([
        ("network_id", Field::Blob(node.network_id.to_vec())),
        ("peer_id", Field::Number(node.peer_id)),
        ("my_port", number(node.my_port)),
        ("rpc_port", number(node.rpc_port)),
        ("support_flags", number(node.support_flags)),
    ]);
    group([("node", node), ("sync", sync(sync_data))])
}

fn sync(sync: &SyncData) -> Field {
    group([
        ("current_height", Field::Number(sync.current_height)),
        ("top_id", Field::Blob(sync.top_id.to_vec())),
        ("top_version", number(sync.top_version)),
        ("cumulative_difficulty", Field::large(sync.cumulative_difficulty)),
        ("pruning_seed", number(sync.pruning_seed)),
    ])
}

/// Entries that are faulty do not spoil the list: the fault stands in their place.
fn with_peers(message: Field, peers: PeerEntries<'_>) -> Field {
    let peer = |entry: Result<anonet_core::wire::PeerEntry, _>| match entry {
        Ok(entry) => {
            let mut fields = vec![("address", Field::Text(entry.addr.reveal().to_string())), ("id", Field::Number(entry.id))];
            if entry.last_seen != 0 {
                fields.push(("last_seen", Field::Text(entry.last_seen.to_string())));
            }
            if entry.pruning_seed != 0 {
                fields.push(("pruning_seed", number(entry.pruning_seed)));
            }
            Field::Group(fields)
        }
        Err(fault) => group([("fault", Field::Text(anonet_core::wire::EntryFault::to_string(&fault)))]),
    };
    let peers = ("peers", Field::List(peers.map(peer).collect()));
    match message {
        Field::Group(mut fields) => {
            fields.push(peers);
            Field::Group(fields)
        }
        other => other,
    }
}

fn new_transactions(message: &NewTransactions<'_>) -> Field {
    let txs = message.txs().map(|tx| Field::Blob(tx.to_vec()));
    group([
        ("fluff", Field::Flag(message.fluff)),
        ("padding", number(message.padding.len() as u64)),
        ("txs", Field::List(txs.collect())),
    ])
}
