//! anonet smol runtime.

pub mod options;
