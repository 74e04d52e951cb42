//! A spy who got an own transaction over Tor sends it back over public links, to see who knows it: a node that sent it
//! must react as one that never had it, in every byte and in the distribution of every delay.

use std::collections::BTreeMap;

use anonet_core::RelayPolicy;
use anonet_core::wire::TxForm;
use anonet_tests::attacks::replay::{DIALLED, INCOMING, Past, Seat, reactions};

const SEEDS: u64 = 500;

/// What both pasts show, by seat and form.
type BySeat<T> = BTreeMap<(Seat, bool), BTreeMap<Past, Vec<T>>>;

/// The largest distance between the two empirical distributions.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    let share = |all: &[f64], at: f64| all.iter().filter(|&&value| value <= at).count() as f64 / all.len() as f64;
    one.iter().chain(other).map(|&at| (share(one, at) - share(other, at)).abs()).fold(0.0, f64::max)
}

/// Fails if a two-sample Kolmogorov-Smirnov test tells the samples apart at the 0.1 % level (critical factor 1.95). The
/// seeds are fixed, so an innocent node fails always or never.
fn assert_alike(what: &str, one: &[f64], other: &[f64]) {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let limit = 1.95 * ((n + m) / (n * m)).sqrt();
    let distance = distance(one, other);
    println!("{what}: {n} and {m} delays, distance {distance:.3}, limit {limit:.3}");
    assert!(distance < limit, "{what}: {distance} is not below {limit}");
}

fn compare(form: TxForm) {
    let mut delays: BySeat<f64> = BTreeMap::new();
    let mut bodies: BySeat<Vec<u8>> = BTreeMap::new();
    for past in [Past::Sent, Past::Innocent] {
        for seed in 0..SEEDS {
            // the pasts do not share seeds, or they would share delays
            let seed = if past == Past::Sent { seed } else { seed + 10_000 };
            for (seat, fluff, body, delay) in reactions(seed, RelayPolicy::Fluff, past, form) {
                delays.entry((seat, fluff)).or_default().entry(past).or_default().push(delay);
                let seen = bodies.entry((seat, fluff)).or_default().entry(past).or_default();
                if !seen.contains(&body) {
                    seen.push(body);
                }
            }
        }
    }
    for (key, by_past) in &bodies {
        assert_eq!(by_past.get(&Past::Sent), by_past.get(&Past::Innocent), "{key:?}: the same bytes");
        assert_eq!(by_past[&Past::Sent].len(), 1, "{key:?}");
    }
    for (key, by_past) in &delays {
        let (sent, innocent) = (&by_past[&Past::Sent], &by_past[&Past::Innocent]);
        // how often each happens: six standard deviations of the difference
        let spread = 6.0 * (SEEDS as f64 * 0.16 * 2.0).sqrt() * if key.0 == Seat::Spy { 1.0 } else { 3.0 };
        assert!((sent.len() as f64 - innocent.len() as f64).abs() <= spread, "{key:?}: {} and {}", sent.len(), innocent.len());
        assert_alike(&format!("{form:?} {key:?}"), sent, innocent);
    }
}

#[test]
fn a_replayed_fluff_meets_the_same_reaction_from_its_sender_and_from_any_other() {
    compare(TxForm::Fluff);
    for past in [Past::Sent, Past::Innocent] {
        for seed in 0..20 {
            let seen = reactions(seed, RelayPolicy::Fluff, past, TxForm::Fluff);
            let count = |seat| seen.iter().filter(|(other, fluff, ..)| *other == seat && *fluff).count();
            assert_eq!((count(Seat::Dialled), count(Seat::Incoming), count(Seat::Spy)), (DIALLED, INCOMING - 1, 0), "{past:?}");
            assert_eq!(seen.len(), DIALLED + INCOMING - 1);
        }
    }
}

#[test]
fn a_replayed_stem_meets_the_same_reaction_from_its_sender_and_from_any_other() {
    compare(TxForm::Stem);
}
