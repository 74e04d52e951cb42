//! `--rpc-bind`.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::str::FromStr;

use super::endpoint::endpoint;
use super::{OptionError, OptionName};

const OPTION: OptionName = OptionName::RpcBind;

/// Where wallets reach the RPC: `IP:PORT` on loopback unless confirmed, 127.0.0.1:18091 if not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcBind(SocketAddr);

impl RpcBind {
    /// Reads an address that may be beyond this machine, which the user has confirmed.
    ///
    /// # Errors
    /// [`OptionError::Endpoint`] if it is no address with a port.
    pub fn parse_confirmed(text: &str) -> Result<Self, OptionError> {
        endpoint(text).map(Self).map_err(|fault| OptionError::Endpoint { option: OPTION, fault })
    }

    /// The address to listen on; loopback unless confirmed, never port 0.
    #[must_use]
    pub const fn addr(self) -> SocketAddr {
        self.0
    }
}

impl Default for RpcBind {
    fn default() -> Self {
        Self(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 18091)))
    }
}

impl FromStr for RpcBind {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let bind = Self::parse_confirmed(text)?;
        if bind.0.ip().is_loopback() { Ok(bind) } else { Err(OptionError::ExposedRpc(OPTION)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::EndpointFault::*;
    use super::*;

    #[test]
    fn only_loopback() {
        for text in ["127.0.0.1:18091", "127.1.2.3:1", "[::1]:65535"] {
            assert_eq!(text.parse::<RpcBind>().unwrap().addr().to_string(), text);
        }
        assert_eq!("127.0.0.1:18091".parse(), Ok(RpcBind::default()));
        let endpoint = |fault| OptionError::Endpoint { option: OPTION, fault };
        for (text, expected) in [
            ("0.0.0.0:18091", OptionError::ExposedRpc(OPTION)),
            ("192.168.1.2:18091", OptionError::ExposedRpc(OPTION)),
            ("[::]:18091", OptionError::ExposedRpc(OPTION)),
            ("127.0.0.1", endpoint(MissingPort)),
            ("127.0.0.1:0", endpoint(ZeroPort)),
            ("localhost:18091", endpoint(NotIpPort)),
            ("18091", endpoint(NotIpPort)),
        ] {
            assert_eq!(text.parse::<RpcBind>(), Err(expected), "{text}");
            assert_eq!(RpcBind::parse_confirmed(text).is_ok(), expected == OptionError::ExposedRpc(OPTION), "{text}");
            assert!(expected.to_string().starts_with("--rpc-bind: "));
        }
    }
}
