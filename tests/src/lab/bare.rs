//! A bare core node on real sockets, for what the program has no option for: one zone, one listener, one thread
//! that drives it and one for each stream that reads.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use anonet_core::levin::{Decoder, FrameLimits};
use anonet_core::{Addr, CloseReason, Config, ConnId, DialFailure, Event, Instant, Node, Output, ZoneKind};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

type Call = Box<dyn FnOnce(&mut Node, Instant) + Send>;

enum Input {
    Incoming(TcpStream),
    Data(ConnId, Vec<u8>),
    Gone(ConnId),
    Call(Call),
    Stop,
}

/// A node that runs until it is dropped.
#[derive(Debug)]
pub struct BareNode {
    inputs: Sender<Input>,
    driver: Option<JoinHandle<()>>,
    /// Where it listens.
    pub port: u16,
    events: Receiver<Event>,
    seen: Vec<Event>,
    commands: Receiver<u32>,
    heard: BTreeSet<u32>,
}

impl BareNode {
    /// Starts a node with the zones of `config`, the first of which listens on loopback.
    ///
    /// # Panics
    ///
    /// When it cannot listen, or the configuration is refused.
    #[must_use]
    pub fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        Self::on(listener, port, config)
    }

    fn on(listener: TcpListener, port: u16, config: Config) -> Self {
        let (inputs, received) = channel();
        let (told, events) = channel();
        let (tell_commands, commands) = channel();
        let incoming = inputs.clone();
        spawn(move || {
            for stream in listener.incoming().flatten() {
                if incoming.send(Input::Incoming(stream)).is_err() {
                    break;
                }
            }
        });
        let readers = inputs.clone();
        let driver = spawn(move || Driver::new(config, readers, told, tell_commands).run(&received));
        Self { inputs, driver: Some(driver), port, events, seen: Vec::new(), commands, heard: BTreeSet::new() }
    }

    /// Calls the node and waits for the answer.
    ///
    /// # Panics
    ///
    /// When the node's thread has ended.
    pub fn call<R: Send + 'static>(&self, call: impl FnOnce(&mut Node, Instant) -> R + Send + 'static) -> R {
        let (answer, answered) = channel();
        let call = Box::new(move |node: &mut Node, now: Instant| drop(answer.send(call(node, now))));
        self.inputs.send(Input::Call(call)).expect("the node runs");
        answered.recv().expect("the node answers")
    }

    /// All that the node has said so far.
    pub fn events(&mut self) -> &[Event] {
        self.seen.extend(self.events.try_iter());
        &self.seen
    }

    /// The commands of all frames that peers have sent so far.
    pub fn heard(&mut self) -> &BTreeSet<u32> {
        self.heard.extend(self.commands.try_iter());
        &self.heard
    }

    /// Why links have ended so far.
    pub fn ends(&mut self) -> Vec<CloseReason> {
        let ends = self.events().iter().filter_map(|event| match event {
            Event::Down { reason, .. } => Some(*reason),
            _ => None,
        });
        ends.collect()
    }
}

impl Drop for BareNode {
    fn drop(&mut self) {
        let _ = self.inputs.send(Input::Stop);
        // the listener's thread ends with the next stream
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(driver) = self.driver.take() {
            let _ = driver.join();
        }
    }
}

struct Driver {
    node: Node,
    start: std::time::Instant,
    readers: Sender<Input>,
    streams: HashMap<ConnId, TcpStream>,
    decoders: HashMap<ConnId, Decoder>,
    told: Sender<Event>,
    commands: Sender<u32>,
}

impl Driver {
    fn new(config: Config, readers: Sender<Input>, told: Sender<Event>, commands: Sender<u32>) -> Self {
        let rng = Box::new(ChaCha20Rng::from_seed([17; 32]));
        let node = Node::new(config, rng, EPOCH).expect("the configuration is sound");
        Self { node, start: super::now(), readers, streams: HashMap::new(), decoders: HashMap::new(), told, commands }
    }

    fn now(&self) -> Instant {
        EPOCH + self.start.elapsed()
    }

    fn run(mut self, inputs: &Receiver<Input>) {
        loop {
            self.drain();
            let wait = self.node.poll_timeout().map_or(Duration::from_secs(60), |at| at.saturating_since(self.now()));
            let input = inputs.recv_timeout(wait);
            let now = self.now();
            match input {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => self.node.handle_timeout(now),
                Ok(Input::Call(call)) => call(&mut self.node, now),
                Ok(Input::Gone(conn)) => self.node.handle_closed(now, conn),
                Ok(Input::Data(conn, bytes)) => {
                    self.note_commands(conn, &bytes);
                    let _ = self.node.handle_data(now, conn, &bytes);
                }
                Ok(Input::Incoming(stream)) => {
                    let from = stream.peer_addr().ok().map(Addr::from);
                    let zone = self.node.zones().next().expect("there is a zone").id;
                    // behind a hidden service nobody knows the far end
                    let public = self.node.zones().next().is_some_and(|zone| zone.kind == ZoneKind::Public);
                    if let Ok(conn) = self.node.accept(now, zone, from.filter(|_| public)) {
                        self.take(conn, stream);
                    }
                }
            }
        }
    }

    fn note_commands(&mut self, conn: ConnId, mut data: &[u8]) {
        let decoder = self.decoders.entry(conn).or_default();
        while let Ok((consumed, Some(frame))) = decoder.feed(data, &FrameLimits::public()) {
            let _ = self.commands.send(frame.command);
            data = &data[consumed..];
        }
    }

    fn take(&mut self, conn: ConnId, mut stream: TcpStream) {
        self.streams.insert(conn, stream.try_clone().expect("a handle can be cloned"));
        let inputs = self.readers.clone();
        spawn(move || {
            let mut chunk = [0; 16 << 10];
            loop {
                let input = match stream.read(&mut chunk) {
                    Ok(0) | Err(_) => Input::Gone(conn),
                    Ok(length) => Input::Data(conn, chunk[..length].to_vec()),
                };
                let over = matches!(input, Input::Gone(_));
                if inputs.send(input).is_err() || over {
                    return;
                }
            }
        });
    }

    fn drain(&mut self) {
        while let Some(output) = self.node.poll_output() {
            let now = self.now();
            match output {
                Output::Dial { conn, addr, .. } => {
                    let addr: Option<SocketAddr> = addr.reveal().to_string().parse().ok();
                    let opened = addr.and_then(|addr| TcpStream::connect_timeout(&addr, Duration::from_secs(2)).ok());
                    match opened {
                        Some(stream) => {
                            if self.node.handle_dialed(now, conn).is_ok() {
                                self.take(conn, stream);
                            }
                        }
                        None => self.node.handle_dial_failed(now, conn, DialFailure::HostRefused),
                    }
                }
                Output::Transmit(conn) => {
                    let Some(stream) = self.streams.get_mut(&conn) else { continue };
                    while let Some(frame) = self.node.outgoing(conn).ok().and_then(|mut outgoing| outgoing.take_frame()) {
                        // a failure shows in the reading, too
                        let _ = stream.write_all(&frame);
                    }
                }
                Output::Close { conn, .. } => {
                    if let Some(stream) = self.streams.remove(&conn) {
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                }
                Output::Event(event) => drop(self.told.send(event)),
                _ => {}
            }
        }
    }
}

/// When such a node begins to count.
const EPOCH: Instant = Instant::from_micros(1_700_000_000_000_000);
