//! Who the node meets: nodes behind hidden services, a public one, and taps on the way to each.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anonet_core::{Event, Instant, Node, Verdict, ZoneConfig, ZoneKind};
use anonet_smol::clock::Clock;
use anonet_smol::driver::{App, Listener, Preface, Service, Transport, start};
use anonet_smol::handle::Handle;
use anonet_tests::lab::{Wiretap, contains_part};
use smol::Executor;
use smol::channel::{Receiver, Sender, bounded};

use super::minted::numbers_in;
use crate::common::{tx1_hex, unhex};
use crate::support::proxy::{Pace, Proxy, Route};
use crate::support::{ONIONS, config};

/// What the nodes were given.
#[derive(Default)]
struct Given(Mutex<BTreeSet<Vec<u8>>>);

/// Notes what its node is given.
struct Recipient {
    given: Arc<Given>,
    arrival: Sender<()>,
}

impl App for Recipient {
    fn event(&mut self, node: &mut Node, now: Instant, event: Event, _handle: &Handle) {
        if let Event::Tx { ticket, blob, .. } = event {
            self.given.0.lock().unwrap().insert(blob.to_vec());
            // the ticket is fresh, and who has been told of an arrival need not be told again
            let _ = node.resolve_tx(now, ticket, Verdict::Forget);
            let _ = self.arrival.try_send(());
        }
    }
}

/// The line to one node.
struct Line {
    tap: Wiretap,
    heard: usize,
}

/// All of them. They live as long as this.
pub(crate) struct Cast {
    given: Arc<Given>,
    arrivals: Receiver<()>,
    hidden: Vec<Line>,
    public: Line,
    proxy: u16,
    stop: Sender<()>,
    stage: Option<JoinHandle<bool>>,
}

impl Cast {
    pub(crate) fn start() -> Self {
        let (given, (arrival, arrivals), (stop, stopped)) = (Arc::<Given>::default(), bounded(1), bounded(1));
        let executor: Executor<'static> = Executor::new();
        let node = |kind| {
            let recipient = Recipient { given: given.clone(), arrival: arrival.clone() };
            Line { tap: Wiretap::before(open_node(&executor, kind, recipient)), heard: 0 }
        };
        let hidden: Vec<Line> = ONIONS.iter().map(|_| node(ZoneKind::Tor)).collect();
        let public = node(ZoneKind::Public);
        let ways = ONIONS.iter().zip(&hidden);
        let routes: Vec<_> = ways.map(|(&onion, line)| (onion, Route::To(([127, 0, 0, 1], line.tap.port()).into()))).collect();
        let proxy = smol::block_on(executor.run(Proxy::start(&executor, Pace::AtOnce, &routes))).addr.port();
        let stage = thread::spawn(move || smol::block_on(async { executor.run(stopped.recv()).await.is_ok() }));
        Self { given, arrivals, hidden, public, proxy, stop, stage: Some(stage) }
    }

    /// The options by which a node knows them all.
    pub(crate) fn options(&self) -> Vec<String> {
        let mut options = vec!["--proxy".to_owned(), format!("tor,127.0.0.1:{}", self.proxy)];
        let public = format!("127.0.0.1:{}", self.public.tap.port());
        let names = ONIONS.iter().map(|onion| format!("{onion}:18083")).chain([public]);
        options.extend(names.flat_map(|name| ["--add-priority-node".to_owned(), name]));
        options
    }

    /// Waits until some node is given a transaction, or for so long.
    pub(crate) fn arrival_within(&self, span: Duration) {
        let _ = self.arrivals.try_recv();
        let late = async {
            async_io::Timer::after(span).await;
            Err(smol::channel::RecvError)
        };
        let _ = smol::block_on(smol::future::or(self.arrivals.recv(), late));
    }

    /// Once the process that dialled is dead: what it told each host since this was asked last. Checks that it told the public
    /// one nothing.
    pub(crate) fn overhear(&mut self) -> Vec<(&'static str, Vec<u64>)> {
        let lines = || self.hidden.iter().chain([&self.public]);
        while lines().any(|line| line.tap.speaking() > 0) {
            thread::sleep(Duration::from_millis(1));
        }
        let bytes = self.public.further();
        let leaked = contains_part(&bytes, &unhex(&tx1_hex())) || !numbers_in(&bytes).is_empty();
        assert!(!leaked, "a part of a transaction went over a public link");
        let hosts = ONIONS.into_iter().zip(&mut self.hidden);
        hosts.map(|(host, line)| (host, numbers_in(&line.further()))).collect()
    }

    /// The transactions that came whole to some node so far, by number.
    pub(crate) fn delivered(&self) -> BTreeSet<u64> {
        self.given.0.lock().unwrap().iter().flat_map(|blob| numbers_in(blob)).collect()
    }
}

impl Line {
    fn further(&mut self) -> Vec<u8> {
        let bytes = self.tap.heard_since(self.heard);
        self.heard += bytes.len();
        bytes
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        let _ = self.stop.try_send(());
        if let Some(stage) = self.stage.take() {
            let ended = stage.join();
            assert!(ended.is_ok() || thread::panicking(), "a task of the proxy or of a peer has panicked");
        }
    }
}

/// A node that takes what comes, and its port.
fn open_node(executor: &Executor<'static>, kind: ZoneKind, recipient: Recipient) -> u16 {
    let mut zone = ZoneConfig::new(kind);
    (zone.max_outgoing, zone.max_incoming) = (0, 1_000);
    let bind = ([127, 0, 0, 1], 0).into();
    let listeners = vec![Listener { zone: 0, bind, preface: Preface::None }];
    let service = Service { config: config(zone), transports: vec![Transport::None], listeners };
    start(executor, Clock::start(), service, recipient).unwrap().listening()[0].port()
}
