//! epee portable storage: the encoding of every P2P message body (`epee.md`).
//!
//! [`read`] walks a document and hands each field to a visitor; nothing is allocated, strings borrow from the body,
//! and what the visitor does not take is skipped. [`write`](write()) appends a document to a buffer.
//!
//! ```
//! use anonet_core::epee::{self, EpeeError, Limits};
//!
//! let mut body = bytes::BytesMut::new();
//! epee::write(&mut body, |root| root.u32("support_flags", 1));
//!
//! let mut flags = None;
//! epee::read(&body, Limits::LEVIN, |name, value| {
//!     if name == b"support_flags" {
//!         flags = Some(value.integer::<u32>()?);
//!     }
//!     Ok::<_, EpeeError>(())
//! })?;
//! assert_eq!(flags, Some(1));
//! # Ok::<_, EpeeError>(())
//! ```
//!
//! The reader accepts what monerod writes and refuses more than monerod does: every limit of [`Limits`], more than
//! [`MAX_SECTION_FIELDS`] keys in a section, an array of arrays even if empty, text where an integer belongs, and any
//! other value of the wrong type where monerod silently takes a default.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub use self::array::{Objects, Strings};
pub use self::limits::Limits;
pub use self::read::read;
pub use self::value::Value;
pub use self::write::{Section, write};

mod array;
mod keys;
mod limits;
mod read;
mod value;
mod varint;
mod write;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod tests;

/// Most fields that one section may have. monerod limits only the sum over the document; the messages here have at most 6 in a section.
pub const MAX_SECTION_FIELDS: usize = 32;

/// Both signatures and the format version (`epee.md` §A1).
const HEADER: [u8; 9] = [0x01, 0x11, 0x01, 0x01, 0x01, 0x01, 0x02, 0x01, 0x01];

/// Set in a type byte: the value is an array.
const ARRAY: u8 = 0x80;

/// Type byte of the older form of arrays: the flagged type byte follows.
const LEGACY_ARRAY: u8 = 13;

/// Why a document was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}, noticed at byte {offset}")]
#[non_exhaustive]
pub struct EpeeError {
    /// What is wrong.
    pub kind: EpeeErrorKind,
    /// How far into the body the reader had come.
    pub offset: usize,
}

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpeeErrorKind {
    /// It does not start with both signatures and format version 1.
    #[error("not a portable storage document")]
    Header,
    /// It has 4 GiB or more.
    #[error("the document has 4 GiB or more")]
    TooLong,
    /// It ends inside a value.
    #[error("the document ends too early")]
    UnexpectedEnd,
    /// A count is larger than the remaining bytes can hold.
    #[error("a count is larger than the rest of the document can hold")]
    Count,
    /// A key has no characters.
    #[error("a key is empty")]
    EmptyKey,
    /// A section has the same key twice.
    #[error("a section has a key twice")]
    DuplicateKey,
    /// A type byte without meaning.
    #[error("unknown type byte {0:#04x}")]
    UnknownType(u8),
    /// An array of arrays.
    #[error("an array holds arrays")]
    NestedArray,
    /// A boolean other than 0 or 1.
    #[error("a boolean is neither 0 nor 1")]
    Bool,
    /// More fields than [`Limits::fields`], or than [`MAX_SECTION_FIELDS`] in one section.
    #[error("too many fields")]
    TooManyFields,
    /// More objects than [`Limits::objects`].
    #[error("too many objects")]
    TooManyObjects,
    /// More strings than [`Limits::strings`].
    #[error("too many strings")]
    TooManyStrings,
    /// More array elements than [`Limits::elements`].
    #[error("too many array elements")]
    TooManyElements,
    /// Sections nested deeper than [`Limits::depth`].
    #[error("objects are nested too deeply")]
    TooDeep,
    /// A known key has a value of another type.
    #[error("a field has the wrong type")]
    WrongType,
    /// An integer does not fit the field.
    #[error("an integer is out of the field's range")]
    IntegerRange,
    /// A blob of fixed size has another length.
    #[error("a blob of fixed size has another length")]
    Length,
    /// The visitor took one value twice; a fault of the visitor, not of the document.
    #[error("a value was taken twice")]
    TakenTwice,
}

/// What a type byte stands for, without the array flag (`epee.md` §A3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Double,
    String,
    Bool,
    Object,
}

impl Kind {
    const fn from_id(id: u8) -> Option<Self> {
        Some(match id {
            1 => Self::I64,
            2 => Self::I32,
            3 => Self::I16,
            4 => Self::I8,
            5 => Self::U64,
            6 => Self::U32,
            7 => Self::U16,
            8 => Self::U8,
            9 => Self::Double,
            10 => Self::String,
            11 => Self::Bool,
            12 => Self::Object,
            _ => return None,
        })
    }

    const fn id(self) -> u8 {
        match self {
            Self::I64 => 1,
            Self::I32 => 2,
            Self::I16 => 3,
            Self::I8 => 4,
            Self::U64 => 5,
            Self::U32 => 6,
            Self::U16 => 7,
            Self::U8 => 8,
            Self::Double => 9,
            Self::String => 10,
            Self::Bool => 11,
            Self::Object => 12,
        }
    }

    /// Bytes that a value takes at least, and exactly unless it is a string or an object.
    const fn min_size(self) -> u64 {
        match self {
            Self::I64 | Self::U64 | Self::Double => 8,
            Self::I32 | Self::U32 => 4,
            Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool | Self::String | Self::Object => 1,
        }
    }
}

/// What a type byte announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    One(Kind),
    Array(Kind),
}
