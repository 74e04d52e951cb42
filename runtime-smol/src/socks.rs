//! The client side of SOCKS5 (RFC 1928, RFC 1929; spec: socks §3, §5, §6).
//!
//! `socks5-proto` encodes and parses. It reads through tokio's `AsyncRead`, which a byte slice implements without ever
//! waiting: so each reply is parsed from the bytes that have arrived, in one poll and without any tokio runtime, and as
//! often as they do not suffice more are read.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anonet_core::{Addr, DialFailure, Isolation};
use bytes::{Buf, Bytes, BytesMut};
use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use socks5_proto::handshake::{self, Method, password};
use socks5_proto::{Address, Command, Error, Request, Response, SOCKS_VERSION};

use crate::dial::SocksAuth;

/// Bytes from the proxy that are kept at once; the longest reply has 262.
const RECEIVED_MAX: usize = 512;

/// Asks the proxy at the other end of `stream` for a stream to `addr`. Returns what the peer's first bytes are, if some
/// came right behind the proxy's answer.
///
/// Waits as long as the proxy does; the core ends a dial that takes too long.
///
/// # Errors
/// [`DialFailure`]: close the stream.
pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    auth: &SocksAuth,
    addr: &Addr,
    isolation: Isolation,
) -> Result<Bytes, DialFailure> {
    connect_to(stream, auth, target(addr)?, isolation).await
}

/// The same for a host of which nothing but its name is known.
///
/// # Errors
/// [`DialFailure`]: close the stream.
pub(crate) async fn connect_name<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    auth: &SocksAuth,
    (name, port): (&str, u16),
    isolation: Isolation,
) -> Result<Bytes, DialFailure> {
    connect_to(stream, auth, Address::DomainAddress(name.as_bytes().to_vec(), port), isolation).await
}

async fn connect_to<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    auth: &SocksAuth,
    target: Address,
    isolation: Isolation,
) -> Result<Bytes, DialFailure> {
    let mut proxy = Proxy { stream, received: BytesMut::new(), request: Vec::new() };
    proxy.authenticate(auth, isolation).await?;
    let request = Request::new(Command::Connect, target);
    request.write_to_buf(&mut proxy.request);
    proxy.ask(connect_reply).await?;
    Ok(proxy.received.freeze())
}

/// What a proxy chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greeted {
    /// Credentials, and it took them.
    WithCredentials,
    /// No authentication.
    WithoutCredentials,
}

/// Goes no further than the authentication, to see what the proxy makes of it.
///
/// # Errors
/// [`DialFailure`], as [`connect`] would say it.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    auth: &SocksAuth,
    isolation: Isolation,
) -> Result<Greeted, DialFailure> {
    let mut proxy = Proxy { stream, received: BytesMut::new(), request: Vec::new() };
    proxy.authenticate(auth, isolation).await
}

/// One conversation with a proxy.
struct Proxy<'s, S> {
    stream: &'s mut S,
    /// What was read and not parsed yet.
    received: BytesMut,
    /// What is to be written with the next question.
    request: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Proxy<'_, S> {
    async fn authenticate(&mut self, auth: &SocksAuth, isolation: Isolation) -> Result<Greeted, DialFailure> {
        let offered = match auth {
            SocksAuth::IsolationRequired => vec![Method::PASSWORD],
            SocksAuth::IsolationOffered | SocksAuth::Fixed { .. } => vec![Method::NONE, Method::PASSWORD],
            SocksAuth::None => vec![Method::NONE],
        };
        let greeting = handshake::Request::new(offered);
        greeting.write_to_buf(&mut self.request);
        let chosen = self.ask(method_reply).await?;
        match chosen {
            Method::PASSWORD if greeting.methods.contains(&chosen) => {
                credentials(auth, isolation).write_to_buf(&mut self.request);
                self.ask(password_reply).await?;
                Ok(Greeted::WithCredentials)
            }
            Method::NONE if greeting.methods.contains(&chosen) => Ok(Greeted::WithoutCredentials),
            Method::NONE | Method::UNACCEPTABLE if matches!(auth, SocksAuth::IsolationRequired) => {
                Err(DialFailure::ProxyWithoutIsolation)
            }
            Method::UNACCEPTABLE => Err(DialFailure::ProxyRejectedCredentials),
            _ => Err(DialFailure::ProxyProtocol),
        }
    }

    /// Writes the request and reads until `parse` has its answer.
    async fn ask<T>(&mut self, parse: fn(&mut &[u8]) -> Result<T, Unparsed>) -> Result<T, DialFailure> {
        let hung_up = |_| DialFailure::ProxyClosed;
        self.stream.write_all(&self.request).await.map_err(hung_up)?;
        self.request.clear();
        let mut chunk = [0; RECEIVED_MAX];
        loop {
            let mut rest = &self.received[..];
            match parse(&mut rest) {
                Ok(answer) => {
                    let parsed = self.received.len() - rest.len();
                    self.received.advance(parsed);
                    return Ok(answer);
                }
                Err(Unparsed::Failure(failure)) => return Err(failure),
                Err(Unparsed::Incomplete) => {}
            }
            let space = RECEIVED_MAX.saturating_sub(self.received.len());
            match self.stream.read(&mut chunk[..space]).await.map_err(hung_up)? {
                0 if space == 0 => return Err(DialFailure::ProxyProtocol),
                0 => return Err(DialFailure::ProxyClosed),
                count => self.received.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

/// User name and password of one dial. Random ones are the dial's 64 random bits in hex, so no two dials share any, and
/// none begins with Tor's reserved `<torS0X>`.
fn credentials(auth: &SocksAuth, isolation: Isolation) -> password::Request {
    if let SocksAuth::Fixed { user, password } = auth {
        return password::Request::new(user.clone().into_bytes(), password.clone().into_bytes());
    }
    let random = format!("{:016x}", u64::from_be_bytes(*isolation.as_bytes())).into_bytes();
    password::Request::new(random.clone(), random)
}

/// The form of the address in the request: names go to the proxy as names.
fn target(addr: &Addr) -> Result<Address, DialFailure> {
    Ok(match addr {
        Addr::Ipv4(addr) => Address::SocketAddress((*addr).into()),
        Addr::Ipv6(addr) => Address::SocketAddress((*addr).into()),
        name => {
            let mut host = String::new();
            name.write_host(&mut host).map_err(|_| DialFailure::HostUnreachable)?;
            Address::DomainAddress(host.into_bytes(), name.port())
        }
    })
}

fn method_reply(received: &mut &[u8]) -> Result<Method, Unparsed> {
    let response = parse(handshake::Response::read_from(received))?;
    Ok(response.method)
}

fn password_reply(received: &mut &[u8]) -> Result<(), Unparsed> {
    match parse(password::Response::read_from(received))?.status {
        true => Ok(()),
        false => Err(Unparsed::Failure(DialFailure::ProxyRejectedCredentials)),
    }
}

fn connect_reply(received: &mut &[u8]) -> Result<(), Unparsed> {
    // looked at here, as `Reply` knows no code of Tor's (F0 to F7), and as some proxies hang up without the bound address
    // that ought to follow an error
    match **received {
        [SOCKS_VERSION, code, ..] if code != 0 => Err(Unparsed::Failure(DialFailure::Socks(code))),
        _ => parse(Response::read_from(received)).map(drop),
    }
}

/// Why the bytes that have arrived are no reply.
#[derive(Debug)]
enum Unparsed {
    /// It has not arrived as a whole.
    Incomplete,
    /// It never will be one, or it says no.
    Failure(DialFailure),
}

impl From<io::Error> for Unparsed {
    /// Reading from a slice fails in one way: it is too short.
    fn from(_: io::Error) -> Self {
        Self::Incomplete
    }
}

impl From<Error> for Unparsed {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Protocol(_) => Self::Failure(DialFailure::ProxyProtocol),
        }
    }
}

impl From<password::Error> for Unparsed {
    fn from(error: password::Error) -> Self {
        match error {
            password::Error::Io(error) => error.into(),
            password::Error::SubNegotiationVersion { .. } => Self::Failure(DialFailure::ProxyProtocol),
            // any status but 0 is a refusal
            password::Error::SubNegotiationStatus { .. } => Self::Failure(DialFailure::ProxyRejectedCredentials),
        }
    }
}

/// Polls a parser of `socks5-proto` once, which suffices: it waits for its reader alone, and a slice never waits.
fn parse<T, E: Into<Unparsed>>(parser: impl Future<Output = Result<T, E>>) -> Result<T, Unparsed> {
    match pin!(parser).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(parsed) => parsed.map_err(Into::into),
        Poll::Pending => Err(Unparsed::Incomplete),
    }
}

#[cfg(test)]
mod tests;
