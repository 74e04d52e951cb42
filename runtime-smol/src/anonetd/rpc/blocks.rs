//! `/getblocks.bin` of wallets since 0.18.3.0, which asks for blocks and the pool at once: the daemon is asked for blocks
//! alone, always, and the part of the pool is filled in here. Source: spec `rpc-and-wallet.md` §4.

use std::pin::Pin;
use std::task::{Context, Poll};

use anonet_core::epee::{self, EpeeError, Limits, Section};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::super::daemon::Flow;
use super::super::http::{Answer, Call, Cut, Reply, whole};
use super::bad_request;
use super::gateway::{Gateway, reply};
use super::hidden::Hidden;

/// Signatures and version of a document, before the number of its fields.
const HEADER: usize = 9;

/// `pool_info_extent`: all of the pool, as opposed to what is new since a time.
const FULL: u8 = 2;

/// Fields that are filled in.
const FIELDS: [&str; 3] = ["added_pool_txs", "pool_info_extent", "remaining_added_pool_txids"];

/// The request, but for what would tell wallets apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request<'a> {
    block_ids: &'a [u8],
    block_ids_exclusive: bool,
    max_block_count: u64,
    no_miner_tx: bool,
    prune: bool,
    requested_info: u8,
    start_height: u64,
}

/// `requested_info`: the pool alone.
const POOL_ONLY: u8 = 2;

impl<'a> Request<'a> {
    fn read(body: &'a [u8]) -> Result<Self, EpeeError> {
        let mut request = Self::default();
        epee::read(body, Limits::LEVIN, |key, value| {
            match key {
                b"block_ids" => request.block_ids = value.bytes()?,
                b"block_ids_exclusive" => request.block_ids_exclusive = value.bool()?,
                b"max_block_count" => request.max_block_count = value.integer()?,
                b"no_miner_tx" => request.no_miner_tx = value.bool()?,
                b"prune" => request.prune = value.bool()?,
                b"requested_info" => request.requested_info = value.integer()?,
                b"start_height" => request.start_height = value.integer()?,
                _ => {}
            }
            Ok::<_, EpeeError>(())
        })?;
        Ok(request)
    }

    /// The same request for blocks alone.
    fn without_pool(&self) -> Bytes {
        let mut body = BytesMut::new();
        epee::write(&mut body, |root| {
            if !self.block_ids.is_empty() {
                root.bytes("block_ids", self.block_ids);
            }
            // what was left out stays so, as older daemons do not know it
            if self.block_ids_exclusive {
                root.bool("block_ids_exclusive", true);
            }
            if self.max_block_count > 0 {
                root.u64("max_block_count", self.max_block_count);
            }
            root.bool("no_miner_tx", self.no_miner_tx);
            root.bool("prune", self.prune);
            root.u64("start_height", self.start_height);
        });
        body.freeze()
    }
}

/// What the daemon is asked in place of this body; `None` if that is refused.
pub(super) fn without_pool(body: &[u8]) -> Option<Bytes> {
    Request::read(body).ok().map(|request| request.without_pool())
}

/// Answers `/getblocks.bin`.
pub(super) async fn answer(
    gateway: &Gateway,
    call: &Call,
    hidden: &Hidden,
    pool: &[[u8; 32]],
    seconds: u64,
) -> Result<Reply, Answer> {
    let request = Request::read(&call.body).map_err(|_| bad_request())?;
    if request.requested_info == 0 {
        return gateway.pass(call, hidden).await;
    }
    if request.requested_info == POOL_ONLY {
        let mut body = BytesMut::new();
        epee::write(&mut body, |root| {
            added(root, hidden);
            root.u64("daemon_time", seconds);
            extent(root, hidden, pool);
            root.bytes("status", b"OK");
            root.bool("untrusted", false);
        });
        let mut reply = whole(body.freeze());
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        return Ok(reply);
    }
    let response = gateway.stream(call, request.without_pool(), hidden).await?;
    if response.status() != StatusCode::OK {
        return Ok(reply(response));
    }
    let mut part = BytesMut::new();
    epee::write(&mut part, |root| {
        added(root, hidden);
        extent(root, hidden, pool);
    });
    let count = part.get(HEADER).map_or(0, |count| count >> 2);
    fill_in(response, count, part.split_off(HEADER + 1).freeze()).await
}

fn added(root: &mut Section<'_>, hidden: &Hidden) {
    root.objects(FIELDS[0], hidden.txs(), |entry, pending| {
        entry.bool("double_spend_seen", false);
        entry.bytes("tx_blob", &pending.tx.blob);
        entry.bytes("tx_hash", pending.tx.id.as_bytes());
    });
}

fn extent(root: &mut Section<'_>, hidden: &Hidden, pool: &[[u8; 32]]) {
    root.u8(FIELDS[1], FULL);
    let rest: Vec<&[u8; 32]> = pool.iter().filter(|id| !hidden.has(id)).collect();
    root.blobs(FIELDS[2], rest.into_iter());
}

/// Adds fields at the start of the document, whose order does not matter, so that the rest needs no reading.
async fn fill_in(response: Response<Flow>, count: u8, fields: Bytes) -> Result<Reply, Answer> {
    let (head, mut flow) = response.into_parts();
    let garbage = || Answer::error(StatusCode::BAD_GATEWAY, "the daemon: its answer is not understood");
    let mut start = BytesMut::new();
    let (before, width) = loop {
        match counted(&start) {
            Some(found) => break found,
            None => match flow.frame().await {
                Some(Ok(frame)) => start.extend_from_slice(frame.data_ref().ok_or_else(garbage)?),
                _ => return Err(garbage()),
            },
        }
    };
    let mut first = BytesMut::with_capacity(start.len() + fields.len() + 8);
    first.extend_from_slice(&start[..HEADER]);
    // a number of four bytes is as good as a shorter one
    let total = u32::try_from(before + u64::from(count)).ok().filter(|total| *total < 1 << 30).ok_or_else(garbage)?;
    first.extend_from_slice(&(total << 2 | 2).to_le_bytes());
    first.extend_from_slice(&fields);
    first.extend_from_slice(&start[HEADER + width..]);
    let body = Filled { first: Some(first.freeze()), rest: flow };
    let mut reply = Response::new(UnsyncBoxBody::new(body));
    let kind = head.headers.get(CONTENT_TYPE).cloned();
    reply.headers_mut().insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    Ok(reply)
}

/// The number of fields, and how many bytes it takes; `None` while it has not arrived.
fn counted(start: &[u8]) -> Option<(u64, usize)> {
    let rest = start.get(HEADER..)?;
    let width = 1 << (rest.first()? & 3);
    let mut number = [0; 8];
    number[..width].copy_from_slice(rest.get(..width)?);
    Some((u64::from_le_bytes(number) >> 2, width))
}

/// A body whose start was changed.
struct Filled {
    first: Option<Bytes>,
    rest: Flow,
}

impl Body for Filled {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.rest).poll_frame(cx).map_err(|_| Cut),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len) as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint
    }
}
