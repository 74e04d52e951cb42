//! The bytes of a row.

use anonet_core::{Exposure, Instant};

/// The version that this module writes, and the newest that it reads.
const VERSION: u8 = 1;

/// A row that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) submitted: Instant,
    pub(super) exposure: Exposure,
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
    pub(super) fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(10 + self.blob.len());
        out.push(VERSION);
        out.extend_from_slice(&self.submitted.as_micros().to_le_bytes());
        out.push(code(self.exposure));
        out.extend_from_slice(self.blob);
        out
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let (&version, rest) = bytes.split_first().ok_or(Unreadable::Bad)?;
        match version {
            VERSION => {}
            0 => return Err(Unreadable::Bad),
            _ => return Err(Unreadable::Newer),
        }
        let (submitted, rest) = rest.split_first_chunk().ok_or(Unreadable::Bad)?;
        let (&exposure, blob) = rest.split_first().ok_or(Unreadable::Bad)?;
        let exposure = match exposure {
            0 => Exposure::Nobody,
            1 => Exposure::Anonymity,
            2 => Exposure::Public,
            _ => return Err(Unreadable::Bad),
        };
        Ok(Self { submitted: Instant::from_micros(u64::from_le_bytes(*submitted)), exposure, blob })
    }
}

const fn code(exposure: Exposure) -> u8 {
    match exposure {
        Exposure::Nobody => 0,
        Exposure::Public => 2,
        // the strictest reading, also of kinds to come
        _ => 1,
    }
}
