//! Running a node: what it needs, and the one task that owns it.

mod inbox;
mod task;

use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;

use anonet_core::{Config, ConfigError, Event, Instant, Node, ZoneKind};
use chacha20::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};
use smol::Executor;
use smol::channel::bounded;
use thiserror::Error;

use self::inbox::Inbox;
pub(crate) use self::inbox::Input;
use self::task::{Driver, ZoneLinks};
use crate::clock::Clock;
pub use crate::dial::{SocksAuth, SocksProxy, Transport};
use crate::handle::Handle;
use crate::listen::{self, Listening};

/// What [`start`] runs.
#[derive(Debug)]
pub struct Service {
    /// The core's part.
    pub config: Config,
    /// How streams are opened, one for each zone of `config`, in that order; zones without one have [`Transport::None`].
    pub transports: Vec<Transport>,
    /// Where streams are accepted.
    pub listeners: Vec<Listener>,
}

/// A local address on which a zone's incoming streams arrive.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// The zone: its place in [`Config::zones`].
    pub zone: usize,
    /// The address; port 0 lets the system choose, see [`Handle::listening`].
    pub bind: SocketAddr,
    /// What comes before the peer's own bytes.
    pub preface: Preface,
}

/// What an accepted stream begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preface {
    /// The peer's bytes.
    #[default]
    None,
    /// Tor's line about the circuit (torrc: `HiddenServiceExportCircuitID haproxy`), without which a stream is dropped.
    /// A few streams may share a circuit.
    TorCircuit,
}

/// The application's side of a running node.
pub trait App {
    /// The node is there and has done nothing yet: the moment to give it back what an earlier run stored. Does nothing if
    /// not told otherwise.
    fn begin(&mut self, _node: &mut Node, _now: Instant) {}

    /// Something happened. Runs in the task that owns the node, between two inputs, so it may call the node directly,
    /// but must be short and must not block. It may give clones of `handle` to tasks and threads, which come back with
    /// [`Handle::call`]; waiting for such a call here would wait for ever.
    ///
    /// After [`Event::Stopped`] nothing more comes.
    fn event(&mut self, node: &mut Node, now: Instant, event: Event, handle: &Handle);
}

/// Why a node did not start. Nothing is left running.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The credentials for a zone's proxy do not fit into the protocol (RFC 1929).
    #[error(
        "the {0} zone's proxy credentials do not fit SOCKS5: give a user name of 1 to 255 bytes and a password of at most 255"
    )]
    Credentials(ZoneKind),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Entropy(getrandom::Error),
    /// A listener's address is taken, or is not one of this machine.
    #[error("cannot listen on {addr} ({error}): stop what else uses it, or choose another address")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// A zone that dials has no transport that leads to it.
    #[error("the {0} zone cannot be reached as configured: configure a proxy for it, or no outgoing links")]
    Transport(ZoneKind),
    /// A listener names a zone that is not configured.
    #[error("a listener is meant for zone {0}, which is not configured")]
    UnknownZone(usize),
}

/// Inputs that may wait for the driver. Each link has at most two under way, so tasks rarely wait for a place.
const INBOX: usize = 256;

/// Starts a node on `executor`: validates, binds every listener, and spawns the task that owns the node.
///
/// The node runs until [`Handle::shutdown`], or until `executor` is dropped; either way all its tasks and sockets end
/// with it.
///
/// # Errors
/// [`StartError`]: nothing was started.
pub fn start(
    executor: &Executor<'static>,
    clock: Clock,
    service: Service,
    app: impl App + Send + 'static,
) -> Result<Handle, StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(StartError::Entropy)?;
    start_drawing_from(executor, clock, service, app, Box::new(ChaCha20Rng::from_seed(seed)))
}

/// The same with these random numbers, for measurements that compare two runs with the same draws. For nothing else: who
/// can guess them can guess all that hides a transaction.
///
/// # Errors
/// As [`start`].
pub fn start_drawing_from(
    executor: &Executor<'static>,
    clock: Clock,
    service: Service,
    mut app: impl App + Send + 'static,
    rng: Box<dyn CryptoRng + Send>,
) -> Result<Handle, StartError> {
    validate(&service)?;
    let Service { config, transports, listeners } = service;
    let mut node = Node::new(config, rng, clock.now())?;
    let transports = transports.into_iter().chain(iter::repeat(Transport::None));
    let zones: Vec<_> =
        node.zones().zip(transports).map(|(zone, transport)| ZoneLinks::new(zone.id, zone.kind, transport)).collect();
    let (listening, addrs) = listen(&listeners, &zones)?;

    app.begin(&mut node, clock.now());
    let (sender, receiver) = bounded(INBOX);
    let (ends_with_task, stopped) = bounded(1);
    let handle = Handle::new(sender.clone(), stopped, addrs);
    let driving = handle.clone();
    let run = async move {
        // dropped last, when the sockets are closed
        let _ends_with_task = ends_with_task;
        let inbox = Inbox::new(receiver);
        let tasks = Executor::new();
        for listening in listening {
            tasks.spawn(listen::accept(listening, clock, sender.clone())).detach();
        }
        let driver = Driver::new(node, app, clock, zones, sender, driving, &tasks);
        tasks.run(driver.run(&inbox)).await;
    };
    executor.spawn(run).detach();
    Ok(handle)
}

fn validate(service: &Service) -> Result<(), StartError> {
    let zones = &service.config.zones;
    for (index, zone) in zones.iter().enumerate() {
        let transport = service.transports.get(index).unwrap_or(&Transport::None);
        if zone.max_outgoing > 0 && !transport.reaches(zone.kind) {
            return Err(StartError::Transport(zone.kind));
        }
        if let Transport::Socks(SocksProxy { auth: SocksAuth::Fixed { user, password }, .. }) = transport
            && (user.is_empty() || user.len() > 255 || password.len() > 255)
        {
            return Err(StartError::Credentials(zone.kind));
        }
    }
    match service.listeners.iter().find(|listener| listener.zone >= zones.len()) {
        Some(listener) => Err(StartError::UnknownZone(listener.zone)),
        None => Ok(()),
    }
}

fn listen(listeners: &[Listener], zones: &[ZoneLinks]) -> Result<(Vec<Listening>, Arc<[SocketAddr]>), StartError> {
    let mut listening = Vec::new();
    let mut addrs = Vec::new();
    for &Listener { zone, bind: addr, preface } in listeners {
        let (socket, bound) = listen::bind(addr).map_err(|error| StartError::Listen { addr, error })?;
        let zone = zones.get(zone).ok_or(StartError::UnknownZone(zone))?;
        listening.push(Listening { socket, zone: zone.id, kind: zone.kind, preface });
        addrs.push(bound);
    }
    Ok((listening, addrs.into()))
}
