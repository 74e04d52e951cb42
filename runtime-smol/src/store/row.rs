//! The bytes of a row.

use anonet_core::{Exposure, Instant, MAX_USES, RecipientTag, Use};

use super::Exposed;

/// The version that this module writes, and the newest that it reads.
const VERSION: u8 = 2;

/// The one before: it says nothing of uses.
const WITHOUT_USES: u8 = 1;

const TAG: usize = 16;
/// A use: the host's tag, and the hour since the Unix epoch.
const USE: usize = TAG + 4;
/// All places for uses and their count, so that no row's size tells how many there are.
const USES: usize = 1 + MAX_USES * USE;

const HOUR: u64 = 3_600_000_000;

/// A row that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) submitted: Instant,
    pub(super) exposed: Exposed,
    pub(super) blob: &'a [u8],
}

/// Why one cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A later version wrote it.
    Newer,
    /// It makes no sense.
    Bad,
}

impl<'a> Row<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(10 + USES + self.blob.len());
        out.push(VERSION);
        out.extend_from_slice(&self.submitted.as_micros().to_le_bytes());
        out.push(code(self.exposed.exposure));
        encode_uses(&self.exposed.uses, &mut out);
        out.extend_from_slice(self.blob);
        out
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let (&version, rest) = bytes.split_first().ok_or(Unreadable::Bad)?;
        let uses = match version {
            VERSION => USES,
            WITHOUT_USES => 0,
            0 => return Err(Unreadable::Bad),
            _ => return Err(Unreadable::Newer),
        };
        let (submitted, rest) = rest.split_first_chunk().ok_or(Unreadable::Bad)?;
        let (&exposure, rest) = rest.split_first().ok_or(Unreadable::Bad)?;
        let exposure = match exposure {
            0 => Exposure::Nobody,
            1 => Exposure::Anonymity,
            2 => Exposure::Public,
            _ => return Err(Unreadable::Bad),
        };
        let (uses, blob) = rest.split_at_checked(uses).ok_or(Unreadable::Bad)?;
        let exposed = Exposed { exposure, uses: decode_uses(uses).ok_or(Unreadable::Bad)? };
        Ok(Self { submitted: Instant::from_micros(u64::from_le_bytes(*submitted)), exposed, blob })
    }
}

fn encode_uses(uses: &[Use], out: &mut Vec<u8>) {
    let end = out.len() + USES;
    let uses = &uses[..uses.len().min(MAX_USES)];
    out.push(uses.len() as u8);
    for used in uses {
        out.extend_from_slice(used.recipient.as_bytes());
        out.extend_from_slice(&u32::try_from(used.at.as_micros() / HOUR).unwrap_or(u32::MAX).to_le_bytes());
    }
    out.resize(end, 0);
}

/// None at all if there is no place for any.
fn decode_uses(bytes: &[u8]) -> Option<Vec<Use>> {
    let Some((&count, places)) = bytes.split_first() else { return Some(Vec::new()) };
    let used = |place: &[u8]| {
        let (tag, hour) = place.split_first_chunk::<TAG>()?;
        let hour = u64::from(u32::from_le_bytes(hour.try_into().ok()?));
        Some(Use { recipient: RecipientTag::new(*tag), at: Instant::from_micros(hour * HOUR) })
    };
    places.get(..usize::from(count) * USE)?.chunks_exact(USE).map(used).collect()
}

const fn code(exposure: Exposure) -> u8 {
    match exposure {
        Exposure::Nobody => 0,
        Exposure::Public => 2,
        // the strictest reading, also of kinds to come
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uses: usize) -> Row<'static> {
        let used = |number| Use { recipient: RecipientTag::new([number as u8; TAG]), at: Instant::from_micros(490_000 * HOUR) };
        let exposed = Exposed { exposure: Exposure::Anonymity, uses: (0..uses).map(used).collect() };
        Row { submitted: Instant::from_micros(7), exposed, blob: b"tx" }
    }

    #[test]
    fn a_row_is_read_as_it_was_written_and_its_size_tells_no_uses() {
        for uses in [0, 1, MAX_USES] {
            let written = row(uses).encode();
            assert_eq!(written.len(), 10 + USES + 2);
            assert_eq!(Row::decode(&written), Ok(row(uses)));
        }
        assert_eq!(Row::decode(&row(MAX_USES + 1).encode()), Ok(row(MAX_USES)), "past the limit");
    }

    #[test]
    fn a_row_of_the_version_before_has_no_uses() {
        let old = [&[1, 7, 0, 0, 0, 0, 0, 0, 0, 1][..], b"tx"].concat();
        assert_eq!(Row::decode(&old), Ok(row(0)));
    }

    #[test]
    fn what_makes_no_sense_is_no_row() {
        let written = row(MAX_USES).encode();
        for len in 0..10 + USES {
            assert_eq!(Row::decode(&written[..len]), Err(Unreadable::Bad), "{len}");
        }
        let changed = |place: usize, byte: u8| {
            let mut changed = written.clone();
            changed[place] = byte;
            Row::decode(&changed).map(|_| ())
        };
        assert_eq!((changed(0, 0), changed(0, 3)), (Err(Unreadable::Bad), Err(Unreadable::Newer)));
        assert_eq!((changed(9, 3), changed(10, MAX_USES as u8 + 1)), (Err(Unreadable::Bad), Err(Unreadable::Bad)));
    }
}
