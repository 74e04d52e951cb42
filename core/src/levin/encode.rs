//! Writing frames (spec `levin.md` §1 and §5).

use bytes::{BufMut, BytesMut};

use super::{HEADER_LEN, Header, Kind};

/// The padded frame size asked for cannot hold what it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("a padded frame of {unit} bytes is too small: use at least {minimum}")]
pub struct UnitTooSmall {
    /// The size asked for, in bytes.
    pub unit: usize,
    /// The smallest size that works, in bytes.
    pub minimum: usize,
}

/// Appends one frame to `out`; `body` appends the frame's body (and must not touch what is in `out` already).
///
/// No allocation besides what `out` needs to grow.
pub fn frame(out: &mut BytesMut, kind: Kind, command: u32, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_slice(&Header::new(kind, command, 0).write());
    let body_start = out.len();
    body(out);
    let header = Header::new(kind, command, wire_length(out.len().saturating_sub(body_start)));
    if let Some(place) = out.get_mut(start..body_start) {
        place.copy_from_slice(&header.write());
    }
}

/// Appends a noise frame of exactly `unit` bytes, header included.
///
/// # Errors
/// [`UnitTooSmall`] below [`HEADER_LEN`] bytes; `out` is then untouched.
pub fn noise(out: &mut BytesMut, unit: usize) -> Result<(), UnitTooSmall> {
    let padding = unit.checked_sub(HEADER_LEN).ok_or(UnitTooSmall { unit, minimum: HEADER_LEN })?;
    frame(out, Kind::Dummy, 0, |out| out.put_bytes(0, padding));
    Ok(())
}

pub(super) fn wire_length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
