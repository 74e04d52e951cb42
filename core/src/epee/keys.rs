use super::MAX_SECTION_FIELDS;

/// Finds a key that a section has twice.
///
/// A key whose first bytes are larger than those of all earlier keys is new; with keys in ascending
/// order, as monerod writes them, that is nearly always all it takes. Else the earlier keys are
/// looked at again, through their places in the body.
#[derive(Default)]
pub(super) struct Keys {
    places: [u32; MAX_SECTION_FIELDS],
    count: usize,
    largest: u64,
}

impl Keys {
    /// Notes the key of `length` bytes at `place`, where its length byte is; `false` if the section
    /// had it before. `from_key` starts with the key.
    #[inline]
    pub(super) fn insert(&mut self, body: &[u8], place: u32, from_key: &[u8], length: u8) -> bool {
        let prefix = prefix(from_key, length);
        if prefix <= self.largest && self.contains(body, place) {
            return false;
        }
        let Some(slot) = self.places.get_mut(self.count) else {
            return false;
        };
        *slot = place;
        self.count = self.count.saturating_add(1);
        self.largest = self.largest.max(prefix);
        true
    }

    #[cold]
    fn contains(&self, body: &[u8], place: u32) -> bool {
        let key = key_at(body, place);
        let mut earlier = self.places.iter().take(self.count);
        earlier.any(|&place| key_at(body, place) == key)
    }
}

/// The first eight bytes of a key as a number that orders like them, padded with zeros.
#[inline]
fn prefix(from_key: &[u8], length: u8) -> u64 {
    let Some(chunk) = from_key.first_chunk() else {
        return short_prefix(from_key, length);
    };
    let beyond = u64::MAX.checked_shr(u32::from(length).saturating_mul(8));
    u64::from_be_bytes(*chunk) & !beyond.unwrap_or(0)
}

/// As [`prefix`], near the end of the body.
#[cold]
fn short_prefix(from_key: &[u8], length: u8) -> u64 {
    let mut padded = [0; 8];
    for (slot, &byte) in padded.iter_mut().zip(from_key.iter().take(usize::from(length))) {
        *slot = byte;
    }
    u64::from_be_bytes(padded)
}

fn key_at(body: &[u8], place: u32) -> Option<&[u8]> {
    let (&length, rest) = body.get(usize::try_from(place).ok()?..)?.split_first()?;
    rest.get(..usize::from(length))
}
