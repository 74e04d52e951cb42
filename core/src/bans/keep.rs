//! Bans as entries of a document, and back. Only those with an end are kept: the others are the user's, who says them
//! again at each start.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::{Banned, Bans};
use crate::snapshot::{Fields, write_entry};
use crate::time::Instant;

/// Tags of fields. New ones may be added; none changes its meaning.
mod tag {
    pub(super) const WHO: u8 = 1;
    pub(super) const UNTIL: u8 = 2;
}

impl Bans {
    /// Appends an entry for each ban that has an end.
    pub(crate) fn store(&self, into: &mut Vec<u8>) {
        let mut text = String::new();
        for (who, until) in self.ends.iter().filter_map(|(who, until)| Some((who, (*until)?))) {
            text.clear();
            write!(text, "{}", who.reveal()).expect("a string takes all");
            write_entry(into, |entry| {
                entry.field(tag::WHO, text.as_bytes());
                entry.field(tag::UNTIL, &until.as_micros().to_le_bytes());
            });
        }
    }

    /// Reads an entry; `None` if it is no ban.
    pub(crate) fn decode(entry: &[u8]) -> Option<(Banned, Instant)> {
        let (mut who, mut until) = (None, None);
        for field in Fields(entry) {
            let (tag, value) = field?;
            match tag {
                tag::WHO => who = Banned::parse(core::str::from_utf8(value).ok()?).ok(),
                tag::UNTIL => until = value.try_into().ok().map(|micros| Instant::from_micros(u64::from_le_bytes(micros))),
                _ => {}
            }
        }
        who.zip(until)
    }
}
