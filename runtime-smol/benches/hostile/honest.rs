//! Honest peers of the attacked node: those that it dials, and those that dial it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anonet_core::{Addr, Event, Instant as NodeInstant, LocalTx, Node, PeerRole, TxId, Verdict, ZoneKind};
use anonet_smol::clock::Clock;
use anonet_smol::driver::{App, Listener, Preface, Service, Transport, start_drawing_from};
use anonet_smol::handle::Handle;
use anonet_tests::world::cast::{addr, zone};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use smol::Executor;

use crate::support::proxy::{Pace, Proxy, Route};
use crate::support::{config, tor};

/// What honest transactions begin with.
const MARK: &[u8; 16] = b"anonet, honestly";

/// As long as most of a wallet's.
const SIZE: usize = 2_200;

/// The bytes of an honest transaction.
pub(crate) fn blob(number: u64) -> Vec<u8> {
    let mut blob = [&MARK[..], &number.to_le_bytes()].concat();
    blob.resize(SIZE, 7);
    blob
}

/// The number of an honest one.
pub(crate) fn number_of(blob: &[u8]) -> Option<u64> {
    let number = blob.strip_prefix(MARK)?.first_chunk()?;
    Some(u64::from_le_bytes(*number))
}

/// Something happened to a transaction at one of the nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    pub(crate) number: u64,
    pub(crate) at: Instant,
}

/// Nodes on a thread of their own.
pub(crate) struct Stage {
    executor: Arc<Executor<'static>>,
    thread: Option<JoinHandle<()>>,
    stop: smol::channel::Sender<()>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let executor = Arc::new(Executor::new());
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        let running = executor.clone();
        let thread = thread::spawn(move || {
            // an error says that it is over, too
            let _ = smol::block_on(running.run(stopped.recv()));
        });
        Self { executor, thread: Some(thread), stop }
    }

    /// Those that are dialled under these addresses, behind a proxy of which this is the port. They note what arrives.
    pub(crate) fn recipients(&self, addrs: &[Addr]) -> (u16, Receiver<Noted>) {
        let (arrived, arrivals) = channel();
        let mut routes = Vec::new();
        for (number, addr) in addrs.iter().enumerate() {
            let mut service = zone(ZoneKind::Tor, 0, &[]);
            (service.max_outgoing, service.max_incoming, service.own) = (0, 8, Vec::new());
            let listener = Listener { zone: 0, bind: ([127, 0, 0, 1], 0).into(), preface: Preface::None };
            let service = Service { config: config(service), transports: vec![Transport::None], listeners: vec![listener] };
            let handle = self.start(service, Noting { arrived: arrived.clone() }, 100 + number as u64);
            routes.push((host(addr), Route::To(handle.listening()[0])));
        }
        (self.proxy(&routes), arrivals)
    }

    /// So many that dial the node at this address; they note what they have written to it.
    pub(crate) fn visitors(&self, count: usize, at: SocketAddr, seed: u64) -> (Vec<Handle>, Receiver<Noted>) {
        let attacked = addr(ZoneKind::Tor, 99);
        let proxy = SocketAddr::from(([127, 0, 0, 1], self.proxy(&[(host(&attacked), Route::To(at))])));
        let (wrote, written) = channel();
        let visitors = (0..count).map(|number| {
            let mut visitor = zone(ZoneKind::Tor, 0, &[]);
            (visitor.own, visitor.peers) = (Vec::new(), vec![(attacked.clone(), PeerRole::Priority)]);
            let service = Service { config: config(visitor), transports: vec![tor(proxy)], listeners: Vec::new() };
            self.start(service, Noting { arrived: wrote.clone() }, seed << 32 | number as u64)
        });
        (visitors.collect(), written)
    }

    fn start(&self, service: Service, app: Noting, seed: u64) -> Handle {
        let rng = Box::new(ChaCha20Rng::seed_from_u64(seed));
        start_drawing_from(&self.executor, Clock::start(), service, app, rng).unwrap()
    }

    fn proxy(&self, routes: &[(String, Route)]) -> u16 {
        let routes: Vec<(&str, Route)> = routes.iter().map(|(host, route)| (&**host, route.clone())).collect();
        smol::block_on(Proxy::start(&self.executor, Pace::AtOnce, &routes)).addr.port()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // the nodes end with their executor
        self.stop.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Hands a transaction to a node as its user does.
pub(crate) fn submit(handle: &Handle, number: u64) {
    let blob = blob(number);
    let id = TxId::new(blob[..32].try_into().unwrap());
    smol::block_on(handle.submit(id, LocalTx::new(blob.into()).unwrap())).unwrap();
}

/// Notes when a transaction arrives, or was written to the one link.
struct Noting {
    arrived: Sender<Noted>,
}

impl App for Noting {
    fn event(&mut self, node: &mut Node, now: NodeInstant, event: Event, _handle: &Handle) {
        let number = match event {
            Event::Tx { ticket, blob, .. } => {
                // the ticket is fresh
                let _ = node.resolve_tx(now, ticket, Verdict::Forget);
                number_of(&blob)
            }
            Event::Handed { id, .. } => number_of(id.as_bytes()),
            _ => None,
        };
        if let Some(number) = number {
            // who has seen enough no longer listens
            let _ = self.arrived.send(Noted { number, at: Instant::now() });
        }
    }
}

fn host(addr: &Addr) -> String {
    let name = addr.reveal().to_string();
    name.split(':').next().unwrap_or(&name).to_owned()
}
