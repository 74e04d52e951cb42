//! `anonetd status`, and what it shows.

mod command;
mod report;
mod table;

pub(super) use command::run;
pub(super) use report::{Reporter, StashEntry, State, Status, ZoneEntry};
