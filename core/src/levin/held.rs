//! The bytes that one link makes us hold: half-assembled messages and unfinished bodies (spec `levin.md` §4).

use alloc::vec::Vec;
use core::fmt;

use super::check::check_message;
use super::{BodyLimit, Flags, FrameLimits, HEADER_LEN, Header, Kind, LevinError, cut};

/// Bytes of buffer that a link keeps between frames; what a larger frame needed is given back.
pub const RETAINED: usize = 512;

/// One buffer for both: the half-assembled message, then what arrived of the body being received. Complete frames may
/// come between two fragments, so the second part comes and goes while the first one waits.
pub(super) struct Held {
    bytes: Vec<u8>,
    /// How much of `bytes` is the half-assembled message.
    assembled: u32,
    /// Fragments in it; 0 when no message is being assembled.
    fragments: u32,
}

/// A message whose fragments are all in.
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) command: u32,
    pub(super) fragments: u32,
    /// Bytes of the body, from `HEADER_LEN` on in [`Held::after`].
    pub(super) length: usize,
}

impl Held {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), assembled: 0, fragments: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Where the half-assembled message ends and the current body begins.
    pub(super) fn assembled(&self) -> usize {
        usize::try_from(self.assembled).unwrap_or(usize::MAX)
    }

    /// Bytes of the current body.
    pub(super) fn body_len(&self) -> usize {
        self.len().saturating_sub(self.assembled())
    }

    /// What is held from `start` on.
    pub(super) fn after(&self, start: usize) -> &[u8] {
        cut(&self.bytes, start).1
    }

    /// Appends to the current body.
    pub(super) fn extend(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    /// Drops the body that was handed out, and the memory that only it needed.
    pub(super) fn drop_body(&mut self) {
        self.bytes.truncate(self.assembled());
        // a half-assembled message stays where it is: small frames between its parts would move it again and again
        if self.assembled == 0 {
            self.bytes.shrink_to(RETAINED);
        }
    }

    /// The next fragment follows, whose `header` says which one it is.
    pub(super) fn begin_fragment(&mut self, header: &Header) -> Result<(), LevinError> {
        if header.flags.defined() == Flags::BEGIN {
            // a message half assembled by now was given up by its sender
            *self = Self { bytes: core::mem::take(&mut self.bytes), ..Self::new() };
            self.bytes.clear();
        } else if self.fragments == 0 {
            return Err(LevinError::NoBegin { bits: header.flags.bits() });
        }
        self.fragments = self.fragments.saturating_add(1);
        Ok(())
    }

    /// Whether a body may come beside the half-assembled message.
    pub(super) fn check_room(&self, header: &Header, limits: &FrameLimits) -> Result<(), LevinError> {
        let held = self.assembled;
        let limit = limits.total();
        if header.length > u64::from(limit.saturating_sub(held)) {
            return Err(LevinError::LinkFull { command: header.command, length: header.length, held, limit });
        }
        Ok(())
    }

    /// Appends to the half-assembled message, and judges its header once that is in.
    pub(super) fn assemble(&mut self, part: &[u8], limits: &FrameLimits) -> Result<(), LevinError> {
        let judged = self.len() >= HEADER_LEN;
        self.extend(part);
        self.assembled = u32::try_from(self.len()).unwrap_or(u32::MAX);
        if let (false, Some(raw)) = (judged, self.bytes.first_chunk()) {
            check_message(raw, limits)?;
        }
        Ok(())
    }

    /// Ends the assembly: the message becomes the current body, header included and padding cut off.
    pub(super) fn finish(&mut self, limits: &FrameLimits) -> Result<Message, LevinError> {
        let raw = self.bytes.first_chunk().ok_or(LevinError::NoHeader { length: self.assembled })?;
        let (header, kind, claimed) = check_message(raw, limits)?;
        let available = self.len().saturating_sub(HEADER_LEN);
        if claimed > available {
            return Err(LevinError::Incomplete {
                command: header.command,
                length: header.length,
                available: u32::try_from(available).unwrap_or(u32::MAX),
            });
        }
        let length = match limits.body(header.command) {
            BodyLimit::Skip(_) => 0,
            _ => claimed,
        };
        let message = Message { kind, command: header.command, fragments: self.fragments, length };
        self.assembled = 0;
        self.fragments = 0;
        Ok(message)
    }
}

/// Without the bytes: they may be a transaction, which no log may hold.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("len", &self.len())
            .field("assembled", &self.assembled)
            .field("fragments", &self.fragments)
            .finish()
    }
}
