//! Runs a scenario of the simulator and writes what came of it.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anonet_core::{RelayPolicy, ZoneKind};
use anonet_tests::attacks::bench::Bench;
use anonet_tests::attacks::table::{self, Size};
use anonet_tests::curves::{self, Curves, Extent};
use anonet_tests::sim::report::{self, Sample, TABLE_HEAD};
use anonet_tests::sim::{Scenario, Sim};
use anonet_tests::{invariant, kept};
use clap::{Parser, ValueEnum};

/// How often a run is looked at.
const SAMPLE: Duration = Duration::from_secs(10);

/// Thousands of real nodes in one process and in virtual time. One seed gives one run.
#[derive(Debug, Parser)]
#[command(name = "simulate", max_term_width = 100)]
struct Args {
    /// gossip, spread, storm or siege; `list` says what each is. `scoreboard`: what attacks learn under each policy, written to
    /// tests/tables. `curves`: delay and traffic against the numbers of couriers, written there too. `invariant`: random faults against the rule that own transactions leave by anonymity zones only
    scenario: String,
    /// Nodes
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    nodes: Option<u32>,
    /// The seed
    #[arg(long)]
    seed: Option<u64>,
    /// Seeds of `scoreboard` and `invariant`, from 0 on, or from `--seed` on
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    seeds: Option<u64>,
    /// Compares the scoreboard, or the curves, with what is kept
    #[arg(long)]
    check: bool,
    /// Virtual minutes
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    minutes: Option<u64>,
    /// The anonymity network; names of I2P need no check of a curve point, so that more nodes fit into an hour
    #[arg(long, value_enum, default_value = "tor")]
    zone: Zone,
    /// How own transactions leave
    #[arg(long, value_enum, default_value = "courier")]
    relay_policy: Relay,
    /// White-list entries of a node and zone; twice as many gray ones
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    white: Option<u64>,
    /// Writes samples, one every ten virtual seconds
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Writes a plot
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Zone {
    Tor,
    I2p,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Relay {
    Courier,
    Noise,
    Fluff,
}

impl From<Relay> for RelayPolicy {
    fn from(relay: Relay) -> Self {
        match relay {
            Relay::Courier => Self::Courier,
            Relay::Noise => Self::Noise,
            Relay::Fluff => Self::Fluff,
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or(1);
    match args.scenario.as_str() {
        "list" => {
            for scenario in Scenario::all(seed) {
                println!("{:8} {}", scenario.name, scenario.about);
            }
            return ExitCode::SUCCESS;
        }
        "scoreboard" => return scoreboard(args.seeds.unwrap_or(table::SEEDS.0), args.check),
        "curves" => return cost_curves(args.check),
        "invariant" => return hold_invariant(args.seed.unwrap_or(0), args.seeds.unwrap_or(1_000)),
        _ => {}
    }
    let Some(mut scenario) = Scenario::all(seed).into_iter().find(|scenario| scenario.name == args.scenario) else {
        eprintln!("simulate: there is no scenario `{}`; `simulate list` names them", args.scenario);
        return ExitCode::from(2);
    };
    scenario.relay = args.relay_policy.into();
    scenario.nodes = args.nodes.map_or(scenario.nodes, |nodes| nodes as usize);
    scenario.span = args.minutes.map_or(scenario.span, |minutes| Duration::from_secs(60 * minutes));
    if let Some(white) = args.white {
        (scenario.limits.white, scenario.limits.gray) = (white as usize, 2 * white as usize);
    }
    if let Zone::I2p = args.zone {
        scenario.zones.iter_mut().filter(|kind| **kind == ZoneKind::Tor).for_each(|kind| *kind = ZoneKind::I2p);
    }
    let title = format!("{} --nodes {} --seed {seed}", scenario.name, scenario.nodes);
    let span = scenario.span;
    println!(
        "{title}, {} min, lists of {} white and {} gray entries",
        span.as_secs() / 60,
        scenario.limits.white,
        scenario.limits.gray
    );
    let (sim, samples) = run(scenario, span);
    println!("{TABLE_HEAD}\n{}", report::row(&sim, &samples));
    let files = [(args.csv, report::csv(&samples)), (args.svg, report::svg(&title, &samples))];
    for (path, text) in files.into_iter().filter_map(|(path, text)| Some((path?, text))) {
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("simulate: cannot write {} ({error}): choose another place", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Plays every attack, and keeps or compares what came of it.
fn scoreboard(seeds: u64, check: bool) -> ExitCode {
    let rows =
        table::play(&Bench::new(seeds), Size::Full, |done, of| bar(done as f64 / of as f64, &format!("{done} of {of} rows")));
    keep("scoreboard", &table::markdown(&rows, seeds), &table::svg(&rows), check.then_some(table::COMMAND))
}

/// Plays every point of the curves, and keeps or compares what came of it.
fn cost_curves(check: bool) -> ExitCode {
    let curves = Curves::play(&Extent::FULL, |done, of| bar(done as f64 / of as f64, &format!("{done} of {of} settings")));
    keep("curves", &curves::table::markdown(&curves), &curves::plot::svg(&curves), check.then_some(curves::table::COMMAND))
}

/// Writes a table and a picture to where they are kept; or, if there is a command that does so, compares the table.
fn keep(name: &str, table: &str, picture: &str, check: Option<&str>) -> ExitCode {
    println!("{table}");
    let (table_name, picture_name) = (format!("{name}.md"), format!("{name}.svg"));
    if let Some(command) = check {
        let same = kept::is(&table_name, table);
        if !same {
            eprintln!("simulate: {} differs; if it may, `{command}` writes it anew", kept::path(&table_name).display());
        }
        return if same { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    for (name, text) in [(table_name, table), (picture_name, picture)] {
        if let Err(error) = kept::write(&name, text) {
            eprintln!("simulate: cannot write {} ({error})", kept::path(&name).display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Plays random faults until the rule is broken, or all seeds are done.
fn hold_invariant(first: u64, seeds: u64) -> ExitCode {
    for (done, seed) in (1..).zip(first..first + seeds) {
        let _again = Again(format!("invariant --seed {seed} --seeds 2"));
        if let Err(broken) = invariant::check(seed) {
            eprintln!("simulate: seed {seed}: {broken}; to see this again: invariant --seed {seed} --seeds 2");
            return ExitCode::FAILURE;
        }
        bar(done as f64 / seeds as f64, &format!("{done} of {seeds} seeds"));
    }
    let policies: Vec<&str> = invariant::POLICIES.iter().map(|policy| policy.name()).collect();
    println!("{seeds} seeds from {first} on, policies {} in turn: nothing leaked, lost or stuck", policies.join(", "));
    ExitCode::SUCCESS
}

/// Says how to see a failure again, should the run panic.
struct Again(String);

impl Drop for Again {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("simulate: to see this again: cargo run --release -p anonet-tests --bin simulate -- {}", self.0);
        }
    }
}

fn run(scenario: Scenario, span: Duration) -> (Sim, Vec<Sample>) {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let _again = Again(command.join(" "));
    let mut sim = Sim::new(scenario);
    let mut samples = vec![Sample::of(&sim)];
    while sim.elapsed() < span {
        sim.run_for(SAMPLE.min(span - sim.elapsed()));
        samples.push(Sample::of(&sim));
        progress(&sim, span);
    }
    (sim, samples)
}

fn progress(sim: &Sim, span: Duration) {
    let (at, chunks, dials) = (sim.elapsed(), sim.counters.chunks, sim.counters.dials);
    bar(at.as_secs_f64() / span.as_secs_f64(), &format!("{:5} virtual s, {chunks} chunks, {dials} dials", at.as_secs()));
}

/// A bar, if somebody looks.
fn bar(share: f64, text: &str) {
    let mut out = std::io::stderr();
    if !out.is_terminal() {
        return;
    }
    let done = (40.0 * share) as usize;
    let bar = "#".repeat(done) + &" ".repeat(40_usize.saturating_sub(done));
    let end = if share >= 1.0 { "\n" } else { "" };
    // a terminal that is gone is no reason to stop
    let _ = write!(out, "\r[{bar}] {text}{end}");
    let _ = out.flush();
}
