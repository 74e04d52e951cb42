//! One open stream: a task that reads and a task that writes, each with one chunk in flight.
//!
//! A chunk goes round: the driver gives the reader an empty buffer and gets it back filled; it gives the writer a filled
//! one and gets it back when the socket has taken all of it. So neither side can run ahead of the other, what a slow
//! peer does not read stays in the core, and nothing is allocated while a link is at work.

use std::net::Shutdown;

use anonet_core::ConnId;
use bytes::{Buf, Bytes};
use smol::channel::{Receiver, Sender, bounded};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;
use smol::{Executor, Task};

use crate::dial::Opened;
use crate::driver::Input;
use crate::proxy_protocol::CircuitSlot;

/// Bytes read or written at once.
const CHUNK: usize = 16 << 10;

/// Leave to read up to `window` bytes into `buffer`.
struct Grant {
    window: usize,
    buffer: Box<[u8]>,
}

/// What was read.
pub(crate) struct Received {
    buffer: Box<[u8]>,
    len: usize,
}

impl Received {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// The driver's end of a stream. Dropping it stops both tasks and closes the socket.
#[derive(Debug)]
pub(crate) struct Link {
    grants: Sender<Grant>,
    writes: Sender<Vec<u8>>,
    /// The reader's buffer, while reading rests.
    parked: Option<Box<[u8]>>,
    /// The writer's buffer, while there is nothing to write.
    idle: Option<Vec<u8>>,
    _reader: Task<()>,
    _writer: Task<()>,
    _circuit: Option<CircuitSlot>,
}

impl Link {
    /// Takes a stream over. Nothing is read before the first [`grant`](Self::grant).
    pub(crate) fn adopt(tasks: &Executor<'static>, inbox: &Sender<Input>, conn: ConnId, opened: Opened) -> Self {
        let Opened { stream, early, circuit } = opened;
        // a failure costs some milliseconds per message, not the link
        let _ = stream.set_nodelay(true);
        let (grants, granted) = bounded(1);
        let (writes, written) = bounded(1);
        Self {
            grants,
            writes,
            parked: Some(vec![0; CHUNK].into()),
            idle: Some(Vec::new()),
            _reader: tasks.spawn(read(stream.clone(), early, granted, inbox.clone(), conn)),
            _writer: tasks.spawn(write(stream, written, inbox.clone(), conn)),
            _circuit: circuit,
        }
    }

    /// Lets the reader go on, unless it is at work or `window` is 0.
    pub(crate) fn grant(&mut self, window: usize) {
        if window == 0 {
            return;
        }
        if let Some(buffer) = self.parked.take() {
            // fails only if the reader has ended; then its `Gone` is on the way
            let _ = self.grants.try_send(Grant { window, buffer });
        }
    }

    /// What was read has been dealt with.
    pub(crate) fn consumed(&mut self, received: Received) {
        self.parked = Some(received.buffer);
    }

    /// Gives the writer the first bytes of `waiting`, unless it is at work.
    pub(crate) fn write(&mut self, waiting: &[u8]) {
        if waiting.is_empty() {
            return;
        }
        if let Some(mut buffer) = self.idle.take() {
            buffer.extend_from_slice(&waiting[..waiting.len().min(CHUNK)]);
            // fails only if the writer has ended; then its `Unwritable` is on the way
            let _ = self.writes.try_send(buffer);
        }
    }

    /// Whether the reader is at work, and so will notice the end of the stream.
    pub(crate) const fn is_reading(&self) -> bool {
        self.parked.is_none()
    }

    /// The socket has taken what is in `buffer`.
    pub(crate) fn wrote(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.idle = Some(buffer);
    }
}

async fn read(mut stream: TcpStream, mut early: Bytes, grants: Receiver<Grant>, inbox: Sender<Input>, conn: ConnId) {
    while let Ok(Grant { window, mut buffer }) = grants.recv().await {
        let space = window.min(buffer.len());
        let len = if early.is_empty() {
            // the end of the stream and its failure are one to the core
            stream.read(&mut buffer[..space]).await.unwrap_or(0)
        } else {
            let len = space.min(early.len());
            early.copy_to_slice(&mut buffer[..len]);
            len
        };
        let input = if len == 0 { Input::Gone(conn) } else { Input::Data(conn, Received { buffer, len }) };
        if inbox.send(input).await.is_err() || len == 0 {
            return;
        }
    }
}

async fn write(mut stream: TcpStream, writes: Receiver<Vec<u8>>, inbox: Sender<Input>, conn: ConnId) {
    while let Ok(buffer) = writes.recv().await {
        let failed = stream.write_all(&buffer).await.is_err();
        if failed {
            // wakes the reader, which may still find bytes that the peer sent before it left
            let _ = stream.shutdown(Shutdown::Both);
        }
        let input = if failed { Input::Unwritable(conn) } else { Input::Wrote(conn, buffer) };
        if inbox.send(input).await.is_err() || failed {
            return;
        }
    }
}
