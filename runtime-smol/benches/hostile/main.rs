//! A thousand hostile streams of eight kinds against one node on loopback: what honest deliveries notice of them, what each costs
//! in memory, and what stays of them.
//!
//! ```text
//! cargo bench -p anonet-smol --bench hostile              # the figures, from an optimised build
//! cargo bench -p anonet-smol --bench hostile -- --check   # the bars, in about half a minute
//! ```
//!
//! The node is a process of its own with the real runtime. It dials 30 honest nodes through a SOCKS proxy, and 60 dial it; in
//! each round it sends a transaction of its own to the former, and each of the latter one to it. The eight kinds shake hands
//! first, as without that they would be no more than 64 (`ZoneConfig::max_incoming`), and come again when they are thrown out.
//!
//! **What is compared.** A delivery takes as long as its draw (policy `fluff`: 2.5 s on average, each link its own) and what comes
//! on top of it: the wait for the node's turn, the sockets, and the machine. Whoever waits for a delivery waits for the sum, so the
//! bar of 10 % is on that: median and 95th percentile of the time from the submission to the arrival. Two samples of random
//! delays would differ by about as much as the bar without any crowd, so phases are compared in pairs of one seed: nodes that draw
//! own delays from the same random streams, so that the draws of both phases are the same, and all that differs is what the crowd
//! did. What comes on top of the draw alone is shown as well ("on top"), without a bar: it is a few milliseconds or less, in
//! which the machine's other work shows more than anything of ours.
//!
//! Memory is what the system counts for the node's process at its peak, so it has the runtime's buffers and the allocator's
//! losses in it; `tests/tests/budgets.rs` has the core's exact counts. A task of a link holds its socket, so descriptors that
//! are as many as before say that no task is left; and at the end the process checks that its executor is empty.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

mod attacked;
mod crowd;
mod honest;
mod kinds;
mod memory;
mod phase;
#[allow(dead_code, unreachable_pub, reason = "shared with the tests")]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use anonet_core::Limits;
use memory::Cost;
use phase::{CROWD, Company, Siege, Times, measure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a crowd may add to a quantile of the delivery times, in percent.
const BAR: f64 = 10.0;

/// Those that are compared, in percent.
const QUANTILES: [usize; 2] = [50, 95];

/// Seeds, each of which is measured without and with a crowd, and rounds in each phase.
const SIZES: (u8, u64) = (3, 4);
/// The same for `--check`, which goes on to the next seed only if the bars do not hold with what was measured so far: a machine
/// that stalled is given time to show that it did, and what slows deliveries slows them each time.
const CHECK: (u8, u64) = (3, 1);

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if args.first().is_some_and(|role| role == attacked::ROLE) {
        let numbers: Vec<u64> = args[1..].iter().map(|number| number.parse().unwrap()).collect();
        attacked::run(&numbers);
        return ExitCode::SUCCESS;
    }
    let check = args.iter().any(|arg| arg == "--check");
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).expect("the limit of open files can be raised");

    let costs = memory::measure();
    let mut holds = show_memory(&costs);
    let (seeds, rounds) = if check { CHECK } else { SIZES };
    let mut found: [Found; 3] = Default::default();
    let mut in_time = false;
    for seed in 0..seeds {
        for (company, found) in [Company::Nobody, Company::Inside, Company::AtTheDoor].into_iter().zip(&mut found) {
            let (times, siege) = measure(seed, rounds, company);
            found.times.add(times);
            found.sieges.extend(siege);
        }
        let [quiet, crowded @ ..] = &found;
        in_time = crowded.iter().all(|crowded| is_in_time(&quiet.times, &crowded.times));
        if check && in_time {
            break;
        }
    }
    let [quiet, inside, at_the_door] = &found;
    for (name, crowded) in [("all let in", inside), ("at a door with the usual 128 places", at_the_door)] {
        show_times(name, &quiet.times, &crowded.times);
        holds &= show_sieges(&crowded.sieges);
    }
    if holds && in_time { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was measured in one company.
#[derive(Default)]
struct Found {
    times: Times,
    sieges: Vec<Siege>,
}

impl Times {
    fn add(&mut self, other: Self) {
        self.out.extend(other.out);
        self.incoming.extend(other.incoming);
        self.handling.extend(other.handling);
    }
}

/// The value below which so many percent are.
fn quantile(times: &[Duration], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[(sorted.len() - 1) * percent / 100].as_secs_f64() * 1_000.0
}

/// How much longer a quantile is with a crowd, in percent.
fn more(quiet: &[Duration], crowded: &[Duration], percent: usize) -> f64 {
    (quantile(crowded, percent) / quantile(quiet, percent) - 1.0) * 100.0
}

fn is_in_time(quiet: &Times, crowded: &Times) -> bool {
    let pairs = [(&quiet.out, &crowded.out), (&quiet.incoming, &crowded.incoming)];
    pairs.into_iter().all(|(quiet, crowded)| QUANTILES.iter().all(|&percent| more(quiet, crowded, percent) <= BAR))
}

fn show_times(name: &str, quiet: &Times, crowded: &Times) {
    println!("\n{CROWD} hostile streams, {name}; milliseconds\n");
    println!("| | deliveries | median | with them | | 95 % | with them | |");
    println!("|---|---|---|---|---|---|---|---|");
    let lines = [
        ("own, to a peer", &quiet.out, &crowded.out, true),
        ("visitors', from their submission", &quiet.incoming, &crowded.incoming, true),
        ("on top of the draw", &quiet.handling, &crowded.handling, false),
    ];
    for (what, before, after, barred) in lines {
        print!("| {what} | {} |", after.len());
        for percent in QUANTILES {
            let values = (quantile(before, percent), quantile(after, percent));
            let more = if barred {
                format!("{:+.1} %", more(before, after, percent))
            } else {
                format!("{:+.1} ms", values.1 - values.0)
            };
            print!(" {:.1} | {:.1} | {more} |", values.0, values.1);
        }
        println!();
    }
}

fn show_sieges(sieges: &[Siege]) -> bool {
    let limits = Limits::new();
    let most = (CROWD * (256 << 10) + 2 * limits.receive_bytes + limits.received_bytes) as u64;
    let mut holds = true;
    println!();
    for Siege { held, ended, memory, descriptors } in sieges {
        println!(
            "{} to {} held, {ended} times one was thrown out or not let in; {} MiB at most; {} descriptors before, {} after",
            held.0,
            held.1,
            memory >> 20,
            descriptors.0,
            descriptors.1
        );
        holds &= *memory <= most && descriptors.0 == descriptors.1;
    }
    holds
}

fn show_memory(costs: &[Cost]) -> bool {
    println!("KiB for each stream\n\n| kind | at its peak | at most | descriptors before | after |\n|---|---|---|---|---|");
    for Cost { kind, each, most, descriptors } in costs {
        let (before, after) = *descriptors;
        println!("| {} | {} | {} | {before} | {after} |", kind.name(), each >> 10, most >> 10);
    }
    costs.iter().all(Cost::holds)
}
