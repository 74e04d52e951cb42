//! Whom a ban is for.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use thiserror::Error;

use crate::addr::{Addr, AddrError};

/// A host, whatever its port, or a whole IPv4 or IPv6 subnet. `Debug` does not show it; [`Banned::reveal`] does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Banned(Who);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Who {
    /// Bits beyond the prefix are 0.
    V4(u32, u8),
    V6(u128, u8),
    /// A hidden service; its port stays out of it.
    Name(Addr),
}

/// Bans that are found by one look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    V4(u8),
    V6(u8),
    Name,
}

/// Why a text does not say whom to ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BannedError {
    /// It is no host.
    #[error("not a host or subnet: {0}")]
    Host(AddrError),
    /// What stands before the slash is no IP address.
    #[error("a subnet needs an IP address before the slash")]
    NoIp,
    /// The number after the slash is none, or too large.
    #[error("a subnet needs a number of 0 to 32 (IPv4) or 0 to 128 (IPv6) after the slash")]
    Prefix,
}

impl Banned {
    /// The host of an address.
    #[must_use]
    pub fn host(addr: &Addr) -> Self {
        match addr {
            Addr::Ipv4(addr) => Self(Who::V4((*addr.ip()).into(), 32)),
            Addr::Ipv6(addr) => Self::ip(addr.ip().to_canonical()),
            Addr::Onion(onion) => Self(Who::Name(Addr::Onion(onion.without_port()))),
            Addr::I2p(host) => Self(Who::Name(Addr::I2p(host.clone()))),
        }
    }

    fn ip(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self(Who::V4(ip.into(), 32)),
            IpAddr::V6(ip) => Self(Who::V6(ip.into(), 128)),
        }
    }

    /// All addresses that share the first `prefix` bits with `ip`; `None` if an address has fewer.
    #[must_use]
    pub fn subnet(ip: IpAddr, prefix: u8) -> Option<Self> {
        match ip {
            IpAddr::V4(ip) if prefix <= 32 => Some(Self(Who::V4(cut_v4(ip, prefix), prefix))),
            IpAddr::V6(ip) if prefix <= 128 => Some(Self(Who::V6(cut_v6(ip, prefix), prefix))),
            _ => None,
        }
    }

    /// Reads a line of a ban list: an IP address, a subnet as `IP/BITS`, an onion or an I2P host. A port is accepted and
    /// dropped: a ban is for the host.
    ///
    /// # Errors
    /// [`BannedError`] if it is none of these.
    pub fn parse(text: &str) -> Result<Self, BannedError> {
        let Some((ip, bits)) = text.split_once('/') else {
            let ip = IpAddr::from_str(text).map(|ip| Self::ip(ip.to_canonical()));
            return ip.or_else(|_| Addr::parse(text, 1).map(|addr| Self::host(&addr)).map_err(BannedError::Host));
        };
        let ip = IpAddr::from_str(ip).map_err(|_| BannedError::NoIp)?;
        let bits = Some(bits).filter(|bits| bits.bytes().all(|digit| digit.is_ascii_digit())).and_then(|bits| bits.parse().ok());
        bits.and_then(|bits| Self::subnet(ip, bits)).ok_or(BannedError::Prefix)
    }

    /// Whether an address is banned by this.
    #[must_use]
    pub fn covers(&self, addr: &Addr) -> bool {
        Self::of_sort(addr, self.sort()).as_ref() == Some(self)
    }

    pub(super) const fn sort(&self) -> Sort {
        match self.0 {
            Who::V4(_, prefix) => Sort::V4(prefix),
            Who::V6(_, prefix) => Sort::V6(prefix),
            Who::Name(_) => Sort::Name,
        }
    }

    /// The one of that sort that would ban an address, if any could.
    pub(super) fn of_sort(addr: &Addr, sort: Sort) -> Option<Self> {
        match (Self::host(addr).0, sort) {
            (Who::V4(ip, _), Sort::V4(prefix)) => Some(Self(Who::V4(cut_v4(ip.into(), prefix), prefix))),
            (Who::V6(ip, _), Sort::V6(prefix)) => Some(Self(Who::V6(cut_v6(ip.into(), prefix), prefix))),
            (name @ Who::Name(_), Sort::Name) => Some(Self(name)),
            _ => None,
        }
    }

    /// Makes it printable, as [`Banned::parse`] reads it.
    #[must_use]
    pub const fn reveal(&self) -> RevealedBan<'_> {
        RevealedBan(self)
    }
}

fn cut_v4(ip: Ipv4Addr, prefix: u8) -> u32 {
    u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn cut_v6(ip: Ipv6Addr, prefix: u8) -> u128 {
    u128::from(ip) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Debug for Banned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Banned(…)")
    }
}

/// Prints a [`Banned`].
#[derive(Clone, Copy, Debug)]
pub struct RevealedBan<'a>(&'a Banned);

impl fmt::Display for RevealedBan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.0 {
            Who::V4(ip, 32) => write!(f, "{}", Ipv4Addr::from(*ip)),
            Who::V4(ip, prefix) => write!(f, "{}/{prefix}", Ipv4Addr::from(*ip)),
            Who::V6(ip, 128) => write!(f, "{}", Ipv6Addr::from(*ip)),
            Who::V6(ip, prefix) => write!(f, "{}/{prefix}", Ipv6Addr::from(*ip)),
            Who::Name(host) => host.write_host(f),
        }
    }
}
