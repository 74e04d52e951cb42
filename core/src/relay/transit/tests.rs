use alloc::vec;
use alloc::vec::Vec;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const START: Instant = Instant::from_micros(1 << 40);

fn tx(number: u32, size: usize) -> PeerTx {
    let mut blob = vec![0; size];
    blob[..4].copy_from_slice(&number.to_le_bytes());
    PeerTx::copy_from(&blob).unwrap()
}

fn transit(entries: usize, bytes: usize) -> (Transit, ChaCha20Rng) {
    let mut limits = Limits::new();
    (limits.transit_entries, limits.transit_bytes) = (entries, bytes);
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    (Transit::new(limits, &mut rng), rng)
}

/// Takes one in as fluff that no link waits for.
fn pass(transit: &mut Transit, number: u32) -> Digest {
    let digest = transit.digest(&tx(number, 100));
    transit.fluff(digest, tx(number, 100));
    transit.let_go(digest);
    digest
}

#[test]
fn names_differ_between_transactions_and_between_nodes() {
    let (one, mut rng) = transit(9, 9_000);
    let other = Transit::new(Limits::new(), &mut rng);
    assert_eq!(one.digest(&tx(1, 100)), one.digest(&tx(1, 100)));
    assert_ne!(one.digest(&tx(1, 100)), one.digest(&tx(2, 100)));
    assert_ne!(one.digest(&tx(1, 100)), other.digest(&tx(1, 100)));
}

#[test]
fn a_stem_is_due_after_thirty_nine_seconds_in_the_mean_unless_it_is_fluffed() {
    const COUNT: u32 = 4_000;
    let (mut transit, mut rng) = transit(COUNT as usize, usize::MAX);
    let digests: Vec<Digest> = (0..COUNT).map(|number| transit.digest(&tx(number, 100))).collect();
    for (number, &digest) in (0..).zip(&digests) {
        transit.stem(START, digest, tx(number, 100), &mut rng);
        assert_eq!(transit.passage(digest), Some(Passage::Stemmed));
    }
    transit.fluff(digests[7], tx(7, 100));
    let mut delays = Vec::new();
    while let Some(at) = transit.next_due() {
        assert_eq!(transit.pop_due(Instant::from_micros(at.as_micros() - 1)), None);
        let digest = transit.pop_due(at).unwrap();
        assert_ne!(digest, digests[7]);
        assert_eq!(transit.passage(digest), Some(Passage::Fluffed));
        delays.push(at.saturating_since(START).as_secs_f64());
    }
    assert_eq!(delays.len(), COUNT as usize - 1);
    assert!(delays.iter().all(|delay| delay.fract() == 0.0), "whole seconds");
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    let variance = delays.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / delays.len() as f64;
    // five standard errors: sqrt(39 / 4,000) is 0.1, of the variance 0.87
    assert!((38.5..39.5).contains(&mean), "{mean}");
    assert!((34.6..43.4).contains(&variance), "{variance}");
}

#[test]
fn bytes_are_kept_until_every_link_is_served() {
    let (mut transit, mut rng) = transit(9, 250);
    let digest = transit.digest(&tx(1, 100));
    transit.stem(START, digest, tx(1, 100), &mut rng);
    transit.fluff(digest, tx(1, 100));
    transit.wait(digest);
    transit.wait(digest);
    transit.let_go(digest);
    transit.served(digest);
    assert_eq!(transit.bytes, 100);
    assert!(transit.has_room(150) && !transit.has_room(151));
    transit.served(digest);
    assert_eq!((transit.bytes, transit.passage(digest)), (0, Some(Passage::Fluffed)));
    assert!(transit.has_room(250) && !transit.has_room(251));
}

#[test]
fn the_oldest_that_is_out_is_forgotten_first_and_nothing_under_way_ever() {
    let (mut transit, mut rng) = transit(3, 9_000);
    let stemmed = transit.digest(&tx(0, 100));
    transit.stem(START, stemmed, tx(0, 100), &mut rng);
    let passed: Vec<Digest> = (1..4).map(|number| pass(&mut transit, number)).collect();
    let known = |transit: &Transit| passed.iter().filter(|&&digest| transit.passage(digest).is_some()).count();
    assert_eq!((transit.known.len(), known(&transit), transit.passage(passed[0])), (3, 2, None));
    assert_eq!(transit.passage(stemmed), Some(Passage::Stemmed));
    for number in 10..12 {
        let digest = transit.digest(&tx(number, 100));
        assert!(transit.has_room(100));
        transit.stem(START, digest, tx(number, 100), &mut rng);
    }
    assert_eq!(known(&transit), 0);
    assert!(!transit.has_room(100), "all of them are under way");
    assert_eq!((transit.by_age.len(), transit.embargoes.len()), (3, 3));
}
