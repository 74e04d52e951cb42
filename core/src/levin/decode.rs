//! Received bytes to frames (spec `levin.md` §3 and §4).

use super::check::{check_length, check_version, impossible_flags};
use super::held::{Held, Message};
use super::{BodyLimit, Flags, Frame, FrameLimits, HEADER_LEN, Header, Kind, Layer, LevinError, SIGNATURE, cut};

/// The receiving end of one link.
///
/// Holds nothing but what arrived of an unfinished frame and of a half-assembled message: never more bytes than
/// [`FrameLimits::total`] (and at most twice that as capacity), none of noise and skipped bodies, and between frames at
/// most [`RETAINED`](super::RETAINED). A frame that lies whole in the data is not copied.
#[derive(Debug)]
pub struct Decoder {
    held: Held,
    state: State,
    header: [u8; HEADER_LEN],
}

const _: () = assert!(size_of::<Decoder>() <= 96);

#[derive(Debug, Clone, Copy)]
enum State {
    /// Waiting for the rest of a header.
    Header { filled: usize },
    /// Waiting for the rest of a body.
    Body { missing: usize, purpose: Purpose },
    /// Nothing more will ever be read.
    Failed(LevinError),
}

/// What a body is for, decided on its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Keep,
    Skip,
    Fragment,
    LastFragment,
}

/// A complete frame before it borrows: the loop that fills the buffer cannot lend it.
struct Complete<'d> {
    kind: Kind,
    command: u32,
    fragments: u32,
    body: Body<'d>,
}

enum Body<'d> {
    Data(&'d [u8]),
    Held { start: usize, length: usize },
}

impl Decoder {
    /// A decoder at the start of a stream. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: Held::new(), state: State::Header { filled: 0 }, header: [0; HEADER_LEN] }
    }

    /// Bytes held: of an unfinished body, of a half-assembled message, and of a frame that the last call handed out.
    /// A header under way is not counted, it lives in the decoder itself.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.held.len()
    }

    /// Bytes of heap that the decoder owns, used or not.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.held.capacity()
    }

    /// Reads up to one complete frame and returns how many bytes of `data` that took.
    ///
    /// Call it in a loop with what is left of `data` until it returns no frame: then all of `data` is consumed, and
    /// the memory of the last frame is given back. How the stream is cut changes neither the frames nor the error.
    /// `limits` apply to headers that become complete in this call and to a message whose last fragment does, so they
    /// may change from frame to frame.
    ///
    /// Costs one copy of what is not a whole frame in `data`. Allocates when that is more than [`Self::capacity`].
    ///
    /// # Errors
    /// Any [`LevinError`]; the same one for ever after.
    pub fn feed<'f>(&'f mut self, data: &'f [u8], limits: &FrameLimits) -> Result<(usize, Option<Frame<'f>>), LevinError> {
        // between two frames, only a body that was handed out can be left behind the half-assembled message
        if let (State::Header { .. }, 1..) = (self.state, self.held.body_len()) {
            self.held.drop_body();
        }
        match self.read(data, limits) {
            Ok((rest, complete)) => {
                let consumed = data.len().saturating_sub(rest.len());
                Ok((consumed, complete.map(|complete| complete.borrow(&self.held))))
            }
            Err(error) => {
                *self = Self { state: State::Failed(error), ..Self::new() };
                Err(error)
            }
        }
    }

    /// Returns what is left of `data`: nothing, unless a frame is complete.
    fn read<'d>(&mut self, mut data: &'d [u8], limits: &FrameLimits) -> Result<(&'d [u8], Option<Complete<'d>>), LevinError> {
        loop {
            match self.state {
                State::Failed(error) => return Err(error),
                State::Header { filled } => {
                    data = self.read_header(filled, data, limits)?;
                    if let State::Header { .. } = self.state {
                        return Ok((data, None));
                    }
                }
                State::Body { missing, purpose } => {
                    let (part, rest) = cut(data, missing);
                    data = rest;
                    let missing = missing.saturating_sub(part.len());
                    let complete = self.read_body(part, missing, purpose, limits)?;
                    if complete.is_some() || missing > 0 {
                        return Ok((data, complete));
                    }
                }
            }
        }
    }

    fn read_header<'d>(&mut self, filled: usize, data: &'d [u8], limits: &FrameLimits) -> Result<&'d [u8], LevinError> {
        let (part, rest) = cut(data, HEADER_LEN.saturating_sub(filled));
        for (place, byte) in self.header.iter_mut().skip(filled).zip(part) {
            *place = *byte;
        }
        let filled = filled.saturating_add(part.len());
        if self.header.iter().zip(&SIGNATURE).take(filled).any(|(byte, right)| byte != right) {
            return Err(LevinError::Signature { layer: Layer::Frame });
        }
        self.state = if filled < HEADER_LEN { State::Header { filled } } else { self.begin_body(limits)? };
        Ok(rest)
    }

    /// Judges a complete header before any byte of its body is touched.
    fn begin_body(&mut self, limits: &FrameLimits) -> Result<State, LevinError> {
        let header = Header::parse(&self.header)?;
        check_version(&header, Layer::Frame)?;
        let (limit, purpose) = match header.flags.defined() {
            Flags::REQUEST | Flags::RESPONSE => (limits.body(header.command), Purpose::Keep),
            Flags::NOISE => (limits.fragment(), Purpose::Skip),
            Flags::BEGIN | Flags::NONE => (limits.fragment(), Purpose::Fragment),
            Flags::END => (limits.fragment(), Purpose::LastFragment),
            _ => return Err(impossible_flags(&header, Layer::Frame)),
        };
        let missing = check_length(&header, limit, Layer::Frame)?;
        let purpose = if let BodyLimit::Skip(_) = limit { Purpose::Skip } else { purpose };
        match purpose {
            Purpose::Skip => {}
            Purpose::Keep => self.held.check_room(&header, limits)?,
            Purpose::Fragment | Purpose::LastFragment => {
                self.held.begin_fragment(&header)?;
                self.held.check_room(&header, limits)?;
            }
        }
        Ok(State::Body { missing, purpose })
    }

    /// Takes the next `part` of a body; `missing` bytes are still to come after it.
    fn read_body<'d>(
        &mut self,
        part: &'d [u8],
        missing: usize,
        purpose: Purpose,
        limits: &FrameLimits,
    ) -> Result<Option<Complete<'d>>, LevinError> {
        let whole = missing == 0;
        self.state = if whole { State::Header { filled: 0 } } else { State::Body { missing, purpose } };
        let body = match purpose {
            Purpose::Skip => Body::Data(&[]),
            Purpose::Keep if whole && self.held.body_len() == 0 => Body::Data(part),
            Purpose::Keep => {
                self.held.extend(part);
                Body::Held { start: self.held.assembled(), length: self.held.body_len() }
            }
            Purpose::Fragment | Purpose::LastFragment => {
                self.held.assemble(part, limits)?;
                let last = whole && purpose == Purpose::LastFragment;
                return if last { self.held.finish(limits).map(|message| Some(message.into())) } else { Ok(None) };
            }
        };
        if !whole {
            return Ok(None);
        }
        let header = Header::parse(&self.header)?;
        let kind = header.kind().unwrap_or(Kind::Dummy);
        Ok(Some(Complete { kind, command: header.command, fragments: 0, body }))
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl<'d> Complete<'d> {
    fn borrow(self, held: &'d Held) -> Frame<'d> {
        let Self { kind, command, fragments, body } = self;
        let body = match body {
            Body::Data(body) => body,
            Body::Held { start, length } => cut(held.after(start), length).0,
        };
        Frame { kind, command, body, fragments }
    }
}

impl From<Message> for Complete<'_> {
    fn from(message: Message) -> Self {
        let Message { kind, command, fragments, length } = message;
        Self { kind, command, fragments, body: Body::Held { start: HEADER_LEN, length } }
    }
}
