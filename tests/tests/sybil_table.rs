//! What hostile peers that push made-up names can make of a node's outgoing choices: our policy and a model of monerod's,
//! in the same scenes. The table is `tables/sybils.md`; with `WRITE_TABLES=1` it is written, else compared.

use std::fmt::Write as _;

use anonet_tests::kept;
use anonet_tests::sybils::monerod::Monerod;
use anonet_tests::sybils::ours::Ours;
use anonet_tests::sybils::{HONEST, Outcome, Scene, play};

const SEEDS: u64 = 1;
const SHIFT: u32 = 4 * 60;

fn both(identities: u32, peace: u32) -> (Outcome, Outcome) {
    let (mut monerod, mut ours) = (Outcome::default(), Outcome::default());
    for seed in 0..SEEDS {
        let scene = Scene { identities, peace, attack: SHIFT, seed };
        monerod.add(play(scene, &mut Monerod::new(seed)));
        ours.add(play(scene, &mut Ours::new(seed)));
    }
    (monerod, ours)
}

fn percent(part: u32, whole: u32) -> f64 {
    100.0 * f64::from(part) / f64::from(whole)
}

#[test]
fn five_thousand_names_of_one_peer_change_fewer_than_a_twentieth_of_our_choices() {
    let mut table = String::from(
        "# What hostile peers can make of a node's outgoing choices\n\n\
         Written by `tests/tests/sybil_table.rs`; `tests/src/sybils/mod.rs` says what is played. Every hostile identity pushes the same\n\
         5,000 made-up names, all of which answer and push in turn; 1,000 honest peers, three in ten of which are gone. Four hours, 12\n\
         links of ten minutes each, one seed. *Fair*: the identities' share of all real peers, which no policy can tell apart.\n\n\
         | the node | identities | fair | dials to hostile names: monerod | anonet | links to hostile names: monerod | anonet |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut figures = Vec::new();
    for (state, peace) in [("has run for four hours", SHIFT), ("starts with one honest peer", 5)] {
        for identities in [1, 10, 50] {
            let (monerod, ours) = both(identities, peace);
            let dials = |outcome: Outcome| percent(outcome.hostile_dials, outcome.dials);
            let links = |outcome: Outcome| percent(outcome.hostile_minutes, outcome.link_minutes);
            let fair = percent(identities, HONEST + identities);
            writeln!(
                table,
                "| {state} | {identities} | {fair:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % |",
                dials(monerod),
                dials(ours),
                links(monerod),
                links(ours)
            )
            .unwrap();
            assert!(ours.dials > 250 && monerod.dials > 250, "{monerod:?} {ours:?}");
            figures.push((identities, dials(monerod), dials(ours)));
        }
    }
    println!("{table}");
    let (_, monerod, ours) = figures[0];
    assert!(ours < 5.0, "{ours} % of our choices changed");
    assert!(monerod > 2.0 * ours);
    kept::golden("sybils.md", &table, &["WRITE_TABLES=1 cargo test -p anonet-tests --test sybil_table"]);
}
