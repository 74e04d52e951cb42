//! What a log says of failed dials: each thing once, and no peer's address.

use std::io;
use std::net::SocketAddr;

use anonet_core::{DialFailure, ZoneKind};

use crate::dial::{Failure, Transport};

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Info(String),
    Warn(String),
}

impl Line {
    pub(crate) fn write(self) {
        match self {
            Self::Info(text) => tracing::info!("{text}"),
            Self::Warn(text) => tracing::warn!("{text}"),
        }
    }
}

/// What was said of one zone.
///
/// A failing proxy is worth a line whenever it begins to fail, or fails otherwise than before; a peer that cannot be
/// reached is everyday business, and worth one for each kind of failure since the start.
#[derive(Debug)]
pub(crate) struct DialLog {
    zone: ZoneKind,
    proxy: Option<SocketAddr>,
    proxy_failure: Option<DialFailure>,
    told: Vec<DialFailure>,
}

impl DialLog {
    pub(crate) const fn new(zone: ZoneKind, transport: &Transport) -> Self {
        let proxy = match transport {
            Transport::Socks(proxy) => Some(proxy.addr),
            Transport::None | Transport::Direct => None,
        };
        Self { zone, proxy, proxy_failure: None, told: Vec::new() }
    }

    /// A dial succeeded.
    #[must_use]
    pub(crate) fn succeeded(&mut self) -> Option<Line> {
        self.proxy_failure.take()?;
        Some(Line::Info(format!("{}: {} works again", self.zone, self.way())))
    }

    /// A dial failed.
    #[must_use]
    pub(crate) fn failed(&mut self, failure: &Failure) -> Option<Line> {
        let why = failure.why;
        if why.blames_proxy() {
            let news = self.proxy_failure.replace(why) != Some(why);
            return news.then(|| Line::Warn(self.describe(failure)));
        }
        // a proxy that answers for a peer works
        let again = self.succeeded();
        if self.told.contains(&why) {
            return again;
        }
        self.told.push(why);
        Some(Line::Info(format!("a peer cannot be reached; {} (more of this kind at debug level)", self.describe(failure))))
    }

    fn describe(&self, failure: &Failure) -> String {
        let (zone, way) = (self.zone, self.way());
        match (&failure.cause, failure.why) {
            (Some(cause), DialFailure::ProxyUnreachable) => {
                format!("{zone}: {way} cannot be reached ({}): start it, or correct --proxy", words(cause))
            }
            (Some(cause), why) => format!("{zone}: {why} ({})", words(cause)),
            (None, why) => format!("{zone}: {way}: {why}"),
        }
    }

    fn way(&self) -> String {
        self.proxy.map_or_else(|| "the direct way".to_owned(), |addr| format!("the proxy at {addr}"))
    }
}

/// The plain words for the common causes; what the system says for the others.
fn words(error: &io::Error) -> String {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, PermissionDenied, TimedOut};
    match error.kind() {
        kind @ (ConnectionRefused | HostUnreachable | NetworkUnreachable | PermissionDenied | TimedOut) => kind.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial::{SocksAuth, SocksProxy};

    fn log() -> DialLog {
        let addr = "127.0.0.1:9050".parse().unwrap();
        DialLog::new(ZoneKind::Tor, &Transport::Socks(SocksProxy { addr, auth: SocksAuth::IsolationRequired }))
    }

    fn refused() -> Failure {
        Failure { why: DialFailure::ProxyUnreachable, cause: Some(io::ErrorKind::ConnectionRefused.into()) }
    }

    #[test]
    fn a_failing_proxy_is_told_once_per_change() {
        let mut log = log();
        let text = "tor: the proxy at 127.0.0.1:9050 cannot be reached (connection refused): start it, or correct --proxy";
        assert_eq!(log.failed(&refused()), Some(Line::Warn(text.to_owned())));
        assert_eq!(log.failed(&refused()), None);
        assert!(matches!(log.failed(&DialFailure::ProxyProtocol.into()), Some(Line::Warn(_))));
        assert!(matches!(log.failed(&refused()), Some(Line::Warn(_))));
        assert_eq!(log.succeeded(), Some(Line::Info("tor: the proxy at 127.0.0.1:9050 works again".to_owned())));
        assert_eq!(log.succeeded(), None);
        assert!(matches!(log.failed(&refused()), Some(Line::Warn(_))));
    }

    #[test]
    fn an_unreachable_peer_is_told_once_per_kind() {
        let mut log = log();
        let Some(Line::Info(text)) = log.failed(&DialFailure::Socks(0xf0).into()) else { panic!("not told") };
        assert!(text.contains("the proxy at 127.0.0.1:9050") && text.contains("(F0)"), "{text}");
        assert_eq!(log.succeeded(), None);
        assert_eq!(log.failed(&DialFailure::Socks(0xf0).into()), None);
        assert!(matches!(log.failed(&DialFailure::Socks(4).into()), Some(Line::Info(_))));
    }

    #[test]
    fn a_proxy_that_answers_for_a_peer_works_again() {
        let mut log = log();
        let _ = log.failed(&DialFailure::Socks(4).into());
        let _ = log.failed(&refused());
        assert!(matches!(log.failed(&DialFailure::Socks(4).into()), Some(Line::Info(text)) if text.contains("works again")));
    }
}
