//! The curves of cost and delay at a small size: their numbers are kept in `tables/curves-small.md`, and a change of any of them
//! is to be seen. With `WRITE_TABLES=1` the file is written, else compared.

use anonet_tests::curves::{Curves, Extent, plot, table};
use anonet_tests::kept;

#[test]
fn the_small_curves_are_those_that_are_kept() {
    let mut heard = Vec::new();
    let curves = Curves::play(&Extent::SMALL, |done, of| heard.push((done, of)));
    let text = table::markdown(&curves);
    println!("{text}");
    assert!(heard.iter().enumerate().all(|(place, found)| *found == (place + 1, heard.len())), "{heard:?}");
    for point in &curves.points {
        let [idle, sending] = point.traffic;
        match point.name.as_str() {
            "fluff" => assert!(sending.megabytes > idle.megabytes, "what is sent shows: {point:?}"),
            "noise" => assert_eq!(idle, sending, "no channel went down"),
            courier => assert_eq!(idle, sending, "{courier}: an idle node costs as much as one that sends"),
        }
        for (first, wide) in point.first.iter().zip(&point.wide) {
            assert!(first.at(1.0) < wide.at(1.0) && wide.at(1.0).is_finite(), "{}: all arrive, and go on", point.name);
        }
    }
    let delay = |name, size: usize| curves.point(name).expect("it was played").first[size].at(1.0);
    assert!(delay("fast", 2) > 4.0 * delay("fast", 0), "large couriers are rare");
    assert!(delay("fluff", 2) < 10.0 && delay("noise", 2) > 20.0 * 10.0, "twenty units of noise, each after ten seconds or more");
    let failing = |what| curves.trouble("fast", (what, 50)).expect("it was played").first.at(1.0);
    assert!(failing("full") < 300.0, "a full peer costs a courier and not a pause");
    let silent = &curves.trouble("fast", ("silent", 50)).expect("it was played").first;
    assert!((300.0..7_200.0).contains(&silent.at(0.5)), "a silent one costs a pause, and not the transaction");
    let pause = |place: usize| curves.evidence[place].after.above(300.0);
    assert!(
        pause(0) < 0.01 && curves.evidence[0].after.at(0.5) > 10.0,
        "evidence comes after the forward delay, before the pause ends"
    );
    let picture = plot::svg(&curves);
    assert_eq!(picture.matches("<circle").count(), 3 * curves.points.len(), "{picture}");
    kept::golden("curves-small.md", &text, &[table::SMALL_COMMAND, table::COMMAND]);
}
