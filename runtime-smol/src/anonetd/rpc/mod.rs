//! The RPC for wallets: the part of monerod's that a node without a chain can answer.
//!
//! Source: spec `rpc-and-wallet.md` §1 to §3. Bound to loopback only. There is no login, so requests that a browser
//! makes for a web page are refused, see [`guard`].

mod guard;
mod info;
mod send;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anonet_core::Instant;
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use smol::Executor;
use smol::net::TcpListener;
use thiserror::Error;

use super::http::{Answer, HttpLimits, Site, serve};
use super::local_node::LocalNode;

const LIMITS: HttpLimits = HttpLimits {
    // twice the largest transaction, and the rest of the document
    body: 5 << 19,
    connections: 64,
    headers_within: Duration::from_secs(10),
    body_within: Duration::from_secs(30),
};

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
pub(super) async fn serve_wallets(executor: &Executor<'static>, listener: &TcpListener, node: Arc<LocalNode>, started: Instant) {
    serve(executor, listener.incoming(), LIMITS, Arc::new(WalletRpc { node, started })).await;
}

struct WalletRpc {
    node: Arc<LocalNode>,
    started: Instant,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Info,
    Send,
}

fn call(path: &str) -> Option<Call> {
    match path {
        "/get_info" | "/getinfo" => Some(Call::Info),
        "/send_raw_transaction" | "/sendrawtransaction" => Some(Call::Send),
        _ => None,
    }
}

impl Site for WalletRpc {
    fn admit(&self, head: &Parts) -> Result<(), Answer> {
        guard::admit(&head.headers)?;
        match (call(head.uri.path()), &head.method) {
            (Some(Call::Info), &Method::GET | &Method::POST) | (Some(Call::Send), &Method::POST) => Ok(()),
            (Some(Call::Info), _) => Err(Answer::wrong_method("GET, POST")),
            (Some(Call::Send), _) => Err(Answer::wrong_method("POST")),
            (None, _) => Err(Answer::not_found()),
        }
    }

    async fn answer(&self, _method: Method, path: String, body: Bytes) -> Answer {
        match call(&path) {
            Some(Call::Send) => send::answer(&self.node, &body).await,
            _ => match self.node.zones().await {
                Ok(zones) => {
                    Answer::ok(&info::document(self.node.reporter.network, self.node.reporter.chain(), &zones, self.started))
                }
                Err(stopped) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, stopped),
            },
        }
    }
}
