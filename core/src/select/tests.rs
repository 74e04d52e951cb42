use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::addr::{Addr, ZoneKind};
use crate::config::Limits;
use crate::peers::{Failure, Source, Standing};
use crate::wire::PeerEntry;

const START: Instant = Instant::from_micros(1_000_000);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([3; 32])
}

fn addr(text: &str) -> Addr {
    Addr::parse(text, 18_080).unwrap()
}

fn knowing<'a>(addrs: impl IntoIterator<Item = &'a str>, rng: &mut ChaCha20Rng) -> PeerList {
    let mut list = PeerList::new(ZoneKind::Public, Limits::new(), Vec::new());
    let entries = addrs.into_iter().map(|text| PeerEntry::bare(addr(text)));
    let _ = list.learn(START, Source::INBOUND, entries, rng);
    list
}

fn choose(peers: &PeerList, outgoing: u32, rng: &mut ChaCha20Rng) -> Option<Candidate> {
    next_dial(&DialView { peers, outgoing, wanted: 12, exclusive_only: false }, START, rng)
}

/// Dials until nothing is left, and says in which order.
fn order(list: &mut PeerList, rng: &mut ChaCha20Rng) -> Vec<Addr> {
    let mut order = Vec::new();
    while let Some(candidate) = choose(list, order.len() as u32, rng) {
        order.push(list.lease(candidate).unwrap().addr().clone());
    }
    order
}

#[test]
fn no_second_link_into_a_network_while_another_has_candidates() {
    let mut rng = rng();
    let crowd: Vec<_> = (0..40).map(|host| format!("45.1.1.{host}")).collect();
    let v6: Vec<_> = (0..9).map(|host| format!("[2a01:4f8:{host}::1]")).collect();
    let others = ["45.1.2.1", "46.1.1.1", "[2a01:4f9::1]"];
    for _ in 0..20 {
        let all = crowd.iter().chain(&v6).map(|text| text.as_str()).chain(others);
        let order = order(&mut knowing(all, &mut rng), &mut rng);
        let first: BTreeSet<_> = order[..5].iter().map(Addr::group).collect();
        assert_eq!(first.len(), 5, "five networks, five links");
        assert_eq!(order.len(), 12, "then the crowd fills up");
    }
}

#[test]
fn a_proven_peer_in_a_crowded_network_waits_for_hearsay_elsewhere() {
    let mut rng = rng();
    let mut list = knowing(["45.1.1.1", "45.1.1.2", "46.1.1.1"], &mut rng);
    for text in ["45.1.1.1", "45.1.1.2"] {
        let candidate = list.candidates(START).find(|candidate| candidate.network == u64::from(45 << 16 | 1 << 8 | 1u32));
        let lease = list.lease(candidate.unwrap()).unwrap();
        list.succeeded(START, &lease, 7, &mut rng);
        if text == "45.1.1.2" {
            list.ended(START, lease, core::time::Duration::from_secs(3_600), &mut rng);
        } else {
            core::mem::forget(lease);
        }
    }
    assert_eq!(list.len(ListKind::White), 2);
    let later = START + core::time::Duration::from_secs(3_600);
    let view = DialView { peers: &list, outgoing: 1, wanted: 12, exclusive_only: false };
    let candidate = next_dial(&view, later, &mut rng).unwrap();
    assert!(candidate.list == ListKind::Gray && !candidate.crowded);
}

#[test]
fn two_anchors_come_first_the_longest_known_before_the_other_and_a_failed_round_loses_none() {
    let mut rng = rng();
    let names = ["45.1.1.1", "45.2.1.1", "45.3.1.1", "45.4.1.1", "45.5.1.1"];
    let mut list = knowing(names, &mut rng);
    let mut anchors = Vec::new();
    for minute in 0..3 {
        let now = START + core::time::Duration::from_secs(60 * minute);
        let gray = pick(&list, START, &|candidate| candidate.list == ListKind::Gray, &mut rng);
        let lease = list.lease(gray.unwrap()).unwrap();
        list.succeeded(now, &lease, 7, &mut rng);
        anchors.push(lease.addr().clone());
        // as at a shutdown: the link stood to the end
        list.returned(lease);
    }
    let first = list.lease(choose(&list, 0, &mut rng).unwrap()).unwrap();
    assert_eq!(*first.addr(), anchors[0]);
    let second = list.lease(choose(&list, 1, &mut rng).unwrap()).unwrap();
    assert_eq!(*second.addr(), anchors[1]);
    list.failed(START, first, Failure::Unreachable, &mut rng);
    list.failed(START, second, Failure::Unreachable, &mut rng);
    // while the two rest, the third is an anchor still; once rested, they come first again
    let lease = list.lease(choose(&list, 0, &mut rng).unwrap()).unwrap();
    assert_eq!(*lease.addr(), anchors[2]);
    let later = START + core::time::Duration::from_secs(600);
    let again = next_dial(&DialView { peers: &list, outgoing: 0, wanted: 12, exclusive_only: false }, later, &mut rng);
    assert_eq!(*list.lease(again.unwrap()).unwrap().addr(), anchors[0]);
}

#[test]
fn beyond_two_links_anchors_are_as_others_are() {
    let mut rng = rng();
    let mut ninth = BTreeSet::new();
    for _ in 0..50 {
        let mut list = knowing(["45.1.1.1", "45.2.1.1"], &mut rng);
        for minute in 0..2 {
            let now = START + core::time::Duration::from_secs(60 * minute);
            let lease = list.lease(pick(&list, START, &|candidate| candidate.list == ListKind::Gray, &mut rng).unwrap()).unwrap();
            list.succeeded(now, &lease, 7, &mut rng);
            list.returned(lease);
        }
        let oldest = list.candidates(START).filter_map(|candidate| candidate.anchor).min();
        ninth.insert(choose(&list, 8, &mut rng).unwrap().anchor == oldest);
        assert_eq!(choose(&list, 1, &mut rng).unwrap().anchor, oldest);
    }
    assert_eq!(ninth.len(), 2, "either may be the ninth link");
}

#[test]
fn what_two_told_of_comes_before_what_one_told_of_and_that_before_what_somebody_claims() {
    let mut rng = rng();
    let mut list = knowing(["45.1.1.1", "45.2.1.1"], &mut rng);
    let tellers = ["46.1.1.1", "47.1.1.1"].map(|text| Source::peer(&addr(text)));
    let told = |text: &str| core::iter::once(PeerEntry::bare(addr(text)));
    let _ = list.learn(START, tellers[0], told("45.3.1.1"), &mut rng);
    for teller in tellers {
        let _ = list.learn(START, teller, told("45.4.1.1"), &mut rng);
    }
    // telling it twice, or to dial us as well, attests nothing
    let _ = list.learn(START, tellers[0], told("45.3.1.1"), &mut rng);
    let _ = list.learn(START, Source::INBOUND, told("45.3.1.1"), &mut rng);
    let _ = list.learn(START, tellers[1], told("45.2.1.1"), &mut rng);
    let checked = next_check(&list, START, &mut rng).unwrap();
    assert_eq!(checked.standing, Standing::Attested);
    let order = order(&mut list, &mut rng);
    assert_eq!(order[0], addr("45.4.1.1"));
    assert_eq!(order[1..3].iter().collect::<BTreeSet<_>>(), BTreeSet::from([&addr("45.3.1.1"), &addr("45.2.1.1")]));
    assert_eq!(order[3], addr("45.1.1.1"));
}

#[test]
fn most_couriers_go_to_those_that_carry_and_some_see_who_else_is_there() {
    let mut rng = rng();
    let mut list = knowing(["45.1.1.1", "45.1.1.2"], &mut rng);
    for carrier in ["45.2.1.1", "45.2.1.2"] {
        list.configure(START, addr(carrier), PeerRole::Known);
    }
    let scouts = (0..3_000).filter(|_| !next_courier(&list, false, START, &mut rng).unwrap().carries).count();
    assert!((900..1_100).contains(&scouts), "{scouts} of 3,000");
}
