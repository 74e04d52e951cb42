//! Transactions on their way through the public network, from their acceptance until every link has them, and then as a
//! memory that they are out (spec: dandelion-noise §4, §5 and §7).

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

use rand_core::CryptoRng;
use sha3::{Digest as _, Sha3_256};

use crate::config::Limits;
use crate::rand::Poisson;
use crate::time::Instant;
use crate::tx::PeerTx;
use crate::zone::route::PublicExit;

/// A transaction's name in this node: a hash under a key of its own, so that nobody can make two that collide, or tell
/// from a delay which ones are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 16]);

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// One link has it. If it does not come back in time, this node fluffs it.
    Stemmed,
    /// All links have it, or are about to.
    Fluffed,
}

#[derive(Debug)]
struct Known {
    passage: Passage,
    /// Its bytes, as long as they may be needed.
    tx: Option<PeerTx>,
    /// The end of the wait for its return.
    embargo: Option<Instant>,
    /// Links on which it waits to be flushed.
    waits: u32,
}

/// What is under way, and what was lately. Bounded by entries and by bytes.
#[derive(Debug)]
pub(crate) struct Transit {
    limits: Limits,
    key: [u8; 32],
    known: BTreeMap<Digest, Known>,
    /// All of them, in the order in which they came.
    by_age: VecDeque<Digest>,
    embargoes: BTreeSet<(Instant, Digest)>,
    bytes: usize,
}

impl Transit {
    /// Nothing under way, within the caps `transit_*` of `limits`.
    pub(crate) fn new(limits: Limits, rng: &mut dyn CryptoRng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        Self { limits, key, known: BTreeMap::new(), by_age: VecDeque::new(), embargoes: BTreeSet::new(), bytes: 0 }
    }

    /// The name of a transaction. Costs one pass over its bytes.
    pub(crate) fn digest(&self, tx: &PeerTx) -> Digest {
        let hash: [u8; 32] = Sha3_256::new().chain_update(self.key).chain_update(tx.blob()).finalize().into();
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Digest(short)
    }

    pub(crate) fn passage(&self, digest: Digest) -> Option<Passage> {
        self.known.get(&digest).map(|known| known.passage)
    }

    /// Whether a transaction of `size` bytes may come in. If not, some of those before it have to be out first.
    pub(crate) fn has_room(&self, size: usize) -> bool {
        let idle = || self.known.values().any(|known| known.tx.is_none());
        self.bytes.saturating_add(size) <= self.limits.transit_bytes && (self.known.len() < self.limits.transit_entries || idle())
    }

    /// A new transaction goes out as a stem: unless it is [fluffed](Self::fluff) before, it is due after a while that is
    /// drawn for it alone.
    pub(crate) fn stem(&mut self, now: Instant, digest: Digest, tx: PeerTx, rng: &mut dyn CryptoRng) {
        let embargo = now + Duration::from_secs(Poisson::MEAN_39.draw(rng).into());
        self.embargoes.insert((embargo, digest));
        self.insert(digest, Known { passage: Passage::Stemmed, tx: Some(tx), embargo: Some(embargo), waits: 0 });
    }

    /// A transaction, new or stemmed before, goes out to all. Then say on which links it [waits](Self::wait), and
    /// [`let_go`](Self::let_go).
    pub(crate) fn fluff(&mut self, digest: Digest, tx: PeerTx) {
        match self.known.get_mut(&digest) {
            None => self.insert(digest, Known { passage: Passage::Fluffed, tx: Some(tx), embargo: None, waits: 0 }),
            Some(known) => {
                known.passage = Passage::Fluffed;
                if let Some(embargo) = known.embargo.take() {
                    self.embargoes.remove(&(embargo, digest));
                }
            }
        }
    }

    /// It waits on one more link.
    pub(crate) fn wait(&mut self, digest: Digest) {
        if let Some(known) = self.known.get_mut(&digest) {
            known.waits += 1;
        }
    }

    /// One link has it, or has gone.
    pub(crate) fn served(&mut self, digest: Digest) {
        if let Some(known) = self.known.get_mut(&digest) {
            known.waits = known.waits.saturating_sub(1);
        }
        self.let_go(digest);
    }

    /// Gives the bytes up if nobody is to get them any more.
    pub(crate) fn let_go(&mut self, digest: Digest) {
        let Some(known) = self.known.get_mut(&digest) else { return };
        if known.waits == 0 && known.passage == Passage::Fluffed {
            self.bytes -= known.tx.take().map_or(0, |tx| tx.size());
        }
    }

    /// The bytes of a transaction, for the links of `exit`.
    pub(crate) fn leave_by(&self, digest: Digest, exit: &PublicExit) -> Option<&[u8]> {
        Some(self.known.get(&digest)?.tx.as_ref()?.leave_by(exit))
    }

    /// One whose embargo is over: it is out to all from now on.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Digest> {
        let &(at, digest) = self.embargoes.first().filter(|(at, _)| *at <= now)?;
        self.embargoes.remove(&(at, digest));
        let known = self.known.get_mut(&digest)?;
        (known.passage, known.embargo) = (Passage::Fluffed, None);
        Some(digest)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.embargoes.first().map(|&(at, _)| at)
    }

    fn insert(&mut self, digest: Digest, known: Known) {
        self.make_room();
        self.bytes += known.tx.as_ref().map_or(0, PeerTx::size);
        self.known.insert(digest, known);
        self.by_age.push_back(digest);
    }

    /// Forgets the oldest that is out, if there are as many as there may be.
    fn make_room(&mut self) {
        for _ in 0..self.by_age.len() {
            if self.known.len() < self.limits.transit_entries {
                return;
            }
            let Some(oldest) = self.by_age.pop_front() else { return };
            if self.known.get(&oldest).is_some_and(|known| known.tx.is_none()) {
                self.known.remove(&oldest);
            } else {
                self.by_age.push_back(oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
