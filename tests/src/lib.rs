//! anonet test support.

pub mod lab;
pub mod world;
