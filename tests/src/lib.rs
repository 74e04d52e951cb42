//! anonet test support.

pub mod attacks;
pub mod conformance;
pub mod curves;
pub mod guards;
pub mod hostile;
pub mod invariant;
pub mod kept;
pub mod lab;
pub mod picture;
pub mod sim;
pub mod sybils;
pub mod two_samples;
pub mod world;
