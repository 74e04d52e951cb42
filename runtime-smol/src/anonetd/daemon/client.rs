//! An HTTP/1.1 client for one daemon: few connections, kept for the next question, and a cap on everything that an answer
//! can make us hold.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anonet_core::addr::Addr;
use anonet_core::{DialFailure, Isolation};
use async_io::Timer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use smol::future::{or, pending};
use smol_hyper::rt::FuturesIo;
use thiserror::Error;

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

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum CallError {
    #[error("it cannot be reached: see that it runs there")]
    Refused,
    #[error("it cannot be reached: {0}")]
    Dial(DialFailure),
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
pub(super) struct HttpClient {
    way: Transport,
    addr: Addr,
    host: HeaderValue,
    patience: Patience,
    idle: Mutex<Vec<Connection>>,
}

/// One open connection. Nothing moves on it unless its owner waits for something.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; gone when the connection has ended.
    driver: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("open", &self.driver.is_some()).finish_non_exhaustive()
    }
}

impl HttpClient {
    pub(super) fn new(way: Transport, addr: Addr) -> Self {
        let dial = if matches!(way, Transport::Direct) { DIAL_WITHIN.0 } else { DIAL_WITHIN.1 };
        Self::with_patience(way, addr, Patience { dial, answer: ANSWER_WITHIN })
    }

    pub(super) fn with_patience(way: Transport, addr: Addr, patience: Patience) -> Self {
        // an address is made of letters that a header takes
        let host = HeaderValue::from_str(&addr.reveal().to_string()).unwrap_or(HeaderValue::from_static("localhost"));
        Self { way, addr, host, patience, idle: Mutex::default() }
    }

    /// Posts a document and returns the answer's body, of at most `cap` bytes.
    pub(super) async fn post(&self, path: &'static str, body: Bytes, cap: usize) -> Result<Bytes, CallError> {
        if let Some(kept) = self.take_idle() {
            match self.exchange(kept, path, body.clone(), cap).await {
                // the daemon closes connections that were idle for long, and says so only now
                Err(CallError::Broken) => self.idle().clear(),
                answer => return answer,
            }
        }
        let connection = within(self.patience.dial, self.connect()).await?;
        self.exchange(connection, path, body, cap).await
    }

    async fn connect(&self) -> Result<Connection, CallError> {
        let mut random = [0; 8];
        // without random numbers a proxy would put connections together that are to be apart
        getrandom::fill(&mut random).map_err(|_| CallError::Dial(DialFailure::ProxyUnreachable))?;
        let opened = dial::open(&self.way, &self.addr, Isolation::new(random)).await.map_err(|failure| match failure.why {
            DialFailure::HostRefused | DialFailure::HostUnreachable => CallError::Refused,
            why => CallError::Dial(why),
        })?;
        // a server of HTTP speaks second
        if !opened.early.is_empty() {
            return Err(CallError::Garbage);
        }
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(HEADER_BYTES)
            .handshake(FuturesIo::new(opened.stream))
            .await
            .map_err(|_| CallError::Broken)?;
        Ok(Connection { sender, driver: Some(Box::pin(driver)) })
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        path: &'static str,
        body: Bytes,
        cap: usize,
    ) -> Result<Bytes, CallError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(path);
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let Connection { sender, driver } = &mut connection;
        let answer = ask(sender, request, cap);
        let moving = async {
            if let Some(running) = driver {
                // its failure ends the exchange, too
                let _ = running.await;
                *driver = None;
            }
            pending().await
        };
        let answer = within(self.patience.answer, or(answer, moving)).await?;
        if connection.driver.is_some() && !connection.sender.is_closed() {
            let mut idle = self.idle();
            if idle.len() < IDLE {
                idle.push(connection);
            }
        }
        Ok(answer)
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>, cap: usize) -> Result<Bytes, CallError> {
    let broken = |error: hyper::Error| if error.is_parse() { CallError::Garbage } else { CallError::Broken };
    sender.ready().await.map_err(broken)?;
    let response = sender.send_request(request).await.map_err(broken)?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(CallError::Login),
        StatusCode::NOT_FOUND => return Err(CallError::NotServed),
        status => return Err(CallError::Status(status.as_u16())),
    }
    let body = response.into_body();
    if body.size_hint().lower() > cap as u64 {
        return Err(CallError::TooLarge { cap });
    }
    let whole = Limited::new(body, cap).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
        true => CallError::TooLarge { cap },
        false => CallError::Broken,
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
