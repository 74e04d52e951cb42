//! The control socket, on which `anonetd submit` and `anonetd status` reach the running node: HTTP over a Unix socket
//! that only its owner can open.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use smol::Executor;
use smol::net::unix::UnixListener;
use thiserror::Error;

use super::abandon;
use super::data_dir::{DataDir, remove_stale_socket};
use super::http::{Answer, Call, HttpLimits, Reply, Site, serve};
use super::local_node::{LocalNode, NotAbandoned, NotAccepted};
use super::tx::{self, TxError};

/// Where the state is asked for, with GET.
pub(super) const STATUS: &str = "/status";
/// Where a transaction is handed in, with POST: its bytes, or their hex.
pub(super) const SUBMIT: &str = "/submit";

/// Where a transaction is given up, with POST: its id in hex.
pub(super) const ABANDON: &str = "/abandon";

const LIMITS: HttpLimits = HttpLimits {
    // 1,000,000 bytes as hex, and white space
    body: 2_500_000,
    connections: 32,
    headers_within: Duration::from_secs(10),
    body_within: Duration::from_secs(30),
    rest_within: Duration::from_secs(10),
};

/// The socket cannot be made.
#[derive(Debug, Error)]
#[error("cannot create the control socket {path} ({error}): choose another directory with --data-dir", path = path.display())]
pub(super) struct ControlError {
    path: PathBuf,
    error: io::Error,
}

/// The bound socket; its file goes when this is dropped.
#[derive(Debug)]
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds the socket of a data directory that this process has locked, in place of one left by an earlier process.
    pub(super) fn bind(dir: &DataDir) -> Result<Self, ControlError> {
        let path = dir.control_socket();
        let bind = || {
            remove_stale_socket(&path)?;
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        match bind() {
            Ok(listener) => Ok(Self { listener, path }),
            Err(error) => Err(ControlError { path, error }),
        }
    }

    /// Serves callers until it is dropped.
    pub(super) async fn serve(&self, executor: &Executor<'static>, node: Arc<LocalNode>) {
        serve(executor, self.listener.incoming(), LIMITS, Arc::new(Control(node))).await;
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // a file that stays is replaced at the next start
        let _ = fs::remove_file(&self.path);
    }
}

struct Control(Arc<LocalNode>);

impl Site for Control {
    fn admit(&self, head: &Parts) -> Result<(), Answer> {
        match (&head.method, head.uri.path()) {
            (&Method::GET, STATUS) | (&Method::POST, SUBMIT | ABANDON) => Ok(()),
            (_, STATUS) => Err(Answer::wrong_method("GET")),
            (_, SUBMIT | ABANDON) => Err(Answer::wrong_method("POST")),
            _ => Err(Answer::not_found()),
        }
    }

    async fn answer(&self, call: Call) -> Reply {
        match call.path() {
            STATUS => self.status().await,
            ABANDON => self.abandon(&call.body).await,
            _ => self.submit(&call.body).await,
        }
        .into_reply()
    }
}

impl Control {
    async fn status(&self) -> Answer {
        match self.0.status().await {
            Ok(status) => Answer::ok(&status),
            Err(stopped) => Answer::error(StatusCode::SERVICE_UNAVAILABLE, stopped),
        }
    }

    async fn submit(&self, body: &[u8]) -> Answer {
        let blob = tx::from_text_or_binary(body).map(std::borrow::Cow::into_owned);
        let accepted = match blob {
            Ok(blob) => self.0.submit(blob).await,
            Err(error) => Err(NotAccepted::Tx(TxError::Hex(error))),
        };
        match accepted {
            Ok(accepted) => Answer::ok(&accepted),
            Err(error @ (NotAccepted::Tx(_) | NotAccepted::Unfit(_))) => Answer::error(StatusCode::BAD_REQUEST, error),
            Err(error) => Answer::error(StatusCode::SERVICE_UNAVAILABLE, error),
        }
    }

    async fn abandon(&self, body: &[u8]) -> Answer {
        let Some(id) = std::str::from_utf8(body).ok().and_then(abandon::parse) else {
            return Answer::error(StatusCode::BAD_REQUEST, "a transaction's id has 64 hexadecimal digits");
        };
        match self.0.abandon(id).await {
            Ok(abandoned) => Answer::ok(&abandoned),
            Err(error @ NotAbandoned::Unknown) => Answer::error(StatusCode::NOT_FOUND, error),
            Err(error) => Answer::error(StatusCode::SERVICE_UNAVAILABLE, error),
        }
    }
}
