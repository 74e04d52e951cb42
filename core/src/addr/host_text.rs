//! The text of a hidden host on the stack.

use core::fmt;

/// The longest host: a human-readable I2P name of 63 characters and `.i2p`.
const CAPACITY: usize = 67;

/// The host of an onion or I2P address: lower-case ASCII, at most 67 bytes, held without
/// allocation.
///
/// `Debug` does not show the host.
#[derive(Clone, Copy)]
pub struct HostText {
    bytes: [u8; CAPACITY],
    len: u8,
}

impl HostText {
    /// Collects at most 67 ASCII bytes; more are cut off.
    pub(super) fn collect(ascii: impl Iterator<Item = u8>) -> Self {
        let mut text = Self { bytes: [0; CAPACITY], len: 0 };
        for (slot, byte) in text.bytes.iter_mut().zip(ascii) {
            *slot = byte;
            text.len += 1;
        }
        text
    }

    /// The host, without a port.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // only ASCII is ever collected
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The host as ASCII bytes, without a port.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl AsRef<str> for HostText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for HostText {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for HostText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostText(…)")
    }
}
