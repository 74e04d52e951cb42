//! The 33-byte frame header (spec `levin.md` §1).

use super::{Kind, Layer, LevinError};

/// Bytes of a frame header.
pub const HEADER_LEN: usize = 33;

/// The first eight bytes of every frame, as on the wire.
pub const SIGNATURE: [u8; 8] = [0x01, 0x21, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01];

/// The only protocol version in use.
pub const VERSION: u32 = 1;

/// The flag bits of a header. Undefined bits are kept but mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// No bit set: a middle fragment.
    pub const NONE: Self = Self(0);
    /// A request or a notification.
    pub const REQUEST: Self = Self(1);
    /// A response.
    pub const RESPONSE: Self = Self(2);
    /// The first fragment of a message.
    pub const BEGIN: Self = Self(4);
    /// The last fragment of a message.
    pub const END: Self = Self(8);
    /// A noise frame: first and last fragment of nothing.
    pub const NOISE: Self = Self(12);

    const DEFINED: u32 = 15;

    /// The flags with exactly these bits, defined or not.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// All bits, as on the wire.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The bits that Levin defines.
    pub(super) const fn defined(self) -> Self {
        Self(self.0 & Self::DEFINED)
    }
}

/// A decoded frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Bytes of the body, this header not included.
    pub length: u64,
    /// Whether the sender of a request waits for a response; on the wire any non-zero byte. Means nothing elsewhere.
    pub expects_response: bool,
    /// Command id (spec `levin.md` §2); 0 in noise and fragments.
    pub command: u32,
    /// The result, in responses only; 0 elsewhere.
    pub return_code: i32,
    /// What the frame is.
    pub flags: Flags,
    /// Always [`VERSION`].
    pub version: u32,
}

impl Header {
    /// The header of a complete message with a body of `length` bytes.
    #[must_use]
    pub const fn new(kind: Kind, command: u32, length: u64) -> Self {
        let return_code = match kind {
            Kind::Response { code } => code,
            _ => 0,
        };
        Self {
            length,
            expects_response: matches!(kind, Kind::Request),
            command,
            return_code,
            flags: kind.flags(),
            version: VERSION,
        }
    }

    /// What kind of message it heads; nothing for noise, fragments and contradictory flags.
    pub(super) const fn kind(&self) -> Option<Kind> {
        match (self.flags.defined(), self.expects_response) {
            (Flags::REQUEST, true) => Some(Kind::Request),
            (Flags::REQUEST, false) => Some(Kind::Notify),
            (Flags::RESPONSE, _) => Some(Kind::Response { code: self.return_code }),
            _ => None,
        }
    }

    /// The header of one fragment: `flags` is BEGIN, none or END.
    pub(super) const fn fragment(flags: Flags, length: u64) -> Self {
        Self { flags, ..Self::new(Kind::Dummy, 0, length) }
    }

    /// Reads a header. Every combination of fields is accepted: the [`Decoder`](super::Decoder) judges them.
    ///
    /// # Errors
    /// [`LevinError::Signature`] when the first eight bytes are not [`SIGNATURE`].
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, LevinError> {
        let [
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            s6,
            s7,
            l0,
            l1,
            l2,
            l3,
            l4,
            l5,
            l6,
            l7,
            expects,
            c0,
            c1,
            c2,
            c3,
            r0,
            r1,
            r2,
            r3,
            f0,
            f1,
            f2,
            f3,
            v0,
            v1,
            v2,
            v3,
        ] = *bytes;
        if [s0, s1, s2, s3, s4, s5, s6, s7] != SIGNATURE {
            return Err(LevinError::Signature { layer: Layer::Frame });
        }
        Ok(Self {
            length: u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]),
            expects_response: expects != 0,
            command: u32::from_le_bytes([c0, c1, c2, c3]),
            return_code: i32::from_le_bytes([r0, r1, r2, r3]),
            flags: Flags(u32::from_le_bytes([f0, f1, f2, f3])),
            version: u32::from_le_bytes([v0, v1, v2, v3]),
        })
    }

    /// The header as on the wire.
    #[must_use]
    pub const fn write(&self) -> [u8; HEADER_LEN] {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = SIGNATURE;
        let [l0, l1, l2, l3, l4, l5, l6, l7] = self.length.to_le_bytes();
        let expects = if self.expects_response { 1 } else { 0 };
        let [c0, c1, c2, c3] = self.command.to_le_bytes();
        let [r0, r1, r2, r3] = self.return_code.to_le_bytes();
        let [f0, f1, f2, f3] = self.flags.0.to_le_bytes();
        let [v0, v1, v2, v3] = self.version.to_le_bytes();
        [
            s0, s1, s2, s3, s4, s5, s6, s7, l0, l1, l2, l3, l4, l5, l6, l7, expects, c0, c1, c2, c3, r0, r1, r2, r3, f0, f1, f2,
            f3, v0, v1, v2, v3,
        ]
    }
}
