//! What a header may say: version, flags and length.

use super::{BodyLimit, FrameLimits, HEADER_LEN, Header, Kind, Layer, LevinError, VERSION};

/// Judges the header of a re-assembled message; with its kind and the length of its body.
pub(super) fn check_message(raw: &[u8; HEADER_LEN], limits: &FrameLimits) -> Result<(Header, Kind, usize), LevinError> {
    let layer = Layer::Message;
    let header = Header::parse(raw).map_err(|_| LevinError::Signature { layer })?;
    check_version(&header, layer)?;
    let kind = header.kind().ok_or(impossible_flags(&header, layer))?;
    let length = check_length(&header, limits.body(header.command), layer)?;
    Ok((header, kind, length))
}

pub(super) const fn check_version(header: &Header, layer: Layer) -> Result<(), LevinError> {
    let Header { command, version, .. } = *header;
    if version == VERSION { Ok(()) } else { Err(LevinError::Version { layer, command, version }) }
}

pub(super) const fn impossible_flags(header: &Header, layer: Layer) -> LevinError {
    LevinError::Flags { layer, command: header.command, bits: header.flags.bits() }
}

/// The body's length, if the limit allows it.
pub(super) fn check_length(header: &Header, limit: BodyLimit, layer: Layer) -> Result<usize, LevinError> {
    let Header { command, length, .. } = *header;
    let (BodyLimit::Keep(limit) | BodyLimit::Skip(limit)) = limit else {
        return Err(LevinError::TooEarly { layer, command });
    };
    match usize::try_from(length) {
        Ok(bytes) if length <= u64::from(limit) => Ok(bytes),
        _ => Err(LevinError::TooLong { layer, command, length, limit }),
    }
}
