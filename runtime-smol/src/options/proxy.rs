//! `--proxy` and `--tx-proxy`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use anonet_core::addr::ZoneKind;

use super::endpoint::endpoint;
use super::{OptionError, OptionName};

/// Outgoing connections of an anonymity zone whose option names no maximum; as monerod.
pub const DEFAULT_MAX_OUTGOING: u32 = 12;

const ZONE_FORM: &str = "tor|i2p,IP:PORT[,MAX][,disable_noise]";
/// The longest user name or password of SOCKS5, in bytes.
const MAX_CREDENTIAL_LEN: usize = 255;

/// A SOCKS5 proxy. `Debug` does not show the credentials.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyEndpoint {
    /// Where the proxy listens; never port 0.
    pub addr: SocketAddr,
    /// User name and password, at most 255 bytes each, not both empty.
    pub credentials: Option<(String, String)>,
}

/// The proxy of an anonymity zone: `NET,PROXY[,MAX][,disable_noise]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TxProxy {
    /// Tor or I2P.
    pub zone: ZoneKind,
    /// The proxy, without credentials: every connection gets its own.
    pub proxy: ProxyEndpoint,
    /// Most outgoing connections, at least 1; `None` means [`DEFAULT_MAX_OUTGOING`].
    pub max_outgoing: Option<u32>,
    /// Whether the `noise` relay policy is forbidden in this zone.
    pub disable_noise: bool,
}

/// The two meanings of `--proxy`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyOption {
    /// With a network name: the proxy of that anonymity zone.
    Zone(TxProxy),
    /// Without one: all outgoing connections of the public zone go through this proxy.
    Public(ProxyEndpoint),
}

/// Reads the value of `--proxy`, which is that of `--tx-proxy` or `[socks5://][user:pass@]IP:PORT`.
///
/// The path behind `IP:PORT` is ignored, as monerod does. User name and password are
/// percent-decoded; a comma in them needs the scheme in front, or `%2c`.
///
/// For `--tx-proxy` itself use [`TxProxy::from_str`], which refuses a value without a network.
///
/// # Errors
/// One [`OptionError`] per cause, naming `--proxy`.
///
/// Source: spec `zones-and-routing.md` §2, `socks.md` §1.
pub fn parse_proxy_option(text: &str) -> Result<ProxyOption, OptionError> {
    parse_either(text, OptionName::Proxy)
}

/// Reads the value of `--daemon-proxy`, which has the form of `--proxy`; a network's name says where the proxy leads.
///
/// # Errors
/// One [`OptionError`] per cause, naming `--daemon-proxy`.
pub fn parse_daemon_proxy(text: &str) -> Result<ProxyOption, OptionError> {
    parse_either(text, OptionName::DaemonProxy)
}

fn parse_either(text: &str, option: OptionName) -> Result<ProxyOption, OptionError> {
    // a comma behind a scheme belongs to the credentials
    let first = text.split(',').next().unwrap_or_default();
    let public = !text.contains(',') && zone_kind(text).is_none() || first.contains("://");
    if public {
        ProxyEndpoint::parse(text, option).map(ProxyOption::Public)
    } else {
        TxProxy::parse(text, option).map(ProxyOption::Zone)
    }
}

/// The value of `--tx-proxy`; errors name that option.
impl FromStr for TxProxy {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        Self::parse(text, OptionName::TxProxy)
    }
}

impl TxProxy {
    fn parse(text: &str, option: OptionName) -> Result<Self, OptionError> {
        let mut items = text.split(',');
        let network = items.next().unwrap_or_default();
        let zone = match zone_kind(network) {
            Some(zone) => zone,
            // a proxy in the place of the network
            None if network.is_empty() || network.contains(':') => {
                return Err(OptionError::MissingNetwork(option));
            }
            None => return Err(OptionError::UnknownNetwork(option)),
        };
        let proxy = items.next().filter(|proxy| !proxy.is_empty()).ok_or(OptionError::MissingProxy { option, zone })?;
        let proxy = ProxyEndpoint::parse(proxy, option)?;
        if proxy.credentials.is_some() {
            return Err(OptionError::FixedCredentials(option));
        }
        let (max_outgoing, disable_noise) = extras(items, option)?;
        Ok(Self { zone, proxy, max_outgoing, disable_noise })
    }
}

fn zone_kind(network: &str) -> Option<ZoneKind> {
    [ZoneKind::Tor, ZoneKind::I2p].into_iter().find(|zone| zone.name() == network)
}

/// The maximum and `disable_noise`, in any order, each possibly empty.
fn extras<'a>(items: impl Iterator<Item = &'a str> + Clone, option: OptionName) -> Result<(Option<u32>, bool), OptionError> {
    if items.clone().count() > 2 {
        return Err(OptionError::TooManyCommas { option, form: ZONE_FORM });
    }
    let (mut max, mut disable_noise) = (None, false);
    for item in items.filter(|item| !item.is_empty()) {
        let repeated = if item == "disable_noise" {
            std::mem::replace(&mut disable_noise, true)
        } else {
            let count = max_connections(item).ok_or(OptionError::InvalidMax { option, hint: ", or the item disable_noise" })?;
            max.replace(count).is_some()
        };
        if repeated {
            return Err(OptionError::RepeatedItem(option));
        }
    }
    Ok((max, disable_noise))
}

/// Digits only, at least 1.
pub(super) fn max_connections(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|max| *max > 0)
}

impl ProxyEndpoint {
    /// `[scheme://][userinfo@]IP:PORT[/ignored]`
    fn parse(text: &str, option: OptionName) -> Result<Self, OptionError> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if !scheme.contains([':', '/']) => (Some(scheme), rest),
            _ => (None, text),
        };
        match scheme {
            None | Some("socks" | "socks5") => {}
            Some("socks4" | "socks4a") => return Err(OptionError::Socks4(option)),
            Some(_) => return Err(OptionError::UnknownScheme(option)),
        }
        let authority = rest.split('/').next().unwrap_or_default();
        let (userinfo, host) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let (user, password) = (credential(user, option)?, credential(password, option)?);
        let addr = endpoint(host).map_err(|fault| OptionError::Endpoint { option, fault })?;
        let anonymous = user.is_empty() && password.is_empty();
        Ok(Self { addr, credentials: (!anonymous).then_some((user, password)) })
    }
}

impl fmt::Debug for ProxyEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| format_args!("…"));
        f.debug_struct("ProxyEndpoint").field("addr", &self.addr).field("credentials", &credentials).finish()
    }
}

fn credential(text: &str, option: OptionName) -> Result<String, OptionError> {
    let decoded = percent_decode(text).ok_or(OptionError::InvalidEncoding(option))?;
    if decoded.len() > MAX_CREDENTIAL_LEN {
        return Err(OptionError::CredentialsTooLong(option));
    }
    Ok(decoded)
}

/// `None` if a percent sign is not followed by two hexadecimal digits, or if the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut pieces = text.as_bytes().split(|byte| *byte == b'%');
    let mut decoded = pieces.next()?.to_vec();
    for piece in pieces {
        let (&[high, low], rest) = piece.split_first_chunk()?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(digit(high)? << 4 | digit(low)?);
        decoded.extend_from_slice(rest);
    }
    String::from_utf8(decoded).ok()
}
