//! Documents that outlive a run, as bytes that an embedder stores.
//!
//! A header, then entries; an entry is a two-byte length and fields, a field a tag, a one-byte length and its value. Every
//! entry has its own length, so a bad one costs itself alone; unknown tags are passed over, so a field can be added
//! without a new version. Nothing is reserved for a claimed length.

use alloc::vec::Vec;

/// One of the documents that a node wants to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Snapshot {
    /// The peer lists of all zones.
    Peers,
    /// The bans that have an end; the others are given again at each start.
    Bans,
}

impl Snapshot {
    const fn magic(self) -> [u8; 8] {
        match self {
            Self::Peers => *b"anopeers",
            Self::Bans => *b"anetbans",
        }
    }

    /// The version that this build writes, and the only one that it reads: what a later build adds goes into new tags.
    const fn version(self) -> u16 {
        match self {
            Self::Peers | Self::Bans => 1,
        }
    }
}

/// What [`Node::restore`](crate::Node::restore) made of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Entries taken in, or kept for a zone that is not configured now.
    pub kept: usize,
    /// Entries lost: malformed, impossible, cut short, or too many.
    pub dropped: usize,
    /// What the header says. Unless it is [`Current`](DocumentVersion::Current) nothing was read: keep the old document
    /// before the next one overwrites it.
    pub version: DocumentVersion,
}

/// Which build wrote a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentVersion {
    /// One that writes as this build does.
    Current,
    /// One that is newer, with its version.
    Newer(u16),
    /// One so old that this build no longer reads it, with its version.
    Older(u16),
    /// None: these bytes are no such document.
    NotOne,
}

/// Longest entry that is read; what this build writes is far shorter.
const MAX_ENTRY: usize = 512;

/// Appends the header of a document.
pub(crate) fn begin(kind: Snapshot, into: &mut Vec<u8>) {
    into.extend_from_slice(&kind.magic());
    into.extend_from_slice(&kind.version().to_le_bytes());
}

/// Appends one entry, whose fields `fill` writes.
pub(crate) fn write_entry(into: &mut Vec<u8>, fill: impl FnOnce(&mut EntryWriter<'_>)) {
    let start = into.len();
    into.extend_from_slice(&[0; 2]);
    fill(&mut EntryWriter(into));
    let length = into.len() - start - 2;
    debug_assert!(length <= MAX_ENTRY, "entries are short");
    into[start..start + 2].copy_from_slice(&(length as u16).to_le_bytes());
}

/// Appends an entry that is already encoded.
pub(crate) fn write_raw(into: &mut Vec<u8>, entry: &[u8]) {
    into.extend_from_slice(&(entry.len() as u16).to_le_bytes());
    into.extend_from_slice(entry);
}

/// Writes the fields of one entry.
#[derive(Debug)]
pub(crate) struct EntryWriter<'a>(&'a mut Vec<u8>);

impl EntryWriter<'_> {
    /// Appends a field of at most 255 bytes.
    pub(crate) fn field(&mut self, tag: u8, value: &[u8]) {
        debug_assert!(value.len() <= usize::from(u8::MAX), "fields are short");
        self.0.extend_from_slice(&[tag, value.len() as u8]);
        self.0.extend_from_slice(value);
    }
}

/// Reads a document's header, and answers with what follows it.
pub(crate) fn open(kind: Snapshot, bytes: &[u8]) -> (DocumentVersion, Entries<'_>) {
    let Some(&[low, high, ref rest @ ..]) = bytes.strip_prefix(&kind.magic()) else {
        return (DocumentVersion::NotOne, Entries(&[]));
    };
    let (found, known) = (u16::from_le_bytes([low, high]), kind.version());
    match found.cmp(&known) {
        core::cmp::Ordering::Equal => (DocumentVersion::Current, Entries(rest)),
        core::cmp::Ordering::Greater => (DocumentVersion::Newer(found), Entries(&[])),
        core::cmp::Ordering::Less => (DocumentVersion::Older(found), Entries(&[])),
    }
}

/// The entries of a document; `None` in place of one that is over-long or cut short.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let whole =
            self.0.split_first_chunk().and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_le_bytes(*length))));
        let Some((entry, rest)) = whole else {
            self.0 = &[];
            return Some(None);
        };
        self.0 = rest;
        Some((entry.len() <= MAX_ENTRY).then_some(entry))
    }
}

/// The fields of one entry, tag and value; `None` in place of one that is cut short.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u8, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let whole = self.0.split_first_chunk().and_then(|(&[tag, length], rest)| {
            rest.split_at_checked(usize::from(length)).map(|(value, rest)| ((tag, value), rest))
        });
        let Some((field, rest)) = whole else {
            self.0 = &[];
            return Some(None);
        };
        self.0 = rest;
        Some(Some(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(entries: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        begin(Snapshot::Peers, &mut bytes);
        for entry in entries {
            write_raw(&mut bytes, entry);
        }
        bytes
    }

    #[test]
    fn versions_and_strangers_are_told_apart_and_yield_nothing() {
        let mut bytes = document(&[b"abc"]);
        assert_eq!(open(Snapshot::Peers, &bytes).0, DocumentVersion::Current);
        for (version, expected) in [(0, DocumentVersion::Older(0)), (2, DocumentVersion::Newer(2))] {
            bytes[8] = version;
            let (found, mut entries) = open(Snapshot::Peers, &bytes);
            assert_eq!((found, entries.next()), (expected, None));
        }
        for stranger in [&b""[..], b"anopeers", b"anopeers\x01", b"anobanns\x01\x00"] {
            assert_eq!(open(Snapshot::Peers, stranger).0, DocumentVersion::NotOne);
        }
    }

    #[test]
    fn an_over_long_entry_costs_itself_and_a_cut_one_is_the_last() {
        let long = [7; MAX_ENTRY + 1];
        let bytes = document(&[&long[1..], &long, b"abc", b"defg"]);
        let (_, entries) = open(Snapshot::Peers, &bytes[..bytes.len() - 1]);
        let found: Vec<Option<&[u8]>> = entries.collect();
        assert_eq!(found, [Some(&long[1..]), None, Some(b"abc"), None]);
    }

    #[test]
    fn fields_come_back_and_a_cut_one_is_said() {
        let mut bytes = Vec::new();
        write_entry(&mut bytes, |entry| {
            entry.field(3, b"xyz");
            entry.field(9, b"");
        });
        assert_eq!(bytes[..2], 7u16.to_le_bytes());
        let fields: Vec<_> = Fields(&bytes[2..]).collect();
        assert_eq!(fields, [Some((3, &b"xyz"[..])), Some((9, &b""[..]))]);
        let cut: Vec<_> = Fields(&bytes[2..6]).collect();
        assert_eq!(cut, [None]);
    }
}
