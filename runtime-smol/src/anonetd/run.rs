//! `anonetd run`.

use std::sync::Arc;

use async_signal::{Signal, Signals};
use smol::Executor;
use smol::future::{or, pending};
use smol::stream::StreamExt;
use tracing::{info, warn};

use super::app::Observer;
use super::args::RunArgs;
use super::control::ControlSocket;
use super::data_dir::DataDir;
use super::exit::Failure;
use super::local_node::LocalNode;
use super::logging;
use super::received::{self, ReceivedList};
use super::relay_policy::FLUFF;
use super::rpc;
use super::settings::Settings;
use super::status::Reporter;
use crate::clock::Clock;
use crate::driver;

/// Runs the node until SIGTERM or SIGINT.
pub(super) fn run(args: RunArgs) -> Result<(), Failure> {
    let settings = Settings::new(&args).map_err(Failure::usage)?;
    logging::start(logging::filter(&args.log_level).map_err(Failure::usage)?);
    let dir = DataDir::new(args.data.data_dir).map_err(Failure::usage)?;
    let _lock = dir.lock().map_err(Failure::failed)?;
    let executor = Executor::new();
    smol::block_on(executor.run(serve(&executor, settings, &dir)))
}

async fn serve(executor: &Executor<'static>, settings: Settings, dir: &DataDir) -> Result<(), Failure> {
    let clock = Clock::start();
    let mut signals = Signals::new([Signal::Term, Signal::Int])
        .map_err(|error| Failure::failed(format_args!("cannot listen to signals: {error}")))?;
    // everything that can be in use is taken before the first byte leaves
    let control = ControlSocket::bind(dir).map_err(Failure::failed)?;
    let wallets = match settings.rpc {
        Some(addr) => Some(rpc::bind(addr).await.map_err(Failure::failed)?),
        None => None,
    };
    greet(&settings, dir);
    let Settings { network, service, zones, .. } = settings;
    let received = ReceivedList::new(service.config.limits);
    let (unread, arrivals) = received::channel();
    let observer = Observer::new(zones.iter().map(|zone| zone.kind), unread);
    let handle = driver::start(executor, clock, service, observer).map_err(Failure::failed)?;
    executor.spawn(received::read_arrivals(arrivals, received.clone(), handle.clone(), clock)).detach();

    let node = Arc::new(LocalNode { handle: handle.clone(), reporter: Reporter { network, zones, received } });
    let wallet_calls = async {
        match &wallets {
            Some(listener) => rpc::serve_wallets(executor, listener, node.clone(), clock.now()).await,
            None => pending().await,
        }
    };
    let calls = or(control.serve(executor, node.clone()), wallet_calls);
    let signal = async {
        signals.next().await;
        Ok(())
    };
    let ended = async {
        or(calls, handle.stopped()).await;
        Err(Failure::failed("the node has stopped by itself: see the log, and start it again"))
    };
    or(signal, ended).await?;
    info!("stopping");
    // a second signal does not wait for links that still write
    let impatient = async {
        signals.next().await;
    };
    or(handle.shutdown(), impatient).await;
    info!("stopped");
    Ok(())
}

/// What a reader of the log should know first.
fn greet(settings: &Settings, dir: &DataDir) {
    info!("anonetd {} on {}, data in {}", env!("CARGO_PKG_VERSION"), settings.network.name(), dir.path().display());
    let zones: Vec<&str> = settings.zones.iter().map(|zone| zone.kind.name()).collect();
    info!("networks: {}", zones.join(", "));
    info!("relay policy fluff: {FLUFF}");
    match settings.rpc {
        Some(addr) => info!("wallets: http://{addr}"),
        None => info!("wallets: switched off"),
    }
    for remark in &settings.remarks {
        if remark.is_harmless() { info!("{remark}") } else { warn!("{remark}") }
    }
}
