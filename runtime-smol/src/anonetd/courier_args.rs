//! The options of policy `courier`.

use std::time::Duration;

use anonet_core::{CourierConfig, Privacy};
use clap::{Args, ValueEnum};
use thiserror::Error;

use crate::options::{Seconds, SecondsList, SecondsRange};

/// How much delay and traffic may be spent, and each number of it.
#[derive(Debug, Args)]
pub(super) struct CourierArgs {
    /// What hiding a transaction may cost with the policy courier: `fast` sends a courier every 30 s and lets a transaction take
    /// the next one; `balanced` every 120 s, after a minute's wait on average; `strict` every 300 s, after ten minutes
    #[arg(long, value_enum, default_value = "balanced", hide_possible_values = true, value_name = "fast|balanced|strict")]
    privacy: PrivacyName,
    /// Seconds between couriers, on average: one number for those of 12 kB, and 8 and 32 times as much for those of 49 and
    /// 197 kB; or all three; 0 for none of a size [default: 30, 120 or 300, as --privacy says]
    #[arg(long, value_name = "SECONDS[,SECONDS,SECONDS]")]
    courier_every: Option<SecondsList>,
    /// Seconds that a transaction waits before it may ride, on average [default: 0, 60 or 600]
    #[arg(long, value_name = "SECONDS")]
    courier_release: Option<Seconds>,
    /// No transaction leaves before the node has run so long [default: 0, 60,180 or 600,1800]
    #[arg(long, value_name = "MIN,MAX")]
    courier_uptime: Option<SecondsRange>,
    /// From a courier's open stream to its first record [default: 3,6]
    #[arg(long, value_name = "MIN,MAX")]
    courier_first_record: Option<SecondsRange>,
    /// From one record to the next, at most half a second [default: 0.1,0.5]
    #[arg(long, value_name = "MIN,MAX")]
    courier_gap: Option<SecondsRange>,
    /// From the last record to the end of a courier, at least 3 s [default: 3,6]
    #[arg(long, value_name = "MIN,MAX")]
    courier_linger: Option<SecondsRange>,
    /// For how long a peer that was handed one transaction is handed no other, while others are to be had [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    courier_rest: Option<Seconds>,
    /// How old the acquaintance with a peer that was heard of has to be before it is handed anything [default: 86400,172800]
    #[arg(long, value_name = "MIN,MAX")]
    courier_age: Option<SecondsRange>,
}

/// `--privacy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PrivacyName {
    Fast,
    Balanced,
    Strict,
}

impl From<PrivacyName> for Privacy {
    fn from(name: PrivacyName) -> Self {
        match name {
            PrivacyName::Fast => Self::Fast,
            PrivacyName::Balanced => Self::Balanced,
            PrivacyName::Strict => Self::Strict,
        }
    }
}

/// Why the numbers cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum CourierArgsError {
    #[error("--courier-every: give one number or all three, as in 120,960,3840")]
    TwoClocks,
    #[error("--courier-every: less than a second between couriers is more than peers take; write 1 or more, or 0 for none")]
    TooOften,
    #[error("--courier-every: all three are 0, so that no transaction would ever leave; give one of them")]
    Never,
    #[error("--courier-gap: records are at most 0.5 s apart, or a peer may give up on the stream")]
    Gap,
    #[error("--courier-linger: at least 3 s, or what was written last may be lost on the way")]
    Linger,
}

impl CourierArgs {
    /// The numbers that the options name, and those of the preset for the others.
    pub(super) fn numbers(&self) -> Result<CourierConfig, CourierArgsError> {
        let mut numbers = CourierConfig::preset(self.privacy.into());
        match self.courier_every.as_ref().map_or(&[][..], |SecondsList(every)| every) {
            [] => {}
            &[smallest] => numbers.every = CourierConfig::clocks(smallest),
            &[small, medium, large] => numbers.every = [small, medium, large],
            _ => return Err(CourierArgsError::TwoClocks),
        }
        if numbers.every.iter().any(|every| !every.is_zero() && *every < Duration::from_secs(1)) {
            return Err(CourierArgsError::TooOften);
        }
        if numbers.every.iter().all(Duration::is_zero) {
            return Err(CourierArgsError::Never);
        }
        let spans = [(self.courier_release, &mut numbers.release), (self.courier_rest, &mut numbers.rest)];
        for (given, number) in spans {
            *number = given.map_or(*number, |Seconds(span)| span);
        }
        let ranges = [
            (self.courier_uptime, &mut numbers.uptime),
            (self.courier_first_record, &mut numbers.first_record),
            (self.courier_gap, &mut numbers.gap),
            (self.courier_linger, &mut numbers.linger),
            (self.courier_age, &mut numbers.age),
        ];
        for (given, number) in ranges {
            *number = given.map_or(*number, |SecondsRange(least, most)| (least, most));
        }
        if numbers.gap.1 > Duration::from_millis(500) {
            return Err(CourierArgsError::Gap);
        }
        if numbers.linger.0 < Duration::from_secs(3) {
            return Err(CourierArgsError::Linger);
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        courier: CourierArgs,
    }

    fn numbers(line: &str) -> Result<CourierConfig, CourierArgsError> {
        Line::try_parse_from(["anonetd"].into_iter().chain(line.split_whitespace())).expect(line).courier.numbers()
    }

    #[test]
    fn each_number_has_an_option_and_the_preset_has_the_rest() {
        assert_eq!(numbers(""), Ok(CourierConfig::preset(Privacy::Balanced)));
        assert_eq!(numbers("--privacy strict"), Ok(CourierConfig::preset(Privacy::Strict)));
        let seconds = Duration::from_secs;
        let all = numbers(
            "--privacy fast --courier-every 5,0,90 --courier-release 7 --courier-uptime 1,2 --courier-first-record 4 \
             --courier-gap 0.2,0.3 --courier-linger 3,9 --courier-rest 60 --courier-age 10,20",
        )
        .unwrap();
        let mut expected = CourierConfig::preset(Privacy::Fast);
        expected.every = [seconds(5), Duration::ZERO, seconds(90)];
        (expected.release, expected.uptime, expected.first_record) =
            (seconds(7), (seconds(1), seconds(2)), (seconds(4), seconds(4)));
        expected.gap = (Duration::from_millis(200), Duration::from_millis(300));
        (expected.linger, expected.rest, expected.age) = ((seconds(3), seconds(9)), seconds(60), (seconds(10), seconds(20)));
        assert_eq!(all, expected);
        assert_eq!(numbers("--courier-every 10").unwrap().every, [seconds(10), seconds(80), seconds(320)]);
    }

    #[test]
    fn numbers_that_cannot_work_are_refused_with_what_to_write() {
        for (line, expected) in [
            ("--courier-every 1,2", CourierArgsError::TwoClocks),
            ("--courier-every 0.5", CourierArgsError::TooOften),
            ("--courier-every 0", CourierArgsError::Never),
            ("--courier-gap 0.1,0.501", CourierArgsError::Gap),
            ("--courier-linger 2.999,9", CourierArgsError::Linger),
        ] {
            assert_eq!(numbers(line), Err(expected), "{line}");
            assert!(line.starts_with(expected.to_string().split(':').next().unwrap()), "{expected}");
        }
    }
}
