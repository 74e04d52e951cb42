//! `--anonymous-inbound`.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use anonet_core::addr::{Addr, ZoneKind};

use super::endpoint::endpoint;
use super::proxy::max_connections;
use super::{OptionError, OptionName};
use crate::driver::Preface;

const OPTION: OptionName = OptionName::AnonymousInbound;
const FORM: &str = "ADDRESS:PORT,[IP:]PORT[,MAX][,haproxy]";
/// The word of torrc for streams that begin with the number of their circuit.
const HAPROXY: &str = "haproxy";
const HINT: &str = ", or the item haproxy";

/// A hidden service that the user runs for this node: `ADDRESS:PORT,[IP:]PORT[,MAX][,haproxy]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inbound {
    /// The address that peers are told, in Tor or I2P.
    pub advertise: Addr,
    /// Where the hidden-service daemon forwards connections to; a loopback address.
    pub bind: SocketAddr,
    /// Most incoming connections, at least 1; `None` means no limit of its own.
    pub max_incoming: Option<u32>,
    /// What each stream begins with: [`Preface::TorCircuit`] if the option has the item `haproxy`.
    pub preface: Preface,
}

/// Without an IP the listener is on 127.0.0.1. Unlike with monerod a Tor address needs its port, as
/// peers cannot dial one without.
///
/// Source: spec `zones-and-routing.md` §2.
impl FromStr for Inbound {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let mut items = text.split(',');
        let advertise =
            Addr::parse(items.next().unwrap_or_default(), 0).map_err(|fault| OptionError::Addr { option: OPTION, fault })?;
        if !advertise.zone().is_anonymity() {
            return Err(OptionError::AdvertisedIp(OPTION));
        }
        let bind = items.next().filter(|bind| !bind.is_empty());
        let bind = local_listener(bind.ok_or(OptionError::MissingBind(OPTION))?)?;
        let (max_incoming, preface) = extras(items)?;
        if preface == Preface::TorCircuit && advertise.zone() != ZoneKind::Tor {
            return Err(OptionError::CircuitsOutsideTor(OPTION));
        }
        Ok(Self { advertise, bind, max_incoming, preface })
    }
}

/// The maximum and `haproxy`, in any order, each possibly empty.
fn extras<'a>(items: impl Iterator<Item = &'a str> + Clone) -> Result<(Option<u32>, Preface), OptionError> {
    if items.clone().count() > 2 {
        return Err(OptionError::TooManyCommas { option: OPTION, form: FORM });
    }
    let (mut max, mut preface) = (None, Preface::None);
    for item in items.filter(|item| !item.is_empty()) {
        let repeated = if item == HAPROXY {
            std::mem::replace(&mut preface, Preface::TorCircuit) == Preface::TorCircuit
        } else {
            let count = max_connections(item).ok_or(OptionError::InvalidMax { option: OPTION, hint: HINT })?;
            max.replace(count).is_some()
        };
        if repeated {
            return Err(OptionError::RepeatedItem(OPTION));
        }
    }
    Ok((max, preface))
}

/// `[IP:]PORT` on loopback.
fn local_listener(text: &str) -> Result<SocketAddr, OptionError> {
    let port_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let bind = if port_only { endpoint(&format!("{}:{text}", Ipv4Addr::LOCALHOST)) } else { endpoint(text) };
    let bind = bind.map_err(|fault| OptionError::Endpoint { option: OPTION, fault })?;
    if bind.ip().is_loopback() { Ok(bind) } else { Err(OptionError::ExposedInbound(OPTION)) }
}

#[cfg(test)]
mod tests {
    use anonet_core::addr::AddrError;

    use super::super::EndpointFault;
    use super::*;

    const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
    const I2P: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";

    #[test]
    fn values() {
        for (advertise, rest, bind, max_incoming, preface) in [
            (format!("{ONION}:18083"), ",127.0.0.1:18083", "127.0.0.1:18083", None, Preface::None),
            (format!("{ONION}:18083"), ",18084", "127.0.0.1:18084", None, Preface::None),
            (format!("{ONION}:1"), ",[::1]:18084,25", "[::1]:18084", Some(25), Preface::None),
            (format!("{ONION}:1"), ",127.8.0.1:18084,", "127.8.0.1:18084", None, Preface::None),
            (format!("{ONION}:1"), ",1,haproxy", "127.0.0.1:1", None, Preface::TorCircuit),
            (format!("{ONION}:1"), ",1,,haproxy", "127.0.0.1:1", None, Preface::TorCircuit),
            (format!("{ONION}:1"), ",1,7,haproxy", "127.0.0.1:1", Some(7), Preface::TorCircuit),
            (format!("{ONION}:1"), ",1,haproxy,7", "127.0.0.1:1", Some(7), Preface::TorCircuit),
            (I2P.to_string(), ",127.0.0.1:30000,1", "127.0.0.1:30000", Some(1), Preface::None),
            (format!("{I2P}:0"), ",30000,4294967295", "127.0.0.1:30000", Some(u32::MAX), Preface::None),
        ] {
            let text = format!("{advertise}{rest}");
            let expected =
                Inbound { advertise: Addr::parse(&advertise, 0).unwrap(), bind: bind.parse().unwrap(), max_incoming, preface };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors_name_the_option() {
        let addr = |fault| OptionError::Addr { option: OPTION, fault };
        let bind = |fault| OptionError::Endpoint { option: OPTION, fault };
        let max = OptionError::InvalidMax { option: OPTION, hint: HINT };
        let onion = |rest: &str| format!("{ONION}:18083{rest}");
        for (text, expected) in [
            (String::new(), addr(AddrError::Empty)),
            (format!("{ONION},18083"), addr(AddrError::PortMissing)),
            (format!("{ONION}:0,18083"), addr(AddrError::PortZero)),
            ("xmrto2bturnore26.onion:1,2".into(), addr(AddrError::LegacyOnion)),
            ("example.com:1,2".into(), addr(AddrError::HostName)),
            ("1.2.3.4:1,2".into(), OptionError::AdvertisedIp(OPTION)),
            (onion(""), OptionError::MissingBind(OPTION)),
            (onion(","), OptionError::MissingBind(OPTION)),
            (onion(",,5"), OptionError::MissingBind(OPTION)),
            (onion(",127.0.0.1"), bind(EndpointFault::MissingPort)),
            (onion(",localhost:18083"), bind(EndpointFault::NotIpPort)),
            (onion(",:18083"), bind(EndpointFault::NotIpPort)),
            (onion(",65536"), bind(EndpointFault::NotIpPort)),
            (onion(",0"), bind(EndpointFault::ZeroPort)),
            (onion(",0.0.0.0:18083"), OptionError::ExposedInbound(OPTION)),
            (onion(",192.168.0.1:18083"), OptionError::ExposedInbound(OPTION)),
            (onion(",[::]:18083"), OptionError::ExposedInbound(OPTION)),
            (onion(",18083,0"), max),
            (onion(",18083,-1"), max),
            (onion(",18083,+1"), max),
            (onion(",18083,4294967296"), max),
            (onion(",18083,x"), max),
            (onion(",18083,5,,"), OptionError::TooManyCommas { option: OPTION, form: FORM }),
            (onion(",18083,5,haproxy,"), OptionError::TooManyCommas { option: OPTION, form: FORM }),
            (onion(",18083,5,6"), OptionError::RepeatedItem(OPTION)),
            (onion(",18083,haproxy,haproxy"), OptionError::RepeatedItem(OPTION)),
            (onion(",18083,HAPROXY"), max),
            (format!("{I2P},18083,haproxy"), OptionError::CircuitsOutsideTor(OPTION)),
        ] {
            assert_eq!(text.parse::<Inbound>(), Err(expected), "{text}");
            assert!(expected.to_string().starts_with("--anonymous-inbound: "));
        }
    }
}
