//! Which hosts served lately, for any own transaction: others go first for a day (design §3).

use alloc::collections::BTreeMap;
use core::time::Duration;

use super::uses::{RecipientTag, Use};
use crate::time::Instant;

/// How long a host rests: a day, and an hour as uses are told by the hour.
const REST: Duration = Duration::from_secs(25 * 3_600);

/// Hosts that are remembered; of more the one that served longest ago is forgotten.
const MOST: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Recent(BTreeMap<RecipientTag, Instant>);

impl Recent {
    pub(super) fn add(&mut self, used: Use) {
        let at = self.0.entry(used.recipient).or_insert(used.at);
        *at = used.at.max(*at);
        if self.0.len() > MOST {
            let oldest = self.0.iter().min_by_key(|(_, at)| **at).map(|(tag, _)| *tag);
            oldest.and_then(|tag| self.0.remove(&tag));
        }
    }

    /// When a host that rests served last.
    pub(super) fn last(&self, now: Instant, tag: RecipientTag) -> Option<Instant> {
        self.0.get(&tag).copied().filter(|at| now.saturating_since(*at) < REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(number: u64, hour: u64) -> Use {
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&number.to_le_bytes());
        Use { recipient: RecipientTag::new(tag), at: Instant::from_micros(hour * 3_600_000_000) }
    }

    #[test]
    fn a_host_rests_for_a_day_from_its_last_use() {
        let mut recent = Recent::default();
        let of = |hour| used(1, hour);
        [of(50), of(40)].into_iter().for_each(|used| recent.add(used));
        let last = |hour| recent.last(of(hour).at, of(0).recipient);
        assert_eq!((last(50), last(74), last(75)), (Some(of(50).at), Some(of(50).at), None));
        assert_eq!(recent.last(of(50).at, used(2, 0).recipient), None);
    }

    #[test]
    fn the_oldest_is_forgotten_past_the_limit() {
        let mut recent = Recent::default();
        let most = MOST as u64;
        (0..most).for_each(|number| recent.add(used(number, 100 + number)));
        let knows = |recent: &Recent, number| recent.last(used(0, 101).at, used(number, 0).recipient).is_some();
        assert!(knows(&recent, 0) && knows(&recent, most - 1));
        recent.add(used(most, 5_000));
        assert!(!knows(&recent, 0) && knows(&recent, 1) && knows(&recent, most));
    }
}
