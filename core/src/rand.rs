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

/// A Poisson-distributed count with a fixed mean, by Knuth's product of uniforms in 64-bit fixed point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poisson {
    /// exp(-mean) · 2^64
    threshold: u64,
}

impl Poisson {
    /// Mean 10, the number of quarter seconds that monerod waits on outgoing links (spec: dandelion-noise §1).
    pub(crate) const MEAN_10: Self = Self { threshold: 837_480_885_292_947 };

    /// Mean 22, the number of seconds that monerod keeps a stem from an anonymity zone back.
    pub(crate) const MEAN_22: Self = Self { threshold: 5_145_660_401 };

    pub(crate) fn draw(self, rng: &mut dyn CryptoRng) -> u32 {
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
