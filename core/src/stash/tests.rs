use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const START: Instant = Instant::from_micros(1);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([2; 32])
}

fn tx(size: usize) -> LocalTx {
    LocalTx::new(Bytes::from(alloc::vec![1; size])).unwrap()
}

fn id(byte: u8) -> TxId {
    TxId::new([byte; 32])
}

fn conns() -> (ConnId, ConnId) {
    let mut table = Table::new();
    (ConnId(table.insert(())), ConnId(table.insert(())))
}

fn stash(limits: Limits) -> Stash {
    Stash::new(limits, Some(Witness::PublicLinks))
}

#[test]
fn caps_refuse_before_anything_is_kept() {
    let limits = Limits { stash_entries: 2, stash_bytes: 100, ..Limits::new() };
    let mut stash = stash(limits);
    stash.insert(START, id(1), tx(60), Why::NoPeer).unwrap().unwrap();
    let full = stash.insert(START, id(2), tx(41), Why::NoPeer).unwrap_err();
    assert_eq!(full, SubmitError::StashFull { entries: 1, bytes: 60 });
    stash.insert(START, id(2), tx(40), Why::NoPeer).unwrap().unwrap();
    assert!(stash.insert(START, id(3), tx(1), Why::NoPeer).is_err(), "entries");
    assert_eq!(stash.insert(START, id(1), tx(1), Why::NoPeer), Ok(None), "known");
    assert!(stash.remove(id(1)) && !stash.remove(id(1)));
    stash.insert(START, id(3), tx(60), Why::NoPeer).unwrap().unwrap();
}

#[test]
fn an_entry_expires_at_its_age_and_not_before() {
    let mut stash = stash(Limits::new());
    stash.insert(START, id(1), tx(5), Why::NoPeer).unwrap();
    let end = START + Limits::new().stash_lifetime;
    assert_eq!(stash.next_due(), Some(end));
    assert_eq!(stash.pop_due(Instant::from_micros(end.as_micros() - 1)), None);
    assert_eq!(stash.pop_due(end), Some(Due::Expired(id(1))));
    assert_eq!((stash.pop_due(end), stash.next_due(), stash.bytes), (None, None, 0));
}

#[test]
fn a_peer_counts_once_and_only_an_answer_to_a_later_question_proves_it() {
    let (mut stash, mut rng) = (stash(Limits::new()), rng());
    let (first, second) = conns();
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer).unwrap().unwrap();
    let addr = Addr::parse("45.1.2.3:1", 1).unwrap();
    stash.carry(entry, ZoneId(0));
    assert_eq!(stash.state(entry), Some(StashState::Queued(ZoneId(0))));
    assert_eq!(stash.handed(START, entry, ZoneId(0), (first, Some(addr.clone()), 3), &mut rng), Some((id(1), 1)));
    assert_eq!(
        stash.handed(START, entry, ZoneId(0), (second, Some(addr.clone()), 0), &mut rng),
        Some((id(1), 1)),
        "the same peer again"
    );
    stash.answered(second, 0);
    assert!(!stash.is_proven_at(entry, Some(&addr)));
    stash.answered(first, 9);
    assert!(!stash.is_proven_at(entry, Some(&addr)), "the peer is on the second link now");
    stash.answered(second, 1);
    assert!(stash.is_proven_at(entry, Some(&addr)));
    assert_eq!(stash.link_ended(second), 0, "proven peers stay");
    assert!(stash.stranded(Held::Include).is_empty());
}

#[test]
fn an_unproven_hand_over_on_an_ended_link_does_not_count() {
    let (mut stash, mut rng) = (stash(Limits::new()), rng());
    let (conn, _) = conns();
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer).unwrap().unwrap();
    stash.carry(entry, ZoneId(0));
    stash.handed(START, entry, ZoneId(0), (conn, None, 0), &mut rng).unwrap();
    assert_eq!(stash.stranded(Held::LeaveOut), []);
    assert_eq!(stash.link_ended(conn), 1);
    assert_eq!(stash.stranded(Held::LeaveOut), [entry]);
    stash.hold(entry, Why::NoPeer);
    assert_eq!((stash.stranded(Held::LeaveOut), stash.stranded(Held::Include)), (alloc::vec![], alloc::vec![entry]));
}

#[test]
fn rounds_come_at_growing_random_pauses_and_end_after_four() {
    let (mut stash, mut rng) = (stash(Limits::new()), rng());
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer).unwrap().unwrap();
    let mut now = START;
    for round in 0..MAX_ROUNDS - 1 {
        stash.round_begun(now, entry, &mut rng);
        let next = stash.next_due().unwrap();
        let pause = next.saturating_since(now);
        assert!(pause >= FIRST_PAUSE.0 * (1 << round) && pause <= FIRST_PAUSE.1 * (1 << round), "{round} {pause:?}");
        assert_eq!(stash.pop_due(next), Some(Due::Round(entry)));
        now = next;
    }
    stash.round_begun(now, entry, &mut rng);
    assert_eq!(stash.next_due(), Some(START + Limits::new().stash_lifetime));
}

#[test]
fn a_recipient_proves_nothing_by_sending_it_back() {
    let (mut stash, mut rng) = (stash(Limits::new()), rng());
    let mut table = Table::new();
    let mut echo = |text: &str| {
        let conn = ConnId(table.insert(()));
        (conn, Echo::from_peer(conn, &Addr::parse(text, 1).unwrap()).unwrap())
    };
    let ((recipient, returned), (_, second), (_, third)) = (echo("45.1.0.1"), echo("45.2.0.1"), echo("45.3.0.1"));
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer).unwrap().unwrap();
    stash.carry(entry, ZoneId(0));
    stash.handed(START, entry, ZoneId(0), (recipient, None, 0), &mut rng).unwrap();
    assert_eq!((stash.echoed(id(1), returned), stash.echoed(id(1), second)), (None, None), "one that counts");
    assert_eq!(stash.echoed(id(2), third), None, "of another transaction");
    assert_eq!((stash.echoed(id(1), third), stash.echoed(id(1), third)), (Some((5, 1)), None));
    assert_eq!((stash.reports().count(), stash.next_due(), stash.bytes), (0, None, 0));
}
