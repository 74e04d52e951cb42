//! Lengths and counts (`epee.md` §A2): the low two bits of the first byte tell the width.

use bytes::{BufMut, BytesMut};

/// Largest value that can be written, 2^62 − 1.
pub(super) const MAX: u64 = (1 << 62) - 1;

/// The value at the start of `bytes`, in any width, and what follows it; `None` if `bytes` ends too early.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first & 3 {
        0 => Some((u64::from(first >> 2), rest)),
        1 => {
            let (chunk, rest) = bytes.split_first_chunk()?;
            Some((u64::from(u16::from_le_bytes(*chunk) >> 2), rest))
        }
        2 => {
            let (chunk, rest) = bytes.split_first_chunk()?;
            Some((u64::from(u32::from_le_bytes(*chunk) >> 2), rest))
        }
        _ => {
            let (chunk, rest) = bytes.split_first_chunk()?;
            Some((u64::from_le_bytes(*chunk) >> 2, rest))
        }
    }
}

/// Appends `value` in the smallest width. Larger than [`MAX`], which no length in memory is, it is cut to it.
pub(super) fn write(out: &mut BytesMut, value: u64) {
    let value = value.min(MAX);
    match (u8::try_from(value << 2), u16::try_from(value << 2), u32::try_from(value << 2)) {
        (Ok(tagged), _, _) => out.put_u8(tagged),
        (_, Ok(tagged), _) => out.put_u16_le(tagged | 1),
        (_, _, Ok(tagged)) => out.put_u32_le(tagged | 2),
        _ => out.put_u64_le((value << 2) | 3),
    }
}
