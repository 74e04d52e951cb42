//! anonet smol runtime.

pub mod clock;
mod dial;
mod dial_log;
pub mod driver;
pub mod handle;
mod link;
mod listen;
pub mod options;
mod socks;
