use super::*;

const DUE: u8 = 11;
const SUBMIT: u8 = 13;
const RECORD: u8 = 14;
const OTHER: u8 = 0x80;

fn links_and_talk(config: u8, link: &[u8]) -> Two {
    let carry: Vec<u8> = (0..4).flat_map(|link| [3, link, 3 | OTHER, link]).collect();
    let round = [&carry[..], &[DUE, RECORD, 0, RECORD | OTHER, 0, 0, 0, 5]].concat();
    let dials: Vec<u8> = (0..4).flat_map(|host| [0, host, host, OTHER, host, 9 + host]).collect();
    let begin = [&[config, 3], &dials[..], &carry, &carry, &carry].concat();
    run(&[&begin, link, &[SUBMIT, 1, 9, SUBMIT | OTHER, 2, 40], &round.repeat(24)].concat())
}

#[test]
fn transactions_arrive_whole_where_nobody_interferes() {
    for config in [0, 1, 2, 20, 81] {
        let two = links_and_talk(config, &[]);
        assert!(!two.tampered && two.sides.iter().all(|side| side.ups > 0), "{config}");
        assert!(two.sides.iter().any(|side| side.own.handed > 0), "{config}: nobody handed anything over");
        assert!(two.sides.iter().any(|side| !side.tickets.is_empty()), "{config}: nobody received anything");
    }
}

/// The files of the corpus that show a policy at work show it, or they are of no use.
#[test]
fn the_corpus_shows_transactions_that_arrive_under_every_policy() {
    for name in ["courier-tor", "courier-recorded", "noise-tor"] {
        let path = format!("{}/corpus/fuzz_node/{name}", env!("CARGO_MANIFEST_DIR"));
        let two = run(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
        assert!(!two.tampered && !two.hindered);
        let arrived: usize = two.sides.iter().map(|side| side.tickets.len()).sum();
        let left: usize = two.sides.iter().map(|side| side.own.handed).sum();
        assert!(left >= 3 && arrived >= 3, "{path}: {left} handed over, {arrived} received");
    }
}

#[test]
fn an_adversary_who_changes_bytes_is_blamed_on_the_peer() {
    let two = links_and_talk(1, &[DUE, 8, 0, 0, 0, DUE, 8, 0, 4, 1, 8, 0, 1, 0, 9, 0, 0, 1, 9, 0, 15, 3]);
    assert!(two.tampered && two.sides.iter().any(|side| !side.blamed.is_empty()));
}
