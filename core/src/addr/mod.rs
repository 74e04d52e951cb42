//! Addresses of peers in the three zones: parsing, validation, comparison, printing.
//!
//! Two ways lead to an [`Addr`]. Text that the local user wrote goes through [`Addr::parse`], which
//! checks everything. Hosts that peers gossip go through [`OnionAddr::from_host`] and
//! [`I2pAddr::from_host`], which leave out the costly check of the curve point; run
//! [`Addr::check_point`] before such an address is dialled.
//!
//! Nothing here asks DNS, and no `Debug` output holds a host: only [`Addr::reveal`] prints one.
//!
//! Source: spec `addresses.md`.

mod base32;
mod error;
mod host_text;
mod i2p;
mod onion;
mod parse;
mod zone_kind;

#[cfg(test)]
mod tests;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use error::AddrError;
pub use host_text::HostText;
pub use i2p::I2pAddr;
pub use onion::OnionAddr;
pub use zone_kind::ZoneKind;

/// The port that stands for I2P addresses everywhere a port must be written; source: spec
/// `addresses.md` §2.2.
pub const I2P_PORT: u16 = 1;

/// The address of a peer, at most 40 bytes.
///
/// Equality and order cover host and port (I2P has no port). The order is total and stable but not
/// the order of the host texts. `Debug` shows the zone only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Addr {
    /// IPv4, public zone.
    Ipv4(SocketAddrV4),
    /// IPv6, public zone. Flow label and scope are zero in all addresses made by this module.
    Ipv6(SocketAddrV6),
    /// A version 3 Tor hidden service.
    Onion(OnionAddr),
    /// An I2P destination.
    I2p(I2pAddr),
}

impl Addr {
    /// Parses text from the local user: `host`, `host:port` or `[v6]:port`.
    ///
    /// Hosts are IPv4 and IPv6 literals (IPv4-mapped IPv6 becomes IPv4), version 3 `.onion` names
    /// and `.i2p` names, the latter two in any letter case. A missing or empty port means
    /// `default_port`; a `default_port` of 0 says that there is no default. The port of an I2P
    /// address must be a decimal number of 0 to 65535 and is then dropped; monerod drops any text
    /// there.
    ///
    /// # Errors
    /// One [`AddrError`] per cause. Port 0 is refused, as are host names, which anonet never
    /// resolves.
    ///
    /// # Cost
    /// An onion name costs one hash and one scalar multiplication, see [`Addr::check_point`].
    ///
    /// Source: spec `addresses.md` §1.1, §2.1, §4, §7.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, AddrError> {
        parse::parse(text, default_port)
    }

    /// The zone that reaches this address.
    #[must_use]
    pub const fn zone(&self) -> ZoneKind {
        match self {
            Self::Ipv4(_) | Self::Ipv6(_) => ZoneKind::Public,
            Self::Onion(_) => ZoneKind::Tor,
            Self::I2p(_) => ZoneKind::I2p,
        }
    }

    /// The port; always [`I2P_PORT`] for I2P.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::Ipv4(socket) => socket.port(),
            Self::Ipv6(socket) => socket.port(),
            Self::Onion(onion) => onion.port(),
            Self::I2p(_) => I2P_PORT,
        }
    }

    /// Whether both are the same host, whatever the port. An IPv4-mapped IPv6 host is the IPv4
    /// host.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Onion(one), Self::Onion(other)) => one.without_port() == other.without_port(),
            (Self::I2p(one), Self::I2p(other)) => one == other,
            (Self::Ipv4(one), Self::Ipv4(other)) => one.ip() == other.ip(),
            _ => self.zone() == other.zone() && self.with_ip(|ip| ip) == other.with_ip(|ip| ip),
        }
    }

    /// The group of hosts that one owner is assumed to control: the /24 of IPv4, the /32 of IPv6,
    /// the host itself in the anonymity zones.
    #[must_use]
    pub fn group(&self) -> Group {
        Group(self.with_ip(|ip| match ip {
            IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) & (u32::MAX << 8)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & (u128::MAX << 96)).into(),
        }))
    }

    /// Whether this is a loopback, private, link-local or unspecified IP address. Never true for
    /// onion and I2P.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        let ip = match self {
            Self::Ipv4(socket) => IpAddr::V4(*socket.ip()),
            Self::Ipv6(socket) => socket.ip().to_canonical(),
            Self::Onion(_) | Self::I2p(_) => return false,
        };
        match ip {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
        }
    }

    /// Whether this is the machine itself. Never true for onion and I2P.
    pub(crate) const fn is_loopback(&self) -> bool {
        match self {
            Self::Ipv4(socket) => socket.ip().is_loopback(),
            Self::Ipv6(socket) => socket.ip().to_canonical().is_loopback(),
            Self::Onion(_) | Self::I2p(_) => false,
        }
    }

    /// Whether both are hosts that one provider gives to one customer: the same IPv4 address, or one /64 of IPv6.
    pub(crate) fn same_customer(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ipv6(one), Self::Ipv6(other)) => one.ip().to_bits() >> 64 == other.ip().to_bits() >> 64,
            _ => self.same_host(other),
        }
    }

    /// Checks that the key of an onion name is one that Tor can connect to; other addresses always
    /// pass.
    ///
    /// # Errors
    /// [`AddrError::OnionPoint`] or [`AddrError::OnionTorsion`], see [`OnionAddr::check_point`].
    pub fn check_point(&self) -> Result<(), AddrError> {
        match self {
            Self::Onion(onion) => onion.check_point(),
            Self::Ipv4(_) | Self::Ipv6(_) | Self::I2p(_) => Ok(()),
        }
    }

    /// The same public host on another port; `None` for a hidden service.
    pub(crate) fn with_port(&self, port: u16) -> Option<Self> {
        match self {
            Self::Ipv4(addr) => Some(SocketAddr::new((*addr.ip()).into(), port).into()),
            Self::Ipv6(addr) => Some(SocketAddr::new((*addr.ip()).into(), port).into()),
            Self::Onion(_) | Self::I2p(_) => None,
        }
    }

    /// Makes the address printable, as `host:port`, `[v6]:port`, or only the host for I2P.
    /// [`Addr::parse`] reads this text back. This is the only way to print an address.
    #[must_use]
    pub const fn reveal(&self) -> Reveal<'_> {
        Reveal(self)
    }

    /// Writes the host without port and without brackets, as a SOCKS request wants it.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_host(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Ipv4(socket) => write!(out, "{}", socket.ip()),
            Self::Ipv6(socket) => write!(out, "{}", socket.ip()),
            Self::Onion(onion) => out.write_str(onion.host().as_str()),
            Self::I2p(i2p) => out.write_str(i2p.host().as_str()),
        }
    }

    /// The address without its port, after `change` has seen the canonical form of an IP.
    fn with_ip(&self, change: impl FnOnce(IpAddr) -> IpAddr) -> Self {
        match self {
            Self::Ipv4(socket) => SocketAddr::new(change(IpAddr::V4(*socket.ip())), 0).into(),
            Self::Ipv6(socket) => SocketAddr::new(change(socket.ip().to_canonical()), 0).into(),
            Self::Onion(onion) => Self::Onion(onion.without_port()),
            Self::I2p(i2p) => Self::I2p(i2p.clone()),
        }
    }
}

/// IPv4-mapped IPv6 becomes IPv4, flow label and scope are dropped.
impl From<SocketAddr> for Addr {
    fn from(socket: SocketAddr) -> Self {
        match socket.ip().to_canonical() {
            IpAddr::V4(ip) => Self::Ipv4(SocketAddrV4::new(ip, socket.port())),
            IpAddr::V6(ip) => Self::Ipv6(SocketAddrV6::new(ip, socket.port(), 0, 0)),
        }
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Addr({}:…)", self.zone().name())
    }
}

/// Prints an [`Addr`]; made by [`Addr::reveal`].
#[derive(Clone, Copy, Debug)]
pub struct Reveal<'a>(&'a Addr);

impl fmt::Display for Reveal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Addr::Ipv4(socket) => write!(f, "{socket}"),
            Addr::Ipv6(socket) => write!(f, "[{}]:{}", socket.ip(), socket.port()),
            Addr::Onion(onion) => write!(f, "{}:{}", onion.host().as_str(), onion.port()),
            Addr::I2p(i2p) => f.write_str(i2p.host().as_str()),
        }
    }
}

/// A set of hosts that is treated as one owner; made by [`Addr::group`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(Addr);

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({}:…)", self.0.zone().name())
    }
}
