//! The user's own monerod: it says what transactions of peers are worth, what its chain is, and whether own transactions
//! have spread.
//!
//! `watch` looks at it, `verdicts` asks it about transactions of peers, both through one `client`; `state` keeps what
//! `status` shows. A daemon that is down, busy or foreign stops nothing: what needs it waits.

mod address;
mod chance;
mod client;
mod direct;
#[cfg(test)]
mod fake;
mod flow;
mod introduced;
mod queue;
mod rpc;
mod scan;
mod state;
mod verdicts;
mod watch;
mod way;

use std::sync::Arc;

use anonet_core::{Limits, Network, TxId};
use smol::Executor;
use smol::channel::bounded;

pub(super) use self::address::{DaemonAddress, DaemonAddressError, Place};
use self::chance::Chance;
pub(super) use self::client::{CallError, HttpClient};
pub(super) use self::direct::{Direct, Taken};
pub(super) use self::flow::Flow;
use self::introduced::Introduced;
pub(super) use self::queue::{Job, Pace};
use self::scan::Scan;
pub(super) use self::state::{Chain, DaemonEntry, DaemonState, Standing};
pub(super) use self::verdicts::Desk;
use self::verdicts::{ASKERS, Verdicts, ask};
use self::watch::Watch;
pub(super) use self::way::{NoWay, Purpose, Way};
use super::received::ReceivedList;
use crate::clock::Clock;
use crate::handle::Handle;

/// A daemon that is to be used, and how.
#[derive(Debug)]
pub(super) struct DaemonSetup {
    pub(super) address: DaemonAddress,
    pub(super) way: Way,
    pub(super) network: Network,
    pub(super) limits: Limits,
    /// Whether the node has public links of its own.
    pub(super) relays: bool,
}

impl DaemonSetup {
    /// What asks it on behalf of wallets, apart from what the node asks.
    pub(super) fn wallet_client(&self) -> HttpClient {
        HttpClient::new(self.way.clone(), self.address.host.clone()).for_wallets()
    }

    /// Asks it once how it is.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) async fn ask(&self) -> Result<Standing, String> {
        let client = HttpClient::new(self.way.clone(), self.address.host.clone());
        let info = client.info().await.map_err(|error| error.to_string())?;
        Ok(watch::standing(&info, self.network))
    }
}

/// The daemon before the node that asks it has started.
#[derive(Debug)]
pub(super) struct Daemon {
    setup: DaemonSetup,
    pub(super) state: DaemonState,
    pub(super) desk: Desk,
    messages: smol::channel::Receiver<verdicts::Message>,
}

impl Daemon {
    pub(super) fn new(setup: DaemonSetup) -> Self {
        let state = DaemonState::new(setup.address.reveal());
        let (desk, messages) = Desk::new();
        Self { setup, state, desk, messages }
    }

    /// Starts to look and to ask, for as long as the node and the executor live.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn start(
        self,
        executor: &Executor<'static>,
        handle: &Handle,
        received: ReceivedList,
        clock: Clock,
    ) -> Result<(), getrandom::Error> {
        let Self { setup, state, desk, messages } = self;
        let client = Arc::new(HttpClient::new(setup.way, setup.address.host.clone()));
        let introduced = Introduced::new(setup.limits.stash_lifetime);
        let watch = Watch {
            client: client.clone(),
            state: state.clone(),
            handle: handle.clone(),
            network: setup.network,
            introduced: introduced.clone(),
            chance: Chance::new()?,
            here: setup.address.place() == Place::Here,
            scan: Scan::default(),
        };
        let verdicts = Verdicts {
            handle: handle.clone(),
            state,
            introduced,
            received,
            clock,
            chance: Chance::new()?,
            relays: setup.relays,
            queue: Verdicts::queue(&setup.limits),
            asking: 0,
        };
        let (work, jobs) = bounded(ASKERS);
        for _ in 0..ASKERS {
            executor.spawn(ask(client.clone(), jobs.clone(), desk.clone())).detach();
        }
        executor.spawn(verdicts.run(messages, work)).detach();
        executor.spawn(watch.run()).detach();
        Ok(())
    }
}

/// For the fuzz targets: the ids in this answer to the question for the pool.
pub(crate) fn pool_ids(body: &[u8]) -> Option<Vec<TxId>> {
    Some(rpc::read_pool(body).ok()?.into_iter().map(rpc::Hash::txid).collect())
}

/// For the fuzz targets: the ids in this answer to the question for a block.
pub(crate) fn block_ids(body: &[u8]) -> Option<Vec<TxId>> {
    Some(rpc::read_result::<rpc::Block>(body).ok()?.tx_hashes.into_iter().map(rpc::Hash::txid).collect())
}

/// For the fuzz targets: whether a daemon that says so of a transaction blames the peer who sent it.
pub(crate) fn blames(body: &[u8]) -> Option<bool> {
    Some(rpc::read_sent(body).ok()?.0 == rpc::Answer::Invalid)
}
