//! Addresses for as many simulated nodes as wanted.

use anonet_core::addr::{I2pAddr, OnionAddr};
use anonet_core::{Addr, ZoneKind};
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha3::{Digest, Sha3_256};

const PORT: u16 = 18_083;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The address of node `index` in a zone. Onions are keys that Tor would take; nobody knows of such a service.
///
/// # Panics
/// Never for a zone of this crate's scenarios.
pub(crate) fn addr(kind: ZoneKind, index: usize) -> Addr {
    match kind {
        ZoneKind::Tor => Addr::Onion(onion(index)),
        ZoneKind::I2p => {
            let host = base32(&Sha3_256::digest((index as u64).to_le_bytes()));
            Addr::I2p(I2pAddr::from_host(format!("{host}.b32.i2p").as_bytes()).expect("52 digits"))
        }
        // none of these octets begins a special range; the first 15,000 nodes have a /16 each
        _ => Addr::parse(&format!("{}.{}.{}.7", 30 + index % 60, index / 60 % 250, index / 15_000), PORT).expect("IPv4"),
    }
}

fn onion(index: usize) -> OnionAddr {
    let key = EdwardsPoint::mul_base(&Scalar::from(index as u64 + 2)).compress().to_bytes();
    let digest = Sha3_256::new().chain_update(b".onion checksum").chain_update(key).chain_update([3]).finalize();
    let bytes: Vec<u8> = key.into_iter().chain([digest[0], digest[1], 3]).collect();
    OnionAddr::from_host(format!("{}.onion", base32(&bytes)).as_bytes(), PORT).expect("a key of the curve")
}

fn base32(bytes: &[u8]) -> String {
    let (mut text, mut buffer, mut bits) = (String::new(), 0u32, 0);
    for byte in bytes {
        (buffer, bits) = (buffer << 8 | u32::from(*byte), bits + 8);
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_node_has_a_valid_name_of_its_own() {
        for kind in [ZoneKind::Tor, ZoneKind::I2p, ZoneKind::Public] {
            let names: BTreeSet<Addr> = (0..300).map(|index| addr(kind, index)).collect();
            assert_eq!(names.len(), 300);
            assert!(names.iter().all(|name| name.zone() == kind && name.check_point().is_ok() && !name.is_local()));
        }
    }
}
