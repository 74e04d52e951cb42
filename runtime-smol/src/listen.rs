//! Accepting streams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anonet_core::{Addr, Instant, ZoneId, ZoneKind};
use async_io::Timer;
use bytes::Bytes;
use smol::Executor;
use smol::channel::{SendError, Sender};
use smol::lock::Semaphore;
use smol::net::{TcpListener, TcpStream};

use crate::clock::Clock;
use crate::descriptors::{self, Reserve};
use crate::dial::Opened;
use crate::driver::{Input, Preface};
use crate::proxy_protocol::{self, Circuits, NoCircuit};

/// Streams that one listener takes in a row, and per second in the long run. The system queues some more; what exceeds
/// that waits at the far end.
const BURST: u32 = 64;
const PERIOD: Duration = Duration::from_secs(1);

/// The pause after the system refused to hand out a stream, which mostly means that all descriptors are in use.
const PAUSE: Duration = Duration::from_millis(500);

/// Streams that the system keeps for a listener until they are accepted; the standard library's number.
const BACKLOG: i32 = 128;

/// How long a stream may take to say its circuit. The hidden-service daemon writes that at once.
const PREFACE_TIME: Duration = Duration::from_secs(5);

/// Streams of one listener that have not said their circuit yet; the others wait in the system.
const UNSAID: usize = 64;

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) socket: TcpListener,
    pub(crate) zone: ZoneId,
    pub(crate) kind: ZoneKind,
    pub(crate) preface: Preface,
}

/// Binds a listener, and says to which address. One for IPv6 leaves IPv4 to others, whatever the system's habit is.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = match addr {
        SocketAddr::V4(_) => std::net::TcpListener::bind(addr)?,
        SocketAddr::V6(_) => bind_ipv6(addr)?,
    };
    let bound = socket.local_addr()?;
    Ok((TcpListener::try_from(socket)?, bound))
}

/// As the standard library does it, and for IPv6 only.
fn bind_ipv6(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};
    let socket = socket(AddressFamily::INET6, SocketType::STREAM, None)?;
    rustix::io::ioctl_fioclex(&socket)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_ipv6_v6only(&socket, true)?;
    bind(&socket, &addr)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Hands every stream to the driver, until the driver is gone.
pub(crate) async fn accept(listening: Listening, clock: Clock, inbox: Sender<Input>) {
    let Listening { socket, zone, kind, preface } = listening;
    let unsaid = Arc::new(Semaphore::new(UNSAID));
    let door = Door { zone, kind, preface, inbox, unsaid, circuits: Circuits::default(), warned: Arc::default() };
    let readers = Executor::new();
    readers.run(open_door(&socket, &door, &readers, clock)).await;
}

async fn open_door(socket: &TcpListener, door: &Door, readers: &Executor<'static>, clock: Clock) {
    let kind = door.kind;
    let mut pace = Pace::new(clock.now());
    let mut failing = false;
    loop {
        match socket.accept().await {
            Ok((stream, _)) if !descriptors::leaves(&stream, Reserve::Arrivals) => {
                tracing::debug!("{kind}: a stream is dropped, as file descriptors run out");
            }
            Ok((stream, far_end)) => {
                failing = false;
                if door.take_in(stream, far_end, readers).await.is_err() {
                    return;
                }
            }
            // the far end has left before its turn came
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("{kind}: cannot accept streams ({error}): raise the limit of open files if it is reached");
                }
                Timer::after(PAUSE).await;
            }
        }
        if let Some(rest) = pace.rest(clock.now()) {
            Timer::after(rest).await;
        }
    }
}

/// What happens to a stream between the socket and the driver. Clones share the counts.
#[derive(Clone)]
struct Door {
    zone: ZoneId,
    kind: ZoneKind,
    preface: Preface,
    inbox: Sender<Input>,
    unsaid: Arc<Semaphore>,
    circuits: Circuits,
    /// Whether the log has said that streams lack their line.
    warned: Arc<AtomicBool>,
}

impl Door {
    /// An error says that the driver is gone.
    async fn take_in(&self, stream: TcpStream, far_end: SocketAddr, readers: &Executor<'static>) -> Result<(), SendError<Input>> {
        if self.preface == Preface::TorCircuit {
            let place = self.unsaid.acquire_arc().await;
            let door = self.clone();
            let read = async move {
                door.read_circuit(stream).await;
                drop(place);
            };
            readers.spawn(read).detach();
            return Ok(());
        }
        // a hidden service's streams all come from its daemon
        let from = (!self.kind.is_anonymity()).then(|| Addr::from(far_end));
        let opened = Opened { stream, early: Bytes::new(), circuit: None };
        self.inbox.send(Input::Incoming { zone: self.zone, from, opened }).await
    }

    /// Drops a stream whose circuit is not said in time, or has enough streams.
    async fn read_circuit(&self, mut stream: TcpStream) {
        let kind = self.kind;
        let (id, early) = match proxy_protocol::read(&mut stream, Timer::after(PREFACE_TIME)).await {
            Ok(found) => found,
            Err(error) if error == NoCircuit::OtherBytes && !self.warned.swap(true, Ordering::Relaxed) => {
                return tracing::warn!(
                    "{kind}: a stream is dropped, as {error}: set that in torrc, or remove haproxy from --anonymous-inbound"
                );
            }
            Err(error) => return tracing::debug!("{kind}: a stream is dropped, as {error}"),
        };
        let Some(slot) = self.circuits.enter(id) else {
            return tracing::debug!("{kind}: a stream is dropped, as its circuit has enough of them");
        };
        let opened = Opened { stream, early, circuit: Some(slot) };
        // fails only if the driver is gone, and this task with it
        let _ = self.inbox.send(Input::Incoming { zone: self.zone, from: None, opened }).await;
    }
}

/// Counts streams against [`BURST`].
#[derive(Debug)]
struct Pace {
    left: u32,
    since: Instant,
}

impl Pace {
    const fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// Counts one stream; says how long to wait for the next, if the period's share is used up.
    fn rest(&mut self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_since(self.since);
        if passed >= PERIOD {
            *self = Self::new(now);
        }
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        let end = self.since + PERIOD;
        *self = Self::new(end);
        Some(end.saturating_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_and_ipv6_share_a_port() {
        smol::block_on(async {
            let (_ipv4, at) = bind("0.0.0.0:0".parse().unwrap()).unwrap();
            let any = SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), at.port());
            match bind(any) {
                Ok((_ipv6, bound)) => assert_eq!(bound, any),
                // a machine without IPv6
                Err(error) => assert_ne!(error.kind(), io::ErrorKind::AddrInUse, "{error}"),
            }
        });
    }

    #[test]
    fn only_so_many_streams_may_keep_their_circuit_to_themselves_at_once() {
        use smol::future::or;
        use smol::io::AsyncWriteExt;
        const LINE: &[u8] = b"PROXY TCP6 fc00:dead:beef:4dad::1:2c ::1 65535 42\r\n";
        smol::block_on(async {
            let (socket, at) = bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let mut config = anonet_core::Config::new(anonet_core::Network::Regtest);
            config.zones.push(anonet_core::ZoneConfig::new(ZoneKind::Tor));
            let zone = config.zone_id(0).unwrap();
            let listening = Listening { socket, zone, kind: ZoneKind::Tor, preface: Preface::TorCircuit };
            let (inbox, arrivals) = smol::channel::bounded(8);
            let story = async {
                let arrives = async |within: u64| {
                    let late = async {
                        Timer::after(Duration::from_millis(within)).await;
                        false
                    };
                    or(async { arrivals.recv().await.is_ok() }, late).await
                };
                let open = async || TcpStream::connect(at).await.unwrap();
                let mut silent = Vec::new();
                for _ in 1..UNSAID {
                    silent.push(open().await);
                }
                let mut last = open().await;
                last.write_all(LINE).await.unwrap();
                assert!(arrives(3_000).await, "at the limit");
                silent.push(open().await);
                let mut further = open().await;
                further.write_all(LINE).await.unwrap();
                // longer than a period, and far less than a stream has for its line
                assert!(!arrives(1_500).await, "past it");
                silent.pop();
                assert!(arrives(1_500).await, "once another has left");
            };
            or(story, accept(listening, Clock::start(), inbox)).await;
        });
    }

    #[test]
    fn a_burst_is_free_and_the_next_waits_for_the_period_to_end() {
        let start = Instant::from_micros(0);
        let mut pace = Pace::new(start);
        assert!((1..BURST).all(|_| pace.rest(start).is_none()));
        let soon = start + Duration::from_millis(400);
        assert_eq!(pace.rest(soon), Some(Duration::from_millis(600)));
        let next = start + PERIOD;
        assert!((1..BURST).all(|_| pace.rest(next).is_none()));
        assert_eq!(pace.rest(next), Some(PERIOD));
    }

    #[test]
    fn an_idle_listener_has_its_whole_burst_again() {
        let start = Instant::from_micros(0);
        let mut pace = Pace::new(start);
        assert!((1..BURST).all(|_| pace.rest(start).is_none()));
        let later = start + Duration::from_secs(60);
        assert!((1..BURST).all(|_| pace.rest(later).is_none()));
        assert_eq!(pace.rest(later), Some(PERIOD));
    }
}
