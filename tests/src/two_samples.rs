//! Whether two samples tell cases apart, where what was seen within one stretch of time belongs together.

use rand_core::Rng;

/// What was seen within one window of time, in numbers, and whether it was the case that an observer looks for.
pub type Window = (Vec<f64>, bool);

/// The largest distance between the distributions of what was seen in the one case and in the other (Kolmogorov and
/// Smirnov), and in which share of `rounds` random exchanges of whole windows it is as large. `None` if there is nothing of
/// one case.
///
/// Windows are exchanged and not single numbers, as those of one window hang together: a test that took each for a witness
/// of its own would find what is not there.
#[must_use]
pub fn compare(windows: &[Window], rounds: u32, rng: &mut dyn Rng) -> Option<(f64, f64)> {
    let mut values: Vec<(f64, usize)> =
        windows.iter().enumerate().flat_map(|(index, (values, _))| values.iter().map(move |&value| (value, index))).collect();
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut cases: Vec<bool> = windows.iter().map(|&(_, case)| case).collect();
    let found = distance(&values, &cases)?;
    let mut as_large = 1;
    for _ in 0..rounds {
        shuffle(&mut cases, rng);
        as_large += u32::from(distance(&values, &cases).is_some_and(|distance| distance > found - 1e-12));
    }
    Some((found, f64::from(as_large) / f64::from(rounds + 1)))
}

/// `values` in order, each with the number of its window.
fn distance(values: &[(f64, usize)], cases: &[bool]) -> Option<f64> {
    let all = values.len();
    let hits = values.iter().filter(|&&(_, window)| cases[window]).count();
    if hits == 0 || hits == all {
        return None;
    }
    let (mut hit, mut missed, mut most) = (0usize, 0usize, 0f64);
    for (place, &(value, window)) in values.iter().enumerate() {
        if cases[window] {
            hit += 1
        } else {
            missed += 1
        }
        // equal values are one step
        if values.get(place + 1).is_none_or(|next| next.0 > value) {
            most = most.max((hit as f64 / hits as f64 - missed as f64 / (all - hits) as f64).abs());
        }
    }
    Some(most)
}

fn shuffle(cases: &mut [bool], rng: &mut dyn Rng) {
    for last in (1..cases.len()).rev() {
        // of a few windows: the bias of the remainder is below 2^-50
        let other = (rng.next_u64() % (last as u64 + 1)) as usize;
        cases.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    /// So often a difference is found at 2 % among 100 draws of 20 windows of 10 values each; in the case, `shift` is added.
    fn found(shift: f64, common: f64) -> usize {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let mut draw = move || (0..6).map(|_| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64).sum::<f64>();
        let mut lots = ChaCha20Rng::from_seed([3; 32]);
        let mut one = |index: u32| {
            // what all values of one window share
            let case = index.is_multiple_of(2);
            let offset = draw() * common + if case { shift } else { 0.0 };
            ((0..10).map(|_| draw() + offset).collect(), case)
        };
        let mut windows = || (0..20).map(&mut one).collect::<Vec<Window>>();
        (0..100).filter(|_| compare(&windows(), 99, &mut lots).is_some_and(|(_, chance)| chance <= 0.02)).count()
    }

    #[test]
    fn a_difference_is_found_and_a_common_offset_is_not_taken_for_one() {
        assert!(found(0.0, 0.0) <= 8, "2 are expected");
        assert!(found(0.0, 5.0) <= 8, "2 are expected");
        assert_eq!(found(1.0, 0.0), 100);
    }

    #[test]
    fn the_distance_is_that_of_the_steps() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let far = |windows: &[Window]| compare(windows, 99, &mut ChaCha20Rng::from_seed([1; 32])).map(|(distance, _)| distance);
        assert_eq!(far(&[(vec![1.0, 2.0], true), (vec![3.0, 4.0], false)]), Some(1.0));
        assert_eq!(far(&[(vec![1.0, 1.0], true), (vec![1.0], false)]), Some(0.0));
        assert_eq!(far(&[(vec![1.0, 4.0], true), (vec![2.0, 3.0], false)]), Some(0.5));
        assert_eq!(far(&[(vec![1.0], true), (vec![], false)]), None);
        let (_, chance) = compare(&[(vec![1.0], true), (vec![1.0], false)], 99, &mut rng).expect("both are there");
        assert!((chance - 1.0).abs() < 1e-9, "{chance}");
    }
}
