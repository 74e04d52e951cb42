//! The simulator: thousands of real nodes, real bytes, virtual time.
//!
//! A [`Sim`] holds the nodes of a [`Scenario`] and moves their bytes through the [`layers`] of a network. Events
//! are ordered by `(time, sequence number)`; every node draws from a stream of its own, and the network draws by key
//! ([`Keyed`]), so one seed gives one run, and two runs that differ in a submission differ in nothing else but what follows
//! from it. [`Sim::hash`] covers every output of every node.

pub(crate) mod app;
mod echo;
mod engine;
pub mod layers;
mod lives;
pub(crate) mod names;
pub mod people;
pub(crate) mod random;
pub mod report;
pub mod scenario;
mod streams;
pub mod watch;

pub use self::app::{Spread, Submission};
pub use self::engine::{Counters, Sim};
pub use self::random::Keyed;
pub use self::scenario::Scenario;
