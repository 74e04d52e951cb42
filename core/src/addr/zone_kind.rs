//! The three networks.

use core::fmt;

/// A network that peers are reached through; source: spec `zones-and-routing.md` §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ZoneKind {
    /// IPv4 and IPv6.
    Public,
    /// Tor hidden services.
    Tor,
    /// I2P destinations.
    I2p,
}

impl ZoneKind {
    /// The name used by options and logs: `public`, `tor` or `i2p`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Tor => "tor",
            Self::I2p => "i2p",
        }
    }

    /// Whether the network hides both ends from each other: Tor and I2P.
    #[must_use]
    pub const fn is_anonymity(self) -> bool {
        !matches!(self, Self::Public)
    }
}

impl fmt::Display for ZoneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
