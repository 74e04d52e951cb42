//! Looks after what the node needs of its process and machine, and says when something runs out.

use std::time::Duration;

use anonet_core::Config;
use async_io::Timer;
use tracing::{error, info, warn};

use super::troubles::{Part, Troubles};
use crate::descriptors;

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

/// Looks until it is dropped.
pub(super) async fn watch(troubles: Troubles) {
    loop {
        descriptors_are(!descriptors::run_out(), &troubles);
        Timer::after(PAUSE).await;
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
