//! Hosts from the wire and address text from the user.

use anonet_core::addr::{Addr, AddrError, I2pAddr, OnionAddr};

/// Reads `data` as a host that a peer sent and as text that the user wrote.
///
/// # Panics
/// If an accepted host is not printed in lower case, or if a printed address is not read back.
pub fn address(data: &[u8]) {
    let lower = data.to_ascii_lowercase();
    if let Ok(onion) = OnionAddr::from_host(data, 1) {
        assert_eq!(onion.host().as_bytes(), lower);
        assert_eq!(OnionAddr::from_host(&lower, 1), Ok(onion));
        read_back(&Addr::Onion(onion));
    }
    if let Ok(i2p) = I2pAddr::from_host(data) {
        assert_eq!(i2p.host().as_bytes(), lower);
        read_back(&Addr::I2p(i2p));
    }
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(addr) = Addr::parse(text, 18080) {
        assert_eq!(addr.check_point(), Ok(()));
        read_back(&addr);
    }
}

/// Text is parsed with the check of the curve point, so a host that fails only there may differ.
fn read_back(addr: &Addr) {
    let expected: Result<Addr, AddrError> = addr.check_point().map(|()| addr.clone());
    assert_eq!(Addr::parse(&addr.reveal().to_string(), 0), expected);
    assert!(!format!("{addr:?}").contains('.'));
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn every_cut_and_changed_byte_of_good_addresses() {
        for seed in [
            "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion",
            "civ5tgldg3yx73ytse6hvvk3nm6q3zctbqvytpszihm35b33ze73kxad.ONION",
            "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p:0",
            "a-b.Example.I2P",
            "[::ffff:1.2.3.4]:18080",
            "2001:db8::1",
        ] {
            let mut data = seed.as_bytes().to_vec();
            for at in 0..data.len() {
                address(&data[..at]);
                address(&data[at..]);
                for byte in [0, b'a', b'7', b'.', b':', b'0', 0xff] {
                    let before = std::mem::replace(&mut data[at], byte);
                    address(&data);
                    data[at] = before;
                }
            }
        }
    }
}
