//! Whether the configured peers answer a handshake.

use std::time::Duration;

use anonet_core::{CloseReason, Config, Event, Instant, Network, Node, PeerRole, RelayPolicy, ZoneConfig};
use async_io::Timer;
use smol::Executor;
use smol::channel::{Sender, bounded};
use smol::future::or;
use smol::lock::Semaphore;

use super::Finding;
use crate::clock::Clock;
use crate::driver::{self, App, Service, Transport};
use crate::handle::Handle;

/// Longer than the core waits for a dial and for a handshake.
const PATIENCE: Duration = Duration::from_secs(180);

/// Peers that are dialled at once.
const AT_ONCE: usize = 32;

/// Dials each configured peer once, side by side.
pub(super) async fn find(executor: &Executor<'static>, clock: Clock, service: &Service) -> Vec<Finding> {
    let places = Semaphore::new(AT_ONCE);
    let mut dials = Vec::new();
    for (zone, transport) in service.config.zones.iter().zip(&service.transports) {
        let dialled = zone.peers.iter().filter(|_| zone.max_outgoing > 0);
        for (addr, _) in dialled {
            let mut alone = ZoneConfig::new(zone.kind);
            // one link is all that is wanted
            alone.relay = RelayPolicy::Fluff;
            alone.isolation = zone.isolation;
            alone.max_outgoing = 1;
            // nobody that this one tells of
            alone.peers = vec![(addr.clone(), PeerRole::Exclusive)];
            let subject = format!("peer {}", addr.reveal());
            dials.push((subject, alone, transport.clone()));
        }
    }
    let network = service.config.network;
    let tasks: Vec<_> = dials
        .into_iter()
        .map(|(subject, zone, transport)| async {
            let _place = places.acquire().await;
            match dial(executor, clock, network, zone, transport).await {
                Ok(()) => Finding::ok(subject, "it answers as a Monero node"),
                Err(why) => Finding::error(subject, why),
            }
        })
        .collect();
    let waiting = Executor::new();
    let tasks: Vec<_> = tasks.into_iter().map(|task| waiting.spawn(task)).collect();
    waiting
        .run(async {
            let mut findings = Vec::new();
            for task in tasks {
                findings.push(task.await);
            }
            findings
        })
        .await
}

/// Runs a node that knows nobody else, until its one link is up or has failed.
async fn dial(
    executor: &Executor<'static>,
    clock: Clock,
    network: Network,
    zone: ZoneConfig,
    transport: Transport,
) -> Result<(), String> {
    let mut config = Config::new(network);
    config.zones.push(zone);
    let service = Service { config, transports: vec![transport], listeners: Vec::new() };
    let (outcome, found) = bounded(1);
    let handle = driver::start(executor, clock, service, First(outcome)).map_err(|error| error.to_string())?;
    let answer = async { found.recv().await.ok() };
    let late = async {
        Timer::after(PATIENCE).await;
        None
    };
    let found = or(answer, late).await;
    handle.shutdown().await;
    match found {
        Some(None) => Ok(()),
        Some(Some(reason)) => Err(format!("{reason}: see that it runs and that its address is right")),
        None => Err("it did not answer in time: see that it runs and that its address is right".into()),
    }
}

/// Reports the first thing that happens to a link: `None` if it is up.
struct First(Sender<Option<CloseReason>>);

impl App for First {
    fn event(&mut self, _node: &mut Node, _now: Instant, event: Event, _handle: &Handle) {
        let outcome = match event {
            Event::Up { .. } => None,
            Event::Down { reason, .. } => Some(reason),
            _ => return,
        };
        // only the first counts
        let _ = self.0.try_send(outcome);
    }
}
