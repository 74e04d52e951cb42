use bytes::BytesMut;

use super::{PeerEntries, PeerEntry, SyncData, WireError, read_body};
use crate::epee::{self, Section, Value};

/// What a node says about itself: `node_data` (`messages.md` §1, §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeData {
    /// Port on which the node listens; 0 in anonymity zones and when it hides the port. Read as 0 when absent.
    pub my_port: u32,
    /// Which Monero network the node belongs to (`messages.md` §6).
    pub network_id: [u8; 16],
    /// 1 in anonymity zones, random in the public zone; 0 is refused when read.
    pub peer_id: u64,
    /// Price of the node's RPC; 0 nowadays, and then not written.
    pub rpc_credits_per_hash: u32,
    /// Port of the node's RPC; 0, and then not written, in anonymity zones.
    pub rpc_port: u16,
    /// Bit 0: fluffy blocks; 0, and then not written, in anonymity zones.
    pub support_flags: u32,
}

impl NodeData {
    fn read(value: &mut Value<'_, '_>) -> Result<Self, WireError> {
        let (mut network_id, mut peer_id) = (None, None);
        let (mut my_port, mut rpc_credits_per_hash, mut rpc_port, mut support_flags) = (0, 0, 0, 0);
        value.object(|key, value| {
            match key {
                b"my_port" => my_port = value.integer()?,
                b"network_id" => network_id = Some(*value.blob()?),
                b"peer_id" => peer_id = Some(value.integer()?),
                b"rpc_credits_per_hash" => rpc_credits_per_hash = value.integer()?,
                b"rpc_port" => rpc_port = value.integer()?,
                b"support_flags" => support_flags = value.integer()?,
                _ => {}
            }
            Ok::<_, WireError>(())
        })?;
        let peer_id = peer_id.ok_or(WireError::Missing("peer_id"))?;
        if peer_id == 0 {
            return Err(WireError::PeerIdZero);
        }
        let network_id = network_id.ok_or(WireError::Missing("network_id"))?;
        Ok(Self { my_port, network_id, peer_id, rpc_credits_per_hash, rpc_port, support_flags })
    }

    fn write(&self, section: &mut Section<'_>) {
        section.u32("my_port", self.my_port);
        section.bytes("network_id", &self.network_id);
        section.u64("peer_id", self.peer_id);
        if self.rpc_credits_per_hash != 0 {
            section.u32("rpc_credits_per_hash", self.rpc_credits_per_hash);
        }
        if self.rpc_port != 0 {
            section.u16("rpc_port", self.rpc_port);
        }
        if self.support_flags != 0 {
            section.u32("support_flags", self.support_flags);
        }
    }
}

/// The dialler's first message, command [`HANDSHAKE`](super::command::HANDSHAKE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeRequest {
    /// Who dials.
    pub node: NodeData,
    /// The chain it claims.
    pub sync: SyncData,
}

impl HandshakeRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit, or a required field is missing or wrong.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (mut node, mut sync) = (None, None);
        read_body(body, |key, value| {
            match key {
                b"node_data" => node = Some(NodeData::read(value)?),
                b"payload_data" => sync = Some(SyncData::read(value)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self { node: node.ok_or(WireError::Missing("node_data"))?, sync: sync.ok_or(WireError::Missing("payload_data"))? })
    }

    /// Appends the body to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        epee::write(out, |root| {
            root.object("node_data", |section| self.node.write(section));
            root.object("payload_data", |section| self.sync.write(section));
        });
    }
}

/// The answer to a [`HandshakeRequest`].
#[derive(Clone, Debug)]
pub struct HandshakeResponse<'a> {
    /// Who answers.
    pub node: NodeData,
    /// The chain it claims.
    pub sync: SyncData,
    /// Peers that it knows in the zone of the connection.
    pub peers: PeerEntries<'a>,
}

impl<'a> HandshakeResponse<'a> {
    /// Reads a body. Of the peer list only grammar and length are checked.
    ///
    /// # Errors
    /// As [`HandshakeRequest::decode`], and for more than [`MAX_PEERS`](super::MAX_PEERS) entries.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let (mut node, mut sync, mut peers) = (None, None, PeerEntries::default());
        read_body(body, |key, value| {
            match key {
                b"local_peerlist_new" => peers = PeerEntries::read(value)?,
                b"node_data" => node = Some(NodeData::read(value)?),
                b"payload_data" => sync = Some(SyncData::read(value)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self {
            node: node.ok_or(WireError::Missing("node_data"))?,
            sync: sync.ok_or(WireError::Missing("payload_data"))?,
            peers,
        })
    }

    /// Appends a body to `out`, with the first [`MAX_PEERS`](super::MAX_PEERS) of `peers`.
    pub fn encode<'p>(out: &mut BytesMut, node: &NodeData, sync: &SyncData, peers: impl ExactSizeIterator<Item = &'p PeerEntry>) {
        epee::write(out, |root| {
            PeerEntry::write_all(root, peers);
            root.object("node_data", |section| node.write(section));
            root.object("payload_data", |section| sync.write(section));
        });
    }
}
