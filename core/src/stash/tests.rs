use core::time::Duration;

use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::config::Durability;

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
    stash.insert(START, id(1), tx(60), Why::NoPeer, &mut rng()).unwrap().unwrap();
    let full = stash.insert(START, id(2), tx(41), Why::NoPeer, &mut rng()).unwrap_err();
    assert_eq!(full, SubmitError::StashFull { entries: 1, bytes: 60 });
    stash.insert(START, id(2), tx(40), Why::NoPeer, &mut rng()).unwrap().unwrap();
    assert!(stash.insert(START, id(3), tx(1), Why::NoPeer, &mut rng()).is_err(), "entries");
    assert_eq!(stash.insert(START, id(1), tx(1), Why::NoPeer, &mut rng()), Ok(None), "known");
    assert!(stash.remove(id(1)) && !stash.remove(id(1)));
    stash.insert(START, id(3), tx(60), Why::NoPeer, &mut rng()).unwrap().unwrap();
}

#[test]
fn an_entry_expires_at_its_age_and_not_before() {
    let mut stash = stash(Limits::new());
    stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap();
    let end = START + Limits::new().stash_lifetime;
    assert_eq!(stash.next_due(), Some(end));
    assert_eq!(stash.pop_due(Instant::from_micros(end.as_micros() - 1)), None);
    assert_eq!(stash.pop_due(end), Some(Due::Expired(id(1))));
    assert_eq!((stash.pop_due(end), stash.next_due(), stash.bytes), (None, None, 0));
}

#[test]
fn a_peer_counts_once_and_only_an_answer_to_a_later_question_proves_it() {
    let mut stash = stash(Limits::new());
    let (first, second) = conns();
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    let addr = Addr::parse("45.1.2.3:1", 1).unwrap();
    stash.carry(entry, ZoneId(0));
    assert_eq!(stash.state(entry), Some(StashState::Queued(ZoneId(0))));
    assert_eq!(stash.handed(START, entry, ZoneId(0), (first, Some(addr.clone()), 3)), Some((id(1), 1)));
    assert_eq!(stash.handed(START, entry, ZoneId(0), (second, Some(addr.clone()), 0)), Some((id(1), 1)), "the same peer again");
    let proven = |stash: &Stash| stash.reports().next().unwrap().1.proven;
    stash.answered(second, 0);
    assert_eq!(proven(&stash), 0);
    stash.answered(first, 9);
    assert_eq!(proven(&stash), 0, "the peer is on the second link now");
    stash.answered(second, 1);
    assert_eq!(proven(&stash), 1);
    assert_eq!(stash.link_ended(second), 0, "proven peers stay");
    assert!(stash.stranded(Held::Include).is_empty());
}

#[test]
fn an_unproven_hand_over_on_an_ended_link_does_not_count() {
    let mut stash = stash(Limits::new());
    let (conn, _) = conns();
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    stash.carry(entry, ZoneId(0));
    stash.handed(START, entry, ZoneId(0), (conn, None, 0)).unwrap();
    assert_eq!(stash.stranded(Held::LeaveOut), []);
    assert_eq!(stash.link_ended(conn), 1);
    assert_eq!(stash.stranded(Held::LeaveOut), [entry]);
    stash.hold(entry, Why::NoPeer);
    assert_eq!((stash.stranded(Held::LeaveOut), stash.stranded(Held::Include)), (alloc::vec![], alloc::vec![entry]));
}

#[test]
fn rounds_come_at_growing_random_pauses_drawn_at_submission_and_end_after_four() {
    let (least, most) = Limits::new().round_pause;
    let mut stash = stash(Limits::new());
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    let drawn = stash.entries.find(entry).unwrap().pauses;
    stash.round_missed(START, entry);
    assert_eq!(stash.next_due(), Some(START + drawn[0]));
    assert_eq!(stash.pop_due(START + drawn[0]), Some(Due::Round(entry)));
    let mut now = START;
    for (round, pause) in drawn.into_iter().skip(1).enumerate() {
        assert!(pause >= least * (1 << round) && pause <= most * (1 << round), "{round} {pause:?}");
        stash.round_begun(now, entry);
        now = now + pause;
        assert_eq!(stash.next_due(), Some(now));
        assert_eq!(stash.pop_due(now), Some(Due::Round(entry)));
    }
    stash.round_begun(now, entry);
    assert_eq!(stash.next_due(), Some(START + Limits::new().stash_lifetime));
}

#[test]
fn a_further_round_that_every_link_failed_is_tried_again_and_one_past_the_last_is_not() {
    let (first, second) = conns();
    let mut stash = stash(Limits::new());
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    stash.handed(START, entry, ZoneId(0), (first, None, 0)).unwrap();
    let end = START + Limits::new().stash_lifetime;
    for rounds in 1..=MAX_ROUNDS {
        stash.plan(entry, None);
        stash.carry(entry, ZoneId(0));
        stash.drop_carrier(START, entry);
        assert_eq!(stash.next_due().unwrap() < end, rounds < MAX_ROUNDS, "{rounds}");
        stash.plan(entry, None);
        stash.handed(START, entry, ZoneId(0), (second, None, 0)).unwrap();
    }
}

#[test]
fn nobody_is_chosen_twice_and_nothing_begins_before_that_is_written_down() {
    let mut stash = stash(Limits::new());
    let (first, second) = conns();
    let (one, other) = (RecipientTag::new([1; 16]), RecipientTag::new([2; 16]));
    let durable = Durability::BeforeRelay(RecipientKey::new([0; 32]));
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    let expose = |stash: &mut Stash, link| stash.expose(START, entry, Exposure::Anonymity, ZoneId(0), &[link], durable);
    assert!(!expose(&mut stash, (first, one)) && stash.asks(entry) && !stash.may_begin(entry, first));
    assert_eq!(stash.record(id(1), 0), None, "what was written down does not say that");
    assert_eq!(stash.record(id(1), 1), Some(entry));
    assert_eq!(stash.record(id(1), 1), None, "once");
    assert!(stash.may_begin(entry, first) && !stash.may_begin(entry, second));
    assert_eq!((stash.take_chosen(entry), stash.take_chosen(entry)), (alloc::vec![first], alloc::vec![]));
    stash.begun(entry, first);
    assert!(!stash.may_begin(entry, first));
    assert!(!expose(&mut stash, (second, other)), "a further host is written down as well");
    assert_eq!(stash.record(id(1), 2), Some(entry));
    assert!(expose(&mut stash, (second, one)), "there is nothing to write");
    assert_eq!(stash.take_chosen(entry), [], "and nobody to hand it to: it has it");
    stash.link_ended(first);
    assert!(expose(&mut stash, (second, one)), "it is written down already");
    assert_eq!(stash.take_chosen(entry), [second]);
    assert_eq!(stash.uses(id(1)).map(|used| used.recipient).collect::<Vec<_>>(), [one, other]);
    assert_eq!(stash.uses(id(2)).count(), 0);
}

#[test]
fn a_host_is_known_to_have_served_after_the_transaction_is_gone_and_after_a_restart() {
    let (conn, tag, now) = (conns().0, RecipientTag::new([1; 16]), Instant::from_micros(1 << 50));
    let mut stash = stash(Limits::new());
    let entry = stash.insert(now, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    stash.expose(now, entry, Exposure::Anonymity, ZoneId(0), &[(conn, tag)], Durability::Memory);
    let uses: Vec<Use> = stash.uses(id(1)).collect();
    stash.remove(id(1));
    let day = Duration::from_secs(24 * 3_600);
    assert_eq!(stash.last_use(now + day, tag), Some(uses[0].at));
    assert_eq!(stash.last_use(now + day + day, tag), None);
    let again = stash.insert(now, id(2), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    assert_eq!(stash.standing(again, tag), Standing::Fresh, "another transaction");

    let mut later = self::stash(Limits::new());
    let entry = later.insert(now, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    later.resume(now, entry, Exposure::Anonymity, uses.clone());
    assert_eq!(later.standing(entry, tag), Standing::Used);
    assert_eq!(later.last_use(now + day, tag), Some(uses[0].at));
    assert_eq!(later.record(id(1), 1), None, "it waits for its round, not for a store");
}

#[test]
fn a_recipient_proves_nothing_by_sending_it_back() {
    let mut stash = stash(Limits::new());
    let mut table = Table::new();
    let mut echo = |text: &str| {
        let conn = ConnId(table.insert(()));
        (conn, Echo::from_peer(conn, &Addr::parse(text, 1).unwrap()).unwrap())
    };
    let ((recipient, returned), (_, second), (_, third)) = (echo("45.1.0.1"), echo("45.2.0.1"), echo("45.3.0.1"));
    let entry = stash.insert(START, id(1), tx(5), Why::NoPeer, &mut rng()).unwrap().unwrap();
    stash.carry(entry, ZoneId(0));
    stash.handed(START, entry, ZoneId(0), (recipient, None, 0)).unwrap();
    assert_eq!((stash.echoed(id(1), returned), stash.echoed(id(1), second)), (None, None), "one that counts");
    assert_eq!(stash.echoed(id(2), third), None, "of another transaction");
    assert_eq!((stash.echoed(id(1), third), stash.echoed(id(1), third)), (Some((5, 1)), None));
    assert_eq!((stash.reports().count(), stash.next_due(), stash.bytes), (0, None, 0));
}

#[test]
fn the_pauses_between_rounds_are_drawn() {
    let (mut rng, mut pauses) = (rng(), Vec::new());
    for byte in 0..20 {
        let mut stash = stash(Limits::new());
        let entry = stash.insert(START, id(byte), tx(5), Why::NoPeer, &mut rng).unwrap().unwrap();
        pauses.push(stash.entries.find(entry).unwrap().pauses[0]);
    }
    let (least, most) = Limits::new().round_pause;
    assert!(*pauses.iter().max().unwrap() - *pauses.iter().min().unwrap() > (most - least) / 2, "{pauses:?}");
}
