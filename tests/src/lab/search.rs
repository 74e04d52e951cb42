//! The search for secrets in whatever a program wrote, in any form that they could stand there in.

use std::collections::{HashMap, HashSet};

/// How much of a secret in a row is found.
const PIECE: usize = 16;
/// A piece with fewer different bytes is a run of padding that stands everywhere.
const LEAST_VARIETY: usize = 6;
/// Base 64 of web addresses has these in place of `+` and `/`.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE16: &[u8; 16] = b"0123456789abcdef";

/// Something that is not to be found where it does not belong.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it is, for who reads of a find.
    pub what: String,
    /// Its bytes, at least 16.
    pub bytes: Vec<u8>,
}

// a failing test prints what it found, and that is no secret then; but not whole transactions
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.what, self.bytes.len())
    }
}

impl Secret {
    /// One of these bytes.
    ///
    /// # Panics
    ///
    /// When they are fewer than 16: such a thing could stand somewhere by accident.
    pub fn new(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let (what, bytes) = (what.into(), bytes.into());
        assert!(bytes.len() >= PIECE, "{what} is too short to be searched for");
        Self { what, bytes }
    }

    /// The name of a hidden service, without its end: the text, and the bytes that it encodes.
    ///
    /// # Panics
    ///
    /// When it has no such name.
    #[must_use]
    pub fn host(name: &str) -> Vec<Self> {
        let label = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        let key = decode(label.as_bytes(), BASE32);
        vec![Self::new(format!("the name {name}"), label), Self::new(format!("the key of {name}"), key)]
    }
}

/// Secrets, ready to be searched for.
#[derive(Debug)]
pub struct Search {
    pieces: HashMap<[u8; PIECE], String>,
    /// For each two bytes whether a piece begins with them, so that most places are passed over quickly.
    beginnings: Vec<bool>,
}

impl Search {
    /// A search for these, forwards and backwards; letters in any case.
    #[must_use]
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut search = Self { pieces: HashMap::new(), beginnings: vec![false; 1 << 16] };
        for secret in secrets {
            let backwards: Vec<u8> = secret.bytes.iter().rev().copied().collect();
            search.add(&secret.bytes, &secret.what);
            if secret.bytes.is_ascii() {
                search.add(&secret.bytes.to_ascii_lowercase(), &secret.what);
            }
            search.add(&backwards, &format!("{}, backwards", secret.what));
        }
        search
    }

    fn add(&mut self, bytes: &[u8], what: &str) {
        for window in bytes.windows(PIECE) {
            if window.iter().collect::<HashSet<_>>().len() >= LEAST_VARIETY {
                let piece: [u8; PIECE] = window.try_into().expect("a window of this length");
                self.beginnings[beginning(window)] = true;
                self.pieces.insert(piece, what.to_owned());
            }
        }
    }

    /// What of them is in `bytes`, and in which form: as it is, in base 16, 32 or 64, in text of two bytes a letter, or in
    /// letters of another case.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let wide = narrowed(bytes);
        [("", bytes), (" in UTF-16", &wide)].into_iter().find_map(|(form, bytes)| self.find_in(bytes, form))
    }

    fn find_in(&self, bytes: &[u8], form: &str) -> Option<String> {
        let lower = bytes.to_ascii_lowercase();
        let found = self.piece_in(bytes).map(|what| format!("{what}, as it is{form}"));
        found
            .or_else(|| self.piece_in(&lower).map(|what| format!("{what}, in letters of another case{form}")))
            .or_else(|| self.find_encoded(&lower, BASE16, form))
            .or_else(|| self.find_encoded(&lower, BASE32, form))
            .or_else(|| self.find_encoded(&of_standard_base64(bytes), BASE64, form))
    }

    fn find_encoded(&self, text: &[u8], alphabet: &[u8], form: &str) -> Option<String> {
        let bits = alphabet.len().ilog2() as usize;
        // what is shorter holds no piece
        let runs = text.split(|letter| !alphabet.contains(letter)).filter(|run| run.len() >= PIECE * 8 / bits);
        // a letter more or less at the front shifts what the others mean
        let mut shifted = runs.flat_map(|run| (0..8.min(run.len())).map(|skip| &run[skip..]));
        shifted.find_map(|run| {
            let what = self.piece_in(&decode(run, alphabet))?;
            Some(format!("{what}, in base {}{form}", alphabet.len()))
        })
    }

    fn piece_in(&self, bytes: &[u8]) -> Option<&str> {
        let places = bytes.windows(PIECE).filter(|window| self.beginnings[beginning(window)]);
        places.filter_map(|window| self.pieces.get(window)).map(String::as_str).next()
    }
}

fn beginning(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}

/// Text of two bytes a letter as text of one, in either order of bytes; nothing else is left.
fn narrowed(bytes: &[u8]) -> Vec<u8> {
    let mut narrow = Vec::new();
    let mut rest = bytes;
    while let [first, second, ..] = *rest {
        let letter = first.is_ascii_graphic() || first == b' ';
        let taken = letter && second == 0;
        if taken {
            narrow.push(first);
        } else if narrow.last().is_some_and(|&last| last != 0) && !(first == 0 && second.is_ascii_graphic()) {
            // ends a run
            narrow.push(0);
        }
        rest = &rest[if taken { 2 } else { 1 }..];
    }
    narrow
}

fn of_standard_base64(text: &[u8]) -> Vec<u8> {
    let standard = |letter: &u8| match letter {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    text.iter().map(standard).collect()
}

/// The whole bytes that letters of an alphabet of a power of two stand for.
fn decode(text: &[u8], alphabet: &[u8]) -> Vec<u8> {
    let bits = alphabet.len().ilog2();
    let (mut held, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(text.len()));
    for letter in text {
        let value = alphabet.iter().position(|of_alphabet| of_alphabet == letter).unwrap_or(0) as u32;
        (held, count) = (held << bits | value, count + bits);
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count & 0xff) as u8);
        }
    }
    bytes
}

/// Whether `stream` contains any 32-byte piece of `secret`, however the pieces were cut.
///
/// Every 32-byte window of the stream is compared with every piece of `secret`, taken each
/// 32 bytes, so any 63 bytes of it in a row are found.
#[must_use]
pub fn contains_part(stream: &[u8], secret: &[u8]) -> bool {
    const PIECE: usize = 32;
    let pieces: HashSet<&[u8]> = secret.chunks_exact(PIECE).collect();
    stream.windows(PIECE).any(|window| pieces.contains(window))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8], alphabet: &[u8]) -> Vec<u8> {
        let bits = alphabet.len().ilog2() as usize;
        let all: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let value = |chunk: &[u8]| chunk.iter().fold(0, |value, bit| value << 1 | usize::from(*bit)) << (bits - chunk.len());
        all.chunks(bits).map(|chunk| alphabet[value(chunk)]).collect()
    }

    fn secret() -> Secret {
        Secret::new("it", (0..40_u32).map(|i| (i * 89 % 251) as u8).collect::<Vec<_>>())
    }

    #[test]
    fn a_piece_is_found_in_every_form_wherever_it_stands() {
        let secret = secret();
        let search = Search::new([&secret]);
        for start in 0..=secret.bytes.len() - PIECE {
            let piece = &secret.bytes[start..start + PIECE];
            for before in 0..5_usize {
                let message = [&vec![0xaa; before][..], piece, &[0xbb; 3]].concat();
                let hex = encode(&message, BASE16);
                let web64: Vec<u8> = encode(&message, BASE64)
                    .iter()
                    .map(|letter| match letter {
                        b'+' => b'-',
                        b'/' => b'_',
                        other => *other,
                    })
                    .collect();
                let forms = [
                    ("as it is", message.clone()),
                    ("backwards", message.iter().rev().copied().collect()),
                    ("base 16", hex.clone()),
                    ("base 16", hex.to_ascii_uppercase()),
                    ("base 32", encode(&message, BASE32)),
                    ("base 32", encode(&message, BASE32).to_ascii_uppercase()),
                    ("base 64", encode(&message, BASE64)),
                    ("base 64", web64),
                    ("UTF-16", hex.iter().flat_map(|letter| [*letter, 0]).collect()),
                    ("UTF-16", hex.iter().flat_map(|letter| [0, *letter]).collect()),
                ];
                for (form, bytes) in forms {
                    for around in [&b""[..], b" \"", b"\xff\x00\x07"] {
                        let haystack = [around, &bytes, around].concat();
                        let found = search.find(&haystack).unwrap_or_else(|| panic!("{form}, {start}, {before}: {haystack:?}"));
                        assert!(found.contains(form), "{found}, not {form}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let secret = secret();
        let search = Search::new([&secret]);
        let random: Vec<u8> = (0..100_000_u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) as u8).collect();
        assert_eq!(search.find(&random), None);
        assert_eq!(search.find(&secret.bytes[..PIECE - 1]), None);
        assert_eq!(search.find(&encode(&secret.bytes[..PIECE - 1], BASE16)), None);
        // a run of padding is no piece of a secret
        assert_eq!(Search::new([&Secret::new("padding", [0; 64])]).find(&[0; 64]), None);
        assert_eq!(search.find(b""), None);
    }

    #[test]
    fn texts_are_found_in_any_case_and_names_by_their_keys() {
        let name = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
        let search = Search::new(&Secret::host(name));
        let key = decode(name.split('.').next().unwrap().as_bytes(), BASE32);
        assert_eq!(key.len(), 35);
        for text in [name.to_owned(), name.to_uppercase()] {
            assert!(search.find(format!("at {text}:1").as_bytes()).is_some());
        }
        assert!(search.find(&key).is_some_and(|found| found.contains("the key of")));
    }

    #[test]
    fn parts_are_found_wherever_they_were_cut() {
        let secret: Vec<u8> = (0..200_u32).map(|i| (i * 31 % 251) as u8).collect();
        for start in 0..secret.len() - 63 {
            let stream = [&[7; 100], &secret[start..start + 63], &[7; 9]].concat();
            assert!(contains_part(&stream, &secret), "63 bytes from {start}");
        }
        assert!(!contains_part(&[7; 500], &secret));
        assert!(!contains_part(&secret[..31], &secret));
        assert!(!contains_part(&[], &secret));
    }
}
