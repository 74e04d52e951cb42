//! The scoreboard as a table and as a picture.

use std::fmt::Write as _;

use super::arena::{LINKS, PEERS, TX_SIZE};
use super::bench::Bench;
use super::{ALL, Attack, Figure, Policy};
use crate::picture::Picture;

/// Seeds of the table that is kept, and of the small one that every test run makes.
pub const SEEDS: (u64, u64) = (60, 2);

/// One row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The attack.
    pub attack: &'static Attack,
    /// The value of its parameter.
    pub variant: u64,
    /// A figure for each policy.
    pub figures: Vec<Option<f64>>,
}

impl Row {
    fn name(&self) -> String {
        let (parameter, unit) = self.attack.parameter;
        if parameter.is_empty() {
            self.attack.name.into()
        } else {
            format!("{}, {parameter} = {}{unit}", self.attack.name, self.variant)
        }
    }
}

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Size {
    /// Every value of every parameter.
    Full,
    /// The last value of each.
    Small,
}

/// Plays every attack; `done` hears of each row.
pub fn play(bench: &Bench, size: Size, mut done: impl FnMut(usize, usize)) -> Vec<Row> {
    let variants = |attack: &'static Attack| match size {
        Size::Full => attack.variants,
        Size::Small => &attack.variants[attack.variants.len() - 1..],
    };
    let all: Vec<_> = ALL.iter().flat_map(|attack| variants(attack).iter().map(move |&variant| (attack, variant))).collect();
    let mut rows = Vec::new();
    for &(attack, variant) in &all {
        let figures = Policy::ALL.iter().map(|&policy| (attack.play)(bench, policy, variant)).collect();
        rows.push(Row { attack, variant, figures });
        done(rows.len(), all.len());
    }
    rows
}

fn shown(figure: Option<f64>, of: Figure) -> String {
    match (figure, of) {
        (None, _) => "–".into(),
        (Some(figure), Figure::Share) => format!("{figure:.2}"),
        (Some(figure), Figure::Seconds) => format!("{figure:.0} s"),
        (Some(figure), Figure::Megabytes) => format!("{figure:.1} MB"),
        (Some(figure), Figure::Count) => format!("{figure:.0}"),
    }
}

/// The table, with what its rows say.
#[must_use]
pub fn markdown(rows: &[Row], seeds: u64) -> String {
    let mut out = format!(
        "# The attack scoreboard\n\n\
         What adversaries learn of a sender, or keep from it, under each relay policy. Written by\n\
         `{}`;\n\
         `tests/src/attacks/` holds one module for each adversary. Every figure is of the seeds 0 to {}: one sender, {PEERS} peers, {LINKS}\n\
         links, transactions of {TX_SIZE} bytes. 0 is best and 1 the worst, but for the costs. `noise`, `fluff` and `courier` are nodes of\n\
         the core; `cuprate` and `core30` are models (`tests/src/attacks/models/`); – is what a model does not have.\n\n",
        if seeds == SEEDS.1 { SMALL_COMMAND } else { COMMAND },
        seeds - 1,
    );
    let names: Vec<&str> = Policy::ALL.iter().map(|policy| policy.name()).collect();
    let _ = writeln!(out, "| attack | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for row in rows {
        let figures: Vec<String> = row.figures.iter().map(|&figure| shown(figure, row.attack.figure)).collect();
        let _ = writeln!(out, "| {} | {} |", row.name(), figures.join(" | "));
    }
    out.push_str(&pays(rows));
    out.push_str("\n## What the rows say\n\n");
    for attack in ALL {
        let _ = writeln!(out, "* **{}**: {}.", attack.name, attack.about);
    }
    out
}

/// What is not more than this is a matter of chance.
const CHANCE: f64 = 0.05;

/// The rows in which another policy does better than the first, `courier`.
fn pays(rows: &[Row]) -> String {
    let mut out = String::from("\n## Where courier pays\n\n");
    for row in rows {
        let Some((Some(first), others)) = row.figures.split_first() else { continue };
        let best = others.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let worse = if row.attack.figure == Figure::Share { *first > best + CHANCE } else { *first > best };
        if worse {
            let (own, other) = (shown(Some(*first), row.attack.figure), shown(Some(best), row.attack.figure));
            let _ = writeln!(out, "* {}: {own}, where the best of the others has {other}.", row.name());
        }
    }
    out
}

/// Makes the table anew.
pub const COMMAND: &str = "cargo run --release -p anonet-tests --bin simulate -- scoreboard";

/// Makes the small table anew.
pub const SMALL_COMMAND: &str = "WRITE_TABLES=1 cargo test -p anonet-tests --test scoreboard_table";

const CELL: (f64, f64) = (96.0, 22.0);
const LEFT: f64 = 300.0;
const TOP: f64 = 56.0;

/// The rows of probabilities and advantages as colours, from green for 0 to red for 1.
#[must_use]
pub fn svg(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.attack.figure == Figure::Share).collect();
    let size = (LEFT + Policy::ALL.len() as f64 * CELL.0 + 16.0, TOP + rows.len() as f64 * CELL.1 + 16.0);
    let mut picture = Picture::new(size);
    picture.text((16.0, 22.0), "What attacks learn or prevent: 0 is best, 1 the worst", "");
    let left = |column: usize| LEFT + column as f64 * CELL.0;
    let middle = |column: usize| left(column) + CELL.0 / 2.0;
    for (column, policy) in Policy::ALL.iter().enumerate() {
        picture.text((middle(column), TOP - 8.0), policy.name(), "text-anchor=\"middle\" font-weight=\"bold\"");
    }
    for (place, row) in rows.iter().enumerate() {
        let top = TOP + place as f64 * CELL.1;
        picture.text((16.0, top + 15.0), &row.name(), "");
        for (column, &figure) in row.figures.iter().enumerate() {
            let fill =
                figure.map_or("#eee".into(), |figure| format!("hsl({:.0},70%,75%)", 120.0 * (1.0 - figure.clamp(0.0, 1.0))));
            picture.fill((left(column) + 1.0, top), (CELL.0 - 2.0, CELL.1 - 2.0), &fill);
            picture.text((middle(column), top + 15.0), &shown(figure, Figure::Share), "text-anchor=\"middle\"");
        }
    }
    picture.finish()
}
