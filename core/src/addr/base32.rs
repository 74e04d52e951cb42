//! Base32 of RFC 4648, without padding, lower case on output, either case on input.

const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Whether `byte` is a base32 digit in either case.
pub(super) const fn is_digit(byte: u8) -> bool {
    value(byte).is_some()
}

const fn value(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(byte - b'a'),
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

/// Decodes `text` into `N` bytes and returns them with the bits that the last digit has left over.
///
/// `None` if a byte is not a digit or if the digits make more or fewer than `N` whole bytes.
pub(super) fn decode<const N: usize>(text: &[u8]) -> Option<([u8; N], u8)> {
    let mut out = [0; N];
    let mut slots = out.iter_mut();
    let (mut bits, mut count) = (0_u16, 0);
    for &byte in text {
        bits = (bits << 5) | u16::from(value(byte)?);
        count += 5;
        if count >= 8 {
            count -= 8;
            [*slots.next()?, _] = (bits >> count).to_le_bytes();
            bits &= (1 << count) - 1;
        }
    }
    let [rest, _] = bits.to_le_bytes();
    slots.next().is_none().then_some((out, rest))
}

/// Encodes `bytes`; the last digit is filled up with zero bits.
pub(super) fn encode(bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let mut bytes = bytes;
    let (mut bits, mut count) = (0_u16, 0);
    core::iter::from_fn(move || {
        if count < 5 {
            match bytes.next() {
                Some(byte) => {
                    bits = (bits << 8) | u16::from(byte);
                    count += 8;
                }
                None if count == 0 => return None,
                None => {
                    bits <<= 5 - count;
                    count = 5;
                }
            }
        }
        count -= 5;
        let digit = DIGITS.get(usize::from(bits >> count)).copied();
        bits &= (1 << count) - 1;
        digit
    })
}
