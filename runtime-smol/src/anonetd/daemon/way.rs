//! The way to a daemon: directly or through which proxy, and whether with TLS.
//!
//! What crosses somebody else's network is encrypted, to a daemon that is surely the one meant: by the network of a hidden
//! service, or by TLS. Behind a proxy no authority's word is enough for that, as monerod's wallets have it: the exit of a
//! circuit is whoever offers one.

use anonet_core::{Config, ZoneKind};
use thiserror::Error;

use super::super::tls::{DaemonTls, DaemonTlsChoice, TlsOptionError};
use super::address::{DaemonAddress, DaemonAddressError, Host, Place};
use crate::dial::{SocksAuth, SocksProxy, Transport};
use crate::options::ProxyOption;

/// How a daemon is reached.
#[derive(Clone, Debug)]
pub(in super::super) struct Way {
    pub(super) transport: Transport,
    /// Absent without TLS.
    pub(super) tls: Option<DaemonTls>,
}

/// Without TLS.
impl From<Transport> for Way {
    fn from(transport: Transport) -> Self {
        Self { transport, tls: None }
    }
}

/// What the daemon is wanted for.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Purpose<'p> {
    /// A node with these zones asks it; what wallets want of it goes there, too.
    Node(&'p Config, &'p [Transport]),
    /// It is handed a transaction of the user.
    Submission,
}

/// Why a daemon cannot be used like this. To be corrected on the command line.
#[derive(Debug, Error)]
pub(in super::super) enum NoWay {
    #[error(transparent)]
    Tls(#[from] TlsOptionError),
    #[error(transparent)]
    Address(#[from] DaemonAddressError),
    #[error("--daemon-address: a daemon with such a name is reached by its network: add --proxy {0},IP:PORT")]
    NoZone(ZoneKind),
    #[error(
        "--daemon-address: such a name is reached through a proxy of {0} alone: add --proxy IP:PORT{hint}",
        hint = if *.0 == ZoneKind::Tor { ", such as 127.0.0.1:9050" } else { ", such as 127.0.0.1:4447" }
    )]
    NoProxy(ZoneKind),
    #[error("{option}: a daemon on this machine is reached without one; remove it, or name another --daemon-address")]
    NoNeed { option: &'static str },
    #[error("{option}: a proxy of {given} does not lead to a name of {needed}: name one of {needed} here")]
    OtherNetwork { option: &'static str, given: ZoneKind, needed: ZoneKind },
    #[error("{option}: I2P does not lead out of its own network: name a proxy of Tor for such a daemon, or its .b32.i2p name")]
    NoExit { option: &'static str },
    #[error(
        "--daemon-address: that is another machine, which would be asked in the clear: whoever carries the bytes could read and \
         change them; write https:// if it speaks TLS, or use a daemon on this machine (127.0.0.1), or its .onion or .b32.i2p name"
    )]
    InTheClear,
    #[error(
        "--daemon-address: nobody is asked for a host by its name without a proxy, as others would see it: add --daemon-proxy \
         IP:PORT, or write the IP address"
    )]
    NoDns,
    #[error(
        "--daemon-address: that daemon would see where the transaction comes from: add --proxy IP:PORT of Tor, or use a daemon on \
         this machine, or its .onion or .b32.i2p name"
    )]
    SeesUs,
    #[error(
        "{option}: through a proxy anybody could pretend to be that daemon: add --daemon-ssl-allowed-fingerprints or \
         --daemon-ssl-ca-certificates with its certificate, or use its .onion or .b32.i2p name"
    )]
    NotPinned { option: &'static str },
    #[error(
        "--daemon-ssl-allow-any-cert: whoever carries the bytes could pretend to be that daemon: name its certificate with \
         --daemon-ssl-allowed-fingerprints instead"
    )]
    AnyElsewhere,
}

impl DaemonAddress {
    /// The way there, through `proxy` if the user names one for it.
    ///
    /// # Errors
    /// There is none, or none that is safe.
    pub(in super::super) fn way(
        &self,
        choice: &DaemonTlsChoice,
        proxy: Option<&ProxyOption>,
        purpose: Purpose<'_>,
    ) -> Result<Way, NoWay> {
        let (place, with_tls) = (self.place(), choice.is_on(self.https)?);
        let option = purpose.option();
        let transport = match (place, proxy) {
            (Place::Here, None) => Transport::Direct,
            (Place::Hidden(zone), None) => purpose.proxy_of(zone)?,
            (Place::Elsewhere, None) => self.unproxied(with_tls, purpose)?,
            (_, Some(proxy)) => Transport::Socks(socks(proxy, place, option)?),
        };
        if place == Place::Elsewhere {
            match (with_tls, choice.takes_any(), proxy) {
                (false, ..) => return Err(NoWay::InTheClear),
                (true, true, _) => return Err(NoWay::AnyElsewhere),
                (true, false, Some(_)) if !choice.is_pinned() => return Err(NoWay::NotPinned { option }),
                (true, false, _) => {}
            }
        }
        let vouched = matches!(place, Place::Hidden(_));
        let tls = if with_tls { Some(choice.tls(self.server_name()?, vouched)?) } else { None };
        Ok(Way { transport, tls })
    }

    /// Straight to another machine: never with a transaction.
    fn unproxied(&self, with_tls: bool, purpose: Purpose<'_>) -> Result<Transport, NoWay> {
        match (purpose, &self.host) {
            (Purpose::Submission, _) => Err(NoWay::SeesUs),
            (Purpose::Node(..), _) if !with_tls => Err(NoWay::InTheClear),
            (Purpose::Node(..), Host::Name(..)) => Err(NoWay::NoDns),
            (Purpose::Node(..), Host::Addr(_)) => Ok(Transport::Direct),
        }
    }
}

impl Purpose<'_> {
    /// Which option names a proxy for it.
    const fn option(self) -> &'static str {
        match self {
            Self::Node(..) => "--daemon-proxy",
            Self::Submission => "--proxy",
        }
    }

    /// The proxy that the node has for this network anyway.
    fn proxy_of(self, kind: ZoneKind) -> Result<Transport, NoWay> {
        let Self::Node(config, transports) = self else { return Err(NoWay::NoProxy(kind)) };
        let mut zones = config.zones.iter().zip(transports);
        let found = zones.find(|(zone, transport)| zone.kind == kind && matches!(transport, Transport::Socks(_)));
        found.map(|(_, transport)| transport.clone()).ok_or(NoWay::NoZone(kind))
    }
}

/// The proxy, if it leads there.
fn socks(proxy: &ProxyOption, place: Place, option: &'static str) -> Result<SocksProxy, NoWay> {
    let (endpoint, network) = match proxy {
        ProxyOption::Zone(zone) => (&zone.proxy, Some(zone.zone)),
        ProxyOption::Public(proxy) => (proxy, None),
    };
    let network = match (place, network) {
        (Place::Here, _) => return Err(NoWay::NoNeed { option }),
        (Place::Hidden(needed), Some(given)) if given != needed => return Err(NoWay::OtherNetwork { option, given, needed }),
        (Place::Elsewhere, Some(ZoneKind::I2p)) => return Err(NoWay::NoExit { option }),
        (Place::Hidden(needed), _) => Some(needed),
        (Place::Elsewhere, given) => given,
    };
    let auth = match (&endpoint.credentials, network) {
        (Some((user, password)), _) => SocksAuth::Fixed { user: user.clone(), password: password.clone() },
        (None, Some(ZoneKind::Tor)) => SocksAuth::IsolationRequired,
        (None, _) => SocksAuth::IsolationOffered,
    };
    Ok(SocksProxy { addr: endpoint.addr, auth })
}

#[cfg(test)]
mod tests {
    use anonet_core::{Network, ZoneConfig};
    use clap::Parser;

    use super::super::super::tls::DaemonTlsArgs;
    use super::*;
    use crate::options::parse_proxy_option;

    const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
    const PIN: &str = "--daemon-ssl-allowed-fingerprints=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[derive(Debug, Parser)]
    struct Line {
        #[arg(long)]
        daemon_address: String,
        #[arg(long)]
        daemon_proxy: Option<String>,
        #[command(flatten)]
        tls: DaemonTlsArgs,
    }

    fn found(line: &str, purpose: Purpose<'_>) -> Result<Way, NoWay> {
        let words = ["anonetd", "--daemon-address"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        let proxy = line.daemon_proxy.as_deref().map(|text| parse_proxy_option(text).unwrap());
        let address = DaemonAddress::parse(&line.daemon_address, Network::Mainnet).unwrap();
        address.way(&line.tls.read()?, proxy.as_ref(), purpose)
    }

    /// `direct`, or the port of the proxy; with `tls` if it is spoken; or the words of an error.
    fn way(line: &str, purpose: Purpose<'_>) -> String {
        let line = line.replace("PIN", PIN).replace("ONION", ONION);
        match found(&line, purpose) {
            Err(error) => error.to_string(),
            Ok(way) => {
                let transport = match way.transport {
                    Transport::Direct => "direct".to_owned(),
                    Transport::Socks(proxy) => format!("{} {:?}", proxy.addr.port(), proxy.auth),
                    Transport::None => "nowhere".to_owned(),
                };
                transport + if way.tls.is_some() { " tls" } else { "" }
            }
        }
    }

    fn node() -> (Config, [Transport; 2]) {
        let mut config = Config::new(Network::Mainnet);
        config.zones = vec![ZoneConfig::new(ZoneKind::Tor), ZoneConfig::new(ZoneKind::Public)];
        let tor = SocksProxy { addr: "127.0.0.1:9050".parse().unwrap(), auth: SocksAuth::IsolationRequired };
        (config, [Transport::Socks(tor), Transport::Direct])
    }

    #[test]
    fn a_node_reaches_what_is_surely_its_daemon() {
        let (config, transports) = node();
        for (line, expected) in [
            ("127.0.0.1", "direct"),
            ("https://127.0.0.1", "direct tls"),
            ("127.0.0.1 PIN", "direct tls"),
            ("127.0.0.1 --daemon-ssl enabled --daemon-ssl-allow-any-cert", "direct tls"),
            ("127.0.0.1 --daemon-ssl disabled", "direct"),
            ("ONION", "9050 IsolationRequired"),
            ("https://ONION", "9050 IsolationRequired tls"),
            ("ONION --daemon-proxy 127.0.0.1:7", "7 IsolationRequired"),
            ("ONION --daemon-proxy u:p@127.0.0.1:7", "7 Fixed(…)"),
            ("test.i2p --daemon-proxy i2p,127.0.0.1:7", "7 IsolationOffered"),
            ("https://192.168.1.5", "direct tls"),
            ("192.168.1.5 PIN", "direct tls"),
            ("node.example PIN --daemon-proxy 127.0.0.1:7", "7 IsolationOffered tls"),
            ("node.example PIN --daemon-proxy tor,127.0.0.1:7", "7 IsolationRequired tls"),
            ("https://8.8.8.8 PIN --daemon-proxy 127.0.0.1:7", "7 IsolationOffered tls"),
        ] {
            assert_eq!(way(line, Purpose::Node(&config, &transports)), expected, "{line}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_way_out() {
        let (config, transports) = node();
        for (line, says) in [
            ("127.0.0.1 --daemon-proxy 127.0.0.1:7", "--daemon-proxy: a daemon on this machine"),
            ("test.i2p", "add --proxy i2p,IP:PORT"),
            ("ONION --daemon-proxy i2p,127.0.0.1:7", "name one of tor here"),
            ("test.i2p --daemon-proxy tor,127.0.0.1:7", "name one of i2p here"),
            ("node.example PIN --daemon-proxy i2p,127.0.0.1:7", "a proxy of Tor for such a daemon"),
            ("8.8.8.8", "in the clear"),
            ("http://8.8.8.8 --daemon-proxy 127.0.0.1:7", "in the clear"),
            ("https://node.example", "--daemon-proxy IP:PORT, or write the IP"),
            ("https://node.example --daemon-proxy 127.0.0.1:7", "add --daemon-ssl-allowed-fingerprints"),
            ("https://8.8.8.8 --daemon-proxy 127.0.0.1:7", "use its .onion or .b32.i2p name"),
            ("https://8.8.8.8 --daemon-ssl-allow-any-cert", "--daemon-ssl-allow-any-cert: whoever"),
            ("https://8.8.8.8 --daemon-proxy 127.0.0.1:7 --daemon-ssl-allow-any-cert", "--daemon-ssl-allow-any-cert: whoever"),
            ("https://127.0.0.1 --daemon-ssl disabled", "contradict each other"),
            ("http://127.0.0.1 --daemon-ssl enabled", "contradict each other"),
            ("http://127.0.0.1 PIN", "matters with TLS alone"),
            ("127.0.0.1 PIN --daemon-ssl disabled", "matters with TLS alone"),
            ("127.0.0.1 --daemon-ssl-allowed-fingerprints 00", "64 hex digits"),
            ("127.0.0.1 --daemon-ssl-ca-certificates nowhere", "cannot read nowhere"),
        ] {
            let said = way(line, Purpose::Node(&config, &transports));
            assert!(said.contains(says), "{line}: {said}");
        }
    }

    #[test]
    fn a_transaction_is_handed_to_no_daemon_that_sees_whose_it_is() {
        for (line, says) in [
            ("127.0.0.1", "direct"),
            ("https://8.8.8.8", "would see where the transaction comes from"),
            ("8.8.8.8 PIN", "would see where the transaction comes from"),
            ("node.example PIN", "would see where"),
            ("node.example PIN --daemon-proxy tor,127.0.0.1:7", "7 IsolationRequired tls"),
            ("node.example:1 --daemon-proxy 127.0.0.1:7", "in the clear"),
            ("https://node.example --daemon-proxy 127.0.0.1:7", "--proxy: through a proxy anybody"),
            ("ONION", "127.0.0.1:9050"),
            ("test.i2p", "127.0.0.1:4447"),
            ("ONION --daemon-proxy i2p,127.0.0.1:7", "--proxy: a proxy of i2p does not lead"),
        ] {
            let said = way(line, Purpose::Submission);
            assert!(said.contains(says), "{line}: {said}");
        }
    }
}
