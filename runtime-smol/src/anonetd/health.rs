//! Looks after what the node needs of its process and machine, and says when something runs out.

use std::time::Duration;

use anonet_core::{Config, Network};
use async_io::Timer;
use tracing::{error, info, warn};

use super::chain_clock;
use super::keeper::Changes;
use super::logging;
use super::troubles::{Part, Troubles};
use crate::clock::Clock;
use crate::descriptors;
use crate::handle::{Handle, Stopped};

/// The clock was set, if it is off by more than this; in microseconds.
const STEP: u64 = 60_000_000;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Descriptors of everything but peers: files, wallets, callers of the control socket, the daemon, couriers and checks.
const OTHERS: u64 = 300;

/// Has the system give this process as many descriptors as its links may take, or warns.
pub(super) fn make_room(config: &Config) {
    let links = config.zones.iter().map(|zone| u64::from(zone.max_outgoing).saturating_add(zone.max_incoming.into()));
    let needed = links.fold(OTHERS, u64::saturating_add);
    let limit = descriptors::raise(needed);
    if limit < needed {
        warn!(
            "the limit of open files is {limit}, and this configuration may take {needed}: raise it (ulimit -n {needed}, or \
             LimitNOFILE of its service), or lower the numbers of links"
        );
    }
}

/// What looks, and who has to know.
pub(super) struct Watch {
    pub(super) troubles: Troubles,
    pub(super) clock: Clock,
    pub(super) network: Network,
    pub(super) handle: Handle,
    /// Absent without a stash on disk.
    pub(super) changes: Option<Changes>,
}

impl Watch {
    /// Looks until the node has stopped.
    pub(super) async fn run(self) {
        let mut ahead = 0;
        loop {
            descriptors_are(!descriptors::run_out(), &self.troubles);
            log_is(logging::lost(), &self.troubles);
            let is_ahead = self.clock.ahead();
            self.clock_is(chain_clock::is_possible(self.clock.to_wall(self.clock.now())));
            if is_ahead.abs_diff(ahead) > STEP && self.clock_was_set(is_ahead, ahead).await.is_err() {
                return;
            }
            // small corrections add up to one in the end
            if is_ahead.abs_diff(ahead) > STEP {
                ahead = is_ahead;
            }
            Timer::after(PAUSE).await;
        }
    }

    /// The node counts on as before; what is stamped follows the clock.
    async fn clock_was_set(&self, ahead: i64, before: i64) -> Result<(), Stopped> {
        let (by, forward) = (ahead.abs_diff(before) / 1_000_000, ahead > before);
        let where_to = if forward { "ahead, or the machine slept," } else { "back" };
        info!("the machine's clock was set {where_to} by {by} s: what waits here goes on waiting as long as it was to");
        if let Some(changes) = &self.changes {
            changes.clock_set();
        }
        let expected = chain_clock::expected_height(self.network, self.clock.to_wall(self.clock.now()));
        self.handle.call(move |node, now| node.expect_height(now, expected)).await
    }

    fn clock_is(&self, possible: bool) {
        const REASON: &str = "the machine's clock stands before this program was written: set it, as ages are counted by it";
        if possible {
            self.troubles.end(Part::Clock);
        } else if self.troubles.begin(Part::Clock, REASON) {
            error!("{REASON}");
        }
    }
}

fn descriptors_are(enough: bool, troubles: &Troubles) {
    let limit = descriptors::limit();
    if !enough {
        let reason = format!(
            "file descriptors run out at {limit}, so nobody is taken in: raise the limit of open files (ulimit -n, or \
             LimitNOFILE of its service)"
        );
        if troubles.begin(Part::Descriptors, &reason) {
            error!("{reason}");
        }
    } else if troubles.end(Part::Descriptors) {
        info!("there are file descriptors again");
    }
}

fn log_is(lost: u64, troubles: &Troubles) {
    if lost > 0 {
        let reason = format!(
            "nobody reads it, or it cannot be written, and lines of it are lost ({lost}): read on (Ctrl-Q on a terminal), or start \
             the node again with its log elsewhere"
        );
        // the log itself says it once it can
        troubles.begin(Part::Log, reason);
    } else {
        troubles.end(Part::Log);
    }
}
