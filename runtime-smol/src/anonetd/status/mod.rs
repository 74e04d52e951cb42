//! `anonetd status`, and what it shows.

mod command;
mod document;
mod report;
mod table;

pub(super) use command::run;
pub(super) use document::{StashEntry, State, Status, ZoneEntry};
pub(super) use report::Reporter;
