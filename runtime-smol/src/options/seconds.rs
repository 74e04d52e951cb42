//! Spans of time on the command line: `90`, `0.25`, or a range, `60,180`.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// The longest span that an option takes: 30 days.
const MOST: u64 = 30 * 86_400;

/// Why a span cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecondsError {
    /// It is no number.
    #[error("write seconds as in 90 or 0.25, with at most three digits after the point")]
    NotSeconds,
    /// It is longer than 30 days.
    #[error("it is more than the 2592000 seconds of 30 days")]
    TooLong,
    /// The range ends before it begins.
    #[error("the range ends before it begins: write the smaller number first")]
    Backwards,
}

/// Seconds, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(fraction, 3) || !digits(whole, usize::MAX) {
            return Err(SecondsError::NotSeconds);
        }
        let seconds: u64 = whole.parse().map_err(|_| SecondsError::TooLong)?;
        let millis: u64 = format!("{fraction:0<3}").parse().map_err(|_| SecondsError::NotSeconds)?;
        let span = Duration::from_secs(seconds.min(MOST + 1)) + Duration::from_millis(millis);
        if span > Duration::from_secs(MOST) { Err(SecondsError::TooLong) } else { Ok(Self(span)) }
    }
}

/// `MIN,MAX` in seconds, or one number for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondsRange(pub Duration, pub Duration);

impl FromStr for SecondsRange {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let (least, most) = text.split_once(',').unwrap_or((text, text));
        let (Seconds(least), Seconds(most)) = (least.parse()?, most.parse()?);
        if least > most { Err(SecondsError::Backwards) } else { Ok(Self(least, most)) }
    }
}

/// Numbers of seconds with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondsList(pub Vec<Duration>);

impl FromStr for SecondsList {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let spans: Result<Vec<Duration>, SecondsError> = text.split(',').map(|part| Ok(part.parse::<Seconds>()?.0)).collect();
        spans.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_at_most_three_decimals_and_an_end() {
        let millis = |text: &str| text.parse::<Seconds>().map(|Seconds(span)| span.as_millis());
        for (text, expected) in
            [("0", 0), ("90", 90_000), ("0.25", 250), ("1.5", 1_500), ("2592000", 2_592_000_000), ("0.001", 1)]
        {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "1s", "1.", ".5", "1.2345", "0x1", "1e3", " 1", "１"] {
            assert_eq!(millis(text), Err(SecondsError::NotSeconds), "{text}");
        }
        for text in ["2592000.001", "2592001", "99999999999999999999999"] {
            assert_eq!(millis(text), Err(SecondsError::TooLong), "{text}");
        }
    }

    #[test]
    fn a_range_is_two_numbers_or_one() {
        let range = |text: &str| text.parse::<SecondsRange>();
        let expected = SecondsRange(Duration::from_millis(500), Duration::from_secs(3));
        assert_eq!(
            (range("0.5,3"), range("7")),
            (Ok(expected), Ok(SecondsRange(Duration::from_secs(7), Duration::from_secs(7))))
        );
        assert_eq!(range("3,0.5"), Err(SecondsError::Backwards));
        assert_eq!((range("1,2,3"), range("1,")), (Err(SecondsError::NotSeconds), Err(SecondsError::NotSeconds)));
    }
}
