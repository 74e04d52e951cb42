//! I2P names; source: spec `addresses.md` §2.

#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::parse::strip_suffix;
use super::{AddrError, HostText, base32};

/// Characters before `.b32.i2p`.
const B32_NAME_LEN: usize = 52;
/// Most characters before `.i2p` in a human-readable name.
const MAX_HUMAN_NAME_LEN: usize = 63;
pub(super) const SUFFIX: &[u8] = b".i2p";
const B32_SUFFIX: &[u8] = b".b32.i2p";

/// An I2P destination, either by its hash (`.b32.i2p`) or by a human-readable name.
///
/// What a human-readable name stands for depends on the address book of the router, so accept one
/// only from local configuration, never from a peer ([`I2pAddr::is_b32`]). `Debug` does not show
/// the host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct I2pAddr(Name);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Name {
    /// The hash of the destination.
    B32([u8; 32]),
    /// The whole host in lower case.
    Human(Arc<str>),
}

impl I2pAddr {
    /// Reads a host, in any letter case, without a port.
    ///
    /// # Errors
    /// [`AddrError::Suffix`]; [`AddrError::I2pLength`], [`AddrError::I2pAlphabet`] and
    /// [`AddrError::I2pTail`] for hosts that end with `.b32.i2p`; [`AddrError::I2pName`] for
    /// others. Unlike monerod this refuses the 15 impossible variants of each `.b32.i2p` name.
    ///
    /// # Cost
    /// No allocation for a `.b32.i2p` name, one for a human-readable name.
    pub fn from_host(host: &[u8]) -> Result<Self, AddrError> {
        if let Some(name) = strip_suffix(host, B32_SUFFIX) {
            return b32(name).map(|hash| Self(Name::B32(hash)));
        }
        let name = strip_suffix(host, SUFFIX).ok_or(AddrError::Suffix)?;
        if !is_human_name(name) {
            return Err(AddrError::I2pName);
        }
        let lower: String = host.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect();
        Ok(Self(Name::Human(lower.into())))
    }

    /// The host in lower case, at most 67 ASCII characters.
    #[must_use]
    pub fn host(&self) -> HostText {
        match &self.0 {
            Name::B32(hash) => HostText::collect(base32::encode(hash.iter().copied()).chain(B32_SUFFIX.iter().copied())),
            Name::Human(host) => HostText::collect(host.bytes()),
        }
    }

    /// Whether this is a `.b32.i2p` name, which means the same everywhere.
    #[must_use]
    pub const fn is_b32(&self) -> bool {
        matches!(self.0, Name::B32(_))
    }
}

impl fmt::Debug for I2pAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I2pAddr(…)")
    }
}

fn b32(name: &[u8]) -> Result<[u8; 32], AddrError> {
    if name.len() != B32_NAME_LEN {
        return Err(AddrError::I2pLength);
    }
    match base32::decode(name) {
        Some((hash, 0)) => Ok(hash),
        Some(_) => Err(AddrError::I2pTail),
        None => Err(AddrError::I2pAlphabet),
    }
}

/// Labels of letters and digits with single dots or hyphens between them.
fn is_human_name(name: &[u8]) -> bool {
    name.len() <= MAX_HUMAN_NAME_LEN
        && name
            .split(|byte| matches!(byte, b'.' | b'-'))
            .all(|label| !label.is_empty() && label.iter().all(u8::is_ascii_alphanumeric))
}
