//! The calling end of the control socket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anonet_core::TxId;
use async_io::Timer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use smol::future::or;
use smol::net::unix::UnixStream;
use smol_hyper::rt::FuturesIo;
use thiserror::Error;

use super::control::{ABANDON, STATUS, SUBMIT};
use super::data_dir::DataDir;
use super::local_node::{Abandoned, Accepted};
use super::status::Status;

/// A node that takes longer hangs.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Talks to the node that runs on one data directory.
#[derive(Clone, Debug)]
pub(super) struct ControlClient {
    dir: DataDir,
}

/// Why there is no answer, or not the wanted one.
#[derive(Debug, Error)]
pub(super) enum ClientError {
    #[error("no node is running on {path}: start one with `{start}`, or name its directory with --data-dir", path = path.display())]
    NotRunning { path: PathBuf, start: String },
    #[error("cannot reach the node through {path} ({error}): run this command as the user who runs the node", path = path.display())]
    Unreachable { path: PathBuf, error: io::Error },
    #[error("the node ended the conversation ({0}): see its log, and whether it still runs")]
    Broken(#[from] hyper::Error),
    #[error("the node does not answer within {} s: see its log", ANSWER_WITHIN.as_secs())]
    Late,
    #[error("the node's answer is not understood: are both programs of the same version?")]
    Foreign,
    /// The node's own words.
    #[error("{0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl ControlClient {
    pub(super) const fn new(dir: DataDir) -> Self {
        Self { dir }
    }

    /// The node's state.
    pub(super) async fn status(&self) -> Result<Status, ClientError> {
        self.ask(Method::GET, STATUS, Bytes::new()).await
    }

    /// Hands a transaction in.
    pub(super) async fn submit(&self, blob: Bytes) -> Result<Accepted, ClientError> {
        self.ask(Method::POST, SUBMIT, blob).await
    }

    /// Has it forget an own transaction.
    pub(super) async fn abandon(&self, id: &TxId) -> Result<Abandoned, ClientError> {
        self.ask(Method::POST, ABANDON, Bytes::from(id.reveal().to_string())).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &'static str, body: Bytes) -> Result<T, ClientError> {
        let late = async {
            Timer::after(ANSWER_WITHIN).await;
            Err(ClientError::Late)
        };
        let (status, answer) = or(self.exchange(method, path, body), late).await?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&answer).map_err(|_| ClientError::Foreign);
        }
        let refusal: Refusal = serde_json::from_slice(&answer).map_err(|_| ClientError::Foreign)?;
        Err(ClientError::Refused(refusal.error))
    }

    async fn exchange(&self, method: Method, path: &'static str, body: Bytes) -> Result<(StatusCode, Bytes), ClientError> {
        let (mut sender, connection) = http1::handshake(FuturesIo::new(self.connect().await?)).await?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = hyper::Uri::from_static(path);
        request.headers_mut().insert(HOST, hyper::header::HeaderValue::from_static("localhost"));
        let exchange = async move {
            let response = sender.send_request(request).await?;
            let status = response.status();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        let connection = async move {
            // its failure ends the exchange with the same error
            let _ = connection.await;
            std::future::pending().await
        };
        or(exchange, connection).await
    }

    async fn connect(&self) -> Result<UnixStream, ClientError> {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        let socket = self.dir.control_socket();
        UnixStream::connect(&socket).await.map_err(|error| match error.kind() {
            NotFound | ConnectionRefused => {
                ClientError::NotRunning { path: self.dir.path().to_owned(), start: self.dir.run_command() }
            }
            _ => ClientError::Unreachable { path: socket, error },
        })
    }
}
