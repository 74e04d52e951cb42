//! Version 3 onion names; source: spec `addresses.md` §1.

#[cfg(test)]
mod tests;

use core::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use sha3::{Digest, Sha3_256};

use super::parse::strip_suffix;
use super::{AddrError, HostText, base32};

/// Characters before `.onion`.
const NAME_LEN: usize = 56;
/// Characters before `.onion` of the version 2 names that Tor dropped.
const LEGACY_NAME_LEN: usize = 16;
pub(super) const SUFFIX: &[u8] = b".onion";
const VERSION: u8 = 3;

/// A version 3 onion name with its port.
///
/// Suffix, length, alphabet, version and checksum are right; whether the key is a usable curve
/// point is known only after [`OnionAddr::check_point`]. `Debug` does not show the host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnionAddr {
    key: [u8; 32],
    // kept, so that printing needs no hash
    checksum: [u8; 2],
    pub(super) port: u16,
}

impl OnionAddr {
    /// Reads the host `<56 characters>.onion`, in any letter case, as found on the wire; `port` is
    /// taken as it is, so the caller decides about port 0.
    ///
    /// # Errors
    /// In this order: [`AddrError::Suffix`], [`AddrError::OnionAlphabet`],
    /// [`AddrError::LegacyOnion`], [`AddrError::OnionLength`], [`AddrError::OnionVersion`],
    /// [`AddrError::OnionChecksum`].
    ///
    /// # Cost
    /// One SHA3-256 block, no allocation. The curve point is not checked.
    pub fn from_host(host: &[u8], port: u16) -> Result<Self, AddrError> {
        let name = strip_suffix(host, SUFFIX).ok_or(AddrError::Suffix)?;
        if !name.iter().copied().all(base32::is_digit) {
            return Err(AddrError::OnionAlphabet);
        }
        match name.len() {
            NAME_LEN => {}
            LEGACY_NAME_LEN => return Err(AddrError::LegacyOnion),
            _ => return Err(AddrError::OnionLength),
        }
        let (bytes, _) = base32::decode::<35>(name).ok_or(AddrError::OnionLength)?;
        let Some((key, &[first, second, version])) = bytes.split_first_chunk() else {
            return Err(AddrError::OnionLength);
        };
        if version != VERSION {
            return Err(AddrError::OnionVersion);
        }
        if checksum(key) != [first, second] {
            return Err(AddrError::OnionChecksum);
        }
        Ok(Self { key: *key, checksum: [first, second], port })
    }

    /// The host, 62 lower-case ASCII characters.
    #[must_use]
    pub fn host(&self) -> HostText {
        let bytes = self.key.into_iter().chain(self.checksum).chain([VERSION]);
        HostText::collect(base32::encode(bytes).chain(SUFFIX.iter().copied()))
    }

    /// The port of the hidden service.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Checks that the key is one that Tor can connect to: a canonically encoded point of the curve
    /// in its prime-order group and not the neutral element.
    ///
    /// monerod checks only that the point is on the curve. Without the group check one service
    /// would have eight names.
    ///
    /// # Errors
    /// [`AddrError::OnionPoint`] or [`AddrError::OnionTorsion`].
    ///
    /// # Cost
    /// One scalar multiplication, tens of microseconds.
    pub fn check_point(&self) -> Result<(), AddrError> {
        let encoded = CompressedEdwardsY(self.key);
        let point = encoded.decompress().ok_or(AddrError::OnionPoint)?;
        // decompression reduces y, so a non-canonical y shows only when the point is encoded again
        if point.compress() != encoded {
            return Err(AddrError::OnionPoint);
        }
        if point.is_small_order() || !point.is_torsion_free() {
            return Err(AddrError::OnionTorsion);
        }
        Ok(())
    }

    /// The same host with port 0, for comparison of hosts.
    pub(crate) const fn without_port(self) -> Self {
        Self { port: 0, ..self }
    }
}

impl fmt::Debug for OnionAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnionAddr(…)")
    }
}

/// The first two bytes of SHA3-256 over the label, the key and the version.
fn checksum(key: &[u8; 32]) -> [u8; 2] {
    let digest = Sha3_256::new().chain_update(b".onion checksum").chain_update(key).chain_update([VERSION]).finalize();
    let [first, second, ..]: [u8; 32] = digest.into();
    [first, second]
}
