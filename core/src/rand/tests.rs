use alloc::vec::Vec;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

#[test]
fn below_reaches_every_value_about_equally_often() {
    let mut rng = rng();
    let mut seen = [0u32; 7];
    for _ in 0..70_000 {
        seen[below(&mut rng, 7) as usize] += 1;
    }
    assert!(seen.iter().all(|&n| (9_600..10_400).contains(&n)), "{seen:?}");
    assert_eq!(below(&mut rng, 0), 0);
    assert_eq!(below(&mut rng, 1), 0);
    assert!(below(&mut rng, u64::MAX) < u64::MAX);
}

#[test]
fn between_stays_in_its_range_and_includes_both_ends() {
    let mut rng = rng();
    let (min, max) = (Duration::from_micros(10), Duration::from_micros(12));
    let drawn: Vec<u128> = (0..200).map(|_| between(&mut rng, min, max).as_micros()).collect();
    assert!(drawn.iter().all(|n| (10..=12).contains(n)));
    assert!(drawn.contains(&10) && drawn.contains(&12));
    assert_eq!(between(&mut rng, max, min), max);
}

#[test]
fn poisson_has_equal_mean_and_variance() {
    let mut rng = rng();
    for (poisson, expected) in
        [(Poisson::MEAN_10, 10.0), (Poisson::MEAN_20, 20.0), (Poisson::MEAN_22, 22.0), (Poisson::MEAN_39, 39.0)]
    {
        let drawn: Vec<f64> = (0..20_000).map(|_| f64::from(poisson.draw(&mut rng))).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((0.99..1.01).contains(&(mean / expected)), "{mean}");
        assert!((0.96..1.04).contains(&(variance / expected)), "{variance}");
    }
}

#[test]
fn a_lottery_picks_a_group_first_and_then_a_member() {
    let mut rng = rng();
    // one group of one member, one of nine: each group wins half the time
    let numbers: Vec<(u64, u64)> = core::iter::once((7, 0)).chain((1..10).map(|member| (8, member))).collect();
    let mut wins = [0u32; 10];
    for _ in 0..18_000 {
        let (groups, members) = (Lottery::draw(&mut rng), Lottery::draw(&mut rng));
        let &(_, won) = numbers.iter().min_by_key(|(group, member)| (groups.rank(*group), members.rank(*member))).unwrap();
        wins[won as usize] += 1;
    }
    assert!((8_700..9_300).contains(&wins[0]), "{wins:?}");
    assert!(wins[1..].iter().all(|wins| (870..1_130).contains(wins)), "{wins:?}");
}

#[test]
fn exponential_spans_have_the_law_of_their_name() {
    let mut rng = rng();
    let mean = Duration::from_secs(120);
    let mut drawn: Vec<f64> = (0..100_000).map(|_| exponential(&mut rng, mean).as_secs_f64() / 120.0).collect();
    let average = drawn.iter().sum::<f64>() / 100_000.0;
    assert!((0.99..1.01).contains(&average), "{average}");
    drawn.sort_unstable_by(f64::total_cmp);
    // the largest distance between the drawn and the exact distribution: below the 1 % limit of a Kolmogorov-Smirnov test
    let distance = |(place, span): (usize, &f64)| (1.0 - (-span).exp() - place as f64 / 100_000.0).abs();
    let worst = drawn.iter().enumerate().map(distance).fold(0.0, f64::max);
    assert!(worst < 1.63 / 100_000f64.sqrt(), "{worst}");
    assert_eq!(exponential(&mut rng, Duration::ZERO), Duration::ZERO);
}

#[test]
fn the_binary_logarithm_is_exact_at_powers_of_two_and_finite_everywhere() {
    for power in 0..64u32 {
        assert_eq!(minus_log2((1u64 << power) - 1), u64::from(64 - power) << 32);
    }
    assert_eq!(minus_log2(u64::MAX), 0);
    // log2(3/4)
    let three_quarters = minus_log2((3 << 62) - 1) as f64 / 2f64.powi(32);
    assert!((three_quarters - 0.415_037_499_278_843_8).abs() < 1e-9, "{three_quarters}");
}

/// Nearly half of all numbers are too large to be drawn without a bias.
#[test]
fn below_draws_again_rather_than_prefer_small_numbers() {
    let (mut rng, bound) = (rng(), (1 << 63) + 1);
    let drawn: Vec<u64> = (0..400).map(|_| below(&mut rng, bound)).collect();
    assert!(drawn.iter().all(|&number| number < bound));
    let small = drawn.iter().filter(|&&number| number < bound / 2).count();
    assert!((160..240).contains(&small), "{small} of 400");
}
