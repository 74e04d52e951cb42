//! At the start: the transactions of earlier runs go back to the node.

use std::time::Duration;

use anonet_core::{Config, Exposure, Instant, StoredTx};
use tracing::{debug, error, info, warn};

use super::app::own_transactions;
use super::exit::Failure;
use crate::handle::{Handle, Stopped};
use crate::store::{Loaded, Store};

/// Transactions that are handed to the node at once; its links wait meanwhile.
const BATCH: usize = 64;

/// Where the node may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Networks {
    /// An anonymity network is configured.
    Anonymous,
    /// The public one is all there is.
    PublicOnly,
}

impl Networks {
    /// Of a node with this configuration.
    pub(super) fn of(config: &Config) -> Self {
        if config.zones.iter().any(|zone| zone.kind.is_anonymity()) { Self::Anonymous } else { Self::PublicOnly }
    }
}

/// Reads what the store holds, and says in the log what that means.
pub(super) async fn load(store: &Store, networks: Networks, now: Instant, lifetime: Duration) -> Result<Vec<StoredTx>, Failure> {
    let Loaded { txs, unreadable, newer, .. } = store.load().await.map_err(Failure::failed)?;
    if unreadable > 0 {
        error!(
            "{} in the stash on disk cannot be read and stay there unsent: move the file away before you submit them again",
            entries(unreadable)
        );
    }
    if newer > 0 {
        error!(
            "{} in the stash on disk are of a newer version of anonetd and stay there unsent: start that version",
            entries(newer)
        );
    }
    if !txs.is_empty() {
        info!("{} of earlier runs in the stash on disk", own_transactions(txs.len()));
    }
    if networks == Networks::PublicOnly {
        let live = || txs.iter().filter(|stored| stored.submitted + lifetime > now);
        warn_of_public_network(
            live().filter(|stored| stored.exposure == Exposure::Nobody).count(),
            live().filter(|stored| stored.exposure == Exposure::Anonymity).count(),
        );
    }
    Ok(txs)
}

fn warn_of_public_network(never_left: usize, held: usize) {
    if never_left > 0 {
        warn!(
            "{} of earlier runs never left and now go out over the public network, from this machine's address, as no \
             anonymity network is configured",
            own_transactions(never_left)
        );
    }
    if held > 0 {
        warn!(
            "{} of earlier runs may be known to peers of an anonymity network and stay held: configure that network again",
            own_transactions(held)
        );
    }
}

/// Hands them to the node.
pub(super) async fn restore(handle: &Handle, mut txs: Vec<StoredTx>) -> Result<(), Stopped> {
    let mut refused = 0;
    while !txs.is_empty() {
        let batch = txs.split_off(txs.len().saturating_sub(BATCH));
        let count = handle.call(move |node, now| {
            let refusals = batch.into_iter().filter_map(|stored| node.restore_tx(now, stored).err());
            refusals.inspect(|refusal| debug!("not restored: {refusal}")).count()
        });
        refused += count.await?;
    }
    if refused > 0 {
        error!(
            "{} of earlier runs find no place in the node and stay on disk: restart when others are done",
            own_transactions(refused)
        );
    }
    Ok(())
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}
