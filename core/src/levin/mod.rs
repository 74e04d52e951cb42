//! Levin framing: Monero's peer-to-peer messages as a stream of length-prefixed frames.
//!
//! Framing only: what a body means is the business of `wire`. [`Decoder`] turns received bytes into [`Frame`]s and
//! never holds more than [`FrameLimits`] allow; [`frame`], [`noise`] and [`fragments`] write what monerod writes.
//!
//! The receiver is stricter than monerod where no monerod is ever lenient on purpose. It refuses, with a sticky error:
//! - a wrong signature (at its first wrong byte) or a version other than 1, in frames and in re-assembled messages;
//! - flags that contradict each other: more than one of REQUEST, RESPONSE and fragment bits. Bits that Levin does not
//!   define are ignored, as by monerod: that is how the fragment bits were once introduced;
//! - a middle or last fragment without a first one, and a re-assembled message that is itself a fragment or noise;
//! - any length above [`FrameLimits`], as soon as the header is complete.
//!
//! Source: spec `levin.md`, all sections.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod check;
mod decode;
mod encode;
mod error;
mod fragment;
mod frame;
mod header;
mod held;
mod limits;

pub use decode::Decoder;
pub use encode::{UnitTooSmall, frame, noise};
pub use error::{Layer, LevinError};
pub use fragment::{MIN_FRAGMENT_UNIT, fragments, frame_count};
pub use frame::{Frame, Kind};
pub use header::{Flags, HEADER_LEN, Header, SIGNATURE, VERSION};
pub use held::RETAINED;
pub use limits::{BodyLimit, FrameLimits};

#[cfg(test)]
mod tests;

/// The first `count` bytes of `bytes` and what follows them; all of `bytes` if it is shorter.
fn cut(bytes: &[u8], count: usize) -> (&[u8], &[u8]) {
    bytes.split_at(count.min(bytes.len()))
}
