//! Refuses what a browser sends on behalf of a web page.
//!
//! A page can make a browser post to 127.0.0.1: the request then names the page in `Origin`. By DNS rebinding a page can
//! even count as of the same origin: then `Host` is a name of its owner's choice, where a wallet has an address.

use std::net::{IpAddr, Ipv6Addr};

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};

use super::super::http::Answer;

/// Refuses a request with an `Origin` that is not this machine, or a `Host` that is a name; a name is that of a hidden
/// service, too, and then a login is needed.
pub(super) fn admit(headers: &HeaderMap, names: HostNames) -> Result<(), Answer> {
    if !headers.get_all(ORIGIN).iter().all(is_local_origin) {
        return Err(Answer::error(StatusCode::FORBIDDEN, "requests of web pages are refused"));
    }
    if names == HostNames::Refused && !headers.get_all(HOST).iter().all(is_plain_host) {
        let error = "the host must be an IP address or localhost; for a hidden service start with --rpc-login";
        return Err(Answer::error(StatusCode::FORBIDDEN, error));
    }
    Ok(())
}

/// Whether this machine may be called by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostNames {
    Refused,
    /// A login is needed, which no web page has.
    Admitted,
}

fn is_local_origin(value: &HeaderValue) -> bool {
    let host = value.to_str().ok().and_then(|text| text.split_once("://")).and_then(|(_, authority)| host(authority));
    match host {
        Some(Host::Localhost) => true,
        Some(Host::Ip(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn is_plain_host(value: &HeaderValue) -> bool {
    value.to_str().ok().and_then(host).is_some()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Localhost,
    Ip(IpAddr),
}

/// The host of `host[:port]`; `None` for names and nonsense.
fn host(authority: &str) -> Option<Host> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            (Host::Ip(ip.parse::<Ipv6Addr>().ok()?.into()), port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, port) = authority.split_at(end);
            if name.eq_ignore_ascii_case("localhost") { (Host::Localhost, port) } else { (Host::Ip(name.parse().ok()?), port) }
        }
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    (port.is_empty() || digits.len() < port.len() && digits.parse::<u16>().is_ok()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_admitted(headers: &[(hyper::header::HeaderName, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        admit(&headers.collect(), HostNames::Refused).is_ok()
    }

    #[test]
    fn hosts() {
        for host in ["127.0.0.1", "127.0.0.1:18091", "[::1]:18091", "[::1]", "localhost", "LocalHost:1", "10.0.0.1:80"] {
            assert!(is_admitted(&[(HOST, host)]), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:18091",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:x",
            "localhost:99999",
            "[::1",
            "[::1]x",
            "[evil]:1",
            "127.0.0.1@evil.example",
        ] {
            assert!(!is_admitted(&[(HOST, host)]), "{host}");
        }
        let name = [(HOST, HeaderValue::from_static("name.onion"))].into_iter().collect();
        assert!(admit(&name, HostNames::Admitted).is_ok());
        assert!(is_admitted(&[]), "HTTP/1.0 has no host, and browsers do not speak it");
    }

    #[test]
    fn origins() {
        for origin in ["http://127.0.0.1", "http://localhost:8080", "https://[::1]:1"] {
            assert!(is_admitted(&[(HOST, "127.0.0.1"), (ORIGIN, origin)]), "{origin}");
        }
        for origin in ["null", "http://evil.example", "http://10.0.0.1", "http://localhost.evil.example", "localhost", ""] {
            assert!(!is_admitted(&[(HOST, "127.0.0.1"), (ORIGIN, origin)]), "{origin}");
        }
    }
}
