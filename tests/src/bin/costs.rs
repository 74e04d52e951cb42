//! What a byte of each kind of hostile peer costs the node in time, beside what an honest one does.

use std::process::ExitCode;
use std::time::Duration;

use anonet_core::{ConnId, ZoneKind};
use anonet_tests::hostile::{HOSTILE, Spent, Victim, sync_question, transactions};
use clap::Parser;

/// Prints what a byte of each kind of hostile peer costs a node with full lists in time, beside what an honest one does. Build it
/// with --release.
#[derive(Debug, Parser)]
#[command(name = "costs", max_term_width = 100)]
struct Args {
    /// Streams of each kind
    #[arg(long, default_value_t = 40)]
    streams: usize,
}

/// A timed sync and a transaction of 2 kB every second on each stream.
fn honest(victim: &mut Victim, conns: &[ConnId]) {
    for second in 0..60_u8 {
        victim.pass(Duration::from_secs(1));
        for (number, &conn) in (0..).zip(conns) {
            let mut blob = [second; 2_000];
            blob[0] = number;
            let talk = if second % 2 == 0 { sync_question() } else { transactions(&[&blob]) };
            victim.feed(conn, &talk);
            victim.read_all(conn);
        }
        victim.ended();
    }
}

/// Real time, as it is what this is about.
fn clock() -> Duration {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default()
}

fn spent(kind: ZoneKind, streams: usize, acts: fn(&mut Victim, &[ConnId])) -> Spent {
    let places = u32::try_from(4 * streams).unwrap_or(u32::MAX);
    let mut victim = Victim::knowing(kind, 1_000, 5_000, |config| config.zones[0].max_incoming = places);
    let conns: Vec<ConnId> = (0..streams).map(|_| victim.connected()).collect();
    (victim.spent, victim.clock) = (Spent::default(), clock);
    acts(&mut victim, &conns);
    victim.spent
}

fn main() -> ExitCode {
    let args = Args::parse();
    for kind in [ZoneKind::Tor, ZoneKind::Public] {
        let share = |spent: &Spent| spent.total.as_secs_f64() * 1e9 / spent.bytes.max(1) as f64;
        let honest = ("is honest", spent(kind, args.streams, honest));
        let usual = share(&honest.1);
        println!("\n| {kind}: a peer that | ns a byte | times an honest one | longest call |\n|---|---|---|---|");
        let hostile = HOSTILE.iter().map(|hostile| (hostile.kind, spent(kind, args.streams, hostile.acts)));
        for (name, spent) in std::iter::once(honest).chain(hostile).filter(|(_, spent)| spent.bytes > 0) {
            let (each, longest) = (share(&spent), spent.longest.as_secs_f64() * 1e3);
            println!("| {name} | {each:.1} | {:.1} | {longest:.2} ms |", each / usual);
        }
    }
    ExitCode::SUCCESS
}
