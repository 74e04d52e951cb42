//! Opening streams.

use core::fmt;
use std::io;
use std::net::SocketAddr;

use anonet_core::{Addr, DialFailure, Isolation, ZoneKind};
use bytes::Bytes;
use smol::net::TcpStream;

use crate::descriptors::{self, Reserve};
use crate::proxy_protocol::CircuitSlot;
use crate::socks;

/// How the streams of one zone are opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Transport {
    /// Not at all: the zone only accepts.
    None,
    /// Straight over TCP (public zone only).
    Direct,
    /// Through a SOCKS5 proxy.
    Socks(SocksProxy),
}

/// A SOCKS5 proxy.
#[derive(Clone, Debug)]
pub struct SocksProxy {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it is told of us.
    pub auth: SocksAuth,
}

/// What is offered to a proxy as authentication (spec: socks §5 and §6). `Debug` shows no credentials.
#[derive(Clone)]
#[non_exhaustive]
pub enum SocksAuth {
    /// Fresh random credentials for each dial, and nothing else: a proxy that does not take them is not used. For Tor.
    IsolationRequired,
    /// Fresh random credentials for each dial, or none if the proxy prefers that. For I2P.
    IsolationOffered,
    /// These credentials for every dial, or none if the proxy prefers that.
    Fixed {
        /// User name, 1 to 255 bytes.
        user: String,
        /// Password, at most 255 bytes.
        password: String,
    },
    /// None.
    None,
}

impl fmt::Debug for SocksAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IsolationRequired => "IsolationRequired",
            Self::IsolationOffered => "IsolationOffered",
            Self::Fixed { .. } => "Fixed(…)",
            Self::None => "None",
        })
    }
}

impl Transport {
    /// Whether this way leads to the zone at all. A hidden service is never reached without a proxy.
    pub(crate) const fn reaches(&self, kind: ZoneKind) -> bool {
        match self {
            Self::None => false,
            Self::Direct => !kind.is_anonymity(),
            Self::Socks(_) => true,
        }
    }
}

/// An open stream to a peer.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) stream: TcpStream,
    /// The peer's first bytes, if they came along with the proxy's answer.
    pub(crate) early: Bytes,
    /// Its place among the streams of its circuit, if circuits are counted.
    pub(crate) circuit: Option<CircuitSlot>,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) why: DialFailure,
    /// What the system says, if it was asked.
    pub(crate) cause: Option<io::Error>,
}

impl From<DialFailure> for Failure {
    fn from(why: DialFailure) -> Self {
        Self { why, cause: None }
    }
}

/// Opens a stream to `addr`. Waits as long as the proxy or the system does: the core owns the deadline, and ends a dial
/// by dropping it.
pub(crate) async fn open(transport: &Transport, addr: &Addr, isolation: Isolation) -> Result<Opened, Failure> {
    match (transport, addr) {
        (Transport::Direct, Addr::Ipv4(addr)) => direct((*addr).into()).await,
        (Transport::Direct, Addr::Ipv6(addr)) => direct((*addr).into()).await,
        (Transport::Socks(proxy), addr) => {
            let mut stream = connect(proxy.addr, |_| DialFailure::ProxyUnreachable).await?;
            let early = socks::connect(&mut stream, &proxy.auth, addr, isolation).await?;
            Ok(Opened { stream, early, circuit: None })
        }
        // not reached: `start` refuses a zone that dials and has no way
        (Transport::None | Transport::Direct, _) => Err(DialFailure::HostUnreachable.into()),
    }
}

/// The same to a host whose name the proxy looks up, and nobody else.
pub(crate) async fn open_name(transport: &Transport, name: &str, port: u16, isolation: Isolation) -> Result<Opened, Failure> {
    let Transport::Socks(proxy) = transport else { return Err(DialFailure::HostUnreachable.into()) };
    let mut stream = connect(proxy.addr, |_| DialFailure::ProxyUnreachable).await?;
    let early = socks::connect_name(&mut stream, &proxy.auth, (name, port), isolation).await?;
    Ok(Opened { stream, early, circuit: None })
}

async fn direct(addr: SocketAddr) -> Result<Opened, Failure> {
    let blame = |error: &io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused => DialFailure::HostRefused,
        _ => DialFailure::HostUnreachable,
    };
    Ok(Opened { stream: connect(addr, blame).await?, early: Bytes::new(), circuit: None })
}

async fn connect(addr: SocketAddr, blame: impl Fn(&io::Error) -> DialFailure) -> Result<TcpStream, Failure> {
    match TcpStream::connect(addr).await {
        Ok(stream) if descriptors::leaves(&stream, Reserve::Dials) => Ok(stream),
        Ok(_) => Err(DialFailure::NoDescriptor.into()),
        Err(error) => {
            let why = if descriptors::is_shortage(&error) { DialFailure::NoDescriptor } else { blame(&error) };
            Err(Failure { why, cause: Some(error) })
        }
    }
}
