//! Which peers may carry an own transaction (design §3), and what couriers learn of the others.
//!
//! Whoever is handed a transaction guesses where it came from, and names are free. So a stranger carries only if several
//! peers, which this node had chosen to dial, have told of it at different times, a courier has found it there, and a good
//! while has passed since. A name that was planted with one link never carries.

use core::time::Duration;

use rand_core::CryptoRng;

use super::backoff::{Failure, rest};
use super::lease::FORGET_AFTER;
use super::{Known, ListKind, PeerList, Source, Standing};
use crate::addr::Addr;
use crate::rand;
use crate::table::Handle;
use crate::time::Instant;

/// Peers that have to tell of an address.
pub(super) const TELLERS: usize = 3;

/// Two that tell within this time count as one: they may have heard it from the same mouth.
const APART: Duration = Duration::from_secs(600);

/// The longest that a stored peer waits before it may carry.
const OLDEST: Duration = Duration::from_secs(48 * 3_600);

/// What is known of one entry for couriers.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    /// Peers that we dialled and that told of it.
    pub(super) tellers: [Option<Source>; TELLERS],
    /// When the last of them did.
    pub(super) told: Option<Instant>,
    /// A courier was answered: it may carry from then on.
    pub(super) carries_from: Option<Instant>,
    failures: u8,
    rests_until: Option<Instant>,
}

impl Trust {
    /// Somebody tells of it.
    pub(super) fn hear(&mut self, now: Instant, source: Source) {
        let counts = source != Source::USER && source != Source::INBOUND && !self.tellers.contains(&Some(source));
        let apart = self.told.is_none_or(|told| now >= told + APART);
        if let Some(place) = self.tellers.iter_mut().find(|place| place.is_none()).filter(|_| counts && apart) {
            (*place, self.told) = (Some(source), Some(now));
        }
    }

    /// One that told in an earlier run.
    pub(super) fn hear_stored(&mut self, source: Source) {
        if let Some(place) = self.tellers.iter_mut().find(|place| place.is_none()) {
            *place = Some(source);
        }
    }

    /// Takes in what an earlier run knew, unless this one knows more. A stamp from the future, of a clock that was wrong, does
    /// not make an address old; one from further ahead than it could be drawn is drawn back.
    pub(super) fn restore(&mut self, now: Instant, stored: Self) {
        if self.tellers[0].is_none() {
            (self.tellers, self.told) = (stored.tellers, stored.told.map(|told| told.min(now)));
        }
        self.carries_from = self.carries_from.or(stored.carries_from.map(|from| from.min(now + OLDEST)));
    }

    fn is_attested(&self) -> bool {
        self.tellers.iter().all(Option::is_some)
    }
}

/// A peer to which a courier may go.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CourierTarget {
    pub(crate) entry: Handle,
    /// Whether it may carry a transaction.
    pub carries: bool,
    /// Whether the user set it apart as one of those that alone are dialled.
    pub exclusive: bool,
    /// Whether a courier has found it there.
    pub visited: bool,
    /// How well it is attested.
    pub standing: Standing,
    /// Who told of it.
    pub source: Source,
}

impl CourierTarget {
    pub(crate) const fn may_carry(&self, exclusive_only: bool) -> bool {
        self.carries && (self.exclusive || !exclusive_only)
    }
}

impl Known {
    fn carries(&self, now: Instant) -> bool {
        self.role.is_some()
            || self.built_in
            || self.trust.is_attested() && self.trust.carries_from.is_some_and(|from| from <= now)
    }
}

impl PeerList {
    /// Peers to which a courier may go now: all that do not rest from couriers in vain. Whether there is a link to one does
    /// not matter, as a courier cannot be told from any other stranger there.
    pub fn courier_targets(&self, now: Instant) -> impl Iterator<Item = CourierTarget> + '_ {
        self.white.entries.iter().chain(&self.gray.entries).filter_map(move |&entry| {
            let known = self.entries.find(entry)?;
            known.trust.rests_until.is_none_or(|until| until <= now).then(|| CourierTarget {
                entry,
                carries: known.carries(now),
                exclusive: known.role == Some(crate::config::PeerRole::Exclusive),
                visited: known.trust.carries_from.is_some(),
                standing: known.standing(),
                source: known.source,
            })
        })
    }

    /// Addresses that may carry now.
    pub(crate) fn carriers(&self, now: Instant, exclusive_only: bool) -> impl Iterator<Item = &Addr> + '_ {
        let carriers = self.courier_targets(now).filter(move |target| target.may_carry(exclusive_only));
        carriers.filter_map(|target| self.entries.find(target.entry)).map(|known| &known.info.addr)
    }

    /// The address of a target; `None` if it turns out to be no address that can be dialled, which is then forgotten. Cost:
    /// one curve check for an onion that was restored.
    pub(crate) fn courier_addr(&mut self, target: &CourierTarget) -> Option<Addr> {
        self.checked_addr(target.entry)
    }

    /// A courier's handshake was answered at `addr`: that is as good as any check of hearsay, and the address grows old
    /// enough to carry after a random while in `age`.
    pub(crate) fn courier_answered(
        &mut self,
        now: Instant,
        addr: &Addr,
        id: u64,
        age: (Duration, Duration),
        rng: &mut dyn CryptoRng,
    ) {
        let from = now + rand::between(rng, age.0, age.1);
        let Some(&entry) = self.by_addr.get(addr) else { return };
        self.prove(now, entry, id, rng);
        let trust = &mut self.entries[entry].trust;
        trust.carries_from.get_or_insert(from);
        (trust.failures, trust.rests_until) = (0, None);
    }

    /// A courier found nobody at `addr`: the next ones leave it out for a while, and hearsay is forgotten in the end.
    pub(crate) fn courier_failed(&mut self, now: Instant, addr: &Addr, failure: Failure, rng: &mut dyn CryptoRng) {
        let Some(&entry) = self.by_addr.get(addr) else { return };
        let known = &mut self.entries[entry];
        known.trust.failures = known.trust.failures.saturating_add(1);
        known.trust.rests_until = Some(now + rest(known.role, failure, known.trust.failures, rng));
        let forgotten = known.list == ListKind::Gray && known.role.is_none() && !known.lent && !known.built_in;
        if forgotten && known.trust.failures >= FORGET_AFTER {
            self.remove(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::addr::ZoneKind;
    use crate::config::{Limits, PeerRole};
    use crate::wire::PeerEntry;

    const HOUR: Duration = Duration::from_secs(3_600);
    const AGE: (Duration, Duration) = (Duration::from_secs(24 * 3_600), Duration::from_secs(48 * 3_600));

    fn addr(number: u8) -> Addr {
        Addr::parse(&alloc::format!("45.{number}.1.2"), 18_080).unwrap()
    }

    fn at(hours: u32) -> Instant {
        Instant::from_micros(1) + HOUR * hours
    }

    struct Fixture(PeerList, ChaCha20Rng);

    impl Fixture {
        fn new() -> Self {
            Self(PeerList::new(ZoneKind::Public, Limits::new(), alloc::vec![]), ChaCha20Rng::from_seed([5; 32]))
        }

        fn hear(&mut self, now: Instant, source: Source) {
            self.0.learn(now, source, [PeerEntry::bare(addr(1))].into_iter(), &mut self.1);
        }

        fn visit(&mut self, now: Instant) {
            self.0.courier_answered(now, &addr(1), 9, AGE, &mut self.1);
        }

        fn carries(&self, now: Instant) -> Option<bool> {
            self.0.courier_targets(now).next().map(|target| target.carries)
        }
    }

    fn teller(number: u8) -> Source {
        Source::peer(&addr(100 + number))
    }

    #[test]
    fn a_stranger_carries_after_three_tellers_a_visit_and_a_day() {
        let mut peers = Fixture::new();
        for hour in 0..3 {
            peers.hear(at(hour), teller(hour as u8));
        }
        assert_eq!(peers.carries(at(500)), Some(false), "nobody was there yet");
        peers.visit(at(3));
        assert_eq!([26, 51].map(|hour| peers.carries(at(hour))), [Some(false), Some(true)]);
        peers.visit(at(50));
        assert_eq!(peers.carries(at(51)), Some(true), "another visit starts nothing over");
    }

    #[test]
    fn the_age_at_which_a_stranger_carries_is_drawn() {
        let carries = |seed| {
            let mut peers =
                Fixture(PeerList::new(ZoneKind::Public, Limits::new(), alloc::vec![]), ChaCha20Rng::from_seed([seed; 32]));
            (0..3).for_each(|hour| peers.hear(at(hour), teller(hour as u8)));
            peers.visit(at(3));
            peers.carries(at(3 + 36)) == Some(true)
        };
        let count = (0..60).filter(|&seed| carries(seed)).count();
        assert!((18..43).contains(&count), "half of them after half of the time: {count} of 60");
    }

    #[test]
    fn a_stamp_from_further_ahead_than_could_be_drawn_is_drawn_back() {
        let mut trust = Trust::default();
        trust.restore(at(1), Trust { carries_from: Some(at(9_000)), ..Trust::default() });
        assert_eq!(trust.carries_from, Some(at(1) + OLDEST));
    }

    #[test]
    fn what_does_not_count_as_a_teller() {
        type Told = fn(u8) -> (Instant, Source);
        let cases: [(&str, Told); 4] = [
            ("one peer, again and again", |turn| (at(turn.into()), teller(7))),
            ("those who dialled us", |turn| (at(turn.into()), if turn < 2 { teller(turn) } else { Source::INBOUND })),
            ("all at once", |turn| (Instant::from_micros(u64::from(turn) + 1), teller(turn))),
            ("two within ten minutes", |turn| (Instant::from_micros(1) + HOUR / 8 * turn.into(), teller(turn))),
        ];
        for (case, told) in cases {
            let mut peers = Fixture::new();
            for turn in 0..4 {
                let (now, source) = told(turn);
                peers.hear(now, source);
            }
            peers.visit(at(5));
            assert_eq!(peers.carries(at(500)), Some(false), "{case}");
        }
    }

    #[test]
    fn whom_the_user_names_carries_at_once() {
        for role in [PeerRole::Known, PeerRole::Priority, PeerRole::Exclusive] {
            let mut peers = Fixture::new();
            peers.0.configure(at(0), addr(1), role);
            assert_eq!(peers.carries(at(0)), Some(true));
        }
    }

    #[test]
    fn couriers_in_vain_rest_a_target_and_forget_hearsay() {
        let mut peers = Fixture::new();
        peers.hear(at(0), teller(1));
        for hour in [0, 20, 40] {
            assert_eq!(peers.carries(at(hour)), Some(false));
            peers.0.courier_failed(at(hour), &addr(1), Failure::Unreachable, &mut peers.1);
            assert_eq!(peers.carries(at(hour)), None, "it rests");
        }
        assert_eq!((peers.0.len(ListKind::Gray), peers.carries(at(500))), (0, None), "nobody was there three times");
        peers.0.configure(at(0), addr(1), PeerRole::Known);
        for _ in 0..20 {
            peers.0.courier_failed(at(0), &addr(1), Failure::Unreachable, &mut peers.1);
        }
        assert_eq!(peers.carries(at(1)), Some(true), "the user's word stands, and is tried again soon");
    }
}
