//! `--daemon-address`: where the user's monerod answers RPC, and the way there.

use std::net::IpAddr;

use anonet_core::addr::{Addr, AddrError};
use anonet_core::{Config, Network, ZoneKind};
use thiserror::Error;

use crate::dial::Transport;

/// The daemon of the user: on this machine, or behind a hidden service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct DaemonAddress(Addr);

/// Why the value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum DaemonAddressError {
    #[error("--daemon-address: {0}")]
    Addr(AddrError),
    #[error(
        "--daemon-address: https is not possible, as this version has no TLS: write http://, with a daemon on this machine \
         or one behind an .onion or .b32.i2p name, whose network encrypts by itself"
    )]
    Tls,
    #[error("--daemon-address: only http is spoken: write [http://]HOST:PORT")]
    Scheme,
    #[error(
        "--daemon-address: this version cannot log in to a daemon: leave user name and password out, and run the daemon \
         without --rpc-login where only this machine reaches it"
    )]
    Login,
    #[error("--daemon-address: leave out what follows the port: write [http://]HOST:PORT")]
    Path,
    #[error(
        "--daemon-address: that is another machine, which would be asked in the clear: whoever carries the bytes could read \
         and change them; use a daemon on this machine (127.0.0.1), or its .onion or .b32.i2p name"
    )]
    Remote,
    #[error("--daemon-address: a daemon with such a name is reached by its network: add --proxy {0},IP:PORT")]
    NoProxy(ZoneKind),
}

impl DaemonAddress {
    /// Reads `[http://]HOST[:PORT]`; without a port that of the RPC of `network`'s daemons is meant.
    pub(in super::super) fn parse(text: &str, network: Network) -> Result<Self, DaemonAddressError> {
        let authority = match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => return Err(DaemonAddressError::Tls),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest.strip_suffix('/').unwrap_or(rest),
            Some(_) => return Err(DaemonAddressError::Scheme),
            None => text,
        };
        if authority.contains('@') {
            return Err(DaemonAddressError::Login);
        }
        if authority.contains(['/', '?', '#']) {
            return Err(DaemonAddressError::Path);
        }
        // the one name that needs no DNS
        let local = authority.strip_prefix("localhost").filter(|rest| rest.is_empty() || rest.starts_with(':'));
        let addr = match local {
            Some(port) => Addr::parse(&format!("127.0.0.1{port}"), rpc_port(network)),
            None => Addr::parse(authority, rpc_port(network)),
        };
        let addr = addr.map_err(DaemonAddressError::Addr)?;
        let ip: Option<IpAddr> = match &addr {
            Addr::Ipv4(addr) => Some((*addr.ip()).into()),
            Addr::Ipv6(addr) => Some((*addr.ip()).into()),
            _ => None,
        };
        match ip {
            Some(ip) if !ip.is_loopback() => Err(DaemonAddressError::Remote),
            _ => Ok(Self(addr)),
        }
    }

    pub(super) const fn addr(&self) -> &Addr {
        &self.0
    }

    /// Whether it answers within this machine.
    pub(in super::super) fn is_here(&self) -> bool {
        self.0.zone() == ZoneKind::Public
    }

    /// How it is reached by a node with these zones: directly, or through the proxy of its own network.
    pub(in super::super) fn way(&self, config: &Config, transports: &[Transport]) -> Result<Transport, DaemonAddressError> {
        let kind = self.0.zone();
        if self.is_here() {
            return Ok(Transport::Direct);
        }
        let mut zones = config.zones.iter().zip(transports);
        let found = zones.find(|(zone, transport)| zone.kind == kind && matches!(transport, Transport::Socks(_)));
        found.map(|(_, transport)| transport.clone()).ok_or(DaemonAddressError::NoProxy(kind))
    }
}

/// Where monerod answers RPC unless told otherwise.
const fn rpc_port(network: Network) -> u16 {
    match network {
        Network::Testnet => 28_081,
        Network::Stagenet => 38_081,
        _ => 18_081,
    }
}

#[cfg(test)]
mod tests {
    use anonet_core::ZoneConfig;

    use super::*;
    use crate::dial::{SocksAuth, SocksProxy};

    const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";

    #[test]
    fn this_machine_and_hidden_services_are_taken() {
        for (text, network, read) in [
            ("127.0.0.1:18081", Network::Mainnet, "127.0.0.1:18081".to_owned()),
            ("http://127.0.0.1", Network::Mainnet, "127.0.0.1:18081".into()),
            ("HTTP://127.9.9.9:5/", Network::Mainnet, "127.9.9.9:5".into()),
            ("localhost", Network::Testnet, "127.0.0.1:28081".into()),
            ("localhost:7", Network::Regtest, "127.0.0.1:7".into()),
            ("[::1]", Network::Stagenet, "[::1]:38081".into()),
            ("[::ffff:127.0.0.1]:9", Network::Regtest, "127.0.0.1:9".into()),
            (ONION, Network::Regtest, format!("{ONION}:18081")),
            ("http://test.i2p:5", Network::Regtest, "test.i2p".into()),
        ] {
            let address = DaemonAddress::parse(text, network).unwrap();
            assert_eq!(address.addr().reveal().to_string(), read, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_way_out() {
        use DaemonAddressError::*;
        for (text, error, says) in [
            ("https://127.0.0.1:18081", Tls, "http://"),
            ("HTTPS://node.example", Tls, "no TLS"),
            ("ftp://127.0.0.1", Scheme, "http"),
            ("http://user:pass@127.0.0.1:18081", Login, "--rpc-login"),
            ("127.0.0.1:18081/json_rpc", Path, "HOST:PORT"),
            ("8.8.8.8:18081", Remote, ".onion"),
            ("192.168.1.5", Remote, "in the clear"),
            ("[2001:db8::1]:1", Remote, "127.0.0.1"),
            ("localhost.example:1", Addr(AddrError::HostName), "--daemon-address"),
            ("node.example:18081", Addr(AddrError::HostName), "--daemon-address"),
            ("127.0.0.1:0", Addr(AddrError::PortZero), "--daemon-address"),
        ] {
            let found = DaemonAddress::parse(text, Network::Mainnet).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(found.to_string().contains(says), "{found}");
            assert!(!found.to_string().contains("pass@"), "{found}");
        }
    }

    #[test]
    fn a_hidden_service_takes_the_proxy_of_its_own_network() {
        let mut config = Config::new(Network::Regtest);
        config.zones = vec![ZoneConfig::new(ZoneKind::Tor), ZoneConfig::new(ZoneKind::Public)];
        let tor = SocksProxy { addr: "127.0.0.1:9050".parse().unwrap(), auth: SocksAuth::IsolationRequired };
        let transports = [Transport::Socks(tor), Transport::Direct];
        let way = |text| DaemonAddress::parse(text, Network::Regtest).unwrap().way(&config, &transports);
        assert!(matches!(way("127.0.0.1"), Ok(Transport::Direct)));
        assert!(matches!(way(ONION), Ok(Transport::Socks(proxy)) if proxy.addr.port() == 9050));
        let error = way("test.i2p").unwrap_err();
        assert_eq!(error, DaemonAddressError::NoProxy(ZoneKind::I2p));
        assert!(error.to_string().contains("add --proxy i2p,IP:PORT"), "{error}");
    }
}
