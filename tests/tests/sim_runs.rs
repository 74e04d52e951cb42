//! The simulator is deterministic, and its networks do what networks of real nodes should.

use std::time::Duration;

use anonet_core::RelayPolicy;
use anonet_tests::sim::layers::{Dead, Loss, Partition};
use anonet_tests::sim::people::Restart;
use anonet_tests::sim::report::Sample;
use anonet_tests::sim::watch::{Chunk, Stream};
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
    for scenario in [Scenario::gossip, Scenario::spread, Scenario::storm, Scenario::siege] {
        let hash = |seed| run(scenario(seed), 20, 13 * MINUTE).hash();
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
    for mut scenario in [Scenario::spread(4), Scenario::storm(4), Scenario::siege(4)] {
        (scenario.warm_up, scenario.span, scenario.submissions) = (3 * MINUTE, 11 * MINUTE, 6);
        let sim = run(scenario, 40, 12 * MINUTE);
        for submission in sim.spread.submissions() {
            let handed = submission.handed.expect("somebody has it").saturating_sub(submission.at);
            assert!(handed < 5 * MINUTE, "{} took {handed:?}", sim.scenario_name());
            assert!(submission.received.iter().flatten().next().is_some());
        }
    }
}

#[test]
fn a_restarted_node_has_its_transaction_still_and_sends_it() {
    let mut scenario = Scenario::spread(5);
    (scenario.nodes, scenario.stagger, scenario.submissions) = (30, Duration::ZERO, 0);
    // before there is a link, and the node is gone before there can be one that took it
    scenario.timetable = vec![Duration::from_millis(100)];
    scenario.layers.push(Box::new(Restart { node: 0, down: (Duration::from_secs(1), Duration::from_secs(60)) }));
    scenario.layers.push(Box::new(Partition { during: (Duration::ZERO, Duration::from_secs(30)), percent: 50 }));
    let mut sim = Sim::new(scenario);
    sim.run_for(MINUTE);
    assert_eq!(sim.trace.starts.len(), 2, "{:?}", sim.trace.starts);
    sim.run_for(5 * MINUTE);
    let handed = sim.spread.submissions().next().unwrap().handed.expect("it was kept");
    assert!(handed > MINUTE, "{handed:?}");
    assert!(sim.trace.streams.iter().any(|stream| stream.zone == 0 && !stream.txs.is_empty()));
    let first_copy = sim.trace.streams.iter().flat_map(|stream| &stream.copies).map(|(at, _)| *at).min();
    let public = sim.trace.streams.iter().filter(|stream| stream.zone == 1).flat_map(|stream| &stream.txs);
    assert!(public.clone().all(|(at, _)| first_copy.is_some_and(|copy| copy < *at)), "only as a reaction to a copy");
}

/// All that can be seen at the first node's anonymity links, by whoever sees its line and whoever is at the other end.
fn anonymity_links(mut scenario: Scenario, submitter: usize, timetable: &[Duration]) -> (Vec<Stream>, Vec<usize>) {
    (scenario.submissions, scenario.relay, scenario.submitter) = (0, RelayPolicy::Courier, submitter);
    scenario.timetable = timetable.to_vec();
    let sim = run(scenario, 14, 45 * MINUTE);
    let handed = sim.spread.submissions().filter(|submission| submission.handed.is_some()).count();
    let heard = sim.trace.streams.iter().filter(|stream| stream.zone == 1).map(|stream| stream.copies.len()).sum();
    let mut streams: Vec<Stream> = sim.trace.streams.into_iter().filter(|stream| stream.zone == 0).collect();
    let carried = streams.iter_mut().map(|stream| std::mem::take(&mut stream.txs).len()).sum();
    streams.iter_mut().for_each(|stream| stream.copies.clear());
    (streams, vec![handed, carried, heard])
}

/// The earliest chunk that two runs have not in common, with its peer.
fn first_difference(one: &[Stream], other: &[Stream]) -> Option<(Option<usize>, Chunk)> {
    let differing = one.iter().zip(other).filter_map(|(one, other)| {
        let chunk = one.chunks.iter().zip(&other.chunks).find(|(one, other)| one != other)?.0;
        Some((one.peer, *chunk))
    });
    differing.min_by_key(|(_, chunk)| chunk.at)
}

/// `spread` where chunks get lost, streams break and names are dead.
fn rough(seed: u64) -> Scenario {
    let mut rough = Scenario::spread(seed);
    rough.layers.push(Box::new(Loss { lost: 10_000, breaking: 200, repeat: Duration::from_secs(1) }));
    rough.layers.push(Box::new(Dead { percent: 20 }));
    rough
}

/// Whole networks, in which one node submits, or another, or nobody: whatever follows from it, from the recipients to the last
/// node of the public network, each stream of the anonymity zone at the first node has the same times, sizes and directions.
#[test]
fn who_submits_does_not_show_at_an_anonymity_link_of_a_whole_network() {
    let timetable = [11 * MINUTE, 12 * MINUTE, 20 * MINUTE];
    for scenario in [Scenario::spread as fn(u64) -> Scenario, rough] {
        let anonymity_links = |submitter, timetable| anonymity_links(scenario(8), submitter, timetable);
        let (own, counts) = anonymity_links(0, &timetable[..]);
        assert!(counts[0] == 3 && counts[1] >= 3 && counts[2] > 0, "the first node submits: {counts:?}");
        let (others, counts) = anonymity_links(5, &timetable[..]);
        assert!(counts[0] == 3 && counts[1] == 0 && counts[2] > 3, "another submits: {counts:?}");
        let (quiet, counts) = anonymity_links(0, &[][..]);
        assert_eq!(counts, [0, 0, 0]);
        assert!(own.len() > 30, "{} streams", own.len());
        for with in [&others, &quiet] {
            assert!(own == *with, "the first difference: {:?}", first_difference(&own, with));
        }
    }
}
