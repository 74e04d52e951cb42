//! Notifications as frames of one fixed size (spec `levin.md` §5, `make_fragmented_notify`).

use bytes::{BufMut, BytesMut};

use super::encode::wire_length;
use super::{Flags, HEADER_LEN, Header, Kind, UnitTooSmall, cut, frame};

/// The smallest frame that can be a fragment: its own header and the message's.
pub const MIN_FRAGMENT_UNIT: usize = 66;

/// How many frames [`fragments`] makes of a body of `body_len` bytes.
///
/// # Errors
/// [`UnitTooSmall`] below [`MIN_FRAGMENT_UNIT`] bytes.
pub const fn frame_count(unit: usize, body_len: usize) -> Result<usize, UnitTooSmall> {
    if unit < MIN_FRAGMENT_UNIT {
        return Err(UnitTooSmall { unit, minimum: MIN_FRAGMENT_UNIT });
    }
    let message = body_len.saturating_add(HEADER_LEN);
    if message <= unit {
        return Ok(1);
    }
    Ok(message.div_ceil(unit.saturating_sub(HEADER_LEN)))
}

/// Appends the notification as frames of exactly `unit` bytes and returns how many: one ordinary frame with the padding
/// counted in its length if it fits, else fragments of which the last is padded. The padding is zeros.
///
/// # Errors
/// [`UnitTooSmall`] below [`MIN_FRAGMENT_UNIT`] bytes; `out` is then untouched.
pub fn fragments(out: &mut BytesMut, unit: usize, command: u32, body: &[u8]) -> Result<usize, UnitTooSmall> {
    let count = frame_count(unit, body.len())?;
    out.reserve(unit.saturating_mul(count));
    let piece = unit.saturating_sub(HEADER_LEN);
    if count == 1 {
        frame(out, Kind::Notify, command, |out| put_padded(out, body, piece));
        return Ok(count);
    }
    let message = Header::new(Kind::Notify, command, wire_length(body.len()));
    let (head, rest) = cut(body, piece.saturating_sub(HEADER_LEN));
    put_header(out, Flags::BEGIN, piece);
    out.put_slice(&message.write());
    out.put_slice(head);

    let mut pieces = rest.chunks(piece).peekable();
    while let Some(part) = pieces.next() {
        let flags = if pieces.peek().is_some() { Flags::NONE } else { Flags::END };
        put_header(out, flags, piece);
        put_padded(out, part, piece);
    }
    Ok(count)
}

fn put_header(out: &mut BytesMut, flags: Flags, piece: usize) {
    out.put_slice(&Header::fragment(flags, wire_length(piece)).write());
}

fn put_padded(out: &mut BytesMut, part: &[u8], piece: usize) {
    out.put_slice(part);
    out.put_bytes(0, piece.saturating_sub(part.len()));
}
