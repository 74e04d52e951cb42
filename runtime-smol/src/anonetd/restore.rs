//! At the start: the transactions of earlier runs go back to the node.

use std::time::Duration;

use anonet_core::{Config, Exposure, Instant, StoredTx};
use tracing::{debug, error, info, warn};

use super::app::own_transactions;
use super::exit::Failure;
use super::late::is_late;
use super::own::{OwnTx, OwnTxs};
use super::troubles::{Part, Troubles};
use super::tx;
use crate::handle::{Handle, Stopped};
use crate::store::{Loaded, LoadedTx, Store};

/// Transactions that are handed to the node at once; its links wait meanwhile.
const BATCH: usize = 64;

/// Where the node may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Networks {
    /// An anonymity network is configured.
    Anonymous,
    /// The public one is all there is.
    PublicOnly,
    /// The same, and nobody is dialled.
    None,
}

impl Networks {
    /// Of a node with this configuration.
    pub(super) fn of(config: &Config) -> Self {
        match &config.zones {
            zones if zones.iter().any(|zone| zone.kind.is_anonymity()) => Self::Anonymous,
            zones if zones.iter().all(|zone| zone.max_outgoing == 0) => Self::None,
            _ => Self::PublicOnly,
        }
    }
}

/// What the store holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// For the node.
    pub(super) txs: Vec<LoadedTx>,
    /// Those that are too old by the clock.
    pub(super) late: Vec<LoadedTx>,
}

/// Reads what the store holds, and says in the log what that means.
pub(super) async fn load(
    store: &Store,
    networks: Networks,
    now: Instant,
    lifetime: Duration,
    troubles: &Troubles,
) -> Result<Found, Failure> {
    let Loaded { mut txs, unreadable, newer, .. } = store.load().await.map_err(Failure::failed)?;
    let mut unsent = Vec::new();
    if unreadable > 0 {
        unsent.push(format!(
            "{} in the stash on disk cannot be read and stay there unsent: move the file away before you submit them again",
            entries(unreadable)
        ));
    }
    if newer > 0 {
        unsent.push(format!(
            "{} in the stash on disk are of a newer version of anonetd and stay there unsent: start that version",
            entries(newer)
        ));
    }
    unsent.iter().for_each(|reason| error!("{reason}"));
    if !unsent.is_empty() {
        troubles.begin(Part::Entries, unsent.join("; "));
    }
    if !txs.is_empty() {
        info!("{} of earlier runs in the stash on disk", own_transactions(txs.len()));
    }
    if networks == Networks::PublicOnly {
        let live = || txs.iter().map(|loaded| &loaded.stored).filter(|stored| stored.submitted + lifetime > now);
        warn_of_public_network(
            live().filter(|stored| stored.exposure == Exposure::Nobody).count(),
            live().filter(|stored| stored.exposure == Exposure::Anonymity).count(),
        );
    }
    // of a clock that was ahead: a host rests from now on at most
    for used in txs.iter_mut().flat_map(|tx| &mut tx.stored.uses) {
        used.at = used.at.min(now);
    }
    let (late, txs) = txs.into_iter().partition(|tx| is_late(tx.stored.submitted, now, lifetime));
    Ok(Found { txs, late })
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
pub(super) async fn restore(handle: &Handle, own: &OwnTxs, mut txs: Vec<LoadedTx>) -> Result<(), Stopped> {
    let mut refused = 0;
    while !txs.is_empty() {
        let batch = txs.split_off(txs.len().saturating_sub(BATCH));
        let batch: Vec<(StoredTx, OwnTx)> = smol::unblock(move || batch.into_iter().map(about).collect()).await;
        let own = own.clone();
        let count = handle.call(move |node, now| {
            let refusals = batch.into_iter().filter_map(|(stored, about)| {
                let restored = node.restore_tx(now, stored).map(|_| own.add(node, now, about));
                restored.err()
            });
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

/// What wallets may ask of it; of a row that this version does not read, nothing.
fn about(LoadedTx { stored, blob }: LoadedTx) -> (StoredTx, OwnTx) {
    let own = tx::own(blob.clone()).unwrap_or_else(|_| OwnTx::opaque(stored.id, blob));
    (stored, own)
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}

#[cfg(test)]
mod tests {
    use anonet_core::{Network, ZoneConfig, ZoneKind};

    use super::*;

    #[test]
    fn transactions_go_out_publicly_only_where_somebody_is_dialled() {
        let networks = |zones: &[(ZoneKind, u32)]| {
            let mut config = Config::new(Network::Regtest);
            config.zones = zones.iter().map(|&(kind, _)| ZoneConfig::new(kind)).collect();
            config.zones.iter_mut().zip(zones).for_each(|(zone, &(_, links))| zone.max_outgoing = links);
            Networks::of(&config)
        };
        assert_eq!(networks(&[(ZoneKind::Public, 12)]), Networks::PublicOnly);
        assert_eq!(networks(&[(ZoneKind::Public, 0)]), Networks::None, "--offline, or --out-peers 0");
        assert_eq!(networks(&[(ZoneKind::Tor, 0), (ZoneKind::Public, 12)]), Networks::Anonymous);
    }
}
