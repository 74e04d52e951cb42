//! The RPC for wallets: what concerns own transactions is answered here, and the daemon answers the rest.
//!
//! Source: spec `rpc-and-wallet.md`. Without a daemon only what a node without a chain can say is answered. Bound to
//! loopback, unless the user confirms more and has a login ([`login`]). Requests that a browser makes for a web page are
//! refused, see [`guard`].
//!
//! The daemon learns of no own transaction from here until there is evidence of it: its id and key images are cut from
//! questions ([`txs`]), the pool is never asked of it by a wallet's own request for blocks ([`blocks`]), and a last look
//! at whatever leaves refuses what was overlooked ([`gateway`]). What is passed on is the same whether the stash is empty
//! or not, but for those cuts.

mod blocks;
mod client_key;
mod gateway;
mod guard;
mod hidden;
mod info;
mod json_rpc;
mod login;
mod pool;
mod restricted;
mod send;
mod target;
mod totals;
mod txs;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anonet_core::Instant;
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use smol::Executor;
use smol::net::TcpListener;
use smol::stream::StreamExt;
use thiserror::Error;

use self::gateway::Gateway;
use self::guard::HostNames;
use self::hidden::Hidden;
use self::json_rpc::Fault;
use self::login::Doorkeeper;
use self::target::Target;
use super::daemon::HttpClient;
use super::http::{Answer, Call, HttpLimits, Reply, Site, serve};
use super::local_node::LocalNode;
use super::rpc_login::RpcLogin;
use super::tls::{Door, Front, RpcTls};
use crate::clock::Clock;
use crate::descriptors::{self, Reserve};

const LIMITS: HttpLimits = HttpLimits {
    // twice the largest transaction, and the rest of the document
    body: 5 << 19,
    connections: 128,
    headers_within: Duration::from_secs(10),
    body_within: Duration::from_secs(30),
    // as monerod: a wallet that finds its connection closed says that it has lost its daemon
    rest_within: Duration::from_secs(1_800),
};

/// Where the RPC listens, and for whom.
#[derive(Clone, Debug)]
pub(super) struct RpcSettings {
    pub(super) addr: SocketAddr,
    /// Who may use it; everybody who reaches it if absent.
    pub(super) login: Option<RpcLogin>,
    pub(super) access: Access,
    pub(super) tls: Arc<RpcTls>,
}

/// How much of the daemon is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything.
    Full,
    /// What wallets need.
    Restricted,
}

/// The port cannot be used.
#[derive(Debug, Error)]
#[error(
    "--rpc-bind: cannot listen on {addr} ({error}): stop what else uses it, choose another address, or write --rpc-bind none"
)]
pub(super) struct RpcBindError {
    addr: SocketAddr,
    error: std::io::Error,
}

/// Starts to listen.
pub(super) async fn bind(addr: SocketAddr) -> Result<TcpListener, RpcBindError> {
    TcpListener::bind(addr).await.map_err(|error| RpcBindError { addr, error })
}

/// Serves wallets until it is dropped.
pub(super) async fn serve_wallets(
    executor: &Executor<'static>,
    listener: &TcpListener,
    node: Arc<LocalNode>,
    settings: RpcSettings,
    door: &Door,
    clock: Clock,
    daemon: Option<HttpClient>,
) {
    let RpcSettings { login, access, .. } = settings;
    let (doorkeeper, gateway) = (login.map(Doorkeeper::new), daemon.map(Gateway::new));
    let site = WalletRpc { node, started: clock.now(), clock, gateway, doorkeeper, access };
    let incoming = listener.incoming().map(|accepted| {
        let stream = accepted?;
        if !descriptors::leaves(&stream, Reserve::Arrivals) {
            return Err(std::io::Error::other("file descriptors run out"));
        }
        // head and body of an answer are written apart: the second would wait for the peer to confirm the first
        let _ = stream.set_nodelay(true);
        Ok(Front::new(stream, door.clone()))
    });
    serve(executor, incoming, LIMITS, Arc::new(site)).await;
}

struct WalletRpc {
    node: Arc<LocalNode>,
    started: Instant,
    clock: Clock,
    /// Absent without a daemon.
    gateway: Option<Gateway>,
    /// Absent without a login.
    doorkeeper: Option<Doorkeeper>,
    access: Access,
}

impl Site for WalletRpc {
    fn admit(&self, head: &Parts) -> Result<(), Answer> {
        let names = if self.doorkeeper.is_some() { HostNames::Admitted } else { HostNames::Refused };
        guard::admit(&head.headers, names)?;
        if let Some(doorkeeper) = &self.doorkeeper {
            doorkeeper.admit(head)?;
        }
        let (path, there) = (head.uri.path(), self.gateway.is_some());
        let target = Target::of(path);
        if self.access == Access::Restricted && !restricted::admits_path(target, path) {
            return Err(Answer::not_found());
        }
        match (target, &head.method) {
            (Target::Daemon | Target::Blocks | Target::PoolStats, _) if !there => Err(Answer::not_found()),
            (Target::Send, &Method::POST) => Ok(()),
            (Target::Send, _) => Err(Answer::wrong_method("POST")),
            (_, &Method::GET | &Method::POST) => Ok(()),
            _ => Err(Answer::wrong_method("GET, POST")),
        }
    }

    async fn answer(&self, call: Call) -> Reply {
        self.try_answer(&call).await.unwrap_or_else(Answer::into_reply)
    }
}

impl WalletRpc {
    async fn try_answer(&self, call: &Call) -> Result<Reply, Answer> {
        let target = Target::of(call.path());
        if target == Target::Send {
            return Ok(send::answer(&self.node, &call.body).await.into_reply());
        }
        let hidden = Hidden::new(self.node.pending().await.map_err(stopped)?);
        let gateway = self.gateway.as_ref();
        match (target, gateway) {
            (Target::Info, _) => Ok(Answer::ok(&self.info().await?).into_reply()),
            (Target::JsonRpc, _) => self.json_rpc(call, &hidden).await,
            (Target::Transactions, _) => txs::transactions(gateway, call, &hidden, self.access).await,
            (Target::KeyImages, _) => txs::key_images(gateway, call, &hidden, self.access).await,
            (Target::Pool, _) => pool::pool(gateway, call, &hidden).await,
            (Target::PoolHashes, _) => Ok(pool::hashes(&self.pool(&hidden))),
            (Target::BinaryPoolHashes, _) => Ok(pool::binary_hashes(&self.pool(&hidden))),
            (Target::PoolStats, Some(gateway)) => totals::stats(gateway, call, &hidden).await,
            (Target::Blocks, Some(gateway)) => {
                let seconds = self.clock.now().as_micros() / 1_000_000;
                blocks::answer(gateway, call, &hidden, &self.pool(&hidden), seconds).await
            }
            (_, Some(gateway)) => gateway.pass(call, &hidden).await,
            (Target::Height, None) => Ok(Answer::ok(&info::height(self.node.reporter.network)).into_reply()),
            // refused by its head
            (_, None) => Err(Answer::not_found()),
        }
    }

    async fn info(&self) -> Result<Value, Answer> {
        let zones = self.node.zones().await.map_err(stopped)?;
        let reporter = &self.node.reporter;
        let mut document = info::document(reporter.network, reporter.chain(), &zones, self.started);
        if let Some(gateway) = &self.gateway {
            let theirs = gateway.info().await.unwrap_or_default();
            theirs.into_iter().for_each(|(key, value)| document[key] = value);
        }
        if self.access == Access::Restricted {
            restricted::veil(&mut document);
        }
        Ok(document)
    }

    async fn json_rpc(&self, call: &Call, hidden: &Hidden) -> Result<Reply, Answer> {
        let request = json_rpc::Request::read(&call.body)?;
        let answer = match (request.method.as_str(), &self.gateway) {
            (method, _) if self.access == Access::Restricted && !restricted::admits_method(method) => {
                request.fails(Fault::UnknownMethod, "Method not found")
            }
            ("get_info", _) => match self.info().await {
                Ok(document) => request.succeeds(document),
                Err(_) => request.fails(Fault::Internal, "the node has stopped"),
            },
            // half an id is enough for it
            ("get_txids_loose", _) => request.fails(Fault::UnknownMethod, "Method not found"),
            ("get_txpool_backlog", Some(gateway)) => return totals::backlog(gateway, call, hidden, self.clock.now()).await,
            (_, Some(gateway)) => return gateway.pass(call, hidden).await,
            ("get_version", None) => request.succeeds(info::version()),
            ("hard_fork_info" | "get_fee_estimate", None) => {
                request.fails(Fault::Busy, "Core is busy: no daemon is named with --daemon-address, which could tell")
            }
            (_, None) => request.fails(Fault::UnknownMethod, "Method not found"),
        };
        Ok(answer.into_reply())
    }

    /// The ids of all that a wallet is to see in the pool.
    fn pool(&self, hidden: &Hidden) -> Vec<[u8; 32]> {
        let theirs = self.node.reporter.pool_ids();
        pool::ids(&theirs, hidden)
    }
}

fn stopped(stopped: crate::handle::Stopped) -> Answer {
    Answer::error(StatusCode::INTERNAL_SERVER_ERROR, stopped)
}

/// For the fuzz targets: what the daemon is asked in place of this body of `/getblocks.bin`.
pub(crate) fn blocks_without_pool(body: &[u8]) -> Option<Bytes> {
    blocks::without_pool(body)
}

/// For the fuzz targets: the answer to this body of `/json_rpc` if its method is not known.
pub(crate) fn unknown_method(body: &[u8]) -> Vec<u8> {
    let answer = json_rpc::Request::read(body).map(|request| request.fails(Fault::UnknownMethod, "Method not found"));
    answer.unwrap_or_else(|answer| answer).into_body()
}

/// For the fuzz targets: the bytes in this body of `/send_raw_transaction`.
pub(crate) fn sent_blob(body: &[u8]) -> Option<Vec<u8>> {
    send::blob(body)
}

/// For the fuzz targets: the pairs of this `Authorization` header.
pub(crate) fn login_pairs(header: &str) -> Option<Vec<(String, String)>> {
    login::pairs(header)
}

/// As monerod says that a body cannot be read.
fn bad_request() -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "Bad request")
}

/// What each answer of monerod has.
fn status_ok() -> Map<String, Value> {
    let Value::Object(map) = json!({ "credits": 0, "status": "OK", "top_hash": "", "untrusted": false }) else {
        return Map::new();
    };
    map
}
