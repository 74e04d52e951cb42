//! A little statistics.

/// The share of `true` among all; 0 of none.
pub fn share(all: impl IntoIterator<Item = bool>) -> f64 {
    let (mut count, mut hits) = (0u64, 0u64);
    for hit in all {
        (count, hits) = (count + 1, hits + u64::from(hit));
    }
    hits as f64 / count.max(1) as f64
}

/// The middle one; `None` of none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Values in order.
#[derive(Clone, Debug)]
pub struct Ordered(Vec<f64>);

impl Ordered {
    /// Of values that may be infinite.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The least value that such a share of all, between 0 and 1, does not exceed; infinite of none.
    #[must_use]
    pub fn at(&self, share: f64) -> f64 {
        self.rank((share * self.0.len() as f64).ceil() - 1.0)
    }

    /// Between which values the median of what these were drawn from is, with a confidence of 95 %: order statistics.
    #[must_use]
    pub fn median_between(&self) -> (f64, f64) {
        let (middle, width) = (self.0.len() as f64 / 2.0, 0.98 * (self.0.len() as f64).sqrt());
        (self.rank((middle - width).floor() - 1.0), self.rank((middle + width).ceil()))
    }

    /// The share that is above a value.
    #[must_use]
    pub fn above(&self, value: f64) -> f64 {
        share(self.0.iter().map(|&one| one > value))
    }

    /// The sums of each of these and each of those: how long two waits take, one after the other.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self::of(self.0.iter().flat_map(|one| other.0.iter().map(move |two| one + two)))
    }

    fn rank(&self, rank: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((rank.max(0.0) as usize).min(last)).copied().unwrap_or(f64::INFINITY)
    }
}

/// What an observer saw, in numbers, and whether it was the case that it looks for.
pub type Sample = (Vec<f64>, bool);

/// A rule that looks at one number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stump {
    feature: usize,
    threshold: f64,
    /// Whether what is above it is the case.
    above: bool,
}

impl Stump {
    fn accuracy(&self, samples: &[Sample]) -> f64 {
        share(samples.iter().map(|(numbers, case)| ((numbers[self.feature] > self.threshold) == self.above) == *case))
    }
}

/// How often the rule that fits `train` best is right about `test`.
#[must_use]
pub fn classify(train: &[Sample], test: &[Sample]) -> f64 {
    let features = train.first().map_or(0, |(numbers, _)| numbers.len());
    let mut best: Option<(f64, Stump)> = None;
    for feature in 0..features {
        let mut values: Vec<f64> = train.iter().map(|(numbers, _)| numbers[feature]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        for pair in values.windows(2) {
            for above in [true, false] {
                let stump = Stump { feature, threshold: f64::midpoint(pair[0], pair[1]), above };
                let accuracy = stump.accuracy(train);
                if best.is_none_or(|(most, _)| accuracy > most) {
                    best = Some((accuracy, stump));
                }
            }
        }
    }
    best.map_or(0.5, |(_, stump)| stump.accuracy(test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_where_there_is_one_and_none_where_there_is_none() {
        let sample = |index: u32| (vec![f64::from(index * 7 % 5), f64::from(index % 10)], index % 10 >= 6);
        let all: Vec<Sample> = (0..100).map(sample).collect();
        assert!((classify(&all[..50], &all[50..]) - 1.0).abs() < 1e-9);
        let alike: Vec<Sample> = (0..100).map(|index| (vec![f64::from(index / 2)], index % 2 == 0)).collect();
        assert!((classify(&alike[..50], &alike[50..]) - 0.5).abs() < 1e-9);
        assert!((classify(&[], &all) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn shares_and_medians_are_what_they_say() {
        assert!((share([true, false, false, true]) - 0.5).abs() < 1e-9);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn ordered_values_have_their_quantiles() {
        let hundred = Ordered::of((1..=100).rev().map(f64::from));
        assert_eq!([0.0, 0.5, 0.9, 0.99, 1.0].map(|share| hundred.at(share)), [1.0, 50.0, 90.0, 99.0, 100.0]);
        // of a hundred fair coins 40 to 60 show heads in 96 % of cases
        assert_eq!(hundred.median_between(), (40.0, 61.0));
        assert!((hundred.above(75.0) - 0.25).abs() < 1e-9);
        assert!(Ordered::of([]).at(0.5).is_infinite());
        assert_eq!(Ordered::of([1.0, 2.0]).plus(&Ordered::of([10.0, f64::INFINITY])).0[..2], [11.0, 12.0]);
    }
}
