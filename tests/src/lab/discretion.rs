//! What a log at the default level must not hold: whom the node knows, and what it sends.

use std::net::IpAddr;

/// The first line that names a hidden service, a destination, an address beyond this machine, or a transaction by its
/// 64 hex digits.
pub(super) fn indiscreet_line(log: &str) -> Option<&str> {
    log.lines().find(|line| words(line).any(names_somebody))
}

/// Runs of characters of which hosts and ids consist.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | ':' | '-'))
        .filter(|word| !word.is_empty())
}

fn names_somebody(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let hidden = |suffix: &str| lower.split_once(suffix).is_some_and(|(name, _)| name.len() >= 16);
    hidden(".onion") || hidden(".i2p") || is_id(word) || is_far(word)
}

fn is_id(word: &str) -> bool {
    word.split(['.', ':', '-']).any(|part| part.len() >= 64 && part.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// An IP address, with or without a port, that is neither loopback nor unspecified.
fn is_far(word: &str) -> bool {
    let host = match word.matches(':').count() {
        1 => word.split(':').next().unwrap_or(word),
        _ => word,
    };
    host.trim_end_matches(['.', ':']).parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::indiscreet_line;

    #[test]
    fn addresses_and_ids_are_found_and_other_words_are_not() {
        let id = "1706ce704043aae0e35543eaa6465282d42a7cc215ec10bc0a63b5cfaab6e151";
        for line in [
            "linked to zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:18083, 2 in all",
            "linked to ZBJKBSXC5MUNW3QUSL7J2HPCMIKHQOCDF4PQHNHTPZW5NT5JRMOFPTID.ONION",
            "(uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p)",
            "peer 9.8.7.6:18080 is gone",
            "peer 9.8.7.6.",
            "peer [2001:db8::1]:18080",
            &format!("sent {id}"),
            &format!("txid={id}."),
        ] {
            assert_eq!(indiscreet_line(&format!("a\n{line}\nb")), Some(line));
        }
        let fine = "2026-11-24T15:04:13.123456Z  INFO tor: proxy 127.0.0.1:9050, [::1]:18091, 0.0.0.0:1, version 0.1.0, 3 links\n\
                    give a .onion or a .i2p name; 12:30:45 is a time; an .onion:18083 of yours";
        assert_eq!(indiscreet_line(fine), None);
    }
}
