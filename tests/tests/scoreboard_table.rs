//! The attack scoreboard at a small size: its numbers are kept in `tables/scoreboard-small.md`, and a change of any of them is
//! to be seen. With `WRITE_TABLES=1` the file is written, else compared.

use anonet_tests::attacks::bench::Bench;
use anonet_tests::attacks::table::{self, Row, SEEDS, Size};
use anonet_tests::attacks::{Figure, Policy};
use anonet_tests::kept;

fn figures(rows: &[Row], attack: &str, variant: u64) -> Vec<(&'static str, Option<f64>)> {
    let row = rows.iter().find(|row| row.attack.name == attack && row.variant == variant).expect("there is such a row");
    Policy::ALL.iter().map(|policy| policy.name()).zip(row.figures.iter().copied()).collect()
}

#[test]
fn the_small_scoreboard_is_the_one_that_is_kept() {
    let rows = table::play(&Bench::new(SEEDS.1), Size::Small, |_, _| {});
    let text = table::markdown(&rows, SEEDS.1);
    println!("{text}");
    for row in rows.iter().filter(|row| row.attack.figure == Figure::Share) {
        assert!(row.figures.iter().flatten().all(|figure| (0.0..=1.0).contains(figure)), "{row:?}");
    }
    for (policy, figure) in figures(&rows, "role identification", 30) {
        assert!(policy == "cuprate" || figure == Some(0.0), "{policy} told a public peer first: {figure:?}");
    }
    for (policy, figure) in figures(&rows, "ISP traffic classifier", 0) {
        assert_eq!(figure.is_some_and(|figure| figure > 0.5), !["noise", "courier"].contains(&policy), "{policy}: {figure:?}");
    }
    kept::golden("scoreboard-small.md", &text, &[table::SMALL_COMMAND, table::COMMAND]);
}
