use bytes::BytesMut;

use super::{PeerEntries, PeerEntry, WireError, read_body};
use crate::epee::{self, Section, Value};

/// The chain that a node claims: `payload_data` (`messages.md` §1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncData {
    /// Sum of the difficulties of all blocks; either half is read as 0 when absent.
    pub cumulative_difficulty: u128,
    /// Number of blocks, the height of the top block plus 1.
    pub current_height: u64,
    /// Which blocks the node keeps; 0, and then not written, if all.
    pub pruning_seed: u32,
    /// Id of the top block.
    pub top_id: [u8; 32],
    /// Hard-fork version at the top block; not written when 0.
    pub top_version: u8,
}

impl SyncData {
    pub(super) fn read(value: &mut Value<'_, '_>) -> Result<Self, WireError> {
        let (mut current_height, mut top_id) = (None, None);
        let (mut low, mut top): (u64, u64) = (0, 0);
        let (mut pruning_seed, mut top_version) = (0, 0);
        value.object(|key, value| {
            match key {
                b"cumulative_difficulty" => low = value.integer()?,
                b"cumulative_difficulty_top64" => top = value.integer()?,
                b"current_height" => current_height = Some(value.integer()?),
                b"pruning_seed" => pruning_seed = value.integer()?,
                b"top_id" => top_id = Some(*value.blob()?),
                b"top_version" => top_version = value.integer()?,
                _ => {}
            }
            Ok::<_, WireError>(())
        })?;
        Ok(Self {
            cumulative_difficulty: (u128::from(top) << 64) | u128::from(low),
            current_height: current_height.ok_or(WireError::Missing("current_height"))?,
            pruning_seed,
            top_id: top_id.ok_or(WireError::Missing("top_id"))?,
            top_version,
        })
    }

    pub(super) fn write(&self, section: &mut Section<'_>) {
        let (low, top) = halves(self.cumulative_difficulty);
        section.u64("cumulative_difficulty", low);
        section.u64("cumulative_difficulty_top64", top);
        section.u64("current_height", self.current_height);
        if self.pruning_seed != 0 {
            section.u32("pruning_seed", self.pruning_seed);
        }
        section.bytes("top_id", &self.top_id);
        if self.top_version != 0 {
            section.u8("top_version", self.top_version);
        }
    }
}

/// The low and the high 64 bits.
fn halves(value: u128) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h, top @ ..] = value.to_le_bytes();
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes(top))
}

/// The periodic question for chain state and peers, command [`TIMED_SYNC`](super::command::TIMED_SYNC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedSyncRequest {
    /// The chain that the asking node claims.
    pub sync: SyncData,
}

impl TimedSyncRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit, or a required field is missing or wrong.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut sync = None;
        read_body(body, |key, value| {
            if key == b"payload_data" {
                sync = Some(SyncData::read(value)?);
            }
            Ok(())
        })?;
        Ok(Self { sync: sync.ok_or(WireError::Missing("payload_data"))? })
    }

    /// Appends the body to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        epee::write(out, |root| root.object("payload_data", |section| self.sync.write(section)));
    }
}

/// The answer to a [`TimedSyncRequest`].
#[derive(Clone, Debug)]
pub struct TimedSyncResponse<'a> {
    /// The chain that the answering node claims.
    pub sync: SyncData,
    /// Peers that it knows in the zone of the connection, and perhaps its own hidden address.
    pub peers: PeerEntries<'a>,
}

impl<'a> TimedSyncResponse<'a> {
    /// Reads a body. Of the peer list only grammar and length are checked.
    ///
    /// # Errors
    /// As [`TimedSyncRequest::decode`], and for more than [`MAX_PEERS`](super::MAX_PEERS) entries.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let (mut sync, mut peers) = (None, PeerEntries::default());
        read_body(body, |key, value| {
            match key {
                b"local_peerlist_new" => peers = PeerEntries::read(value)?,
                b"payload_data" => sync = Some(SyncData::read(value)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self { sync: sync.ok_or(WireError::Missing("payload_data"))?, peers })
    }

    /// Appends a body to `out`, with the first [`MAX_PEERS`](super::MAX_PEERS) of `peers`.
    pub fn encode<'p>(out: &mut BytesMut, sync: &SyncData, peers: impl ExactSizeIterator<Item = &'p PeerEntry>) {
        epee::write(out, |root| {
            PeerEntry::write_all(root, peers);
            root.object("payload_data", |section| sync.write(section));
        });
    }
}
