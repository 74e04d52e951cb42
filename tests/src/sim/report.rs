//! What a run is summed up as: samples over time, a CSV file, a plot, a row of a table.

use std::fmt::Write;
use std::time::Duration;

use anonet_core::ZoneReport;

use super::engine::Sim;
use crate::picture::Picture;

/// The state of a run at one time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sample {
    /// Virtual time since the beginning.
    pub at: Duration,
    /// Nodes that run.
    pub up: usize,
    /// Outgoing links with a finished handshake, of every hundred wanted in all zones.
    pub linked: f64,
    /// White and gray entries of a zone, on average.
    pub white: f64,
    /// See `white`.
    pub gray: f64,
    /// Dials so far.
    pub dials: u64,
    /// Bytes written so far.
    pub bytes: u64,
    /// Of every hundred pairs of a submitted transaction and another running node, those where it arrived.
    pub reached: f64,
}

impl Sample {
    /// Looks at a run.
    #[must_use]
    pub fn of(sim: &Sim) -> Self {
        let zones: Vec<ZoneReport> = sim.nodes().flat_map(|node| node.zones().collect::<Vec<_>>()).collect();
        let count = zones.len().max(1) as f64;
        let sum = |of: fn(&ZoneReport) -> u64| zones.iter().map(of).sum::<u64>() as f64;
        let wanted = sum(|zone| u64::from(zone.max_outgoing)).max(1.0);
        let begun = || sim.spread.submissions().filter(|submission| submission.at <= sim.elapsed());
        let arrived: usize = begun().map(|submission| submission.received.iter().flatten().count()).sum();
        let up = sim.nodes().count();
        let pairs = begun().count() * up.saturating_sub(1);
        Self {
            at: sim.elapsed(),
            up,
            linked: 100.0 * sum(|zone| u64::from(zone.outgoing)) / wanted,
            white: sum(|zone| zone.white as u64) / count,
            gray: sum(|zone| zone.gray as u64) / count,
            dials: sim.counters.dials,
            bytes: sim.counters.bytes,
            reached: if pairs == 0 { 0.0 } else { (100.0 * arrived as f64 / pairs as f64).min(100.0) },
        }
    }
}

/// The samples as comma-separated values.
#[must_use]
pub fn csv(samples: &[Sample]) -> String {
    let mut out = String::from("seconds,nodes up,linked %,white,gray,dials,bytes,reached %\n");
    for sample in samples {
        let Sample { at, up, linked, white, gray, dials, bytes, reached } = sample;
        let _ = writeln!(out, "{},{up},{linked:.2},{white:.2},{gray:.2},{dials},{bytes},{reached:.2}", at.as_secs());
    }
    out
}

/// One row of the table of runs, and the head of that table.
#[must_use]
pub fn row(sim: &Sim, samples: &[Sample]) -> String {
    let last = samples.last().copied().unwrap_or_else(|| Sample::of(sim));
    let linked_after = samples.iter().find(|sample| sample.linked >= 90.0).map(|sample| sample.at);
    let minutes = sim.elapsed().as_secs_f64() / 60.0;
    let nodes = last.up.max(1) as f64;
    let median = |percent| {
        let mut times: Vec<Duration> = sim.spread.submissions().filter_map(|submission| submission.reached(percent)).collect();
        times.sort_unstable();
        // only if it came that far in more than half of all cases
        times.get(sim.spread.submissions().len() / 2).copied()
    };
    let handed: Vec<Duration> =
        sim.spread.submissions().filter_map(|submission| submission.handed.map(|at| at.saturating_sub(submission.at))).collect();
    format!(
        "| {} | {} | {:.0} min | {} | {:.1} | {:.2} | {:.1} | {}/{} | {} | {} | `{:016x}` |",
        sim.scenario.name,
        sim.scenario.nodes,
        minutes,
        shown(linked_after),
        last.linked,
        sim.counters.dials as f64 / nodes / minutes,
        sim.counters.bytes as f64 / 1e3 / nodes / minutes,
        handed.len(),
        sim.spread.submissions().len(),
        shown(median(50)),
        shown(median(99)),
        sim.hash(),
    )
}

/// The head of a table of [`row`]s.
pub const TABLE_HEAD: &str = "\
| scenario | nodes | span | 90 % linked | linked at end, % | dials per node-minute | kB per node-minute | handed | half have it | 99 % have it | hash |
|---|---|---|---|---|---|---|---|---|---|---|";

fn shown(span: Option<Duration>) -> String {
    span.map_or_else(|| "–".into(), |span| format!("{:.0} s", span.as_secs_f64()))
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 48.0;

/// The samples as a picture: links and reach, in per cent over time.
#[must_use]
pub fn svg(title: &str, samples: &[Sample]) -> String {
    let end = samples.last().map_or(1.0, |sample| sample.at.as_secs_f64()).max(1.0);
    let place = |at: Duration, percent: f64| {
        let across = MARGIN + (WIDTH - 2.0 * MARGIN) * at.as_secs_f64() / end;
        (across, HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * percent / 100.0)
    };
    let line = |of: fn(&Sample) -> f64| samples.iter().map(|sample| place(sample.at, of(sample))).collect::<Vec<_>>();
    let mut picture = Picture::new((WIDTH, HEIGHT));
    picture.text((MARGIN, 20.0), title, "");
    for percent in [0, 25, 50, 75, 100] {
        let (left, right) = (place(Duration::ZERO, percent.into()), place(Duration::from_secs_f64(end), percent.into()));
        picture.line(&[left, right], "#ddd", "");
        picture.text((left.0 - 34.0, left.1 + 4.0), &format!("{percent} %"), "");
    }
    for (name, color, points, row) in [
        ("outgoing links of those wanted", "#1b6ca8", line(|sample| sample.linked), 0.0),
        ("transactions arrived", "#c0392b", line(|sample| sample.reached), 1.0),
    ] {
        picture.line(&points, color, "stroke-width=\"1.5\"");
        picture.text((WIDTH - 4.5 * MARGIN, 20.0 + 14.0 * row), name, &format!("fill=\"{color}\""));
    }
    picture.text((WIDTH - 2.5 * MARGIN, HEIGHT - 16.0), &format!("{:.0} minutes", end / 60.0), "");
    picture.finish()
}
