//! anonet smol runtime.

pub mod anonetd;
pub mod clock;
mod demo;
mod descriptors;
mod dial;
pub mod driver;
#[doc(hidden)]
pub mod fuzzing;
pub mod handle;
mod link;
mod listen;
pub mod options;
mod proxy_protocol;
mod socks;
pub mod store;
