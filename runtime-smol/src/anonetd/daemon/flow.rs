//! The body of an answer while it arrives, and what becomes of its connection afterwards.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_io::Timer;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use smol::lock::SemaphoreGuardArc;

use super::client::CallError;

/// One open connection. Nothing moves on it unless its owner waits for something.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; gone when the connection has ended.
    pub(super) driver: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    /// Its place among the connections at once.
    pub(super) place: Option<SemaphoreGuardArc>,
}

impl Connection {
    /// Moves what can be moved.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver {
            // its failure ends the exchange, too
            if driver.as_mut().poll(cx).is_ready() {
                self.driver = None;
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("open", &self.driver.is_some()).finish_non_exhaustive()
    }
}

/// Connections that wait for the next question. Shared by clones.
#[derive(Clone, Debug)]
pub(super) struct Idle {
    most: usize,
    list: Arc<Mutex<Vec<Connection>>>,
}

impl Idle {
    pub(super) fn new(most: usize) -> Self {
        Self { most, list: Arc::default() }
    }

    pub(super) fn list(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, mut connection: Connection) {
        connection.place = None;
        let mut list = self.list();
        if connection.driver.is_some() && !connection.sender.is_closed() && list.len() < self.most {
            list.push(connection);
        }
    }
}

/// A body that arrives as fast as it is read. Its connection serves again once all of it was read.
pub(in super::super) struct Flow {
    body: Incoming,
    connection: Option<Connection>,
    ended: bool,
    idle: Idle,
    /// How long nothing may come, and since when nothing has.
    patience: Duration,
    quiet: Option<Timer>,
}

impl Flow {
    pub(super) fn new(body: Incoming, connection: Connection, idle: Idle, patience: Duration) -> Self {
        Self { body, connection: Some(connection), ended: false, idle, patience, quiet: None }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        if let Some(connection) = &mut this.connection {
            connection.drive(cx);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                (this.quiet, this.ended) = (None, frame.is_none());
                Poll::Ready(frame.map(|frame| frame.map_err(|_| CallError::Broken)))
            }
            Poll::Pending => {
                let patience = this.patience;
                let quiet = this.quiet.get_or_insert_with(|| Timer::after(patience));
                ready!(Pin::new(quiet).poll(cx));
                Poll::Ready(Some(Err(CallError::Late)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.ended || self.body.is_end_stream()) {
            self.idle.keep(connection);
        }
    }
}
