//! Randomness of the network itself, keyed by what it is for and never by the order of things.
//!
//! The seventh chunk on a stream is as late in a run with a submission as in the same run without it, so two runs can be
//! compared byte by byte.

use std::time::Duration;

/// A source of numbers that depend on a seed and a key alone.
#[derive(Clone, Copy, Debug)]
pub struct Keyed(u64);

/// What a number is drawn for; part of the key, so that no two uses share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Use {
    /// The random stream of a node.
    Node = 1,
    /// How long a dial takes.
    Dial,
    /// How late a chunk arrives.
    Chunk,
    /// Whether a chunk is lost at first.
    Loss,
    /// On which side of a partition a node is.
    Side,
    /// Which nodes are never there.
    Dead,
    /// When a node goes and comes.
    Churn,
    /// How wrong a node's clock is.
    Skew,
    /// Whom a node knows at first.
    Known,
    /// Which of a node's daemon's verdicts come when.
    Verdict,
    /// When and where transactions are submitted.
    Submission,
    /// Which nodes are hostile.
    Hostile,
    /// What a model of another program draws.
    Model,
}

impl Keyed {
    /// The source of one run.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits for one purpose.
    pub(crate) fn bits(self, purpose: Use, key: [u64; 3]) -> u64 {
        key.into_iter().chain([purpose as u64]).fold(mix(self.0), |state, part| mix(state ^ mix(part)))
    }

    /// A number below `bound`; 0 if that is 0. The bias is below `bound` in 2^64.
    pub(crate) fn below(self, bound: u64, purpose: Use, key: [u64; 3]) -> u64 {
        ((u128::from(self.bits(purpose, key)) * u128::from(bound)) >> 64) as u64
    }

    /// A span in `range`, to the microsecond.
    pub(crate) fn span(self, range: (Duration, Duration), purpose: Use, key: [u64; 3]) -> Duration {
        let width = range.1.saturating_sub(range.0).as_micros() as u64;
        range.0 + Duration::from_micros(self.below(width + 1, purpose, key))
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_seed_purpose_and_key_and_on_nothing_else() {
        let (one, two) = (Keyed::new(1), Keyed::new(2));
        assert_eq!(one.bits(Use::Chunk, [1, 2, 3]), one.bits(Use::Chunk, [1, 2, 3]));
        let others = [
            two.bits(Use::Chunk, [1, 2, 3]),
            one.bits(Use::Dial, [1, 2, 3]),
            one.bits(Use::Chunk, [2, 1, 3]),
            one.bits(Use::Chunk, [1, 2, 4]),
        ];
        assert!(others.iter().all(|&other| other != one.bits(Use::Chunk, [1, 2, 3])));
    }

    #[test]
    fn spans_have_the_range_and_the_mean_that_they_claim() {
        let (keyed, second) = (Keyed::new(7), Duration::from_secs(1));
        let spans = (0..10_000).map(|index| keyed.span((second, 3 * second), Use::Chunk, [index, 0, 0]).as_secs_f64());
        let (mut sum, mut least, mut most) = (0.0, f64::MAX, f64::MIN);
        for span in spans {
            (sum, least, most) = (sum + span, least.min(span), most.max(span));
        }
        assert!((1.0..1.01).contains(&least) && (2.99..=3.0).contains(&most), "{least} {most}");
        assert!((sum / 10_000.0 - 2.0).abs() < 0.03, "{sum}");
    }
}
