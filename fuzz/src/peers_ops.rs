//! A peer list against a naive model of it.

mod dial;
mod known;

use std::time::Duration;

use anonet_core::peers::{Failure, Lease, ListKind, PeerList, Source};
use anonet_core::{Addr, Instant, Limits, PeerRole, SentSet, ZoneKind};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use self::known::Known;
use crate::cast::{addr, entry, kind};
use crate::script::Script;

/// No address rests longer.
const RESTED: Duration = Duration::from_secs(5 * 3_600);

/// More steps than this teach nothing that fewer do not.
const MAX_STEPS: usize = 600;

struct Run {
    kind: ZoneKind,
    own: Addr,
    limits: Limits,
    list: PeerList,
    rng: ChaCha20Rng,
    now: Instant,
    leases: Vec<Lease>,
    /// `None` once the list may have dropped something at random.
    model: Option<Vec<Known>>,
    named: usize,
}

/// The first byte chooses the network, the second the caps, the third the seed; then each step is a byte for what
/// happens, and its operands. As long as no cap is reached the list must equal the model.
///
/// # Panics
/// If it does not, or goes over a cap, or lends one host twice, or shares what is not proven.
pub fn peers_ops(data: &[u8]) {
    let mut script = Script::new(data);
    let (kind, caps) = (kind(script.byte()), script.byte());
    let mut limits = Limits::new();
    if caps < 128 {
        (limits.white, limits.gray) = (usize::from(caps % 8), usize::from(caps / 8));
    }
    let own = addr(kind, 0);
    let rng = ChaCha20Rng::from_seed([script.byte(); 32]);
    let list = PeerList::new(kind, limits, vec![own.clone()]);
    let now = Instant::from_micros(1 << 50);
    let mut run = Run { kind, own, limits, list, rng, now, leases: Vec::new(), model: Some(Vec::new()), named: 0 };
    for _ in 0..MAX_STEPS {
        let Some(step) = script.step() else { break };
        match step % 8 {
            0 => run.configure(script.byte(), script.byte()),
            1 | 2 => run.learn(&mut script),
            3 => run.lend(script.byte()),
            4 => run.give_back(script.byte(), script.micros()),
            5 => run.succeed(script.byte()),
            6 => run.share(usize::from(script.byte() % 16)),
            _ => run.now = run.now + Duration::from_micros(script.micros()),
        }
        run.compare();
    }
}

impl Run {
    fn is_known(&self, addr: &Addr) -> Option<bool> {
        self.model.as_ref().map(|model| model.iter().any(|known| known.addr == *addr))
    }

    fn configure(&mut self, index: u8, role: u8) {
        // one in sixteen is of a network that may be another
        let addr = addr(if index % 16 == 7 { kind(role) } else { self.kind }, index);
        let role = [PeerRole::Exclusive, PeerRole::Priority, PeerRole::Known][usize::from(role % 3)];
        self.named += 1;
        self.list.configure(self.now, addr.clone(), role);
        let Some(model) = &mut self.model else { return };
        if let Some(known) = model.iter_mut().find(|known| known.addr == addr) {
            known.role = Some(known.role.map_or(role, |old| old.min(role)));
        } else if addr.zone() == self.kind && addr != self.own {
            model.push(Known { addr, list: ListKind::White, role: Some(role), proven: false, failures: 0 });
        }
    }

    fn learn(&mut self, script: &mut Script<'_>) {
        let (first, count) = (script.byte(), script.byte() % 8);
        let foreign = script.byte();
        let network = if foreign.is_multiple_of(8) { kind(foreign / 8) } else { self.kind };
        let heard: Vec<Addr> = (0..count).map(|index| addr(network, first.wrapping_add(index))).collect();
        let source = if foreign & 1 == 0 { Source::INBOUND } else { Source::peer(&addr(self.kind, foreign / 2)) };
        let learned = self.list.learn(self.now, source, heard.iter().cloned().map(entry), &mut self.rng);
        assert_eq!(learned.added + learned.known + learned.refused, heard.len());
        // one source may fill a sixteenth of a list
        if self
            .model
            .as_ref()
            .is_some_and(|model| model.len() + heard.len() > (self.limits.gray / 16).max(8).min(self.limits.gray))
        {
            self.model = None;
        }
        let mut expected = (0, 0);
        for addr in heard {
            let Some(known) = self.is_known(&addr) else { return };
            expected.0 += usize::from(known);
            if !known && self.takes(&addr) {
                expected.1 += 1;
                let known = Known { addr, list: ListKind::Gray, role: None, proven: false, failures: 0 };
                self.model.get_or_insert_default().push(known);
            }
        }
        assert_eq!((learned.known, learned.added), expected);
    }

    fn takes(&self, addr: &Addr) -> bool {
        let known = self.model.iter().flatten().any(|known| known.addr.same_host(addr));
        let barred = addr.is_local() || addr.same_host(&self.own) || (self.kind.is_anonymity() && known);
        addr.zone() == self.kind && !barred
    }

    fn lend(&mut self, choice: u8) {
        let candidate = dial::choose(&self.list, self.leases.len(), choice, self.now, &mut self.rng);
        let Some(candidate) = candidate else { return };
        let lease = self.list.lease(candidate).expect("a candidate can be lent");
        assert!(self.list.lease(candidate).is_none(), "lent twice");
        assert!(self.leases.iter().all(|other| !other.addr().same_host(lease.addr())), "a host is lent twice");
        if let Some(model) = &self.model {
            let known = model.iter().find(|known| known.addr == *lease.addr()).expect("it is known");
            assert_eq!((candidate.list, candidate.role), (known.list, known.role));
        }
        self.leases.push(lease);
    }

    fn give_back(&mut self, choice: u8, lasted: u64) {
        if self.leases.is_empty() {
            return;
        }
        let lease = self.leases.swap_remove(usize::from(choice) % self.leases.len());
        let (addr, lasted) = (lease.addr().clone(), Duration::from_micros(lasted));
        match choice % 4 {
            0 if choice & 4 == 0 => self.list.returned(lease),
            0 => self.list.spared(self.now, lease, &mut self.rng),
            1 => self.list.ended(self.now, lease, lasted, &mut self.rng),
            2 => self.list.failed(self.now, lease, Failure::Refused, &mut self.rng),
            _ => self.list.failed(self.now, lease, Failure::Unreachable, &mut self.rng),
        }
        // a link of less than a minute counts as a failure
        let Some(model) = self.model.as_mut().filter(|_| !choice.is_multiple_of(4)) else { return };
        let place = model.iter().position(|known| known.addr == addr).expect("it is known");
        let failed = choice % 4 > 1 || lasted < Duration::from_secs(60);
        if !model[place].lives_on(failed) {
            model.swap_remove(place);
        }
    }

    fn succeed(&mut self, choice: u8) {
        let Some(lease) = self.leases.get(usize::from(choice) % self.leases.len().max(1)) else { return };
        self.list.succeeded(self.now, lease, choice.into(), &mut self.rng);
        if self.model.as_ref().is_some_and(|model| model.len() > self.limits.white) {
            self.model = None;
        }
        if let Some(known) = self.model.iter_mut().flatten().find(|known| known.addr == *lease.addr()) {
            (known.list, known.proven) = (ListKind::White, true);
        }
    }

    fn share(&mut self, max: usize) {
        let mut sent = SentSet::default();
        let shared: Vec<Addr> = self.list.share(max, &mut sent, &mut self.rng).map(|entry| entry.addr.clone()).collect();
        assert!(shared.iter().enumerate().all(|(place, addr)| !shared[..place].contains(addr)), "shared twice");
        if shared.len() < max {
            assert_eq!(self.list.share(max, &mut sent, &mut self.rng).len(), 0, "not all were shared at once");
        }
        let Some(model) = &self.model else { return };
        let proven = |known: &&Known| known.may_be_shared();
        assert_eq!(shared.len(), model.iter().filter(proven).count().min(max));
        assert!(shared.iter().all(|addr| model.iter().filter(proven).any(|known| known.addr == *addr)));
    }

    fn compare(&self) {
        let (white, gray) = (self.list.len(ListKind::White), self.list.len(ListKind::Gray));
        assert!(gray <= self.limits.gray && white <= self.limits.white + self.named);
        assert!(self.list.next_rested(self.now).is_none_or(|at| at > self.now && at <= self.now + RESTED));
        let Some(model) = &self.model else { return };
        let on = |list| model.iter().filter(|known| known.list == list).count();
        assert_eq!((white, gray), (on(ListKind::White), on(ListKind::Gray)));
        // when all have rested, all but the lent hosts are candidates
        let lent = |known: &&Known| self.leases.iter().any(|lease| lease.addr().same_host(&known.addr));
        let free = model.iter().filter(|known| !lent(known)).count();
        assert_eq!(self.list.candidates(self.now + RESTED).count(), free);
        assert!(self.list.candidates(self.now).count() <= free);
    }
}

#[cfg(test)]
mod tests;
