//! Transactions on disk that are too old by this machine's clock, which may be wrong: many a machine starts with a clock that
//! is far off, and has it set minutes later. They are not sent, as their wallet may have used its coins otherwise by now, and
//! not given up before the clock has kept its time for a while.

use std::time::Duration;

use anonet_core::Instant;
use async_io::Timer;
use tracing::{info, warn};

use super::app::own_transactions;
use super::keeper::Changes;
use super::own::OwnTxs;
use super::restore;
use super::troubles::{Part, Troubles};
use crate::clock::Clock;
use crate::handle::Handle;
use crate::store::LoadedTx;

/// So long after the start a clock that is far off has been set, where anything sets it.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Between two looks at the clock.
const PAUSE: Duration = Duration::from_secs(1);

/// Those that wait, and what is done with them.
pub(super) struct Late {
    pub(super) txs: Vec<LoadedTx>,
    pub(super) lifetime: Duration,
    pub(super) clock: Clock,
    pub(super) own: OwnTxs,
    pub(super) changes: Changes,
    pub(super) troubles: Troubles,
}

impl Late {
    /// Returns once none waits any more.
    pub(super) async fn settle(mut self, handle: Handle) {
        self.tell();
        let since = self.clock.now();
        while !self.txs.is_empty() {
            Timer::after(PAUSE).await;
            let wall = self.clock.to_wall(self.clock.now());
            let (late, in_time) = self.txs.drain(..).partition(|tx| is_late(tx.stored.submitted, wall, self.lifetime));
            self.txs = late;
            if !self.give_back(in_time, &handle).await {
                return;
            }
            if self.clock.now() >= since + PATIENCE {
                self.give_up();
            }
        }
        self.troubles.end(Part::Late);
    }

    fn tell(&self) {
        let count = self.txs.len();
        if count == 0 {
            return;
        }
        let reason = format!(
            "{} on disk are older than {} h by this machine's clock, and wait unsent: set the clock if it is wrong; if not, they \
             are given up after an hour",
            own_transactions(count),
            self.lifetime.as_secs() / 3_600
        );
        warn!("{reason}");
        self.troubles.begin(Part::Late, reason);
    }

    /// The clock was set: these go on. Says whether there is a node.
    async fn give_back(&self, mut in_time: Vec<LoadedTx>, handle: &Handle) -> bool {
        if in_time.is_empty() {
            return true;
        }
        info!("{} on disk are in time after all, as the clock was set", own_transactions(in_time.len()));
        for tx in &mut in_time {
            tx.stored.submitted = self.clock.from_wall(tx.stored.submitted);
        }
        restore::restore(handle, &self.own, in_time).await.is_ok()
    }

    fn give_up(&mut self) {
        warn!("{} are given up: they were kept as long as they may be", own_transactions(self.txs.len()));
        self.txs.drain(..).for_each(|tx| self.changes.ended(tx.stored.id));
    }
}

/// Whether a transaction of this stamp has been kept as long as it may be.
pub(super) fn is_late(submitted: Instant, wall: Instant, lifetime: Duration) -> bool {
    submitted + lifetime <= wall
}
