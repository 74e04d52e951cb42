//! HTTP/1.1 for local callers, with a cap on everything that a caller can make us hold.

use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_io::Timer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use smol::Executor;
use smol::future::or;
use smol::io::{AsyncRead, AsyncWrite};
use smol::lock::Semaphore;
use smol::stream::{Stream, StreamExt};
use smol_hyper::rt::{FuturesIo, SmolTimer};
use tracing::debug;

/// What a caller may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct HttpLimits {
    /// Bytes of a body.
    pub(super) body: usize,
    /// Connections at once; further ones are closed at once.
    pub(super) connections: usize,
    /// From the open connection, or the last answer, to the end of a request's headers.
    pub(super) headers_within: Duration,
    /// From there to the end of its body.
    pub(super) body_within: Duration,
}

/// After a failed accept, which is a lack of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a request's headers.
const HEADER_BYTES: usize = 16 << 10;

/// An answer in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    /// The method that is allowed, if another was used.
    allow: Option<&'static str>,
    /// Whether the connection ends with it.
    last: bool,
}

impl Answer {
    pub(super) fn json(status: StatusCode, document: &impl Serialize) -> Self {
        // maps with text keys, as all are here, can be written
        let body = serde_json::to_vec(document).unwrap_or_default();
        Self { status, body, allow: None, last: false }
    }

    pub(super) fn ok(document: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, document)
    }

    pub(super) fn error(status: StatusCode, error: impl Display) -> Self {
        Self::json(status, &serde_json::json!({ "error": error.to_string() }))
    }

    pub(super) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not found")
    }

    pub(super) fn wrong_method(allow: &'static str) -> Self {
        let error = format!("this address takes {allow} only");
        Self { allow: Some(allow), ..Self::error(StatusCode::METHOD_NOT_ALLOWED, error) }
    }

    /// The rest of the request is not read.
    fn last(self) -> Self {
        Self { last: true, ..self }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What answers requests.
pub(super) trait Site: Send + Sync + 'static {
    /// Refuses a request on its headers, before any of its body is read.
    fn admit(&self, head: &Parts) -> Result<(), Answer>;

    /// Answers a request that was admitted.
    fn answer(&self, method: Method, path: String, body: Bytes) -> impl Future<Output = Answer> + Send;
}

/// Serves every connection that comes in, each in a task of its own. Ends only with `incoming`.
pub(super) async fn serve<C, S>(
    executor: &Executor<'static>,
    mut incoming: impl Stream<Item = io::Result<C>> + Unpin,
    limits: HttpLimits,
    site: Arc<S>,
) where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Site,
{
    let slots = Arc::new(Semaphore::new(limits.connections));
    while let Some(accepted) = incoming.next().await {
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                debug!("cannot accept a local connection: {error}");
                Timer::after(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(slot) = slots.try_acquire_arc() else {
            debug!("too many local connections: one is closed");
            continue;
        };
        let site = site.clone();
        let connection = async move {
            serve_connection(stream, limits, &*site).await;
            drop(slot);
        };
        executor.spawn(connection).detach();
    }
}

async fn serve_connection<S: Site>(stream: impl AsyncRead + AsyncWrite + Unpin, limits: HttpLimits, site: &S) {
    let service = service_fn(|request| async move { Ok::<_, Infallible>(respond(site, limits, request).await.into_response()) });
    let connection = http1::Builder::new()
        .timer(SmolTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(FuturesIo::new(stream), service);
    if let Err(error) = connection.await {
        debug!("a local connection ended: {error}");
    }
}

async fn respond<S: Site>(site: &S, limits: HttpLimits, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    if let Err(refusal) = site.admit(&head) {
        return refusal.last();
    }
    match read(body, limits).await {
        Ok(body) => site.answer(head.method, head.uri.path().to_owned(), body).await,
        Err(refusal) => refusal.last(),
    }
}

async fn read(body: Incoming, limits: HttpLimits) -> Result<Bytes, Answer> {
    let too_large = || {
        let error = format!("the request is larger than {} bytes", limits.body);
        Answer::error(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let late = async {
        Timer::after(limits.body_within).await;
        Err(Answer::error(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time"))
    };
    let whole = async {
        Limited::new(body, limits.body).collect().await.map(|body| body.to_bytes()).map_err(|error| {
            if error.is::<LengthLimitError>() { too_large() } else { Answer::error(StatusCode::BAD_REQUEST, error) }
        })
    };
    or(whole, late).await
}
