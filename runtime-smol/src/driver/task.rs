//! The task that owns the node.
//!
//! It waits for its inbox and for the node's next deadline, and for nothing else: sockets are opened, accepted, read and
//! written by tasks of their own, on an executor that lives and ends with this one.

use std::collections::HashMap;
use std::sync::Arc;

use anonet_core::{Addr, ConnId, DialFailure, Event, Isolation, Node, Output, ZoneId, ZoneKind};
use async_io::Timer;
use bytes::Buf;
use smol::channel::Sender;
use smol::future::{or, yield_now};
use smol::{Executor, Task};

use super::App;
use super::inbox::{Inbox, Input};
use crate::clock::Clock;
use crate::dial::{self, Failure, Opened, Transport};
use crate::handle::Handle;
use crate::link::Link;

/// Inputs handled in a row before the links' tasks get their turn.
const BATCH: u32 = 64;

/// How one zone is reached.
#[derive(Debug)]
pub(crate) struct ZoneLinks {
    pub(crate) id: ZoneId,
    pub(crate) kind: ZoneKind,
    transport: Arc<Transport>,
}

impl ZoneLinks {
    pub(crate) fn new(id: ZoneId, kind: ZoneKind, transport: Transport) -> Self {
        Self { id, kind, transport: transport.into() }
    }
}

/// What the core knows as one link. Dropping it ends its tasks and closes its socket.
#[derive(Debug)]
enum Stream {
    Dialing(#[expect(dead_code, reason = "ends when it is dropped")] Task<()>),
    Open(Link),
}

#[derive(Debug)]
pub(crate) struct Driver<'e, A> {
    node: Node,
    app: A,
    clock: Clock,
    zones: Vec<ZoneLinks>,
    streams: HashMap<ConnId, Stream>,
    inbox: Sender<Input>,
    handle: Handle,
    tasks: &'e Executor<'static>,
}

/// Whether the node goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Running,
    Stopped,
}

impl<'e, A: App> Driver<'e, A> {
    pub(crate) fn new(
        node: Node,
        app: A,
        clock: Clock,
        zones: Vec<ZoneLinks>,
        inbox: Sender<Input>,
        handle: Handle,
        tasks: &'e Executor<'static>,
    ) -> Self {
        Self { node, app, clock, zones, streams: HashMap::new(), inbox, handle, tasks }
    }

    /// Runs the node until it has stopped.
    pub(crate) async fn run(mut self, inbox: &Inbox) {
        let mut timer = Timer::never();
        let mut handled = 0;
        while self.act() == Progress::Running {
            match self.node.poll_timeout() {
                Some(at) => timer.set_after(at.saturating_since(self.clock.now())),
                None => timer = Timer::never(),
            }
            let due = async {
                (&mut timer).await;
                None
            };
            let input = or(async { inbox.next().await.ok() }, due).await;
            // first, so that no kind of input can hold up what is due
            self.node.handle_timeout(self.clock.now());
            if let Some(input) = input {
                self.take_in(input);
            }
            handled = (handled + 1) % BATCH;
            if handled == 0 {
                yield_now().await;
            }
        }
    }

    /// Does all that the node asks for.
    fn act(&mut self) -> Progress {
        let mut progress = Progress::Running;
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Dial { conn, zone, addr, isolation } => self.dial(conn, zone, addr, isolation),
                Output::Transmit(conn) => self.flush(conn),
                Output::Resume(conn) => self.grant(conn),
                Output::Close { conn, .. } => drop(self.streams.remove(&conn)),
                Output::Event(event) => {
                    if matches!(event, Event::Stopped) {
                        progress = Progress::Stopped;
                    }
                    self.app.event(&mut self.node, self.clock.now(), event, &self.handle);
                }
                _ => tracing::error!("the node wants something that this runtime does not know"),
            }
        }
        progress
    }

    fn take_in(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Incoming { zone, from, opened } => {
                // an error drops the socket, which is all there is to do
                if let Ok(conn) = self.node.accept(now, zone, from) {
                    self.adopt(conn, opened);
                }
            }
            Input::Dialed(conn, opened) => self.dialed(conn, opened),
            Input::DialFailed(conn, failure) => self.dial_failed(conn, &failure),
            Input::Data(conn, received) => {
                let alive = self.node.handle_data(now, conn, received.bytes()).is_ok();
                if let (true, Some(link)) = (alive, self.link(conn)) {
                    link.consumed(received);
                    self.grant(conn);
                }
            }
            Input::Wrote(conn, buffer) => {
                if let Ok(mut outgoing) = self.node.outgoing(conn) {
                    outgoing.advance(buffer.len());
                }
                if let Some(link) = self.link(conn) {
                    link.wrote(buffer);
                    self.flush(conn);
                }
            }
            Input::Unwritable(conn) => {
                if self.link(conn).is_some_and(|link| !link.is_reading()) {
                    self.gone(conn);
                }
            }
            Input::Gone(conn) => self.gone(conn),
            Input::Call(call) => call(&mut self.node, now),
        }
    }

    fn dial(&mut self, conn: ConnId, zone: ZoneId, addr: Addr, isolation: Isolation) {
        let Some(found) = self.zones.get(zone.index()) else {
            return self.node.handle_dial_failed(self.clock.now(), conn, DialFailure::HostUnreachable);
        };
        let (kind, transport, inbox) = (found.kind, found.transport.clone(), self.inbox.clone());
        let task = self.tasks.spawn(async move {
            let input = match dial::open(&transport, &addr, isolation).await {
                Ok(opened) => Input::Dialed(conn, opened),
                Err(failure) => {
                    tracing::debug!("{kind}: no stream to {}: {} {:?}", addr.reveal(), failure.why, failure.cause);
                    Input::DialFailed(conn, failure)
                }
            };
            // fails only if the driver is gone, and this task with it
            let _ = inbox.send(input).await;
        });
        self.streams.insert(conn, Stream::Dialing(task));
    }

    fn dialed(&mut self, conn: ConnId, opened: Opened) {
        // a stream that was called off meanwhile is dropped
        if !self.is_dialing(conn) {
            return;
        }
        match self.node.handle_dialed(self.clock.now(), conn) {
            Ok(()) => self.adopt(conn, opened),
            Err(_) => drop(self.streams.remove(&conn)),
        }
    }

    fn dial_failed(&mut self, conn: ConnId, failure: &Failure) {
        if !self.is_dialing(conn) {
            return;
        }
        self.streams.remove(&conn);
        self.node.handle_dial_failed(self.clock.now(), conn, failure.why);
    }

    fn adopt(&mut self, conn: ConnId, opened: Opened) {
        let link = Link::adopt(self.tasks, &self.inbox, conn, opened);
        self.streams.insert(conn, Stream::Open(link));
        self.grant(conn);
    }

    fn grant(&mut self, conn: ConnId) {
        let window = self.node.recv_window(conn);
        if let Some(link) = self.link(conn) {
            link.grant(window);
        }
    }

    fn flush(&mut self, conn: ConnId) {
        let Some(Stream::Open(link)) = self.streams.get_mut(&conn) else { return };
        if let Ok(outgoing) = self.node.outgoing(conn) {
            link.write(outgoing.chunk());
        }
    }

    fn gone(&mut self, conn: ConnId) {
        self.streams.remove(&conn);
        self.node.handle_closed(self.clock.now(), conn);
    }

    fn link(&mut self, conn: ConnId) -> Option<&mut Link> {
        match self.streams.get_mut(&conn)? {
            Stream::Open(link) => Some(link),
            Stream::Dialing(_) => None,
        }
    }

    /// Whether a dial is still wanted.
    fn is_dialing(&self, conn: ConnId) -> bool {
        matches!(self.streams.get(&conn), Some(Stream::Dialing(_)))
    }
}
