use alloc::format;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::addr::ZoneKind;
use crate::config::Limits;
use crate::snapshot::{Snapshot, begin, open};

const NOW: Instant = Instant::from_micros(1_700_000_000_000_000);
const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";

fn list(kind: ZoneKind, limits: Limits) -> PeerList {
    PeerList::new(kind, limits, Vec::new())
}

fn document(list: &PeerList) -> Vec<u8> {
    let mut bytes = Vec::new();
    begin(Snapshot::Peers, &mut bytes);
    list.store(&mut bytes);
    bytes
}

/// Restores a document; says how many entries were taken and how many were not.
fn restore(list: &mut PeerList, bytes: &[u8]) -> (usize, usize) {
    let taken: Vec<bool> = open(Snapshot::Peers, bytes)
        .1
        .map(|entry| entry.and_then(Stored::decode).is_some_and(|stored| list.restore(NOW, stored)))
        .collect();
    let kept = taken.iter().filter(|taken| **taken).count();
    (kept, taken.len() - kept)
}

fn entry(addr: &str, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_entry(&mut bytes, |entry| {
        entry.field(tag::ADDR, addr.as_bytes());
        for (tag, value) in fields {
            entry.field(*tag, value);
        }
    });
    bytes.split_off(2)
}

fn stored() -> impl Strategy<Value = Stored> {
    let stamp = || proptest::option::of((0..NOW.as_micros()).prop_map(Instant::from_micros));
    let addr = (0u8..4, any::<u8>(), 1u16..).prop_map(|(kind, host, port)| match kind {
        0 => Addr::parse(&format!("45.{host}.1.1:{port}"), 0),
        1 => Addr::parse(&format!("[2a01:{host}::1]:{port}"), 0),
        2 => Addr::parse(&format!("45.1.{host}.1:18080"), 0),
        _ => Addr::parse(&format!("45.1.1.{}:{}", host / 4, 18_080 + port % 2), 0),
    });
    let source = || any::<[u8; 8]>().prop_map(Source::from_bytes);
    let fields = (stamp(), stamp(), any::<u8>(), any::<bool>(), source(), proptest::option::of(source()), 1u64..);
    let trust = (proptest::collection::vec(source(), 0..=3), stamp(), stamp()).prop_map(|(tellers, told, carries_from)| {
        let mut trust = Trust::default();
        (trust.told, trust.carries_from) = (told, carries_from);
        tellers.into_iter().for_each(|teller| trust.hear_stored(teller));
        trust
    });
    (addr, any::<bool>(), fields, trust).prop_map(
        |(addr, white, (proven, last_success, failures, anchor, source, also, id), trust)| Stored {
            addr: addr.expect("it is well formed"),
            list: if white && proven.is_some() { ListKind::White } else { ListKind::Gray },
            proven,
            last_success,
            failures,
            anchor,
            source,
            also,
            id,
            trust,
        },
    )
}

proptest! {
    #[test]
    fn what_is_stored_comes_back_as_it_was(peers in proptest::collection::vec(stored(), 0..60)) {
        let mut first = list(ZoneKind::Public, Limits::new());
        for stored in peers {
            first.restore(NOW, stored);
        }
        let bytes = document(&first);
        let mut second = list(ZoneKind::Public, Limits::new());
        let (kept, dropped) = restore(&mut second, &bytes);
        prop_assert_eq!((kept, dropped), (first.by_addr.len(), 0));
        prop_assert_eq!(document(&second), bytes);
        for kind in [ListKind::White, ListKind::Gray] {
            prop_assert_eq!(first.len(kind), second.len(kind));
        }
        for (addr, entry) in &first.by_addr {
            let (one, other) = (first.entries.find(*entry).unwrap(), second.entries.find(second.by_addr[addr]).unwrap());
            prop_assert_eq!((one.proven, one.last_success, one.failures), (other.proven, other.last_success, other.failures));
            prop_assert_eq!((one.list, one.anchor, one.source), (other.list, other.anchor, other.source));
            prop_assert_eq!((one.trust.tellers, one.trust.carries_from), (other.trust.tellers, other.trust.carries_from));
        }
    }

    #[test]
    fn a_changed_byte_costs_no_more_than_what_is_read_from_there_on(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut full = list(ZoneKind::Public, Limits::new());
        // names of one length, so that the place says which entry it is
        for host in 10..30u8 {
            let known = entry(&format!("45.1.{host}.1:18080"), &[]);
            full.restore(NOW, Stored::decode(&known).unwrap());
        }
        let mut bytes = document(&full);
        let at = 10 + at.index(bytes.len() - 10);
        bytes[at] = to;
        let each = (bytes.len() - 10) / 20;
        let mut other = list(ZoneKind::Public, Limits::new());
        prop_assert!(restore(&mut other, &bytes).0 >= (at - 10) / each);
    }
}

#[test]
fn a_bad_entry_costs_itself() {
    let good = [
        entry("45.1.1.1:18080", &[(tag::LIST, &[GRAY])]),
        entry("45.1.2.1:18080", &[(tag::LIST, &[WHITE]), (tag::PROVEN, &7u64.to_le_bytes()), (200, b"of a later build")]),
    ];
    let proven = (tag::PROVEN, &7u64.to_le_bytes()[..]);
    let bad = [
        entry("45.1.3.1", &[]),
        entry("45.1.3.1:0", &[]),
        entry("45.1.3.1:65536", &[]),
        entry("10.0.0.1:18080", &[]),
        entry(&format!("{ONION}:18083"), &[]),
        entry("<unknown tor host>", &[]),
        entry("\u{ff}", &[]),
        entry("45.1.3.1:18080", &[(tag::LIST, &[2])]),
        entry("45.1.3.1:18080", &[(tag::LIST, &[WHITE])]),
        entry("45.1.3.1:18080", &[(tag::LIST, &[WHITE]), (tag::PROVEN, &[7; 7])]),
        entry("45.1.3.1:18080", &[(tag::SOURCE, &[])]),
        entry("45.1.3.1:18080", &[(tag::ID, &0u64.to_le_bytes())]),
        entry("45.1.3.1:18080", &[(tag::FAILURES, &[])]),
        entry("45.1.3.1:18080", &[proven])[..20].to_vec(),
        vec![],
        vec![tag::LIST, 1, GRAY],
    ];
    for bad in &bad {
        let mut bytes = Vec::new();
        begin(Snapshot::Peers, &mut bytes);
        for entry in [&good[0], bad, &good[1]] {
            crate::snapshot::write_raw(&mut bytes, entry);
        }
        let mut list = list(ZoneKind::Public, Limits::new());
        assert_eq!(restore(&mut list, &bytes), (2, 1), "{}", bad.escape_ascii());
        assert_eq!((list.len(ListKind::White), list.len(ListKind::Gray)), (1, 1));
    }
}

#[test]
fn stamps_from_the_future_count_as_now_and_limits_hold() {
    let limits = Limits { white: 1, gray: 2, ..Limits::new() };
    let mut list = list(ZoneKind::Public, limits);
    let late = u64::MAX.to_le_bytes();
    for host in 0..3 {
        let white =
            entry(&format!("45.1.{host}.1:1"), &[(tag::LIST, &[WHITE]), (tag::PROVEN, &late), (tag::LAST_SUCCESS, &late)]);
        assert_eq!(list.restore(NOW, Stored::decode(&white).unwrap()), host < 1);
        let gray = entry(&format!("45.2.{host}.1:1"), &[]);
        assert_eq!(list.restore(NOW, Stored::decode(&gray).unwrap()), host < 2);
    }
    let known = list.entries.find(list.white.entries[0]).unwrap();
    assert_eq!((known.proven, known.last_success), (Some(NOW), Some(NOW)));
}

#[test]
fn whom_the_user_named_is_stored_only_if_proven_and_not_set_apart() {
    let mut list = list(ZoneKind::Public, Limits::new());
    let addr = |host: u8| Addr::parse(&format!("45.1.{host}.1:18080"), 0).unwrap();
    for (host, role) in [(1, PeerRole::Known), (2, PeerRole::Known), (3, PeerRole::Priority), (4, PeerRole::Exclusive)] {
        list.configure(NOW, addr(host), role);
        if host > 1 {
            let entry = list.by_addr[&addr(host)];
            list.entries.find_mut(entry).unwrap().proven = Some(NOW);
        }
    }
    let bytes = document(&list);
    let stored: Vec<Addr> = open(Snapshot::Peers, &bytes).1.map(|entry| Stored::decode(entry.unwrap()).unwrap().addr).collect();
    assert_eq!(stored, [addr(2)]);
}

#[test]
fn a_restored_onion_is_checked_before_it_is_dialled() {
    // a right checksum over 32 bytes that are no point of the curve
    let bad = (0u8..=255).find_map(|byte| {
        let mut key = [byte; 35];
        key[34] = 3;
        let digest = <sha3::Sha3_256 as sha3::Digest>::digest([&b".onion checksum"[..], &key[..32], &[3]].concat());
        key[32..34].copy_from_slice(&digest[..2]);
        let name = base32(&key);
        let onion = OnionAddr::from_host(format!("{name}.onion").as_bytes(), 18_083).unwrap();
        onion.check_point().is_err().then_some(Addr::Onion(onion))
    });
    let mut list = list(ZoneKind::Tor, Limits::new());
    let text = format!("{}", bad.unwrap().reveal());
    assert!(list.restore(NOW, Stored::decode(&entry(&text, &[])).unwrap()));
    assert!(list.restore(NOW, Stored::decode(&entry(&format!("{ONION}:18083"), &[])).unwrap()));
    let candidates: Vec<_> = list.candidates(NOW).collect();
    let leases = candidates.into_iter().filter_map(|candidate| list.lease(candidate)).count();
    assert_eq!((leases, list.len(ListKind::Gray)), (1, 1));
}

fn base32(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let digit = |at: usize| (0..5).fold(0, |digit, offset| digit << 1 | bit(at * 5 + offset));
    (0..bytes.len() * 8 / 5).map(|at| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(digit(at))])).collect()
}

#[test]
fn a_second_teller_of_an_earlier_run_is_not_put_out_by_whoever_dialled_us() {
    let [told_before, tells_now] = [3, 4].map(|number| Source::from_bytes([number; 8]));
    let mut list = list(ZoneKind::Public, Limits::new());
    let mut stored = Stored::decode(&entry("45.1.1.1:18080", &[])).unwrap();
    (stored.source, stored.also) = (Source::INBOUND, Some(told_before));
    let addr = stored.addr.clone();
    assert!(list.restore(NOW, stored));
    list.heard_again(NOW, list.by_addr[&addr], tells_now);
    let known = &list.entries[list.by_addr[&addr]];
    assert_eq!((known.source, known.also), (tells_now, Some(told_before)));
}
