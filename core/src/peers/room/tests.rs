use core::net::{Ipv4Addr, SocketAddrV4};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::addr::{Addr, ZoneKind};
use crate::config::Limits;
use crate::rand;
use crate::select::{DialView, next_dial};

const START: Instant = Instant::from_micros(1_000_000);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([9; 32])
}

/// Host `index` of owner `owner`, in a /24 of its own.
fn host(owner: u8, index: u16) -> Addr {
    let [high, low] = index.to_be_bytes();
    Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::new(45 + owner, high, low, 7), 18_080))
}

fn source(owner: u8) -> Source {
    Source::peer(&host(owner, 0))
}

fn list(white: usize, gray: usize) -> PeerList {
    PeerList::new(ZoneKind::Public, Limits { white, gray, ..Limits::new() }, Vec::new())
}

fn tell(list: &mut PeerList, from: u8, addrs: impl Iterator<Item = Addr>, rng: &mut ChaCha20Rng) {
    let _ = list.learn(START, source(from), addrs.map(PeerEntry::bare), rng);
}

fn entry_of<'a>(list: &'a PeerList, addr: &Addr) -> Option<&'a Known> {
    list.entries.find(*list.by_addr.get(addr)?)
}

/// Proves an address that was told of.
fn prove(list: &mut PeerList, addr: &Addr, rng: &mut ChaCha20Rng) {
    let candidate = list.candidates(START).find(|candidate| list.entries.find(candidate.entry).unwrap().info.addr == *addr);
    let lease = list.lease(candidate.unwrap()).unwrap();
    list.verified(START, lease, 7, rng);
}

#[test]
fn a_source_fills_a_sixteenth_and_then_replaces_its_own() {
    let (mut list, mut rng) = (list(1_000, 5_000), rng());
    tell(&mut list, 1, (0..200).map(|index| host(1, index)), &mut rng);
    tell(&mut list, 2, (0..312).map(|index| host(2, index)), &mut rng);
    assert_eq!(list.len(ListKind::Gray), 512);
    tell(&mut list, 2, core::iter::once(host(2, 312)), &mut rng);
    assert_eq!((list.len(ListKind::Gray), list.gray.shares.of(source(2))), (512, 312));
    tell(&mut list, 2, (313..5_000).map(|index| host(2, index)), &mut rng);
    assert_eq!((list.gray.shares.of(source(1)), list.gray.shares.of(source(2))), (200, 312));
}

#[test]
fn a_full_list_takes_from_whoever_has_most() {
    let (mut list, mut rng) = (list(8, 64), rng());
    for owner in 1..=8 {
        tell(&mut list, owner, (0..8).map(|index| host(owner, index)), &mut rng);
    }
    tell(&mut list, 9, (0..3).map(|index| host(9, index)), &mut rng);
    assert_eq!((list.len(ListKind::Gray), list.gray.shares.of(source(9))), (64, 3));
    let shares: Vec<usize> = (1..=8).map(|owner| list.gray.shares.of(source(owner))).collect();
    assert_eq!(shares.iter().filter(|&&share| share == 7).count(), 3, "{shares:?}");
}

#[test]
fn whoever_told_first_does_not_own_an_address_and_cannot_push_it_out() {
    let (mut list, mut rng) = (list(100, 160), rng());
    // the hostile source is first with the honest names, then the honest one tells them, too
    tell(&mut list, 2, (0..8).map(|index| host(1, index)), &mut rng);
    tell(&mut list, 1, (0..8).map(|index| host(1, index)), &mut rng);
    assert_eq!((list.gray.shares.of(source(1)), list.gray.shares.of(source(2))), (4, 4), "the rarer one gets half");
    tell(&mut list, 2, (0..500).map(|index| host(2, index)), &mut rng);
    assert!((0..8).all(|index| entry_of(&list, &host(1, index)).is_some()), "all are still known");
    assert!(list.gray.shares.of(source(2)) <= 10);
}

#[test]
fn what_is_told_never_moves_a_proven_peer_and_new_proofs_replace_the_largest_source() {
    let (mut list, mut rng) = (list(4, 160), rng());
    for (owner, count) in [(1, 1), (2, 3)] {
        for index in 0..count {
            tell(&mut list, owner, core::iter::once(host(owner, index)), &mut rng);
            prove(&mut list, &host(owner, index), &mut rng);
        }
    }
    for owner in 3..60 {
        tell(&mut list, owner, (0..10).map(|index| host(owner, index)), &mut rng);
    }
    let white = |list: &PeerList, owner| list.white.shares.of(source(owner));
    assert_eq!((white(&list, 1), white(&list, 2)), (1, 3));
    tell(&mut list, 60, core::iter::once(host(60, 0)), &mut rng);
    prove(&mut list, &host(60, 0), &mut rng);
    assert_eq!((white(&list, 1), white(&list, 2), white(&list, 60)), (1, 2, 1));
}

#[test]
fn a_source_is_one_lot_however_many_names_it_brought() {
    let (mut list, mut rng) = (list(1_000, 5_000), rng());
    for owner in 1..=9 {
        tell(&mut list, owner, (0..3).map(|index| host(owner, index)), &mut rng);
    }
    tell(&mut list, 10, (0..5_000).map(|index| host(10, index)), &mut rng);
    let mut hostile = 0;
    for _ in 0..2_000 {
        let view = DialView { peers: &list, outgoing: 0, wanted: 12, exclusive_only: false };
        hostile += u32::from(next_dial(&view, START, &mut rng).unwrap().source == source(10));
    }
    assert!((150..250).contains(&hostile), "{hostile} of 2000, where a tenth is its due");
}

/// A full list of 64: some of each of ten owners, of which some are proven, anchors, lent, or told of twice.
fn any_full_list(rng: &mut ChaCha20Rng) -> PeerList {
    let mut list = list(8, 64);
    let mut index = 0;
    while list.len(ListKind::Gray) < 64 {
        index += 1;
        let owner = rand::index(rng, 10) as u8;
        tell(&mut list, owner, core::iter::once(host(owner, index)), rng);
        match rand::index(rng, 12) {
            0 => tell(&mut list, owner + 20, core::iter::once(host(owner, index)), rng),
            1..4 => {
                let Some(&entry) = list.by_addr.get(&host(owner, index)) else { continue };
                let known = list.entries.find_mut(entry).unwrap();
                (known.anchor, known.lent) = (rand::index(rng, 2) == 0, rand::index(rng, 3) == 0);
                known.proven = (rand::index(rng, 2) == 0).then_some(START);
            }
            _ => {}
        }
    }
    list
}

#[test]
fn who_gives_way_is_found_among_the_largest_sources_as_in_a_pass_over_all() {
    let mut rng = rng();
    let mut anchors = 0;
    for _ in 0..200 {
        let mut list = any_full_list(&mut rng);
        if rand::index(&mut rng, 4) == 0 {
            // nobody else is left
            for &entry in &list.gray.entries {
                list.entries.find_mut(entry).unwrap().anchor = true;
            }
        }
        let lots = Lottery::draw(&mut rng);
        let all = list.gray.entries.iter().filter_map(|&entry| Some((entry, list.entries.find(entry)?)));
        let free = all.filter(|(_, known)| !known.lent);
        let expected = free.min_by_key(|(entry, known)| {
            let most = core::cmp::Reverse(list.gray.shares.of(known.source));
            (known.anchor, most, known.also.is_some(), known.proven.is_some(), lots.rank(entry.slot() as u64))
        });
        let found = list.first_to_go_of_the_largest(lots, &list.gray.shares);
        assert_eq!(found.map(|(entry, _)| entry), expected.map(|(entry, _)| entry));
        anchors += u32::from(found.is_some_and(|(_, known)| known.anchor));
    }
    assert!(anchors > 10, "{anchors} anchors gave way");
}

#[test]
fn whoever_pushes_names_makes_the_node_look_at_its_own_entries_and_not_at_the_list() {
    let (mut list, mut rng) = (list(1_000, 5_000), rng());
    for owner in 1..=20 {
        tell(&mut list, owner, (0..230).map(|index| host(owner, index)), &mut rng);
    }
    tell(&mut list, 21, (0..5_000).map(|index| host(21, index)), &mut rng);
    let looks = |list: &PeerList| list.gray.shares.entries(source(21)).len();
    assert_eq!((list.len(ListKind::Gray), looks(&list)), (4_912, 312), "at its share");
    tell(&mut list, 22, (0..88).map(|index| host(22, index)), &mut rng);
    let most = list.gray.shares.most_below(usize::MAX).unwrap();
    let looks = list.gray.shares.entries_of_all_with(most).count();
    assert_eq!((list.len(ListKind::Gray), looks), (5_000, 312), "a newcomer to a full list");
}

/// Whoever told first does not own what others tell of, too: at its share it loses such an entry to another teller, not the
/// list.
#[test]
fn an_entry_of_two_tellers_outlives_the_share_of_one() {
    let (mut list, mut rng) = (list(4, 16), rng());
    // both tell of the same until one has its share of eight, and the other nearly
    for index in 0..15 {
        tell(&mut list, 1, [host(9, index)].into_iter(), &mut rng);
        tell(&mut list, 2, [host(9, index)].into_iter(), &mut rng);
    }
    let shares = |list: &PeerList| [1, 2].map(|owner| list.listed(ListKind::Gray).shares.of(source(owner)));
    assert_eq!(shares(&list), [8, 7]);
    tell(&mut list, 1, [host(9, 15)].into_iter(), &mut rng);
    assert!((0..16).all(|index| entry_of(&list, &host(9, index)).is_some()), "nothing was forgotten");
    assert_eq!(shares(&list), [8, 8]);
}
