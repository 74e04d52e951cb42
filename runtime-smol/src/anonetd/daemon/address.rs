//! `--daemon-address`: where the user's monerod answers RPC.

use std::fmt;
use std::net::IpAddr;

use anonet_core::addr::{Addr, AddrError};
use anonet_core::{Network, ZoneKind};
use rustls::pki_types::ServerName;
use thiserror::Error;

/// The daemon of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct DaemonAddress {
    pub(super) host: Host,
    /// What its address says of TLS, if it does.
    pub(super) https: Option<bool>,
}

/// A host with its port.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) enum Host {
    Addr(Addr),
    /// A name that only a proxy is asked for.
    Name(String, u16),
}

/// Where a daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Place {
    /// On this machine.
    Here,
    /// Behind a hidden service of this network.
    Hidden(ZoneKind),
    /// Anywhere else.
    Elsewhere,
}

/// Why the value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum DaemonAddressError {
    #[error("--daemon-address: {0}")]
    Addr(AddrError),
    #[error("--daemon-address: only http and https are spoken: write [http://|https://]HOST:PORT")]
    Scheme,
    #[error(
        "--daemon-address: this version cannot log in to a daemon: leave user name and password out, and run the daemon \
         without --rpc-login where only this machine reaches it"
    )]
    Login,
    #[error("--daemon-address: leave out what follows the port: write [http://|https://]HOST:PORT")]
    Path,
}

impl DaemonAddress {
    /// Reads `[http://|https://]HOST[:PORT]`; without a port that of the RPC of `network`'s daemons is meant.
    pub(in super::super) fn parse(text: &str, network: Network) -> Result<Self, DaemonAddressError> {
        let (https, authority) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(true), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(false), rest),
            Some(_) => return Err(DaemonAddressError::Scheme),
            None => (None, text),
        };
        let authority = if https.is_some() { authority.strip_suffix('/').unwrap_or(authority) } else { authority };
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
        let host = match addr {
            Ok(addr) => Host::Addr(addr),
            Err(AddrError::HostName) => name(authority, network).ok_or(DaemonAddressError::Addr(AddrError::HostName))?,
            Err(error) => return Err(DaemonAddressError::Addr(error)),
        };
        Ok(Self { host, https })
    }

    /// Where it is.
    pub(in super::super) fn place(&self) -> Place {
        let ip: IpAddr = match &self.host {
            Host::Addr(Addr::Ipv4(addr)) => (*addr.ip()).into(),
            Host::Addr(Addr::Ipv6(addr)) => (*addr.ip()).into(),
            Host::Addr(addr) => return Place::Hidden(addr.zone()),
            Host::Name(..) => return Place::Elsewhere,
        };
        if ip.is_loopback() { Place::Here } else { Place::Elsewhere }
    }

    /// In words of its own, with the port.
    pub(super) fn reveal(&self) -> String {
        self.host.reveal()
    }

    /// For what its certificate has to be.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, DaemonAddressError> {
        let mut host = String::new();
        match &self.host {
            // writing to a string succeeds
            Host::Addr(addr) => drop(addr.write_host(&mut host)),
            Host::Name(name, _) => host.push_str(name),
        }
        ServerName::try_from(host).map_err(|_| DaemonAddressError::Addr(AddrError::HostName))
    }
}

impl Host {
    /// As it is written, with the port.
    pub(super) fn reveal(&self) -> String {
        match self {
            Self::Addr(addr) => addr.reveal().to_string(),
            Self::Name(name, port) => format!("{name}:{port}"),
        }
    }
}

impl From<Addr> for Host {
    fn from(addr: Addr) -> Self {
        Self::Addr(addr)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Name(..) => f.write_str("Name(…)"),
        }
    }
}

/// A name of DNS, with at least one dot: a bare word is rather a mistake.
fn name(authority: &str, network: Network) -> Option<Host> {
    let (name, port) = match authority.split_once(':') {
        Some((name, port)) => (name, port.parse().ok().filter(|port| *port > 0)?),
        None => (authority, rpc_port(network)),
    };
    let is_number =
        name.rsplit('.').next().is_none_or(|last| last.is_empty() || last.bytes().all(|digit| digit.is_ascii_digit()));
    let is_name = matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_))) && name.contains('.') && !is_number;
    is_name.then(|| Host::Name(name.to_ascii_lowercase(), port))
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
    use super::*;

    const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";

    #[test]
    fn addresses_are_read_and_say_where_they_are() {
        use Place::*;
        for (text, network, read, place, https) in [
            ("127.0.0.1", Network::Mainnet, "127.0.0.1:18081", Here, None),
            ("http://127.0.0.1", Network::Mainnet, "127.0.0.1:18081", Here, Some(false)),
            ("HTTP://127.9.9.9:5/", Network::Mainnet, "127.9.9.9:5", Here, Some(false)),
            ("localhost", Network::Testnet, "127.0.0.1:28081", Here, None),
            ("https://localhost:7", Network::Regtest, "127.0.0.1:7", Here, Some(true)),
            ("[::1]", Network::Stagenet, "[::1]:38081", Here, None),
            ("[::ffff:127.0.0.1]:9", Network::Regtest, "127.0.0.1:9", Here, None),
            (ONION, Network::Regtest, &format!("{ONION}:18081"), Hidden(ZoneKind::Tor), None),
            ("http://test.i2p:5", Network::Regtest, "test.i2p", Hidden(ZoneKind::I2p), Some(false)),
            ("https://8.8.8.8", Network::Mainnet, "8.8.8.8:18081", Elsewhere, Some(true)),
            ("[2001:db8::1]:1", Network::Mainnet, "[2001:db8::1]:1", Elsewhere, None),
            ("Node.example:18089", Network::Mainnet, "node.example:18089", Elsewhere, None),
            ("localhost.example", Network::Mainnet, "localhost.example:18081", Elsewhere, None),
            (&format!("{ONION}.example:1"), Network::Mainnet, &format!("{ONION}.example:1"), Elsewhere, None),
        ] {
            let address = DaemonAddress::parse(text, network).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((address.reveal(), address.place(), address.https), (read.to_owned(), place, https), "{text}");
            assert!(address.server_name().is_ok(), "{text}");
            assert!(!format!("{address:?}").contains("node"), "{address:?}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_way_out() {
        use DaemonAddressError::*;
        for (text, error, says) in [
            ("ftp://127.0.0.1", Scheme, "http"),
            ("http://user:pass@127.0.0.1:18081", Login, "--rpc-login"),
            ("127.0.0.1:18081/json_rpc", Path, "HOST:PORT"),
            ("127.0.0.1/", Path, "HOST:PORT"),
            ("word:1", Addr(AddrError::HostName), "--daemon-address"),
            ("1.2.3.256:1", Addr(AddrError::HostName), "--daemon-address"),
            ("node.example:0", Addr(AddrError::HostName), "--daemon-address"),
            ("node.example.:1", Addr(AddrError::HostName), "--daemon-address"),
            ("no de.example:1", Addr(AddrError::Whitespace), "--daemon-address"),
            ("127.0.0.1:0", Addr(AddrError::PortZero), "--daemon-address"),
        ] {
            let found = DaemonAddress::parse(text, Network::Mainnet).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(found.to_string().contains(says), "{found}");
            assert!(!found.to_string().contains("pass@"), "{found}");
        }
    }
}
