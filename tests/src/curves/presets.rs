//! What the curves say of the presets: why their numbers are what they are.

use anonet_core::CourierConfig;

use super::table::{kilobytes, time};
use super::{Curves, SIZES};

const DAY: f64 = 86_400.0;

/// Bytes that a courier of each size writes: its records and a handshake.
const COURIER: [f64; 3] = [4.0 * 3_072.0 + 276.0, 16.0 * 3_072.0 + 276.0, 64.0 * 3_072.0 + 276.0];

/// Couriers in a second that hold a transaction of each size: those of that size and the larger ones.
fn rates(every: [f64; 3]) -> [f64; 3] {
    let [small, medium, large] = every.map(|seconds| 1.0 / seconds);
    [small + medium + large, medium + large, large]
}

/// The shares of transactions that need small, medium and large couriers for which no other schedule with as many bytes a day
/// has a lesser mean wait. The wait of a share `w` is `w` over its rate, and the bytes are each rate times what this size
/// takes more than the one before, so the best rates are as the roots of `w` over that.
fn best_for(numbers: &CourierConfig) -> [f64; 3] {
    let rates = rates(numbers.every.map(|every| every.as_secs_f64()));
    let more = [COURIER[0], COURIER[1] - COURIER[0], COURIER[2] - COURIER[1]];
    let weights = [0, 1, 2].map(|size| rates[size].powi(2) * more[size]);
    weights.map(|weight| weight / weights.iter().sum::<f64>())
}

/// A section for the table; empty if not all of what it speaks of was played.
#[must_use]
pub fn section(curves: &Curves) -> String {
    paragraphs(curves).map_or_else(String::new, |all| {
        let all: Vec<String> = all.iter().map(|(name, text)| format!("* **{name}.** {text}\n")).collect();
        format!("\n## Why the presets are what they are\n\n{}", all.concat())
    })
}

fn paragraphs(curves: &Curves) -> Option<[(&'static str, String); 4]> {
    let megabytes = |name| Some(curves.point(name)?.traffic[0].megabytes);
    let median = |name, size: usize| Some(time(curves.point(name)?.first[size].at(0.5)));
    let [fast, balanced, strict] = [megabytes("fast")?, megabytes("balanced")?, megabytes("strict")?];
    let clocks = format!(
        "Half the wait is twice the couriers: the curves have no bend after which more traffic gains nothing. `balanced` ({balanced:.0} MB)\n  \
         has the least wait of those here that cost less than `noise` ({:.0} MB) by a margin: 60 s would save half of {} for {:.0} MB. `fast`\n  \
         ({fast:.0} MB) is for who minds the wait more. `strict` ({strict:.0} MB) ends where its links, {:.0} MB with `fluff`, are most of it:\n  \
         600 s would save {:.0} MB more, and take twice as long.",
        megabytes("noise")?,
        median("courier, 120 s", 0)?,
        megabytes("courier, 60 s")? - balanced,
        megabytes("fluff")?,
        strict - megabytes("courier, 600 s")?,
    );
    let numbers = CourierConfig::default();
    let [_, medium, large] = best_for(&numbers).map(|share| 100.0 * share);
    let twice = DAY / numbers.every[2].as_secs_f64() * COURIER[2] / 1e6;
    let sizes = format!(
        "No schedule of as many bytes has a lesser mean wait if {medium:.1} % of transactions need a medium courier and {large:.1} % a large\n  \
         one; rarer ones would do with rarer couriers still. A transaction of {} waits long ({} in the median with `balanced`), but large\n  \
         couriers twice as often would cost every node {twice:.1} MB a day, for what a wallet can split into smaller transactions.\n  \
         `--courier-every 120,960,1920` has them.",
        kilobytes(SIZES[2]),
        median("balanced", 2)?,
    );
    let release = format!(
        "The wait of `strict` is mostly its release: {} in the median, where couriers every 300 s with half of that as release have {}.\n  \
         That is its purpose: when the wallet acted is not to be seen within ten minutes. The minimum uptime costs young nodes alone.",
        median("strict", 0)?,
        median("courier, 300 s", 0)?,
    );
    Some([("Couriers", clocks), ("Sizes", sizes), ("Release", release), ("Pauses", pauses(curves)?)])
}

fn pauses(curves: &Curves) -> Option<String> {
    let late = |name, percent| Some(time(curves.trouble(name, ("silent", percent))?.first.at(0.9)));
    let worst = curves.evidence.iter().map(|found| found.after.at(0.999)).fold(0.0, f64::max);
    let half = "balanced, half the pauses";
    Some(format!(
        "999 of 1,000 times evidence is there within {} of an honest peer's receipt, however many nodes of the public network are silent;\n  \
         a daemon behind an onion may take two minutes and a half more to be asked. A pause of five minutes outlasts both, so nobody is told in\n  \
         vain, who would be one more to guess. Half the pauses do not outlast that, and gain little: among 20 % silent peers nine in ten\n  \
         arrive within {}, not {}. `--retry-pause` sets them.",
        time(worst),
        late(half, 20)?,
        late("balanced", 20)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_schedule_of_as_many_bytes_waits_less_for_its_shares() {
        let numbers = CourierConfig::default();
        let (shares, every) = (best_for(&numbers), numbers.every.map(|every| every.as_secs_f64()));
        let wait = |every| rates(every).iter().zip(shares).map(|(rate, share)| share / rate).sum::<f64>();
        let bytes = |every: [f64; 3]| every.iter().zip(COURIER).map(|(every, bytes)| bytes / every).sum::<f64>();
        assert!((bytes(every) * DAY / numbers.bytes_per_day() as f64 - 1.0).abs() < 1e-6);
        for (size, factor) in [(1, 0.5), (1, 0.9), (1, 1.1), (1, 2.0), (2, 0.5), (2, 0.9), (2, 1.1), (2, 2.0)] {
            let mut other = every;
            other[size] *= factor;
            // the small ones make up for it
            other[0] = COURIER[0] / (COURIER[0] / every[0] + bytes(every) - bytes(other));
            assert!((bytes(other) - bytes(every)).abs() < 1e-6 && wait(other) > wait(every), "{size} {factor}");
        }
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 && shares[1] > shares[2]);
    }
}
