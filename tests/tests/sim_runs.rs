//! The simulator is deterministic, and its networks do what networks of real nodes should.

use std::time::Duration;

use anonet_tests::sim::report::Sample;
use anonet_tests::sim::{Scenario, Sim};

const MINUTE: Duration = Duration::from_secs(60);

fn run(mut scenario: Scenario, nodes: usize, span: Duration) -> Sim {
    scenario.nodes = nodes;
    let mut sim = Sim::new(scenario);
    sim.run_for(span);
    sim
}

#[test]
fn one_seed_gives_one_run() {
    for scenario in [Scenario::gossip, Scenario::spread, Scenario::storm] {
        let hash = |seed| run(scenario(seed), 30, 13 * MINUTE).hash();
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
    }
}

#[test]
fn a_step_by_step_run_is_the_same_run() {
    let mut sim = run(Scenario::storm(7), 30, Duration::ZERO);
    for _ in 0..14 * 6 {
        sim.run_for(Duration::from_secs(10));
    }
    assert_eq!(sim.hash(), run(Scenario::storm(7), 30, 14 * MINUTE).hash());
}

#[test]
fn gossip_links_nodes_that_knew_two_names_each() {
    let sim = run(Scenario::gossip(3), 200, 10 * MINUTE);
    let sample = Sample::of(&sim);
    assert!((120..160).contains(&sample.up), "three tenths are dead: {sample:?}");
    assert!(sample.linked > 90.0, "{sample:?}");
    assert!(sample.white > 5.0, "{sample:?}");
}

#[test]
fn own_transactions_leave_in_any_weather() {
    for mut scenario in [Scenario::spread(4), Scenario::storm(4)] {
        (scenario.warm_up, scenario.span, scenario.submissions) = (3 * MINUTE, 11 * MINUTE, 6);
        let sim = run(scenario, 40, 12 * MINUTE);
        for submission in sim.spread.submissions() {
            let handed = submission.handed.expect("somebody has it").saturating_sub(submission.at);
            assert!(handed < 5 * MINUTE, "{} took {handed:?}", sim.scenario_name());
            assert!(submission.received.iter().flatten().next().is_some());
        }
    }
}
