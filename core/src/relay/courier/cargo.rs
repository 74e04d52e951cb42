//! Own transactions that wait for a courier, and on which one they ride.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::addr::Addr;
use crate::config::CourierConfig;
use crate::peers::Source;
use crate::rand;
use crate::table::Handle;
use crate::time::Instant;

/// The waiting transactions of a node, all zones together.
#[derive(Debug)]
pub(crate) struct Cargo {
    /// Since when the node runs.
    started: Instant,
    /// When each may ride, drawn once.
    release: BTreeMap<Handle, Instant>,
    waiting: BTreeSet<(Instant, Handle)>,
    riding: BTreeSet<Handle>,
    /// Which peers carried a transaction last, and when.
    used: BTreeMap<Source, Instant>,
}

impl Cargo {
    pub(crate) const fn new(started: Instant) -> Self {
        Self { started, release: BTreeMap::new(), waiting: BTreeSet::new(), riding: BTreeSet::new(), used: BTreeMap::new() }
    }

    /// Takes a transaction in; its release is drawn the first time. `false` if it waits or rides already.
    pub(crate) fn add(&mut self, now: Instant, entry: Handle, numbers: &CourierConfig, rng: &mut dyn CryptoRng) -> bool {
        let release = *self.release.entry(entry).or_insert_with(|| {
            let uptime = self.started + rand::between(rng, numbers.uptime.0, numbers.uptime.1);
            (now + rand::exponential(rng, numbers.release)).max(uptime)
        });
        !self.riding.contains(&entry) && self.waiting.insert((release, entry))
    }

    /// When a transaction that waits may ride.
    pub(crate) fn release(&self, entry: Handle) -> Option<Instant> {
        self.release.get(&entry).copied().filter(|&release| self.waiting.contains(&(release, entry)))
    }

    /// Transactions that may ride now, those that were released first before others.
    pub(crate) fn due(&self, now: Instant) -> Vec<Handle> {
        self.waiting.iter().take_while(|(release, _)| *release <= now).map(|&(_, entry)| entry).collect()
    }

    /// A transaction takes a courier.
    pub(crate) fn board(&mut self, entry: Handle) {
        if let Some(&release) = self.release.get(&entry) {
            self.waiting.remove(&(release, entry));
            self.riding.insert(entry);
        }
    }

    /// A transaction has left its courier without having been sent: it takes the next one that is fit for it.
    pub(crate) fn set_down(&mut self, entry: Handle) {
        if self.riding.remove(&entry) {
            if let Some(&release) = self.release.get(&entry) {
                self.waiting.insert((release, entry));
            }
        }
    }

    /// A transaction has begun to be sent to the peer at `addr`: it waits no more, unless it is added again.
    pub(crate) fn sent(&mut self, now: Instant, entry: Handle, addr: Option<&Addr>) {
        self.unseat(entry);
        self.used.extend(addr.map(|addr| (Source::peer(addr), now)));
    }

    /// When the peer at `addr` was last sent a transaction.
    pub(crate) fn used(&self, addr: &Addr) -> Option<Instant> {
        self.used.get(&Source::peer(addr)).copied()
    }

    /// Forgets what is done with or given up, and who carried something longer ago than `rest`.
    pub(crate) fn tidy(&mut self, now: Instant, rest: Duration, is_kept: impl Fn(Handle) -> bool) {
        let gone: Vec<Handle> = self.release.keys().copied().filter(|&entry| !is_kept(entry)).collect();
        for entry in gone {
            self.unseat(entry);
            self.release.remove(&entry);
        }
        self.used.retain(|_, used| now < *used + rest);
    }

    fn unseat(&mut self, entry: Handle) {
        self.riding.remove(&entry);
        if let Some(&release) = self.release.get(&entry) {
            self.waiting.remove(&(release, entry));
        }
    }

    /// Since when the node runs.
    pub(crate) const fn started(&self) -> Instant {
        self.started
    }
}
