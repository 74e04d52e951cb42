//! The curves as a table.

use std::fmt::Write as _;
use std::time::Duration;

use super::world::{BUSY, PATIENCE, Traffic};
use super::{Curves, Extent, Point, SIZES, Trouble, presets};
use crate::attacks::arena::{LINKS, PEERS};
use crate::attacks::stats::Ordered;

/// Makes the table and the picture anew.
pub const COMMAND: &str = "cargo run --release -p anonet-tests --bin simulate -- curves";

/// Makes the small table anew.
pub const SMALL_COMMAND: &str = "WRITE_TABLES=1 cargo test -p anonet-tests --test curves_table";

/// What is later than this is late, as on the scoreboard.
pub const LATE: Duration = Duration::from_secs(1_800);

/// A time in the unit that suits it.
#[must_use]
pub fn time(seconds: f64) -> String {
    match seconds {
        _ if seconds.is_infinite() => "never".into(),
        _ if seconds < 600.0 => format!("{seconds:.0} s"),
        _ if seconds < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}

/// A size in kilobytes.
#[must_use]
pub fn kilobytes(size: usize) -> String {
    format!("{} kB", size as f64 / 1e3)
}

fn both(times: &Ordered) -> String {
    format!("{}, {}", time(times.at(0.5)), time(times.at(0.9)))
}

/// The table, with how it was made.
#[must_use]
pub fn markdown(curves: &Curves) -> String {
    let mut out = head(&curves.extent);
    out.push_str(&delays(curves));
    out.push_str(&failing(curves));
    out.push_str(&evidence(curves));
    out.push_str(&presets::section(curves));
    out
}

fn head(extent: &Extent) -> String {
    let (seeds, networks) = (extent.seeds, extent.networks);
    let (nodes, count, txs) = (networks.nodes - 1, networks.seeds, networks.txs);
    let (watched, days) = (extent.watch.0.as_secs() as f64 / 3_600.0, extent.watch.1);
    let small = seeds == Extent::SMALL.seeds;
    format!(
        "# What hiding costs\n\n\
         Delay and traffic of each relay policy, by the time between couriers and the size of a transaction, in virtual time with nodes of\n\
         the core. Written by `{}`; `tests/src/curves/` says what is played.\n\n\
         * **The sender** has {LINKS} links over Tor and as many public ones, {PEERS} peers that may all carry, and has run for longer than its\n  \
           minimum uptime. A node that does not know its network yet sends one courier in three to a name that may not carry: its waits are up to half as long again.\n\
         * **The network**: a dial over Tor takes 0.5 to 6 s and a chunk 0.1 to 0.6 s, each drawn anew; public links are taken to be as slow, which\n  \
           makes the spread a few seconds longer than it is. Couriers draw their own pauses (first record after 3 to 6 s).\n\
         * **courier, N s**: a small courier every N s on average, a medium one every 8 N s, a large one every 32 N s. A transaction waits N/2 s\n  \
           on average before it may ride. The presets have their own numbers, which `core/src/config/courier.rs` gives.\n\
         * **First peer**: from the submission until one honest peer has it, {seeds} runs with one transaction each.\n\
         * **Network**: until nine in ten of {nodes} public nodes have it: every sum of a delay to the first peer and of what followed one in\n  \
           {count} networks with {txs} transactions each: the forward delay of the peer, a stem, the fluff.\n\
         * **Traffic**: of all the sender's streams over Tor, both directions, in a day: {days} times {watched:.1} h watched. *Sending*: {} transactions of\n  \
           {} in that time.\n\
         * Each cell of a delay has the median and the time within which nine in ten arrive; in brackets, between which values the median is\n  \
           with a confidence of 95 %.\n",
        if small { SMALL_COMMAND } else { COMMAND },
        BUSY.0,
        kilobytes(BUSY.1),
    )
}

fn columns(names: &[String]) -> String {
    format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()))
}

fn delays(curves: &Curves) -> String {
    let mut names: Vec<String> =
        ["setting", "MB a day: idle", "sending", "circuits a day: idle", "sending"].map(Into::into).into();
    names.extend(SIZES.map(|size| format!("first peer, {}", kilobytes(size))));
    names.extend(SIZES.map(|size| format!("network, {}", kilobytes(size))));
    let mut out = format!("\n## Delay and traffic\n\n{}", columns(&names));
    for point in &curves.points {
        let Point { name, traffic: [idle, sending], first, wide, .. } = point;
        let traffic = |of: fn(&Traffic) -> f64, digits: usize| format!("{:.digits$} | {:.digits$}", of(idle), of(sending));
        let (bytes, circuits) = (traffic(|traffic| traffic.megabytes, 1), traffic(|traffic| traffic.circuits, 0));
        let _ = write!(out, "| {name} | {bytes} | {circuits} |");
        for times in first {
            let (least, most) = times.median_between();
            let _ = write!(out, " {} [{} – {}] |", both(times), time(least), time(most));
        }
        for times in wide {
            let _ = write!(out, " {} |", both(times));
        }
        out.push('\n');
    }
    out
}

fn failing(curves: &Curves) -> String {
    let late = format!("later than {}", time(LATE.as_secs_f64()));
    let never = format!("not within {}", time(PATIENCE.as_secs_f64()));
    let names = ["preset", "peers", "median", "nine in ten", &late, &never].map(String::from);
    let mut out = format!(
        "\n## Peers that fail\n\n\
         Until the first honest peer has a transaction of {}. *Full* peers, and dead ones alike, end a stream at the handshake: that costs\n\
         a courier. *Silent* ones take the transaction and tell nobody: that costs a pause without evidence, 5 to 10 minutes at first and\n\
         twice as long each time; after four recipients in vain it waits for its sender.\n\n{}",
        kilobytes(SIZES[0]),
        columns(&names)
    );
    for Trouble { name, peers: (what, percent), first } in &curves.troubles {
        let (late, never) = (100.0 * first.above(LATE.as_secs_f64()), 100.0 * first.above(PATIENCE.as_secs_f64()));
        let (median, most) = (time(first.at(0.5)), time(first.at(0.9)));
        let _ = writeln!(out, "| {name} | {percent} % {what} | {median} | {most} | {late:.0} % | {never:.0} % |");
    }
    out
}

fn evidence(curves: &Curves) -> String {
    let names = ["public nodes", "median", "99 %", "99.9 %", "later than 150 s", "later than 300 s"].map(String::from);
    let mut out = format!(
        "\n## Evidence\n\n\
         From the first honest peer's receipt until some other honest node, such as the sender's own daemon, has the transaction: what a pause\n\
         without evidence has to outlast, or a further peer is told in vain.\n\n{}",
        columns(&names)
    );
    for found in &curves.evidence {
        let [median, most, nearly_all] = [0.5, 0.99, 0.999].map(|share| time(found.after.at(share)));
        let [half, pause] = [150.0, 300.0].map(|pause| 100.0 * found.after.above(pause));
        let peers = if found.silent == 0 { "all honest".into() } else { format!("{} % silent", found.silent) };
        let _ = writeln!(out, "| {peers} | {median} | {most} | {nearly_all} | {half:.1} % | {pause:.1} % |");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let shown = [0.4, 599.4, 660.0, 7_140.0, 9_000.0, f64::INFINITY].map(time);
        assert_eq!(shown, ["0 s", "599 s", "11 min", "119 min", "2.5 h", "never"]);
        assert_eq!([2_000, 6_500].map(kilobytes), ["2 kB", "6.5 kB"]);
    }
}
