//! `IP:PORT` of something local: proxies and listeners.

use std::net::{IpAddr, SocketAddr};

/// Why a text is not `IP:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointFault {
    /// No IP address, for example a host name.
    #[error("write IP:PORT, for example 127.0.0.1:9050 or [::1]:9050; host names are not resolved")]
    NotIpPort,
    /// An IP address without a port.
    #[error("the port is missing; write IP:PORT, an IPv6 address in brackets")]
    MissingPort,
    /// Port 0.
    #[error("port 0 is no port; give the real one")]
    ZeroPort,
}

/// Reads `IP:PORT` or `[IPv6]:PORT` with a port that is not 0. IPv4-mapped IPv6 becomes IPv4.
pub(super) fn endpoint(text: &str) -> Result<SocketAddr, EndpointFault> {
    let Ok(addr) = text.parse::<SocketAddr>() else {
        let host = text.strip_suffix(':').unwrap_or(text);
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        return Err(match host.parse::<IpAddr>() {
            Ok(_) => EndpointFault::MissingPort,
            Err(_) => EndpointFault::NotIpPort,
        });
    };
    match addr.port() {
        0 => Err(EndpointFault::ZeroPort),
        port => Ok(SocketAddr::new(addr.ip().to_canonical(), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::{EndpointFault::*, endpoint};

    #[test]
    fn endpoints() {
        for (text, expected) in [
            ("127.0.0.1:9050", Ok("127.0.0.1:9050")),
            ("127.0.0.1:09050", Ok("127.0.0.1:9050")),
            ("[::1]:9050", Ok("[::1]:9050")),
            ("[::ffff]:8080", Ok("[::ffff]:8080")),
            ("[::ffff:127.0.0.1]:1", Ok("127.0.0.1:1")),
            ("127.0.0.1", Err(MissingPort)),
            ("127.0.0.1:", Err(MissingPort)),
            ("[::1]", Err(MissingPort)),
            ("::1", Err(MissingPort)),
            ("::ffff:443", Err(MissingPort)),
            ("127.0.0.1:0", Err(ZeroPort)),
            ("127.0.0.1:65536", Err(NotIpPort)),
            ("127.0.0.1:+1", Err(NotIpPort)),
            ("127.0.0.1:80:", Err(NotIpPort)),
            ("localhost:80", Err(NotIpPort)),
            (" 127.0.0.1:80", Err(NotIpPort)),
            (":80", Err(NotIpPort)),
            ("80", Err(NotIpPort)),
            ("", Err(NotIpPort)),
        ] {
            assert_eq!(endpoint(text), expected.map(|addr| addr.parse().unwrap()), "{text:?}");
        }
    }
}
