//! Hexadecimal text.

use std::fmt::Write;

use thiserror::Error;

/// Why a text is no hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum HexError {
    #[error("character {position} is no hexadecimal digit")]
    NotADigit {
        /// Counts from 1, white space included.
        position: usize,
    },
    #[error("the number of hexadecimal digits is odd ({digits}), so at least one is missing")]
    Odd {
        /// Digits in all.
        digits: usize,
    },
}

/// Turns text into bytes piece by piece, passing over white space.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HexReader {
    /// The first digit of a pair.
    half: Option<u8>,
    position: usize,
    digits: usize,
}

impl HexReader {
    /// Appends to `bytes` what the next piece of text holds.
    pub(crate) fn read(&mut self, text: &[u8], bytes: &mut Vec<u8>) -> Result<(), HexError> {
        for &character in text {
            self.position += 1;
            if character.is_ascii_whitespace() {
                continue;
            }
            let digit = digit(character).ok_or(HexError::NotADigit { position: self.position })?;
            self.digits += 1;
            self.half = match self.half {
                None => Some(digit),
                Some(high) => {
                    bytes.push(high << 4 | digit);
                    None
                }
            };
        }
        Ok(())
    }

    /// Whether the text may end here.
    pub(crate) const fn finish(self) -> Result<(), HexError> {
        match self.half {
            None => Ok(()),
            Some(_) => Err(HexError::Odd { digits: self.digits }),
        }
    }
}

/// The bytes of a whole text, passing over white space.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let (mut reader, mut bytes) = (HexReader::default(), Vec::with_capacity(text.len() / 2));
    reader.read(text, &mut bytes)?;
    reader.finish()?;
    Ok(bytes)
}

/// Two lower-case digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // a String takes everything
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts() {
        for (text, expected) in [
            ("", Ok(vec![])),
            (" \n\t", Ok(vec![])),
            ("00fFAb", Ok(vec![0, 0xff, 0xab])),
            ("0 0\nf f\r\n", Ok(vec![0, 0xff])),
            ("0", Err(HexError::Odd { digits: 1 })),
            ("00 1\n", Err(HexError::Odd { digits: 3 })),
            ("0x00", Err(HexError::NotADigit { position: 2 })),
            ("00 g0", Err(HexError::NotADigit { position: 4 })),
        ] {
            assert_eq!(decode(text.as_bytes()), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_survive_in_pieces(bytes: Vec<u8>, cut in 1usize..9) {
            let text = encode(&bytes);
            let (mut reader, mut back) = (HexReader::default(), Vec::new());
            for piece in text.as_bytes().chunks(cut) {
                reader.read(piece, &mut back).unwrap();
            }
            prop_assert_eq!(reader.finish(), Ok(()));
            prop_assert_eq!(back, bytes);
        }
    }
}
