//! Nodes on loopback, and what they meet there.

pub(crate) mod proxy;

use std::time::Duration;

use anonet_core::{Addr, Config, Event, Instant, Network, Node, PeerRole, RelayPolicy, ZoneConfig, ZoneKind};
use anonet_smol::clock::Clock;
use anonet_smol::driver::{App, Listener, Preface, Service, SocksAuth, SocksProxy, Transport, start};
use anonet_smol::handle::Handle;
use smol::channel::{Receiver, Sender, bounded};
use smol::{Executor, Timer};

/// Names of hidden services, each a valid public key.
pub(crate) const ONIONS: [&str; 4] = [
    "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion",
    "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion",
    "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd.onion",
    "plowsofe6cleftfmk2raiw5h2x66atrik3nja4bfd3zrfa2hdlgworad.onion",
];

/// Runs a test on an executor of its own, and fails it if it hangs.
pub(crate) fn run(test: impl AsyncFnOnce(&Executor<'static>)) {
    let executor = Executor::new();
    let deadline = async {
        Timer::after(Duration::from_secs(30)).await;
        panic!("the test hangs");
    };
    smol::block_on(executor.run(smol::future::or(test(&executor), deadline)));
}

/// Keeps what a node says.
struct Recorder(Sender<Event>);

impl App for Recorder {
    fn event(&mut self, _node: &mut Node, _now: Instant, event: Event, _handle: &Handle) {
        // a test that has seen enough no longer listens
        let _ = self.0.try_send(event);
    }
}

/// A running node and what it said so far.
pub(crate) struct TestNode {
    pub(crate) handle: Handle,
    events: Receiver<Event>,
}

impl TestNode {
    pub(crate) fn start(executor: &Executor<'static>, config: Config, transport: Transport, listeners: usize) -> Self {
        Self::listening(executor, config, transport, &vec![Preface::None; listeners])
    }

    /// With one listener, behind which streams begin like this.
    pub(crate) fn start_behind(executor: &Executor<'static>, config: Config, transport: Transport, preface: Preface) -> Self {
        Self::listening(executor, config, transport, &[preface])
    }

    fn listening(executor: &Executor<'static>, config: Config, transport: Transport, prefaces: &[Preface]) -> Self {
        let (recorder, events) = bounded(4_096);
        let bind = "127.0.0.1:0".parse().unwrap();
        let listeners = prefaces.iter().map(|&preface| Listener { zone: 0, bind, preface }).collect();
        let service = Service { config, transports: vec![transport], listeners };
        let handle = start(executor, Clock::start(), service, Recorder(recorder)).unwrap();
        Self { handle, events }
    }

    /// Dials the services behind `proxy`.
    pub(crate) fn client(executor: &Executor<'static>, proxy: &proxy::Proxy, onions: &[&str]) -> Self {
        Self::start(executor, config(onion_peers(onions)), tor(proxy.addr), 0)
    }

    /// Accepts streams and dials nobody.
    pub(crate) fn service(executor: &Executor<'static>, kind: ZoneKind, listeners: usize) -> Self {
        let mut zone = ZoneConfig::new(kind);
        zone.max_outgoing = 0;
        zone.max_incoming = 1_000;
        Self::start(executor, config(zone), Transport::None, listeners)
    }

    /// Waits for an event and takes something from it.
    pub(crate) async fn until<T>(&self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let event = self.events.recv().await.expect("the node has stopped");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    pub(crate) async fn up(&self) {
        self.until(|event| matches!(event, Event::Up { .. }).then_some(())).await;
    }

    pub(crate) async fn next_tx(&self) -> Vec<u8> {
        self.until(|event| if let Event::Tx { blob, .. } = event { Some(blob.to_vec()) } else { None }).await
    }

    /// The transactions that came so far.
    pub(crate) fn txs_so_far(&self) -> usize {
        std::iter::from_fn(|| self.events.try_recv().ok()).filter(|event| matches!(event, Event::Tx { .. })).count()
    }

    /// Moves the node's time on, so that nobody waits for its delays.
    pub(crate) async fn skip(&self, span: Duration) {
        self.handle.call(move |node, now| node.handle_timeout(now + span)).await.unwrap();
    }
}

/// A zone that dials these hidden services.
pub(crate) fn onion_peers(onions: &[&str]) -> ZoneConfig {
    let mut zone = ZoneConfig::new(ZoneKind::Tor);
    zone.relay = RelayPolicy::Fluff;
    zone.peers = onions.iter().map(|onion| (Addr::parse(onion, 18_083).unwrap(), PeerRole::Priority)).collect();
    zone
}

pub(crate) fn config(zone: ZoneConfig) -> Config {
    let mut config = Config::new(Network::Regtest);
    config.zones.push(zone);
    config
}

pub(crate) fn tor(addr: std::net::SocketAddr) -> Transport {
    Transport::Socks(SocksProxy { addr, auth: SocksAuth::IsolationRequired })
}

/// Bytes that look random and differ by `seed`.
pub(crate) fn blob(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}
