//! Looks at the daemon at random intervals: its state, its tip, and all that is in its pool and new blocks.
//!
//! How often, in what order and for what it is asked depends on nothing that the stash holds, so that neither the daemon nor
//! who carries the questions learns when there is an own transaction, or which it is.

use std::sync::Arc;
use std::time::Duration;

use anonet_core::{ChainTip, Network, TxId};
use async_io::Timer;
use tracing::debug;

use super::chance::Chance;
use super::client::{CallError, HttpClient};
use super::introduced::Introduced;
use super::rpc::{Hash, Header, Info};
use super::scan::Scan;
use super::state::{DaemonState, Pool, Standing};
use crate::handle::{Handle, Stopped};

/// From one look to the next, drawn anew each time: at a daemon on this machine, and at one behind a hidden service, where
/// each look costs a list of the pool.
const PAUSE_HERE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15));
const PAUSE_HIDDEN: (Duration, Duration) = (Duration::from_secs(45), Duration::from_secs(75));

/// From a failed look to the next; doubles with each one up to the second.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(120));

/// Blocks that are read in one look.
const BLOCKS: usize = 16;

/// The one task that looks.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) client: Arc<HttpClient>,
    pub(super) state: DaemonState,
    pub(super) handle: Handle,
    pub(super) network: Network,
    pub(super) introduced: Introduced,
    pub(super) chance: Chance,
    pub(super) here: bool,
    pub(super) scan: Scan,
}

/// Why a look ended early.
#[derive(Debug)]
enum Ended {
    Failed(CallError),
    Stopped,
}

impl From<CallError> for Ended {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl From<Stopped> for Ended {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl Watch {
    /// Looks until the node has stopped.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let pause = match self.look().await {
                Ok(()) => {
                    failures = 0;
                    let (min, max) = if self.here { PAUSE_HERE } else { PAUSE_HIDDEN };
                    self.chance.between(min, max)
                }
                Err(Ended::Failed(why)) => {
                    self.state.fails(why);
                    let pause = retry_after(failures);
                    failures += 1;
                    self.chance.between(pause / 2, pause)
                }
                Err(Ended::Stopped) => return,
            };
            Timer::after(pause).await;
        }
    }

    async fn look(&mut self) -> Result<(), Ended> {
        let info = self.client.info().await?;
        let standing = standing(&info, self.network);
        if standing == Standing::WrongNetwork {
            self.state.answers(standing, None, 0);
            return Ok(());
        }
        let top = self.client.top().await?;
        self.state.answers(standing, Some(top), info.target_height);
        if standing == Standing::Up {
            self.tip(top).await?;
            self.pool().await?;
            self.blocks(&top).await?;
            self.fee().await?;
        }
        Ok(())
    }

    /// The lowest fee, asked for at every look and never because of a transaction.
    async fn fee(&self) -> Result<(), CallError> {
        match self.client.fee().await {
            Ok(fee) => self.state.fee_is(Some(fee)),
            Err(why) if why.is_down() && why != CallError::Garbage => return Err(why),
            Err(why) => {
                debug!("daemon: its lowest fee: {why}");
                self.state.fee_is(None);
            }
        }
        Ok(())
    }

    async fn tip(&self, top: Header) -> Result<(), Stopped> {
        let Hash(top_id) = top.hash;
        let tip = ChainTip::new(top.height.saturating_add(1), top_id, top.cumulative_difficulty(), top.version);
        self.handle.call(move |node, now| node.set_tip(now, tip)).await
    }

    async fn pool(&self) -> Result<(), Ended> {
        match self.client.pool().await {
            Ok(hashes) => {
                self.state.pool_is(Pool::Watched);
                self.state.pool_has(hashes.iter().map(|hash| hash.txid()).collect());
                self.confirm(hashes, |hash| self.introduced.contains(hash)).await?;
            }
            Err(CallError::NotServed) => self.pool_is_closed(Pool::Hidden),
            Err(CallError::TooLarge { .. }) => self.pool_is_closed(Pool::TooLarge),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn pool_is_closed(&self, pool: Pool) {
        self.state.pool_is(pool);
        self.state.pool_has(Vec::new());
    }

    async fn blocks(&mut self, top: &Header) -> Result<(), Ended> {
        for _ in 0..BLOCKS {
            let Some(height) = self.scan.next(top) else { break };
            match self.client.block(height).await {
                Ok(block) if block.header.height == height => {
                    self.scan.took(&block);
                    self.confirm(block.tx_hashes, |_| false).await?;
                }
                Ok(_) => return Err(CallError::Garbage.into()),
                // a reorganisation took it away meanwhile, or it is beyond every measure
                Err(why) if !why.is_down() => {
                    debug!("daemon: block {height}: {why}");
                    self.scan.pass(height);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Tells the node what the daemon has, but for what has to be left out.
    async fn confirm(&self, mut hashes: Vec<Hash>, leave_out: impl Fn(&TxId) -> bool) -> Result<(), Stopped> {
        hashes.retain(|hash| !leave_out(&hash.txid()));
        hashes.sort_unstable();
        let confirmed = self.handle.call(move |node, now| {
            let has = |id: &TxId| hashes.binary_search(&Hash(*id.as_bytes())).is_ok();
            let own: Vec<TxId> = node.stash().map(|entry| entry.id).filter(has).collect();
            for id in own {
                node.confirm_tx(now, id);
            }
        });
        confirmed.await
    }
}

/// How long to wait after so many failures before this one.
fn retry_after(failures: u32) -> Duration {
    RETRY.0.saturating_mul(1 << failures.min(8)).min(RETRY.1)
}

/// Whether a daemon that calls its network so is one of ours. 0.18.0.0 and its successors do, as does a proxy before them.
/// What a daemon's answer says of it.
pub(super) fn standing(info: &Info, network: Network) -> Standing {
    match info.synchronized && info.status == "OK" {
        _ if !is_of(&info.nettype, network) => Standing::WrongNetwork,
        true => Standing::Up,
        false => Standing::Syncing,
    }
}

fn is_of(nettype: &str, network: Network) -> bool {
    match network {
        Network::Regtest => nettype == "fakechain",
        other => nettype == other.name(),
    }
}

#[cfg(test)]
pub(in super::super) mod tests;
