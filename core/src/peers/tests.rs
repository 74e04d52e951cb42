use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::lease::{DEMOTE_AFTER, FORGET_AFTER, SHORT_LINK};
use super::*;
use crate::conn::SentSet;

const START: Instant = Instant::from_micros(1_000_000);
const SOURCE: Source = Source::INBOUND;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([9; 32])
}

fn public(index: u16) -> Addr {
    let [high, low] = index.to_be_bytes();
    Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::new(45, high, low, 7), 18_080))
}

fn entries(addrs: impl IntoIterator<Item = Addr>) -> impl Iterator<Item = PeerEntry> {
    addrs.into_iter().map(PeerEntry::bare)
}

fn list(limits: Limits) -> PeerList {
    PeerList::new(ZoneKind::Public, limits, Vec::new())
}

fn limits(white: usize, gray: usize) -> Limits {
    Limits { white, gray, ..Limits::new() }
}

fn lease_of(list: &mut PeerList, now: Instant, addr: &Addr) -> Option<Lease> {
    let candidate = list.candidates(now).find(|candidate| list.entries.find(candidate.entry).unwrap().info.addr == *addr)?;
    list.lease(candidate)
}

#[test]
fn hearsay_is_taken_up_to_the_limit_and_one_more_replaces_one() {
    let (mut list, mut rng) = (list(limits(4, 8)), rng());
    let learned = list.learn(START, SOURCE, entries((0..8).map(public)), &mut rng);
    assert_eq!((learned.added, list.len(ListKind::Gray)), (8, 8));
    let learned = list.learn(START, SOURCE, entries((0..9).map(public)), &mut rng);
    assert_eq!((learned.added, learned.known, list.len(ListKind::Gray)), (1, 8, 8));
    assert!(list.by_addr.contains_key(&public(8)));
}

#[test]
fn lent_and_named_peers_are_never_evicted() {
    let (mut list, mut rng) = (list(limits(4, 2)), rng());
    list.configure(START, public(100), PeerRole::Known);
    let _ = list.learn(START, SOURCE, entries((0..2).map(public)), &mut rng);
    let first = lease_of(&mut list, START, &public(0)).unwrap();
    for index in 2..50 {
        let _ = list.learn(START, SOURCE, entries([public(index)]), &mut rng);
    }
    assert!(list.by_addr.contains_key(&public(0)) && list.by_addr.contains_key(&public(100)));
    let second = lease_of(&mut list, START, &public(49)).unwrap();
    let learned = list.learn(START, SOURCE, entries([public(60)]), &mut rng);
    assert_eq!((learned.added, learned.refused), (0, 1), "every entry is lent");
    list.failed(START, first, Failure::Unreachable, &mut rng);
    list.failed(START, second, Failure::Unreachable, &mut rng);
}

#[test]
fn foreign_own_local_and_second_port_addresses_are_refused() {
    let tor = |name: &str| Addr::parse(name, 18_083).unwrap();
    let seed = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
    let own = tor("plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion");
    let mut list = PeerList::new(ZoneKind::Tor, Limits::new(), alloc::vec![own.clone()]);
    let other_port = tor(&format!("{seed}:1"));
    let heard = [public(1), own, tor(seed), other_port];
    let learned = list.learn(START, SOURCE, entries(heard), &mut rng());
    assert_eq!((learned.added, learned.refused), (1, 3));
    let local = Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 18_080));
    let learned = self::list(Limits::new()).learn(START, SOURCE, entries([local]), &mut rng());
    assert_eq!(learned.refused, 1);
}

#[test]
fn a_failed_address_rests_longer_each_time_and_hearsay_is_forgotten() {
    let (mut list, mut rng) = (list(Limits::new()), rng());
    let _ = list.learn(START, SOURCE, entries([public(1)]), &mut rng);
    let mut now = START;
    for failure in 1..FORGET_AFTER {
        let lease = lease_of(&mut list, now, &public(1)).unwrap();
        assert!(list.candidates(now).next().is_none(), "lent");
        list.failed(now, lease, Failure::Unreachable, &mut rng);
        assert!(list.candidates(now).next().is_none(), "resting");
        let rested = list.next_rested(now).unwrap();
        let rest = rested.saturating_since(now).as_secs();
        assert!(rest >= 45 << (failure - 1), "{failure}: {rest}");
        now = rested;
    }
    let lease = lease_of(&mut list, now, &public(1)).unwrap();
    list.failed(now, lease, Failure::Unreachable, &mut rng);
    assert_eq!(list.len(ListKind::Gray), 0);
}

#[test]
fn a_proven_peer_becomes_white_and_only_many_failures_demote_it() {
    let (mut list, mut rng) = (list(Limits::new()), rng());
    let _ = list.learn(START, SOURCE, entries([public(1)]), &mut rng);
    let lease = lease_of(&mut list, START, &public(1)).unwrap();
    list.succeeded(START, &lease, 7, &mut rng);
    assert_eq!((list.len(ListKind::White), list.len(ListKind::Gray)), (1, 0));
    list.ended(START, lease, SHORT_LINK, &mut rng);
    let mut now = START;
    for _ in 0..DEMOTE_AFTER {
        assert_eq!(list.len(ListKind::White), 1);
        now = list.next_rested(now).unwrap();
        let lease = lease_of(&mut list, now, &public(1)).unwrap();
        list.ended(now, lease, SHORT_LINK - Duration::from_micros(1), &mut rng);
    }
    assert_eq!((list.len(ListKind::White), list.len(ListKind::Gray)), (0, 1));
}

#[test]
fn one_host_is_lent_once_whatever_its_ports() {
    let (mut list, mut rng) = (list(Limits::new()), rng());
    let port = |port| Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::new(45, 0, 0, 7), port));
    let _ = list.learn(START, SOURCE, entries([port(1), port(2), public(9)]), &mut rng);
    let _lease = lease_of(&mut list, START, &port(1)).unwrap();
    assert_eq!(list.candidates(START).count(), 1);
}

#[test]
fn only_proven_peers_are_shared_each_once_in_random_order_without_stamps() {
    let (mut list, mut rng) = (list(Limits::new()), rng());
    list.configure(START, public(500), PeerRole::Known);
    let stamped = entries((0..40).map(public)).map(|entry| PeerEntry { last_seen: 1_700_000_000, ..entry });
    let _ = list.learn(START, SOURCE, stamped, &mut rng);
    for index in 0..30 {
        let lease = lease_of(&mut list, START, &public(index)).unwrap();
        list.succeeded(START, &lease, 7, &mut rng);
    }
    let mut sent = SentSet::default();
    let first: Vec<PeerEntry> = list.share(20, &mut sent, &mut rng).cloned().collect();
    let rest: Vec<PeerEntry> = list.share(20, &mut sent, &mut rng).cloned().collect();
    assert_eq!((first.len(), rest.len()), (20, 10));
    assert_eq!(list.share(20, &mut sent, &mut rng).len(), 0);
    let all: BTreeSet<&Addr> = first.iter().chain(&rest).map(|entry| &entry.addr).collect();
    assert_eq!(all, (0..30).map(public).collect::<Vec<_>>().iter().collect());
    assert!(first.iter().chain(&rest).all(|entry| entry.last_seen == 0));
    let order: Vec<PeerEntry> = list.share(30, &mut SentSet::default(), &mut rng).cloned().collect();
    assert_ne!(order, first.into_iter().chain(rest).collect::<Vec<_>>());
}

#[test]
fn addresses_that_come_with_the_program_carry_but_no_link_goes_there_and_nothing_displaces_them() {
    let (mut list, mut rng) = (list(limits(4, 2)), rng());
    let onion = Addr::parse("zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion", 1).unwrap();
    let with_port = |text| Addr::Ipv4(core::str::FromStr::from_str(text).unwrap());
    for useless in [onion.clone(), with_port("10.0.0.1:18080"), with_port("45.0.0.1:0")] {
        list.build_in(START, useless);
    }
    assert_eq!(list.len(ListKind::Gray), 0, "foreign, local, or without a port");
    list.configure(START, onion, PeerRole::Known);
    assert_eq!(list.len(ListKind::White), 0, "not here");
    (0..2).for_each(|_| list.build_in(START, public(1)));
    assert_eq!(list.len(ListKind::Gray), 1);
    assert!(list.courier_targets(START).all(|target| target.carries));
    for index in 2..40 {
        let _ = list.learn(START, SOURCE, entries([public(index)]), &mut rng);
        list.courier_failed(START, &public(1), Failure::Unreachable, &mut rng);
    }
    assert!(list.by_addr.contains_key(&public(1)));
    assert!(lease_of(&mut list, START, &public(1)).is_none());
    let _ = list.learn(START, SOURCE, entries([public(1)]), &mut rng);
    assert!(lease_of(&mut list, START, &public(1)).is_some(), "somebody tells of it: hearsay as any other");
}

#[test]
fn couriers_in_vain_forget_nobody_who_is_in_use_or_named() {
    let (mut list, mut rng) = (list(Limits::new()), rng());
    let _ = list.learn(START, SOURCE, entries((1..4).map(public)), &mut rng);
    list.configure(START, public(1), PeerRole::Known);
    let _lease = lease_of(&mut list, START, &public(2)).unwrap();
    for index in 1..4 {
        (0..FORGET_AFTER).for_each(|_| list.courier_failed(START, &public(index), Failure::Unreachable, &mut rng));
    }
    assert_eq!([1, 2, 3].map(|index| list.by_addr.contains_key(&public(index))), [true, true, false]);
}

#[test]
fn a_ban_forgets_strangers_and_lets_the_named_rest_until_it_is_lifted() {
    let (mut list, mut rng) = (list(Limits::new()), rng());
    list.configure(START, public(1), PeerRole::Known);
    let _ = list.learn(START, SOURCE, entries([public(2)]), &mut rng);
    assert_eq!([1, 2, 3].map(|index| list.is_named(&public(index))), [true, false, false]);
    list.banish(START + SHORT_LINK, |_| true);
    assert_eq!((list.len(ListKind::White), list.len(ListKind::Gray)), (1, 0));
    list.pardon(START, |addr| *addr == public(9));
    assert_eq!(list.candidates(START).count(), 0, "another was pardoned");
    list.pardon(START, |_| true);
    assert_eq!(list.candidates(START).count(), 1);
}

#[test]
fn who_is_there_no_more_stays_white_as_long_as_gray_has_no_room() {
    let (mut list, mut rng) = (list(limits(4, 1)), rng());
    let _ = list.learn(START, SOURCE, entries([public(1)]), &mut rng);
    let lease = lease_of(&mut list, START, &public(1)).unwrap();
    list.succeeded(START, &lease, 7, &mut rng);
    list.returned(lease);
    let _ = list.learn(START, SOURCE, entries([public(2)]), &mut rng);
    let in_use = lease_of(&mut list, START, &public(2)).unwrap();
    let mut now = START;
    let mut fail = |list: &mut PeerList| {
        let lease = lease_of(list, now, &public(1)).unwrap();
        list.failed(now, lease, Failure::Unreachable, &mut rng);
        now = now + Duration::from_secs(24 * 3_600);
    };
    (0..=DEMOTE_AFTER).for_each(|_| fail(&mut list));
    assert_eq!((list.len(ListKind::White), list.len(ListKind::Gray)), (1, 1));
    list.returned(in_use);
    fail(&mut list);
    assert_eq!((list.len(ListKind::White), list.len(ListKind::Gray)), (0, 1), "it displaces who is not in use");
}
