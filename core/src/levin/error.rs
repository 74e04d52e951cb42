//! Why a stream is given up.

use core::fmt;

/// Where in the stream a header stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// A frame of its own.
    Frame,
    /// Inside a message re-assembled from fragments.
    Message,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "frame",
            Self::Message => "re-assembled message",
        })
    }
}

/// Why a stream cannot go on: always the peer's fault, and the connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevinError {
    /// The stream is not Levin, or lost its step.
    #[error("{layer} does not begin with the Levin signature: close the connection")]
    Signature {
        /// Where.
        layer: Layer,
    },
    /// Not version 1.
    #[error("{layer} of command {command} has protocol version {version}, only 1 exists: close the connection")]
    Version {
        /// Where.
        layer: Layer,
        /// The command id.
        command: u32,
        /// The version claimed.
        version: u32,
    },
    /// Contradictory flags, or a fragment inside a re-assembled message.
    #[error("{layer} of command {command} has impossible flags {bits:#x}: close the connection")]
    Flags {
        /// Where.
        layer: Layer,
        /// The command id.
        command: u32,
        /// All flag bits.
        bits: u32,
    },
    /// A command (or 0 for noise and fragments) that may not be sent before the handshake.
    #[error("{layer} of command {command} before the handshake: close the connection")]
    TooEarly {
        /// Where.
        layer: Layer,
        /// The command id.
        command: u32,
    },
    /// A body above the limit of its command, or a fragment or noise frame above the link's.
    #[error("{layer} of command {command} claims {length} bytes, limit {limit}: close the connection")]
    TooLong {
        /// Where.
        layer: Layer,
        /// The command id.
        command: u32,
        /// The length claimed, in bytes.
        length: u64,
        /// The largest length allowed, in bytes.
        limit: u32,
    },
    /// With the half-assembled message already held, this frame would exceed the link's total.
    #[error("frame of command {command} claims {length} bytes beside {held} held ones, limit {limit}: close the connection")]
    LinkFull {
        /// The command id.
        command: u32,
        /// The length claimed, in bytes.
        length: u64,
        /// Bytes of the half-assembled message.
        held: u32,
        /// The link's limit, in bytes.
        limit: u32,
    },
    /// A middle or last fragment, but no message is being assembled.
    #[error("fragment without a first one (flags {bits:#x}): close the connection")]
    NoBegin {
        /// All flag bits.
        bits: u32,
    },
    /// The last fragment came, but the message has not even a header.
    #[error("re-assembled message of {length} bytes is shorter than its header: close the connection")]
    NoHeader {
        /// Bytes of all fragments.
        length: u32,
    },
    /// The message claims more than its fragments carried.
    #[error("re-assembled message of command {command} claims {length} bytes, only {available} came: close the connection")]
    Incomplete {
        /// The command id.
        command: u32,
        /// The length claimed, in bytes.
        length: u64,
        /// Bytes that came after the message's header.
        available: u32,
    },
}
