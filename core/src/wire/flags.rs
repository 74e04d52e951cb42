use bytes::BytesMut;

use super::{WireError, read_body};
use crate::epee;

/// The status of every good ping answer.
const STATUS_OK: &[u8] = b"OK";

/// Asks whether a node is there, command [`PING`](super::command::PING).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingRequest;

impl PingRequest {
    /// Checks a body, which has no fields of its own.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        read_body(body, |_, _| Ok(()))?;
        Ok(Self)
    }

    /// Appends the body to `out`.
    pub fn encode(self, out: &mut BytesMut) {
        epee::write(out, |_| ());
    }
}

/// The answer to a [`PingRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingResponse {
    /// The node's peer id, as in its handshake.
    pub peer_id: u64,
}

impl PingResponse {
    /// Reads a body.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit, `peer_id` is missing, or the status is not `OK`.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (mut peer_id, mut status) = (None, None);
        read_body(body, |key, value| {
            match key {
                b"peer_id" => peer_id = Some(value.integer()?),
                b"status" => status = Some(value.bytes()?),
                _ => {}
            }
            Ok(())
        })?;
        if status != Some(STATUS_OK) {
            return Err(WireError::Status);
        }
        Ok(Self { peer_id: peer_id.ok_or(WireError::Missing("peer_id"))? })
    }

    /// Appends the body to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        epee::write(out, |root| {
            root.u64("peer_id", self.peer_id);
            root.bytes("status", STATUS_OK);
        });
    }
}

/// Asks for the peer's support flags, command [`SUPPORT_FLAGS`](super::command::SUPPORT_FLAGS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SupportFlagsRequest;

impl SupportFlagsRequest {
    /// Checks a body, which has no fields of its own.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        read_body(body, |_, _| Ok(()))?;
        Ok(Self)
    }

    /// Appends the body to `out`.
    pub fn encode(self, out: &mut BytesMut) {
        epee::write(out, |_| ());
    }
}

/// The answer to a [`SupportFlagsRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportFlagsResponse {
    /// Bit 0: fluffy blocks. Read as 0 when absent.
    pub support_flags: u32,
}

impl SupportFlagsResponse {
    /// Reads a body.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit, or the flags are no `u32`.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut support_flags = 0;
        read_body(body, |key, value| {
            if key == b"support_flags" {
                support_flags = value.integer()?;
            }
            Ok(())
        })?;
        Ok(Self { support_flags })
    }

    /// Appends the body to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        epee::write(out, |root| root.u32("support_flags", self.support_flags));
    }
}
