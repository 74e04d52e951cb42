//! `--retry-pause`.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// The longest pause, in seconds: a third of the time that a transaction is kept.
const LONGEST: u64 = 86_400;

/// The range that the pause before a further round is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetryPause {
    pub(super) least: Duration,
    pub(super) most: Duration,
}

/// What is wrong with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("write two numbers of seconds from 1 to 86400, the smaller one first, as in 300,600")]
pub(super) struct BadPause;

impl FromStr for RetryPause {
    type Err = BadPause;

    fn from_str(text: &str) -> Result<Self, BadPause> {
        let (least, most) = text.split_once(',').ok_or(BadPause)?;
        let seconds = |text: &str| text.parse().ok().filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or(BadPause);
        let (least, most) = (seconds(least)?, seconds(most)?);
        if least > most {
            return Err(BadPause);
        }
        Ok(Self { least: Duration::from_secs(least), most: Duration::from_secs(most) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_of_seconds_in_order() {
        let pause = |text: &str| text.parse::<RetryPause>().map(|pause| (pause.least.as_secs(), pause.most.as_secs()));
        assert_eq!(pause("300,600"), Ok((300, 600)));
        assert_eq!(pause("1,86400"), Ok((1, 86_400)));
        assert_eq!(pause("5,5"), Ok((5, 5)));
        for bad in ["", "300", "600,300", "0,5", "1,86401", "1,2,3", "a,b", "-1,5", "1.5,2"] {
            assert_eq!(pause(bad), Err(BadPause), "{bad}");
        }
    }
}
