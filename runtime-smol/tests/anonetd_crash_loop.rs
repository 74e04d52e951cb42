//! `kill -9` at random moments under load: nothing that was accepted is lost, nothing is handed out twice or before that is
//! written down, and every start goes well.
//!
//! Environment: `ANONET_CRASHES` is how often the program is killed, 40 unless it says otherwise (500 take a few minutes), and
//! `ANONET_CRASH_SEED` draws other moments, options and calls. The draws are those of the seed; how far the program has come at
//! a moment is the machine's.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "the program runs on the real clock")]

mod common;
mod crash;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crash::{Tally, World};

/// Directories that are used side by side: most of a life is waiting.
const WORLDS: u64 = 8;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

/// Kills one user's node so many times.
fn crash(seed: u64, number: u64, kills: u64, all: u64) -> Tally {
    let mut world = World::new(seed, number, kills);
    let mut lives = 0;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        while world.tally().kills < kills {
            lives += 1;
            world.live(lives);
        }
        lives += 1;
        world.rest(lives);
        world.tally()
    }));
    ended.unwrap_or_else(|panic| {
        eprintln!(
            "seed {seed}, directory {number}, life {lives}; again: ANONET_CRASH_SEED={seed} ANONET_CRASHES={all} cargo test \
             -p anonet-smol --test anonetd_crash_loop"
        );
        resume_unwind(panic)
    })
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_hands_out_nothing_twice() {
    let (seed, kills) = (number("ANONET_CRASH_SEED", 1), number("ANONET_CRASHES", 40));
    let each = kills.div_ceil(WORLDS);
    let crashing: Vec<_> = (0..WORLDS).map(|number| thread::spawn(move || crash(seed, number, each, kills))).collect();
    // all of them first, so that no process outlives a failure
    let ended: Vec<_> = crashing.into_iter().map(thread::JoinHandle::join).collect();
    let tallies: Vec<Tally> = ended.into_iter().map(|tally| tally.unwrap_or_else(|panic| resume_unwind(panic))).collect();
    let sum = |part: fn(&Tally) -> usize| tallies.iter().map(part).sum::<usize>();
    let (delivered, shown) = (sum(|tally| tally.delivered), sum(|tally| tally.shown));
    println!(
        "{} kills: {} transactions handed in ({} and {} without an answer: kept, and not), {delivered} arrived, at {} hosts in \
         all, {shown} of them in the daemon's pool",
        tallies.iter().map(|tally| tally.kills).sum::<u64>(),
        sum(|tally| tally.handed_in),
        sum(|tally| tally.unanswered[0]),
        sum(|tally| tally.unanswered[1]),
        sum(|tally| tally.handed),
    );
    // with no way out, or no load, nothing above would have been tried
    assert!(delivered as u64 >= kills / 4, "only {delivered} arrived");
    assert!(sum(|tally| tally.handed_in) as u64 >= kills, "hardly anything was handed in");
}
