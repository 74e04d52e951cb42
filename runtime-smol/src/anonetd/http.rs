//! HTTP/1.1 for local callers, with a cap on everything that a caller can make us hold.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_io::Timer;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use smol::Executor;
use smol::future::or;
use smol::io::{AsyncRead, AsyncWrite};
use smol::lock::{Semaphore, SemaphoreGuardArc};
use smol::stream::{Stream, StreamExt};
use smol_hyper::rt::FuturesIo;
use tracing::debug;

mod answer;

pub(super) use self::answer::{Answer, Cut, Reply, whole};
use super::stall::{Patience, Progress, Stall};

/// What a caller may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct HttpLimits {
    /// Bytes of a body.
    pub(super) body: usize,
    /// Connections at once; further ones are closed at once.
    pub(super) connections: usize,
    /// From the open connection, or the first byte of a request, to the end of its headers.
    pub(super) headers_within: Duration,
    /// From there to the end of its body.
    pub(super) body_within: Duration,
    /// From an answer to the next request.
    pub(super) rest_within: Duration,
}

/// After a failed accept, which is a lack of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A caller that takes nothing of its answer for so long is cut off.
const STALLED: Duration = Duration::from_secs(60);

/// Bytes of a request's headers.
const HEADER_BYTES: usize = 16 << 10;

/// A body up to this size is held for every connection; larger ones wait until they are one of so few, so that all
/// connections together cannot make us hold the largest body each.
const SMALL_BODY: usize = 64 << 10;
const LARGE_BODIES: usize = 8;

/// A request that has arrived as a whole.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    /// Its place among the large ones.
    _large: Option<SemaphoreGuardArc>,
}

impl Call {
    /// Where it goes, without a query.
    pub(super) fn path(&self) -> &str {
        self.head.uri.path()
    }

    #[cfg(test)]
    pub(super) fn of(uri: &str, body: Bytes) -> Self {
        let (head, ()) = Request::post(uri).body(()).expect("it is a good request").into_parts();
        Self { head, body, _large: None }
    }
}

/// What answers requests.
pub(super) trait Site: Send + Sync + 'static {
    /// Refuses a request on its headers, before any of its body is read.
    fn admit(&self, head: &Parts) -> Result<(), Answer>;

    /// Answers a request that was admitted.
    fn answer(&self, call: Call) -> impl Future<Output = Reply> + Send;
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
    let large = Arc::new(Semaphore::new(LARGE_BODIES));
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
        let (site, large) = (site.clone(), large.clone());
        let connection = async move {
            serve_connection(stream, limits, &*site, &large).await;
            drop(slot);
        };
        executor.spawn(connection).detach();
    }
}

async fn serve_connection<S: Site>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    limits: HttpLimits,
    site: &S,
    large: &Arc<Semaphore>,
) {
    let patience = Patience { headers: limits.headers_within, rest: limits.rest_within, answer: STALLED };
    let progress = Progress::default();
    let service = service_fn(|request| {
        progress.is_answering();
        let progress = progress.clone();
        async move {
            let reply = respond(site, limits, large, request).await;
            Ok::<_, Infallible>(reply.map(|body| Ending { body, progress }))
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(HEADER_BYTES)
        .serve_connection(FuturesIo::new(Stall::new(stream, patience, progress.clone())), service);
    if let Err(error) = connection.await {
        debug!("a local connection ended: {error}");
    }
}

/// The body of an answer, which says at its end that the connection rests.
struct Ending {
    body: UnsyncBoxBody<Bytes, Cut>,
    progress: Progress,
}

impl Body for Ending {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.progress.rests();
    }
}

async fn respond<S: Site>(site: &S, limits: HttpLimits, large: &Arc<Semaphore>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    if let Err(refusal) = site.admit(&head) {
        // who is asked for a login sends the same again with it, best on the same connection
        let is_small = body.size_hint().upper().is_some_and(|size| size <= SMALL_BODY as u64);
        if refusal.status == StatusCode::UNAUTHORIZED && is_small && read(body, limits, large).await.is_ok() {
            return refusal.into_reply();
        }
        return refusal.last().into_reply();
    }
    match read(body, limits, large).await {
        Ok((body, place)) => site.answer(Call { head, body, _large: place }).await,
        Err(refusal) => refusal.last().into_reply(),
    }
}

async fn read(body: Incoming, limits: HttpLimits, large: &Arc<Semaphore>) -> Result<(Bytes, Option<SemaphoreGuardArc>), Answer> {
    let late = async {
        Timer::after(limits.body_within).await;
        Err(Answer::error(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time"))
    };
    or(collect(body, limits.body, large), late).await
}

async fn collect(mut body: Incoming, most: usize, large: &Arc<Semaphore>) -> Result<(Bytes, Option<SemaphoreGuardArc>), Answer> {
    let too_large = || Answer::error(StatusCode::PAYLOAD_TOO_LARGE, format_args!("the request is larger than {most} bytes"));
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let (mut whole, mut place) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Answer::error(StatusCode::BAD_REQUEST, error))?;
        // trailers are no part of the body
        let Ok(data) = frame.into_data() else { continue };
        let size = whole.len() + data.len();
        if size > most {
            return Err(too_large());
        }
        if size > SMALL_BODY && place.is_none() {
            place = Some(large.acquire_arc().await);
        }
        whole.extend_from_slice(&data);
    }
    Ok((whole.freeze(), place))
}

#[cfg(test)]
mod tests;
