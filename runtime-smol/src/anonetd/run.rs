//! `anonetd run`.

use std::sync::Arc;

use anonet_core::Durability;
use smol::Executor;
use smol::future::{or, pending};
use tracing::{error, info, warn};

use super::app::Observer;
use super::archive::Archive;
use super::args::StashStore;
use super::chain_clock::expected_height;
use super::control::ControlSocket;
use super::daemon::{Daemon, DaemonSetup, Place};
use super::data_dir::DataDir;
use super::exit::Failure;
use super::health;
use super::keeper::Keeper;
use super::late::Late;
use super::local_node::LocalNode;
use super::logging;
use super::own::OwnTxs;
use super::received::{self, Reader, ReceivedList};
use super::relay_policy;
use super::restore::{self, Found, Networks};
use super::rpc;
use super::run_args::RunArgs;
use super::seen::SeenList;
use super::settings::Settings;
use super::signals::Incoming;
use super::status::Reporter;
use super::troubles::Troubles;
use crate::clock::Clock;
use crate::driver;
use crate::store::{Store, StoreError};

/// Runs the node until it is asked to stop.
pub(super) fn run(args: RunArgs) -> Result<(), Failure> {
    let settings = Settings::new(&args).map_err(Failure::usage)?;
    let no_thread = |error| Failure::failed(format_args!("cannot start a thread for the log: {error}"));
    logging::start(logging::filter(&args.log_level).map_err(Failure::usage)?).map_err(no_thread)?;
    let dir = DataDir::new(args.data.data_dir).map_err(Failure::usage)?;
    let _lock = dir.lock().map_err(Failure::failed)?;
    let executor = Executor::new();
    smol::block_on(executor.run(serve(&executor, settings, &dir)))
}

async fn serve(executor: &Executor<'static>, settings: Settings, dir: &DataDir) -> Result<(), Failure> {
    let clock = Clock::start();
    let mut signals = Incoming::listen().map_err(|error| Failure::failed(format_args!("cannot listen to signals: {error}")))?;
    // everything that can be in use or damaged is taken before the first byte leaves
    let control = ControlSocket::bind(dir).map_err(Failure::failed)?;
    let wallets = match settings.rpc.clone() {
        Some(rpc) => {
            let (door, fingerprint) = rpc.tls.open(dir).map_err(Failure::failed)?;
            Some((rpc::bind(rpc.addr).await.map_err(Failure::failed)?, rpc, door, fingerprint))
        }
        None => None,
    };
    let store = match settings.stash {
        StashStore::Disk => Some(open_stash(dir, &settings).await.map_err(Failure::failed)?),
        StashStore::Memory => None,
    };
    let troubles = Troubles::default();
    let (archive, writer) = Archive::open(dir, troubles.clone()).await.map_err(Failure::failed)?;
    greet(&settings, dir);
    health::make_room(&settings.service.config);
    if let Some(fingerprint) = wallets.as_ref().and_then(|(_, _, _, fingerprint)| fingerprint.as_ref()) {
        info!("wallets know the certificate by --daemon-ssl-allowed-fingerprints {fingerprint}");
    }
    executor.spawn(writer.clone().run()).detach();
    let daemon = settings.daemon.as_ref().map(DaemonSetup::wallet_client);
    let node = Arc::new(start(executor, clock, settings, store, archive, troubles).await?);
    let handle = node.handle.clone();
    let wallet_calls = async {
        match &wallets {
            Some((listener, rpc, door, _)) => {
                rpc::serve_wallets(executor, listener, node.clone(), rpc.clone(), door, clock, daemon).await
            }
            None => pending().await,
        }
    };
    let calls = or(control.serve(executor, node.clone()), wallet_calls);
    let signal = async {
        signals.stop().await;
        Ok(())
    };
    let ended = async {
        or(calls, handle.stopped()).await;
        Err(Failure::failed("the node has stopped by itself: see the log, and start it again"))
    };
    or(signal, ended).await?;
    info!("stopping");
    // a second signal does not wait for links that still write
    or(handle.shutdown(), signals.stop()).await;
    writer.write().await;
    info!("stopped");
    Ok(())
}

async fn open_stash(dir: &DataDir, settings: &Settings) -> Result<Store, StoreError> {
    match settings.passphrase.clone() {
        Some(passphrase) => Store::open_sealed(dir.stash(), passphrase).await,
        None => Store::open(dir.stash()).await,
    }
}

/// Starts the node, with what the store holds.
async fn start(
    executor: &Executor<'static>,
    clock: Clock,
    settings: Settings,
    store: Option<Store>,
    archive: Archive,
    troubles: Troubles,
) -> Result<LocalNode, Failure> {
    let Settings { network, mut service, zones, stash: stash_store, bans, daemon, .. } = settings;
    service.config.expected_height = expected_height(network, clock.now());
    let networks = Networks::of(&service.config);
    let (limits, courier) = (service.config.limits, service.config.courier);
    let stored = match &store {
        Some(store) => restore::load(store, networks, clock.now(), limits.stash_lifetime, &troubles).await?,
        None => Found::default(),
    };
    service.config.durability = store.as_ref().map_or(Durability::Memory, |store| Durability::BeforeRelay(store.recipient_key()));
    let keeper = store.map(|store| Keeper::new(store, troubles.clone(), clock, limits.stash_lifetime));
    let counter = keeper.as_ref().map(Keeper::counter);
    let received = ReceivedList::new(limits);
    let (unread, arrivals) = received::channel();
    let (seen, own) = (SeenList::default(), OwnTxs::default());
    let observer =
        Observer::new(&zones, unread, keeper.as_ref().map(Keeper::changes), seen.clone()).with_archive(archive).with_bans(bans);
    let handle = driver::start(executor, clock, service, observer).map_err(Failure::failed)?;
    let daemon = daemon.map(Daemon::new);
    let desk = daemon.as_ref().map(|daemon| daemon.desk.clone());
    let reader = Reader { list: received.clone(), handle: handle.clone(), clock, desk };
    executor.spawn(reader.run(arrivals)).detach();
    let state = daemon.as_ref().map(|daemon| daemon.state.clone());
    if let Some(daemon) = daemon {
        let no_random = |error| Failure::failed(format_args!("the system gives no random numbers: {error}"));
        daemon.start(executor, &handle, received.clone(), clock).map_err(no_random)?;
    }
    let reporter = Reporter {
        network,
        zones,
        received,
        seen,
        own: own.clone(),
        daemon: state,
        stash_store,
        courier,
        troubles: troubles.clone(),
    };
    let watch = health::Watch { troubles, clock, network, handle: handle.clone(), changes: keeper.as_ref().map(Keeper::changes) };
    executor.spawn(watch.run()).detach();
    if let Some(keeper) = keeper {
        let (own, changes, troubles) = (own.clone(), keeper.changes(), reporter.troubles.clone());
        let late = Late { txs: stored.late, lifetime: limits.stash_lifetime, clock, own, changes, troubles };
        executor.spawn(late.settle(handle.clone())).detach();
        executor.spawn(keeper.run(handle.clone(), reporter.clone())).detach();
    }
    restore::restore(&handle, &own, stored.txs).await.map_err(Failure::failed)?;
    Ok(LocalNode { handle, reporter, counter })
}

/// What a reader of the log should know first.
fn greet(settings: &Settings, dir: &DataDir) {
    info!("anonetd {} on {}, data in {}", env!("CARGO_PKG_VERSION"), settings.network.name(), dir.path().display());
    let zones: Vec<&str> = settings.zones.iter().map(|zone| zone.kind.name()).collect();
    info!("networks: {}", zones.join(", "));
    for zone in settings.service.config.zones.iter().filter(|zone| zone.kind.is_anonymity() && zone.max_outgoing > 0) {
        info!("relay policy {} ({}): {}", zone.relay.name(), zone.kind, relay_policy::describe(zone.relay));
    }
    match &settings.rpc {
        Some(rpc) => {
            let login = if rpc.login.is_some() { ", with a login" } else { "" };
            info!("wallets: {}://{}{login}", rpc.tls.schemes(), rpc.addr);
        }
        None => info!("wallets: switched off"),
    }
    match settings.stash {
        StashStore::Disk if settings.passphrase.is_some() => info!("stash: on disk, sealed with your passphrase"),
        StashStore::Disk => info!("stash: on disk, not encrypted"),
        StashStore::Memory => info!("stash: in memory only, a stop loses own transactions that are not out"),
    }
    if settings.stash == StashStore::Memory && dir.stash().exists() {
        warn!("the stash on disk is left alone: own transactions in it stay there until a start with --stash disk");
    }
    match &settings.daemon {
        Some(daemon) => match daemon.address.place() {
            Place::Here => info!("daemon: on this machine"),
            Place::Hidden(_) => info!("daemon: behind a hidden service"),
            Place::Elsewhere => info!("daemon: on another machine, over TLS"),
        },
        None => info!("daemon: none, so that nothing of peers is relayed"),
    }
    if !settings.bans.is_empty() {
        info!("hosts and subnets on the ban list: {}", settings.bans.len());
    }
    for remark in &settings.remarks {
        match remark {
            remark if remark.is_error() => error!("{remark}"),
            remark if remark.is_harmless() => info!("{remark}"),
            remark => warn!("{remark}"),
        }
    }
}
