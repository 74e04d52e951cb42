//! What may never stand on a public link.

use super::own::{MARK, SHY_MARK};

/// Own transactions (while an anonymity zone is configured), those that anonymity peers may know (always), and names of
/// hidden services.
const FORBIDDEN: [&[u8]; 4] = [MARK, SHY_MARK, b".onion", b".i2p"];

/// The last bytes written to a public link, so that what is cut in two is found.
#[derive(Debug, Default)]
pub(super) struct PublicStream(Vec<u8>);

impl PublicStream {
    /// Looks through what was written; `own_may` if the node has no anonymity zone.
    pub(super) fn wrote(&mut self, bytes: &[u8], own_may: bool) {
        self.0.extend_from_slice(bytes);
        for forbidden in FORBIDDEN.iter().skip(usize::from(own_may)) {
            assert!(!contains(&self.0, forbidden), "on a public link: {}", forbidden.escape_ascii());
        }
        self.0.drain(..self.0.len().saturating_sub(MARK.len()));
    }
}

/// Whether what a peer sent may go out on a public link without looking like a leak.
pub(super) fn is_innocent(blob: &[u8]) -> bool {
    FORBIDDEN.iter().all(|forbidden| !contains(blob, forbidden))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_leak_is_found_wherever_two_writes_cut_it() {
        for forbidden in FORBIDDEN {
            assert!(!is_innocent(&[b"x", forbidden, b"y"].concat()));
            for cut in 0..=forbidden.len() {
                let (head, rest) = forbidden.split_at(cut);
                let leak = move |own_may| {
                    let mut stream = PublicStream::default();
                    stream.wrote(&[b"a long beginning", head].concat(), own_may);
                    stream.wrote(rest, own_may);
                };
                assert!(catch_unwind(|| leak(false)).is_err());
                assert_eq!(catch_unwind(|| leak(true)).is_ok(), forbidden == MARK);
            }
        }
    }
}
