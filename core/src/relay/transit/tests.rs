use alloc::vec;
use alloc::vec::Vec;

use chacha20::ChaCha20Rng;
use proptest::prelude::*;
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

#[derive(Clone, Copy, Debug)]
enum Step {
    Stem(u32),
    Fluff(u32, u32),
    Served(u32),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..8_u32;
    prop_oneof![
        number.clone().prop_map(Step::Stem),
        (number.clone(), 0..3_u32).prop_map(|(number, links)| Step::Fluff(number, links)),
        number.prop_map(Step::Served),
        (0..30_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Against a model that forgets nothing: what is under way is never lost, and the books are right.
    #[test]
    fn any_order_of_steps_keeps_what_is_under_way_and_the_caps(steps in prop::collection::vec(step(), 0..120)) {
        let (mut transit, mut rng) = transit(5, 350);
        let mut now = START;
        // by number: links that wait, and whether it is stemmed still
        let mut under_way: BTreeMap<u32, (u32, bool)> = BTreeMap::new();
        let size = |number: u32| 60 + number as usize * 10;
        for step in steps {
            match step {
                Step::Stem(number) => {
                    let (digest, tx) = (transit.digest(&tx(number, size(number))), tx(number, size(number)));
                    if transit.passage(digest).is_none() && transit.has_room(tx.size()) {
                        transit.stem(now, digest, tx, &mut rng);
                        under_way.insert(number, (0, true));
                    }
                }
                Step::Fluff(number, links) => {
                    let (digest, tx) = (transit.digest(&tx(number, size(number))), tx(number, size(number)));
                    let known = transit.passage(digest);
                    if known != Some(Passage::Fluffed) && (known.is_some() || transit.has_room(tx.size())) {
                        transit.fluff(digest, tx);
                        (0..links).for_each(|_| transit.wait(digest));
                        transit.let_go(digest);
                        under_way.insert(number, (links, false));
                    }
                }
                Step::Served(number) => {
                    if let Some((links, _)) = under_way.get_mut(&number).filter(|(links, _)| *links > 0) {
                        *links -= 1;
                        transit.served(transit.digest(&tx(number, size(number))));
                    }
                }
                Step::Pass(seconds) => {
                    now = now + Duration::from_secs(seconds);
                    while let Some(digest) = transit.pop_due(now) {
                        let stemmed = |number: &u32| transit.digest(&tx(*number, size(*number))) == digest;
                        let number = *under_way.keys().find(|&number| stemmed(number)).expect("it was stemmed");
                        prop_assert_eq!(under_way.remove(&number), Some((0, true)));
                        transit.let_go(digest);
                    }
                }
            }
            under_way.retain(|_, (links, stemmed)| *links > 0 || *stemmed);
            let bytes: usize = under_way.keys().map(|&number| size(number)).sum();
            prop_assert_eq!(transit.bytes, bytes);
            prop_assert!(bytes <= 350 && transit.known.len() <= 5);
            prop_assert_eq!(transit.known.len(), transit.by_age.len());
            prop_assert_eq!(transit.embargoes.len(), under_way.values().filter(|(_, stemmed)| *stemmed).count());
            for (&number, &(_, stemmed)) in &under_way {
                let expected = if stemmed { Passage::Stemmed } else { Passage::Fluffed };
                prop_assert_eq!(transit.passage(transit.digest(&tx(number, size(number)))), Some(expected));
            }
        }
    }
}

#[test]
fn the_bytes_of_a_stem_stay_until_it_is_out_to_all() {
    let (mut transit, mut rng) = transit(9, 150);
    let digest = transit.digest(&tx(1, 100));
    transit.stem(START, digest, tx(1, 100), &mut rng);
    transit.let_go(digest);
    assert!(!transit.has_room(100), "its embargo may end");
    transit.fluff(digest, tx(1, 100));
    transit.let_go(digest);
    assert!(transit.has_room(100));
}
