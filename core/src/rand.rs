//! The one place that turns random bits into picks and delays; integers only, so every target draws alike.

use core::time::Duration;

use rand_core::CryptoRng;

/// A uniform number in `0..bound`; 0 if `bound` is 0. Rejection sampling: no bias.
pub(crate) fn below(rng: &mut dyn CryptoRng, bound: u64) -> u64 {
    if bound <= 1 {
        return 0;
    }
    // the largest multiple of `bound` that fits, so that every residue is equally likely
    let zone = u64::MAX - (u64::MAX % bound + 1) % bound;
    loop {
        let drawn = rng.next_u64();
        if drawn <= zone {
            return drawn % bound;
        }
    }
}

/// A uniform index into something of `len` elements; 0 if it is empty.
pub(crate) fn index(rng: &mut dyn CryptoRng, len: usize) -> usize {
    below(rng, len as u64) as usize
}

/// A uniform span in `min..=max`, to the microsecond; `min` if the range is empty.
pub(crate) fn between(rng: &mut dyn CryptoRng, min: Duration, max: Duration) -> Duration {
    let width = u64::try_from(max.saturating_sub(min).as_micros()).unwrap_or(u64::MAX - 1);
    min + Duration::from_micros(below(rng, width.saturating_add(1)))
}

/// An exponentially distributed span with this mean: the time to the next event of a Poisson process. To the microsecond, and
/// at most 45 means.
pub(crate) fn exponential(rng: &mut dyn CryptoRng, mean: Duration) -> Duration {
    /// ln 2 · 2^32
    const LN_2: u128 = 2_977_044_472;
    let ln = (u128::from(minus_log2(rng.next_u64())) * LN_2) >> 32;
    Duration::from_micros(((mean.as_micros() * ln) >> 32) as u64)
}

/// −log2((drawn + 1) / 2^64) · 2^32, bit by bit: a square doubles the logarithm.
fn minus_log2(drawn: u64) -> u64 {
    let Some(uniform) = drawn.checked_add(1) else { return 0 };
    let zeros = uniform.leading_zeros();
    let (mut mantissa, mut fraction) = (uniform << zeros, 0);
    for bit in (0..32).rev() {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let carries = square >> 64 != 0;
        fraction |= u64::from(carries) << bit;
        mantissa = (square >> u32::from(carries)) as u64;
    }
    ((u64::from(zeros) + 1) << 32) - fraction
}

/// Gives every number a random rank, the same one each time it is asked. The least rank among some numbers is a uniform pick
/// in one pass, and one that treats equal numbers as one: so a group is picked before its members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lottery(u64);

impl Lottery {
    pub(crate) fn draw(rng: &mut dyn CryptoRng) -> Self {
        Self(rng.next_u64())
    }

    /// The mixer of SplitMix64 over a secret start: nobody can choose numbers that win.
    pub(crate) const fn rank(self, number: u64) -> u64 {
        let mut mixed = self.0 ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A Poisson-distributed count with a fixed mean, by Knuth's product of uniforms in 64-bit fixed point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poisson {
    /// exp(-mean) · 2^64
    threshold: u64,
    /// So many draws are added up, where the threshold of one would be too small to be exact.
    draws: u32,
}

impl Poisson {
    /// Mean 10, the number of quarter seconds that monerod waits on outgoing links (spec: dandelion-noise §1).
    pub(crate) const MEAN_10: Self = Self { threshold: 837_480_885_292_947, draws: 1 };

    /// Mean 20, the same for incoming links.
    pub(crate) const MEAN_20: Self = Self { threshold: 38_021_573_369, draws: 1 };

    /// Mean 22, the number of seconds that monerod keeps a stem from an anonymity zone back.
    pub(crate) const MEAN_22: Self = Self { threshold: 5_145_660_401, draws: 1 };

    /// Mean 39, the number of seconds that monerod waits for the return of a stem.
    pub(crate) const MEAN_39: Self = Self { threshold: 41_695_718_092_859, draws: 3 };

    pub(crate) fn draw(self, rng: &mut dyn CryptoRng) -> u32 {
        (0..self.draws).map(|_| self.draw_once(rng)).sum()
    }

    fn draw_once(self, rng: &mut dyn CryptoRng) -> u32 {
        let mut product = u64::MAX;
        let mut count = 0;
        loop {
            let scaled = u128::from(product) * u128::from(rng.next_u64());
            product = (scaled >> 64) as u64;
            if product <= self.threshold {
                return count;
            }
            count += 1;
        }
    }
}

#[cfg(test)]
mod tests;
