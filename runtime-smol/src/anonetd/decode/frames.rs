//! A stream of bytes to frames with their places.
//!
//! The core's decoder judges the stream; frame by frame, so that each can be shown, fragments and noise too, and a bad one
//! be named by its place.

use std::io;

use anonet_core::levin::{Decoder, Flags, FrameLimits, HEADER_LEN, Header, Kind, LevinError};
use anonet_core::wire::WireError;
use thiserror::Error;

use super::field::Field;
use super::message;

/// The largest frame that is looked at: the decoder's own limit.
const LIMITS: FrameLimits = FrameLimits::public();

/// Why a stream is no sequence of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum StreamError {
    #[error("bad frame at byte {offset}: {error}")]
    Levin { offset: u64, error: LevinError },
    #[error("the input ends inside the frame at byte {offset}: {missing} bytes are missing")]
    Cut { offset: u64, missing: u64 },
    #[error("the input ends inside a message of fragments, which begins at byte {offset}")]
    Unfinished { offset: u64 },
}

/// One frame, or a message that was put together from fragments.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// Where it begins, in bytes.
    pub(super) offset: u64,
    /// Bytes of the body.
    pub(super) length: u64,
    pub(super) what: What<'a>,
}

#[derive(Debug)]
pub(super) enum What<'a> {
    Noise,
    Fragment { part: &'static str },
    Message { kind: &'a str, command: u32, code: Option<i32>, fragments: u32, fields: Option<Result<Field, WireError>> },
}

impl Found<'_> {
    pub(super) const fn kind(&self) -> &str {
        match &self.what {
            What::Noise => "noise",
            What::Fragment { .. } => "fragment",
            What::Message { kind, .. } => kind,
        }
    }

    pub(super) const fn fields(&self) -> Option<&Result<Field, WireError>> {
        match &self.what {
            What::Message { fields, .. } => fields.as_ref(),
            _ => None,
        }
    }
}

/// Cuts a stream into frames.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    decoder: Decoder,
    /// What came of the next frame.
    held: Vec<u8>,
    /// Where that begins.
    offset: u64,
    /// Where the message under assembly begins.
    assembling: Option<u64>,
}

impl FrameReader {
    /// Takes the next bytes and shows every frame that is complete. The outer error is that of `show`.
    pub(super) fn walk(
        &mut self,
        bytes: &[u8],
        mut show: impl FnMut(Found<'_>) -> io::Result<()>,
    ) -> io::Result<Result<(), StreamError>> {
        self.held.extend_from_slice(bytes);
        let mut used = 0;
        let result = loop {
            match self.next_frame(used, &mut show)? {
                Ok(Some(length)) => used += length,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.held.drain(..used);
        Ok(result)
    }

    /// Whether the stream may end here.
    pub(super) fn finish(self) -> Result<(), StreamError> {
        let offset = self.offset;
        if let Some(missing) = missing(&self.held) {
            return Err(StreamError::Cut { offset, missing });
        }
        self.assembling.map_or(Ok(()), |offset| Err(StreamError::Unfinished { offset }))
    }

    /// Shows the frame at `used` in the held bytes and returns its size, header included.
    fn next_frame(
        &mut self,
        used: usize,
        show: &mut impl FnMut(Found<'_>) -> io::Result<()>,
    ) -> io::Result<Result<Option<usize>, StreamError>> {
        let (rest, offset) = (&self.held[used..], self.offset);
        let bad = |error| StreamError::Levin { offset, error };
        let Some(header) = rest.first_chunk::<HEADER_LEN>() else {
            // wrong bytes show before the header is complete
            return Ok(Decoder::new().feed(rest, &LIMITS).map(|_| None).map_err(bad));
        };
        // a header that cannot go on is refused before its body is awaited; whether a fragment has a first one, only
        // the decoder of the whole stream knows
        if let Err(error) = Decoder::new().feed(header, &LIMITS)
            && !matches!(error, LevinError::NoBegin { .. })
        {
            return Ok(Err(bad(error)));
        }
        let header = match Header::parse(header) {
            Ok(header) => header,
            Err(error) => return Ok(Err(bad(error))),
        };
        let size = usize::try_from(header.length).ok().and_then(|length| length.checked_add(HEADER_LEN));
        let Some(frame) = size.and_then(|size| rest.get(..size)) else { return Ok(Ok(None)) };
        if let Some(part) = part(header.flags) {
            self.assembling.get_or_insert(offset);
            show(Found { offset, length: header.length, what: What::Fragment { part } })?;
        }
        match self.decoder.feed(frame, &LIMITS) {
            Err(error) => return Ok(Err(bad(error))),
            Ok((_, None)) => {}
            Ok((_, Some(complete))) => {
                let (kind, code) = match complete.kind {
                    Kind::Request => ("request", None),
                    Kind::Response { code } => ("response", Some(code)),
                    _ => ("notify", None),
                };
                let whole = complete.fragments > 0;
                // a skipped body is empty here
                let length = if whole { complete.body.len() as u64 } else { header.length };
                let fields = message::fields(complete.kind, complete.command, complete.body);
                let message = What::Message { kind, command: complete.command, code, fragments: complete.fragments, fields };
                let what = if complete.kind == Kind::Dummy { What::Noise } else { message };
                let offset = if whole { self.assembling.take().unwrap_or(offset) } else { offset };
                show(Found { offset, length, what })?;
            }
        }
        self.offset += frame.len() as u64;
        Ok(Ok(Some(frame.len())))
    }
}

const fn part(flags: Flags) -> Option<&'static str> {
    // of the bits that Levin defines
    match flags.bits() & 15 {
        0 => Some("middle"),
        4 => Some("first"),
        8 => Some("last"),
        _ => None,
    }
}

/// Bytes that the frame which begins `held` still lacks; `None` if nothing has begun.
fn missing(held: &[u8]) -> Option<u64> {
    let have = held.len() as u64;
    let whole = match held.first_chunk::<HEADER_LEN>().map(Header::parse) {
        Some(Ok(header)) => header.length.saturating_add(HEADER_LEN as u64),
        _ => HEADER_LEN as u64,
    };
    (have > 0).then(|| whole.saturating_sub(have))
}
