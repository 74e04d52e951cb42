//! The attack scoreboard: what each adversary learns of a sender, or keeps from it, under each relay policy.
//!
//! A [`Run`](arena::Run) is one sender among forty peers for an hour and a half, in which it submits ten transactions. Our
//! policies are real nodes of the core in the simulator; two other programs are [`models`]. An [`Attack`] looks at runs and
//! makes one figure of them. All draws come from seeds: the table is the same each time.

pub mod arena;
pub mod bench;
pub mod models;
pub mod replay;
pub mod stats;
pub mod table;

mod cadence;
mod classifier;
mod cookies;
mod cost;
mod denial;
mod destination;
mod echoes;
mod first_spy;
mod flooding;
mod heights;
mod isp_recipient;
mod linked;
mod recipient;
mod role;
mod start_up;
mod tag;

use anonet_core::RelayPolicy;

use self::bench::Bench;

/// How a sender's own transactions leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// By a policy of the core.
    Ours(RelayPolicy),
    /// As a model of cuprate's does.
    Cuprate,
    /// As a model of Bitcoin Core's private broadcast does.
    Core30,
}

impl Policy {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 5] = [
        Self::Ours(RelayPolicy::Courier),
        Self::Ours(RelayPolicy::Noise),
        Self::Ours(RelayPolicy::Fluff),
        Self::Cuprate,
        Self::Core30,
    ];

    /// The name in the head of a column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours(relay) => relay.name(),
            Self::Cuprate => "cuprate",
            Self::Core30 => "core30",
        }
    }
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Figure {
    /// A probability, share or advantage: 0 is best, 1 is the worst.
    Share,
    /// Seconds; fewer are better.
    Seconds,
    /// Megabytes a day.
    Megabytes,
    /// A number a day.
    Count,
}

/// One adversary, or one cost, and how to measure it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attack {
    /// Its name.
    pub name: &'static str,
    /// What it does, and what the figure says.
    pub about: &'static str,
    /// What the figure is.
    pub figure: Figure,
    /// The values of its parameter; one that is not shown if it has none.
    pub variants: &'static [u64],
    /// The parameter's name and unit.
    pub parameter: (&'static str, &'static str),
    /// The figure of one policy; `None` where a model has no such part.
    pub play: fn(&Bench, Policy, u64) -> Option<f64>,
}

impl Attack {
    /// One without a parameter, whose figure is a share.
    const fn share(name: &'static str, about: &'static str, play: fn(&Bench, Policy, u64) -> Option<f64>) -> Self {
        Self { name, about, figure: Figure::Share, variants: &[0], parameter: ("", ""), play }
    }
}

/// All of them, in the order of the rows.
pub const ALL: &[Attack] = &[
    first_spy::ATTACK,
    linked::ATTACK,
    recipient::ATTACK,
    role::ATTACK,
    classifier::ATTACK,
    isp_recipient::ATTACK,
    cadence::ATTACK,
    start_up::ATTACK,
    destination::ATTACK,
    heights::ATTACK,
    flooding::ATTACK,
    cookies::ATTACK,
    replay::ATTACK,
    tag::ATTACK,
    echoes::ATTACK,
    denial::UNSYNCHRONIZED,
    denial::BLACK_HOLE,
    denial::DISCONNECT,
    denial::SLOW_READER,
    cost::DELAY,
    cost::TRAFFIC,
    cost::CIRCUITS,
];
