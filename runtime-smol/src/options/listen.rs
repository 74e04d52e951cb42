//! `--p2p-bind-ip`, `--p2p-bind-port` and their like for IPv6: where public peers connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anonet_core::Network;

use super::{EndpointFault, OptionError, OptionName};

/// The options as they were given. Without any of them nothing listens: a node that nobody reaches tells fewer people that
/// it is there, and relays all the same.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ListenOptions<'a> {
    /// `--p2p-bind-ip`.
    pub ip: Option<&'a str>,
    /// `--p2p-bind-port`.
    pub port: Option<u16>,
    /// `--p2p-use-ipv6`.
    pub use_ipv6: bool,
    /// `--p2p-bind-ipv6-address`.
    pub ipv6: Option<&'a str>,
    /// `--p2p-bind-port-ipv6`.
    pub ipv6_port: Option<u16>,
}

/// Where to listen for public peers; either may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublicListen {
    /// On IPv4, if an address or a port was given.
    pub ipv4: Option<SocketAddr>,
    /// On IPv6, if it was asked for.
    pub ipv6: Option<SocketAddr>,
}

impl PublicListen {
    /// Reads the options. What is not given is every address of the machine and the port of `network`.
    ///
    /// # Errors
    /// [`OptionError::NotIpv4`], [`OptionError::NotIpv6`], [`OptionError::Endpoint`] for port 0, and
    /// [`OptionError::Ipv6Unused`].
    ///
    /// Source: spec `zones-and-routing.md` §2.
    pub fn new(options: ListenOptions<'_>, network: Network) -> Result<Self, OptionError> {
        let ListenOptions { ip, port, use_ipv6, ipv6, ipv6_port } = options;
        let ipv4 = if ip.is_some() || port.is_some() {
            let wrong = |_| OptionError::NotIpv4(OptionName::P2pBindIp);
            let ip = ip.map_or(Ok(Ipv4Addr::UNSPECIFIED), str::parse).map_err(wrong)?;
            Some(SocketAddr::new(IpAddr::V4(ip), used_port(port, network, OptionName::P2pBindPort)?))
        } else {
            None
        };
        let given = [(ipv6.is_some(), OptionName::P2pBindIpv6Address), (ipv6_port.is_some(), OptionName::P2pBindPortIpv6)];
        if let Some((_, option)) = given.into_iter().find(|(given, _)| *given && !use_ipv6) {
            return Err(OptionError::Ipv6Unused(option));
        }
        let ipv6 = if use_ipv6 {
            let wrong = |_| OptionError::NotIpv6(OptionName::P2pBindIpv6Address);
            // monerod's own default has the brackets
            let bare = ipv6.map(|ip| ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip));
            let ip: Ipv6Addr = bare.map_or(Ok(Ipv6Addr::UNSPECIFIED), str::parse).map_err(wrong)?;
            Some(SocketAddr::new(IpAddr::V6(ip), used_port(ipv6_port, network, OptionName::P2pBindPortIpv6)?))
        } else {
            None
        };
        Ok(Self { ipv4, ipv6 })
    }

    /// Whether there is anything to listen on.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.ipv4.is_some() || self.ipv6.is_some()
    }

    /// All addresses.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.ipv4.into_iter().chain(self.ipv6)
    }
}

const fn used_port(port: Option<u16>, network: Network, option: OptionName) -> Result<u16, OptionError> {
    match port {
        None => Ok(network.p2p_port()),
        Some(0) => Err(OptionError::Endpoint { option, fault: EndpointFault::ZeroPort }),
        Some(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: ListenOptions<'_>) -> Result<Vec<String>, OptionError> {
        PublicListen::new(options, Network::Stagenet).map(|listen| listen.addrs().map(|addr| addr.to_string()).collect())
    }

    #[test]
    fn addresses() {
        let none = ListenOptions::default();
        let ipv6 = ListenOptions { use_ipv6: true, ..none };
        for (options, expected) in [
            (none, &[][..]),
            (ListenOptions { port: Some(1), ..none }, &["0.0.0.0:1"]),
            (ListenOptions { ip: Some("127.0.0.1"), ..none }, &["127.0.0.1:38080"]),
            (ListenOptions { ip: Some("1.2.3.4"), port: Some(65_535), ..none }, &["1.2.3.4:65535"]),
            (ipv6, &["[::]:38080"]),
            (ListenOptions { ipv6: Some("[::1]"), ipv6_port: Some(7), ..ipv6 }, &["[::1]:7"]),
            (ListenOptions { port: Some(1), ipv6: Some("::1"), ..ipv6 }, &["0.0.0.0:1", "[::1]:38080"]),
        ] {
            assert_eq!(read(options).unwrap(), expected, "{options:?}");
        }
    }

    #[test]
    fn errors_name_the_option() {
        use OptionName::{P2pBindIp, P2pBindIpv6Address, P2pBindPort, P2pBindPortIpv6};
        let none = ListenOptions::default();
        let ipv6 = ListenOptions { use_ipv6: true, ..none };
        let zero = |option| OptionError::Endpoint { option, fault: EndpointFault::ZeroPort };
        for (options, expected, starts) in [
            (ListenOptions { ip: Some("localhost"), ..none }, OptionError::NotIpv4(P2pBindIp), "--p2p-bind-ip: "),
            (ListenOptions { ip: Some("::1"), ..none }, OptionError::NotIpv4(P2pBindIp), "--p2p-bind-ip: "),
            (ListenOptions { ip: Some("1.2.3.4:5"), ..none }, OptionError::NotIpv4(P2pBindIp), "--p2p-bind-ip: "),
            (ListenOptions { ip: Some(""), ..none }, OptionError::NotIpv4(P2pBindIp), "--p2p-bind-ip: "),
            (ListenOptions { port: Some(0), ..none }, zero(P2pBindPort), "--p2p-bind-port: "),
            (
                ListenOptions { ipv6: Some("1.2.3.4"), ..ipv6 },
                OptionError::NotIpv6(P2pBindIpv6Address),
                "--p2p-bind-ipv6-address: ",
            ),
            (ListenOptions { ipv6_port: Some(0), ..ipv6 }, zero(P2pBindPortIpv6), "--p2p-bind-port-ipv6: "),
            (
                ListenOptions { ipv6: Some("::1"), ..none },
                OptionError::Ipv6Unused(P2pBindIpv6Address),
                "--p2p-bind-ipv6-address: add --p2p-use-ipv6",
            ),
            (
                ListenOptions { ipv6_port: Some(1), ..none },
                OptionError::Ipv6Unused(P2pBindPortIpv6),
                "--p2p-bind-port-ipv6: add --p2p-use-ipv6",
            ),
        ] {
            assert_eq!(read(options), Err(expected), "{options:?}");
            assert!(expected.to_string().starts_with(starts), "{expected}");
        }
    }
}
