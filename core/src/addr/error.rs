//! Why a text or a host is not an address.

/// Why a text or a host is not an address that anonet can use.
///
/// No variant holds a part of the address, so an error can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddrError {
    /// There is no host.
    #[error("the host is missing; write host:port")]
    Empty,
    /// Blanks in or around the address.
    #[error("an address has no blanks; remove them")]
    Whitespace,
    /// A URL instead of an address.
    #[error("an address has no scheme and no path; write only host:port")]
    Url,
    /// Neither an IP address nor an onion or I2P name.
    #[error("anonet never asks DNS, so host names cannot be used; give an IP address, a .onion or a .i2p name")]
    HostName,
    /// Colons or brackets, but no IPv6 address.
    #[error("not an IPv6 address; write it as [address]:port, for example [2001:db8::1]:18080")]
    Ipv6,
    /// A name with a dot after `.onion` or `.i2p`.
    #[error("a .onion or .i2p name must not end with a dot; remove it")]
    TrailingDot,
    /// The host does not have the ending of its network.
    #[error("the host does not end with the name of its network; give a name that ends with .onion or .i2p")]
    Suffix,
    /// A version 2 onion name, 16 characters.
    #[error(
        "this is a version 2 onion name, which Tor no longer supports; ask the operator for the version 3 name, which has 56 characters before .onion"
    )]
    LegacyOnion,
    /// An onion name with characters that base32 does not have, sub-domains included.
    #[error("an onion name holds only the letters a-z and the digits 2-7, without a sub-domain; copy it again")]
    OnionAlphabet,
    /// An onion name of the wrong length.
    #[error("an onion name has 56 characters before .onion; copy it again in full")]
    OnionLength,
    /// An onion name of an unknown version.
    #[error("the version in this onion name is not 3; copy the name again, it may be mistyped")]
    OnionVersion,
    /// An onion name whose checksum does not fit.
    #[error("the checksum of this onion name is wrong; copy the name again, it is mistyped")]
    OnionChecksum,
    /// An onion name whose key is not a canonically encoded point of the curve.
    #[error("the key in this onion name is not a valid one; ask the operator for the right name")]
    OnionPoint,
    /// An onion name whose key is outside the prime-order group.
    #[error("the key in this onion name is a weak one that Tor refuses; ask the operator for the right name")]
    OnionTorsion,
    /// A `.b32.i2p` name with characters that base32 does not have.
    #[error("a .b32.i2p name holds only the letters a-z and the digits 2-7 before .b32.i2p; copy it again")]
    I2pAlphabet,
    /// A `.b32.i2p` name of the wrong length.
    #[error(
        "a .b32.i2p name has 52 characters before .b32.i2p; copy it again in full (longer names of encrypted lease sets cannot be used)"
    )]
    I2pLength,
    /// A `.b32.i2p` name that no destination has, as the last character has bits beyond the 32
    /// bytes.
    #[error("the last character of this .b32.i2p name is impossible; copy the name again, it is mistyped")]
    I2pTail,
    /// A human-readable I2P name that breaks the naming rules.
    #[error(
        "an I2P name has 1 to 63 characters before .i2p: a-z, 0-9, single dots and single hyphens between them; correct it or give the .b32.i2p name"
    )]
    I2pName,
    /// Text after the colon that is no port.
    #[error("the port is not a decimal number of 0 to 65535; correct the text after the colon")]
    Port,
    /// No port and no default.
    #[error("the port is missing; write host:port")]
    PortMissing,
    /// Port 0 cannot be dialled.
    #[error("port 0 cannot be dialled; give the port that the peer listens on")]
    PortZero,
}
