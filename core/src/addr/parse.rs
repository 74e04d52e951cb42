//! Addresses in the text of the local user; source: spec `addresses.md` §4, §7.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Addr, AddrError, I2pAddr, OnionAddr, ZoneKind, i2p, onion};

pub(super) fn parse(text: &str, default_port: u16) -> Result<Addr, AddrError> {
    if text.contains(char::is_whitespace) {
        return Err(AddrError::Whitespace);
    }
    if text.contains('/') {
        return Err(AddrError::Url);
    }
    // no valid onion or I2P host has a colon, so everything after the first one is the port
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    if let Some(zone) = hidden_zone(host) {
        return parse_hidden(zone, host, port, default_port);
    }
    if text.contains(['[', ']']) {
        let (ip, port) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or(AddrError::Ipv6)?;
        let port = if port.is_empty() { port } else { port.strip_prefix(':').ok_or(AddrError::Ipv6)? };
        return socket(parse_ipv6(ip)?.into(), port, default_port);
    }
    if port.contains(':') {
        return socket(parse_ipv6(text)?.into(), "", default_port);
    }
    if host.is_empty() {
        return Err(AddrError::Empty);
    }
    let ip: Ipv4Addr = host.parse().map_err(|_| AddrError::HostName)?;
    socket(ip.into(), port, default_port)
}

/// The anonymity network that the user meant, also if the name is not quite right. Such text must
/// never be taken for a name to resolve.
fn hidden_zone(host: &str) -> Option<ZoneKind> {
    let host = host.trim_end_matches('.').as_bytes();
    if strip_suffix(host, onion::SUFFIX).is_some() {
        Some(ZoneKind::Tor)
    } else if strip_suffix(host, i2p::SUFFIX).is_some() {
        Some(ZoneKind::I2p)
    } else {
        None
    }
}

/// What stands before `suffix`, which may be in any letter case.
pub(super) fn strip_suffix<'a>(host: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let (name, end) = host.split_at_checked(host.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(name)
}

fn parse_hidden(zone: ZoneKind, host: &str, port: &str, default_port: u16) -> Result<Addr, AddrError> {
    if host.ends_with('.') {
        return Err(AddrError::TrailingDot);
    }
    if zone == ZoneKind::I2p {
        let i2p = I2pAddr::from_host(host.as_bytes())?;
        parse_port(port)?;
        return Ok(Addr::I2p(i2p));
    }
    let mut onion = OnionAddr::from_host(host.as_bytes(), default_port)?;
    onion.check_point()?;
    onion.port = dialable_port(port, default_port)?;
    Ok(Addr::Onion(onion))
}

fn parse_ipv6(text: &str) -> Result<Ipv6Addr, AddrError> {
    text.parse().map_err(|_| AddrError::Ipv6)
}

fn socket(ip: IpAddr, port: &str, default_port: u16) -> Result<Addr, AddrError> {
    Ok(SocketAddr::new(ip, dialable_port(port, default_port)?).into())
}

/// The port from its text, or the default.
fn dialable_port(text: &str, default_port: u16) -> Result<u16, AddrError> {
    match parse_port(text)? {
        Some(0) => Err(AddrError::PortZero),
        Some(port) => Ok(port),
        None if default_port == 0 => Err(AddrError::PortMissing),
        None => Ok(default_port),
    }
}

/// Digits only: `u16::from_str` alone would take a plus sign.
fn parse_port(text: &str) -> Result<Option<u16>, AddrError> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddrError::Port);
    }
    text.parse().map(Some).map_err(|_| AddrError::Port)
}
