//! The core's own peer list and choice, with the budgets that a node puts before them.

use std::collections::BTreeMap;
use std::time::Duration;

use anonet_core::peers::{Failure, Lease, PeerList, Source};
use anonet_core::select::{DialView, next_check, next_dial};
use anonet_core::wire::PeerEntry;
use anonet_core::{Addr, Instant, Limits, ZoneKind};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::{Name, Policy, Teller, WANTED};
use crate::sim::names;

/// What one link may teach: the burst, and the refill of a minute.
const BURST: usize = 500;
const REFILL: usize = 60;

/// An I2P zone, as its names need no curve check; nothing here differs in another anonymity network.
#[derive(Debug)]
pub struct Ours {
    list: PeerList,
    leases: BTreeMap<Name, Lease>,
    dialling: Option<Lease>,
    budgets: BTreeMap<Option<Name>, (usize, u32)>,
    numbers: BTreeMap<Addr, Name>,
    addrs: BTreeMap<Name, Addr>,
    rng: ChaCha20Rng,
}

impl Ours {
    /// An empty list.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            list: PeerList::new(ZoneKind::I2p, Limits::new(), Vec::new()),
            leases: BTreeMap::new(),
            dialling: None,
            budgets: BTreeMap::new(),
            numbers: BTreeMap::new(),
            addrs: BTreeMap::new(),
            rng: ChaCha20Rng::seed_from_u64(seed ^ 0xff),
        }
    }

    fn addr(&mut self, name: Name) -> Addr {
        let Self { addrs, numbers, .. } = self;
        let made = || {
            let addr = names::addr(ZoneKind::I2p, name as usize);
            numbers.insert(addr.clone(), name);
            addr
        };
        addrs.entry(name).or_insert_with(made).clone()
    }

    fn lease(&mut self, candidate: anonet_core::peers::Candidate) -> (Name, Lease) {
        let lease = self.list.lease(candidate).expect("a candidate can be lent");
        (self.numbers[lease.addr()], lease)
    }
}

fn at(minute: u32) -> Instant {
    Instant::from_micros(1 << 50) + Duration::from_secs(60 * u64::from(minute))
}

impl Policy for Ours {
    fn heard(&mut self, now: u32, from: Teller, names: &[Name]) {
        let (key, source) = match from {
            Teller::Outgoing(name) => (Some(name), Source::peer(&self.addr(name))),
            Teller::Incoming => (None, Source::INBOUND),
        };
        let (left, since) = self.budgets.entry(key).or_insert((BURST, now));
        *left = (*left + (now - *since) as usize * REFILL).min(BURST);
        let taken = names.len().min(*left);
        (*left, *since) = (*left - taken, now);
        let entries: Vec<PeerEntry> = names[..taken]
            .iter()
            .map(|&name| {
                let addr = self.addr(name);
                PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
            })
            .collect();
        let _ = self.list.learn(at(now), source, entries.into_iter(), &mut self.rng);
    }

    fn choose(&mut self, now: u32, outgoing: usize) -> Option<Name> {
        let view = DialView { peers: &self.list, outgoing: outgoing as u32, wanted: WANTED as u32, exclusive_only: false };
        let candidate = next_dial(&view, at(now), &mut self.rng)?;
        let (name, lease) = self.lease(candidate);
        self.dialling = Some(lease);
        Some(name)
    }

    fn dialled(&mut self, now: u32, name: Name, answers: bool) {
        let lease = self.dialling.take().expect("it was chosen");
        if answers {
            self.list.succeeded(at(now), &lease, 1, &mut self.rng);
            self.leases.insert(name, lease);
        } else {
            self.list.failed(at(now), lease, Failure::Unreachable, &mut self.rng);
        }
    }

    fn seen(&mut self, _: u32, _: Name) {}

    fn ended(&mut self, now: u32, name: Name) {
        self.budgets.remove(&Some(name));
        let lease = self.leases.remove(&name).expect("it is linked");
        self.list.ended(at(now), lease, Duration::from_secs(3_600), &mut self.rng);
    }

    fn link(&mut self, now: u32, name: Name) {
        self.heard(now, Teller::Incoming, &[name]);
        // whichever candidate has the name
        let candidates: Vec<_> = self.list.candidates(at(now)).collect();
        for candidate in candidates {
            let (found, lease) = self.lease(candidate);
            if found == name {
                self.list.succeeded(at(now), &lease, 1, &mut self.rng);
                self.leases.insert(name, lease);
                return;
            }
            self.list.returned(lease);
        }
    }

    fn check(&mut self, now: u32, answers: &dyn Fn(Name) -> bool) {
        let Some(candidate) = next_check(&self.list, at(now), &mut self.rng) else { return };
        let (name, lease) = self.lease(candidate);
        if answers(name) {
            self.list.verified(at(now), lease, 1, &mut self.rng);
        } else {
            self.list.failed(at(now), lease, Failure::Unreachable, &mut self.rng);
        }
    }
}
