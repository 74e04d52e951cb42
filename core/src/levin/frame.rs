//! What a stream of frames consists of (spec `levin.md` §1).

use core::fmt;

use super::Flags;

/// What a complete frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Waits for a [`Kind::Response`] with the same command; responses come in the order of the requests.
    Request,
    /// Wants no answer.
    Notify,
    /// The answer to a request.
    Response {
        /// At least 1 for success; 0 and below count as failure at the asker (spec `levin.md` §1).
        code: i32,
    },
    /// Noise: BEGIN and END without a message, to be counted and ignored.
    Dummy,
}

impl Kind {
    pub(super) const fn flags(self) -> Flags {
        match self {
            Self::Request | Self::Notify => Flags::REQUEST,
            Self::Response { .. } => Flags::RESPONSE,
            Self::Dummy => Flags::NOISE,
        }
    }
}

/// One complete frame, or one message re-assembled from fragments.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// What it is.
    pub kind: Kind,
    /// The command id; of a noise frame what its header says, as a rule 0.
    pub command: u32,
    /// The body: empty for noise and for commands whose limit is [`BodyLimit::Skip`](super::BodyLimit::Skip).
    pub body: &'a [u8],
    /// How many fragments it was re-assembled from; 0 if it came as one frame.
    pub fragments: u32,
}

/// Without the body: it may be a transaction, which no log may hold.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("kind", &self.kind)
            .field("command", &self.command)
            .field("body_len", &self.body.len())
            .field("fragments", &self.fragments)
            .finish()
    }
}
