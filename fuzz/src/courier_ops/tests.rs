use super::*;

/// The files of the corpus that show something show it, or they are of no use: how many transactions arrive, and how many ways
/// break, at least.
#[test]
fn the_corpus_reaches_deliveries_and_broken_flights() {
    for (name, arrivals, broken) in
        [("delivery", 3, 0), ("released", 3, 0), ("exclusive", 2, 0), ("unfit", 1, 0), ("stalled", 1, 1), ("restarts", 1, 1)]
    {
        let path = format!("{}/corpus/courier_ops/{name}", env!("CARGO_MANIFEST_DIR"));
        let data = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let run = play(&data, Traffic::Own);
        assert!(run.own.arrivals >= arrivals, "{name}: {} arrivals", run.own.arrivals);
        assert!(run.own.broken >= broken, "{name}: {} broken", run.own.broken);
    }
}

/// What the comparison of the two runs hangs on: a script without own transactions is one run, played twice.
#[test]
fn a_run_depends_on_its_script_alone() {
    let script = [5, 0, 1, 7, 255, 9, 200, 9, 200, 12, 30, 9, 200];
    let [one, other, third] = [(&script[..], Traffic::Own), (&script, Traffic::None), (&script[..10], Traffic::None)]
        .map(|(script, traffic)| play(script, traffic).seen);
    assert!(one.len() > 50 && one == other);
    assert_ne!(one, third, "it shows when something differs");
}
