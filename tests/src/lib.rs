//! anonet test support.

pub mod conformance;
pub mod lab;
pub mod sim;
pub mod sybils;
pub mod world;
