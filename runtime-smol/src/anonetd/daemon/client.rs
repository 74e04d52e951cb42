//! An HTTP/1.1 client for one daemon: few connections, kept for the next question, and a cap on everything that an answer
//! can make us hold.

use std::sync::Arc;
use std::time::Duration;

use anonet_core::{DialFailure, Isolation};
use async_io::Timer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use smol::future::{or, pending};
use smol::io::{AsyncRead, AsyncWrite};
use smol::lock::{Semaphore, SemaphoreGuardArc};
use smol_hyper::rt::FuturesIo;
use thiserror::Error;

use super::super::tls::TlsFault;
use super::address::Host;
use super::flow::{Connection, Flow, Idle};
use super::way::Way;
use crate::dial::{self, Transport};

/// Connections that are kept between questions.
const IDLE: usize = 4;

/// Bytes of an answer's headers.
const HEADER_BYTES: usize = 16 << 10;

/// How long one exchange may take, from the open connection to the end of the answer. A daemon that writes a block to a slow
/// disk makes its callers wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How long a connection may take to open: on this machine, and to a hidden service.
const DIAL_WITHIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(90));

/// The same for wallets: they wait 210 s, and a daemon takes long to collect blocks.
const WALLET_ANSWER_WITHIN: Duration = Duration::from_secs(180);

/// Exchanges of all wallets at once. monerod closes what one address opens beyond 25, or beyond a total of 100 of all.
const WALLET_EXCHANGES: usize = 16;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum CallError {
    #[error("it cannot be reached: see that it runs there")]
    Refused,
    #[error("it cannot be reached: {0}")]
    Dial(DialFailure),
    #[error("{0}")]
    Tls(TlsFault),
    #[error("it does not answer in time")]
    Late,
    #[error("it ended the connection before its answer was complete")]
    Broken,
    #[error("it wants a login, which this version does not have: run it without --rpc-login")]
    Login,
    /// The path is unknown, or kept from strangers by a restricted daemon.
    #[error("it does not serve this question")]
    NotServed,
    #[error("it answers with HTTP status {0}")]
    Status(u16),
    #[error("its answer has more than {cap} bytes")]
    TooLarge { cap: usize },
    #[error("it is busy and answers nothing at the moment")]
    Busy,
    #[error("its answer is not understood: is a monerod there?")]
    Garbage,
}

impl CallError {
    /// Whether nothing can be asked at the moment, as opposed to this one question.
    pub(super) const fn is_down(self) -> bool {
        !matches!(self, Self::NotServed | Self::TooLarge { .. })
    }
}

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) dial: Duration,
    pub(super) answer: Duration,
}

/// Talks to one daemon. Each connection through a proxy has credentials of its own.
#[derive(Debug)]
pub(in super::super) struct HttpClient {
    way: Way,
    host: Host,
    /// The host as requests name it.
    named: HeaderValue,
    patience: Patience,
    idle: Idle,
    /// Exchanges at once, if they are limited; further ones wait.
    places: Option<Arc<Semaphore>>,
}

impl HttpClient {
    pub(super) fn new(way: impl Into<Way>, host: impl Into<Host>) -> Self {
        let way = way.into();
        let dial = if matches!(way.transport, Transport::Direct) { DIAL_WITHIN.0 } else { DIAL_WITHIN.1 };
        Self::with_patience(way, host, Patience { dial, answer: ANSWER_WITHIN })
    }

    pub(super) fn with_patience(way: impl Into<Way>, host: impl Into<Host>, patience: Patience) -> Self {
        let host = host.into();
        // an address is made of letters that a header takes
        let named = HeaderValue::from_str(&host.reveal()).unwrap_or(HeaderValue::from_static("localhost"));
        Self { way: way.into(), host, named, patience, idle: Idle::new(IDLE), places: None }
    }

    /// The same for wallets, of which there may be many.
    pub(super) fn for_wallets(self) -> Self {
        let patience = Patience { answer: WALLET_ANSWER_WITHIN, ..self.patience };
        Self { patience, idle: Idle::new(WALLET_EXCHANGES), places: Some(Arc::new(Semaphore::new(WALLET_EXCHANGES))), ..self }
    }

    /// Posts a document and returns the answer's body, of at most `cap` bytes.
    pub(in super::super) async fn post(&self, path: &'static str, body: Bytes, cap: usize) -> Result<Bytes, CallError> {
        self.post_to(&Uri::from_static(path), body, cap).await
    }

    /// The same for a path that somebody else chose.
    pub(in super::super) async fn post_to(&self, uri: &Uri, body: Bytes, cap: usize) -> Result<Bytes, CallError> {
        self.exchange(|connection| async {
            let response = self.ask(connection, uri, body.clone()).await?;
            match response.status() {
                StatusCode::OK => {}
                StatusCode::UNAUTHORIZED => return Err(CallError::Login),
                StatusCode::NOT_FOUND => return Err(CallError::NotServed),
                status => return Err(CallError::Status(status.as_u16())),
            }
            read_whole(response.into_body(), cap).await
        })
        .await
    }

    /// Posts a document and returns the answer as it arrives, whatever its status is.
    pub(in super::super) async fn forward(&self, uri: &Uri, body: Bytes) -> Result<Response<Flow>, CallError> {
        self.exchange(|connection| self.ask(connection, uri, body.clone())).await
    }

    /// Has a kept connection or a new one do something.
    async fn exchange<T, F>(&self, talk: impl Fn(Connection) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut place = self.place().await?;
        let kept = self.idle.list().pop();
        if let Some(mut kept) = kept {
            kept.place = place.take();
            match within(self.patience.answer, talk(kept)).await {
                // the daemon closes connections that were idle for long, and says so only now
                Err(CallError::Broken) => self.idle.list().clear(),
                answer => return answer,
            }
            place = self.place().await?;
        }
        let mut connection = within(self.patience.dial, self.connect()).await?;
        connection.place = place;
        within(self.patience.answer, talk(connection)).await
    }

    async fn place(&self) -> Result<Option<SemaphoreGuardArc>, CallError> {
        let Some(places) = &self.places else { return Ok(None) };
        within(self.patience.answer, async { Ok(Some(places.acquire_arc().await)) }).await
    }

    async fn connect(&self) -> Result<Connection, CallError> {
        let mut random = [0; 8];
        // without random numbers a proxy would put connections together that are to be apart
        getrandom::fill(&mut random).map_err(|_| CallError::Dial(DialFailure::ProxyUnreachable))?;
        let isolation = Isolation::new(random);
        let opened = match &self.host {
            Host::Addr(addr) => dial::open(&self.way.transport, addr, isolation).await,
            Host::Name(name, port) => dial::open_name(&self.way.transport, name, *port, isolation).await,
        };
        let opened = opened.map_err(|failure| match failure.why {
            DialFailure::HostRefused | DialFailure::HostUnreachable => CallError::Refused,
            why => CallError::Dial(why),
        })?;
        // a server of HTTP speaks second
        if !opened.early.is_empty() {
            return Err(CallError::Garbage);
        }
        let _ = opened.stream.set_nodelay(true);
        match &self.way.tls {
            None => talk(opened.stream).await,
            Some(tls) => talk(tls.connect(opened.stream).await.map_err(CallError::Tls)?).await,
        }
    }

    /// Sends a question and returns the head of the answer.
    async fn ask(&self, mut connection: Connection, uri: &Uri, body: Bytes) -> Result<Response<Flow>, CallError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        let binary = uri.path().ends_with(".bin");
        let kind = if binary { "application/octet-stream" } else { "application/json" };
        request.headers_mut().insert(HOST, self.named.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let response = {
            let Connection { sender, driver, .. } = &mut connection;
            let asking = async {
                sender.ready().await?;
                sender.send_request(request).await
            };
            let asking = async { asking.await.map_err(|error| why(&error)) };
            let moving = async {
                if let Some(running) = driver {
                    let ended = running.await;
                    *driver = None;
                    // its failure ends the exchange, too, but does not always say why
                    if let Some(fault) = ended.err().and_then(|error| TlsFault::beneath(&error)) {
                        return Err(CallError::Tls(fault));
                    }
                }
                pending().await
            };
            or(asking, moving).await?
        };
        Ok(response.map(|body| Flow::new(body, connection, self.idle.clone(), self.patience.answer)))
    }
}

fn why(error: &hyper::Error) -> CallError {
    match TlsFault::beneath(error) {
        Some(fault) => CallError::Tls(fault),
        None if error.is_parse() => CallError::Garbage,
        None => CallError::Broken,
    }
}

/// Makes an open stream one that takes questions.
async fn talk(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Connection, CallError> {
    let builder = http1::Builder::new().max_buf_size(HEADER_BYTES).handshake(FuturesIo::new(stream)).await;
    let (sender, driver) = builder.map_err(|_| CallError::Broken)?;
    Ok(Connection { sender, driver: Some(Box::pin(driver)), place: None })
}

async fn read_whole(body: Flow, cap: usize) -> Result<Bytes, CallError> {
    if body.size_hint().lower() > cap as u64 {
        return Err(CallError::TooLarge { cap });
    }
    let whole = Limited::new(body, cap).collect().await.map_err(|error| match error.downcast::<CallError>() {
        Ok(error) => *error,
        // the one other reason
        Err(_) => CallError::TooLarge { cap },
    })?;
    Ok(whole.to_bytes())
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let late = async {
        Timer::after(limit).await;
        Err(CallError::Late)
    };
    or(work, late).await
}

#[cfg(test)]
mod tests;
