use alloc::vec::Vec;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::addr::{Addr, ZoneKind};
use crate::config::Privacy;
use crate::ids::ZoneId;
use crate::relay::units::{LocalUnits, UNIT};
use crate::table::{Handle, Table};
use crate::zone::route::{LocalExit, RouteRules, ZoneStatus, route_local};

const START: Instant = Instant::from_micros(0);
const DAY: Duration = Duration::from_secs(86_400);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn exit() -> LocalExit {
    let status = ZoneStatus { id: ZoneId(0), kind: ZoneKind::Tor, dials: true, ready: 1, isolates: true, proxy_down: false };
    route_local(RouteRules::default(), &[status], None).expect("the zone is ready")
}

fn entries(count: usize) -> Vec<Handle> {
    let mut table = Table::new();
    (0..count).map(|_| table.insert(())).collect()
}

fn units(size: usize) -> LocalUnits {
    LocalUnits::cut(&exit(), &alloc::vec![7; size], 64).expect("it fits")
}

#[test]
fn couriers_of_each_size_leave_as_often_as_their_clock_says() {
    let (mut rng, numbers) = (rng(1), CourierConfig::default());
    let mut couriers = Couriers::new(START, &numbers, &mut rng);
    let mut counts = [0u32; 3];
    while let Some(at) = couriers.next_due().filter(|at| *at < START + DAY * 20) {
        assert_eq!(couriers.pop_due(Instant::from_micros(at.as_micros() - 1), &mut rng), None);
        counts[couriers.pop_due(at, &mut rng).unwrap() as usize] += 1;
    }
    // 14,400, 1,800 and 450, within four standard deviations
    for (count, mean) in counts.into_iter().zip([14_400u32, 1_800, 450]) {
        assert!(count.abs_diff(mean).pow(2) <= 16 * mean, "{count} for {mean}");
    }
}

#[test]
fn a_clock_of_zero_never_strikes_and_turns_slept_through_are_left_out() {
    let mut rng = rng(2);
    let numbers = CourierConfig { every: [Duration::ZERO, Duration::from_secs(10), Duration::ZERO], ..CourierConfig::default() };
    let mut couriers = Couriers::new(START, &numbers, &mut rng);
    let later = START + DAY;
    assert_eq!(couriers.pop_due(later, &mut rng), Some(SizeClass::Medium));
    assert_eq!(couriers.pop_due(later, &mut rng), None, "one, and not the thousands that were missed");
    assert!(couriers.next_due().unwrap() > later);
    let never = CourierConfig { every: [Duration::ZERO; 3], ..numbers };
    assert_eq!(Couriers::new(START, &never, &mut rng).next_due(), None);
}

/// When each step of a courier comes, from the opening of its stream.
fn steps(class: SizeClass, seed: u8, numbers: &CourierConfig, mut meddle: impl FnMut(&mut Flight)) -> Vec<Duration> {
    let mut flight = Flight::draw(class, true, &mut rng(seed));
    assert_eq!(flight.next_due(), None, "it is not open");
    flight.opened(START, numbers);
    let mut steps = Vec::new();
    loop {
        let at = flight.next_due().unwrap();
        meddle(&mut flight);
        assert_eq!(flight.next_due(), Some(at));
        steps.push(at.saturating_since(START));
        if flight.step(at, numbers) == Some(Step::Close) {
            return steps;
        }
    }
}

#[test]
fn the_shape_of_a_courier_is_fixed_before_it_leaves() {
    let numbers = CourierConfig::default();
    for (class, records) in SizeClass::ALL.into_iter().zip([4, 16, 64]) {
        let quiet = steps(class, 3, &numbers, |_| {});
        assert_eq!(quiet.len(), records + 1);
        assert!((numbers.first_record.0..=numbers.first_record.1).contains(&quiet[0]));
        let gaps: Vec<Duration> = quiet.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (linger, between) = gaps.split_last().unwrap();
        assert!(between.iter().all(|gap| (numbers.gap.0..=numbers.gap.1).contains(gap)), "{gaps:?}");
        assert!((numbers.linger.0..=numbers.linger.1).contains(linger));
        // whatever the target says and whoever rides
        let busy = steps(class, 3, &numbers, |flight| {
            flight.heard(1_000);
            flight.answered(Some(7));
            if flight.free_seat().is_some() {
                flight.board(entries(1)[0], units(2_000));
            }
            flight.bind(true);
            flight.unit(ZoneId(0));
        });
        let deaf = steps(class, 3, &numbers, |flight| flight.answered(None));
        assert_eq!((&busy, &deaf), (&quiet, &quiet));
        assert_ne!(steps(class, 4, &numbers, |_| {}), quiet);
    }
}

#[test]
fn who_boards_late_begins_only_if_the_slots_left_hold_it_whole() {
    let numbers = CourierConfig::default();
    let mut flight = Flight::draw(SizeClass::Small, true, &mut rng(5));
    flight.opened(START, &numbers);
    flight.answered(Some(1));
    flight.board(entries(1)[0], units(7_000));
    let mut begun = Vec::new();
    for _ in 0..4 {
        let at = flight.next_due().unwrap();
        assert_eq!(flight.step(at, &numbers), Some(Step::Record));
        // what is to be written down is, after the second record
        let may_begin = flight.slots_left() < 2;
        begun.push((flight.bind(may_begin), flight.unit(ZoneId(0)).is_some()));
    }
    assert_eq!(begun, [(false, false); 4], "three records do not fit into the last two slots");
    assert!(!flight.is_bound() && flight.set_down().is_some());
}

#[test]
fn nobody_boards_where_no_valid_answer_is_or_the_target_is_not_trusted() {
    let flight = |carrier, answer| {
        let mut flight = Flight::draw(SizeClass::Small, carrier, &mut rng(6));
        if let Some(answer) = answer {
            flight.answered(answer);
        }
        flight.free_seat()
    };
    assert_eq!(flight(true, None), None);
    assert_eq!(flight(true, Some(None)), None);
    assert_eq!(flight(false, Some(Some(9))), None);
    assert_eq!(flight(true, Some(Some(9))), Some(9));
}

#[test]
fn reading_stops_at_the_limit() {
    let mut flight = Flight::draw(SizeClass::Small, true, &mut rng(7));
    assert_eq!(flight.may_read(), READ_AT_MOST);
    assert!(flight.heard(READ_AT_MOST - 1));
    assert_eq!(flight.may_read(), 1);
    flight.heard(10);
    assert_eq!(flight.may_read(), 0);
    flight.answered(None);
    assert!(!flight.heard(0), "what comes after an answer means nothing");
}

#[test]
fn the_largest_transaction_fills_the_largest_courier() {
    let count = |size, most| LocalUnits::cut(&exit(), &alloc::vec![7; size], most).map(|units| units.count());
    for class in SizeClass::ALL {
        let records = class.records();
        assert_eq!(count(class.capacity(), records as usize), Some(records));
        // a short length takes two bytes less
        assert_eq!(count(class.capacity() + 3, records as usize), None);
    }
    assert_eq!((SizeClass::Large.capacity(), count(194_420, 64)), (194_419, None));
    let mut numbers = CourierConfig::default();
    let largest = |numbers: &CourierConfig| Couriers::new(START, numbers, &mut rng(1)).largest();
    assert_eq!(largest(&numbers), 194_419);
    numbers.every[2] = Duration::ZERO;
    assert_eq!(largest(&numbers), SizeClass::Medium.capacity());
    numbers.every = [Duration::ZERO; 3];
    assert_eq!(largest(&numbers), 0);
    let unit = units(1).next(ZoneId(0)).unwrap();
    assert_eq!(unit.len(), UNIT);
}

#[test]
fn a_release_is_drawn_once_and_never_before_the_least_uptime() {
    let (mut rng, numbers) = (rng(8), CourierConfig::preset(Privacy::Strict));
    let mut waits = Vec::new();
    for entry in entries(2_000) {
        let mut cargo = Cargo::new(START);
        assert!(cargo.add(START, entry, &numbers, &mut rng));
        let release = cargo.release(entry).unwrap();
        assert!(!cargo.add(START + DAY, entry, &numbers, &mut rng), "it waits already");
        assert_eq!(cargo.release(entry), Some(release));
        assert!(cargo.due(Instant::from_micros(release.as_micros() - 1)).is_empty());
        assert_eq!(cargo.due(release), [entry]);
        waits.push(release.saturating_since(START));
    }
    assert!(waits.iter().all(|wait| *wait >= numbers.uptime.0));
    let old = START + DAY;
    let later = |mut cargo: Cargo, entry| {
        cargo.add(old, entry, &numbers, &mut rng);
        cargo.release(entry).unwrap().saturating_since(old).as_secs_f64()
    };
    let mut later = later;
    let mean = entries(4_000).into_iter().map(|entry| later(Cargo::new(START), entry)).sum::<f64>() / 4_000.0;
    assert!((560.0..640.0).contains(&mean), "an old node waits for the release alone: {mean}");
}

#[test]
fn a_transaction_rides_once_and_waits_again_only_if_it_is_set_down_or_added() {
    let (mut rng, numbers) = (rng(9), CourierConfig::preset(Privacy::Fast));
    let (mut cargo, entry) = (Cargo::new(START), entries(1)[0]);
    let addr = Addr::parse("zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion", 1).unwrap();
    cargo.add(START, entry, &numbers, &mut rng);
    cargo.board(entry);
    assert!(cargo.due(START).is_empty() && !cargo.add(START, entry, &numbers, &mut rng));
    cargo.set_down(entry);
    assert_eq!(cargo.due(START), [entry]);
    cargo.board(entry);
    cargo.sent(START, entry, Some(&addr));
    assert!(cargo.due(START + DAY).is_empty());
    assert_eq!(cargo.used(&addr), Some(START));
    assert!(cargo.add(START + DAY, entry, &numbers, &mut rng), "a further round");
    assert_eq!(cargo.due(START + DAY), [entry], "that waits for no second release");
    cargo.tidy(START + DAY, DAY, |_| false);
    assert!(cargo.due(START + DAY).is_empty() && cargo.release(entry).is_none());
    assert_eq!(cargo.used(&addr), None, "a day has passed");
}

#[test]
fn the_pauses_of_a_clock_are_drawn_and_spread_as_widely_as_their_mean() {
    let seconds = |from: Instant, to: Instant| to.saturating_since(from).as_secs_f64();
    let spread = |pauses: &[f64]| {
        let mean = pauses.iter().sum::<f64>() / pauses.len() as f64;
        let variance = pauses.iter().map(|pause| (pause - mean).powi(2)).sum::<f64>() / pauses.len() as f64;
        (mean, variance.sqrt())
    };
    let numbers = CourierConfig { every: [Duration::from_secs(100), Duration::ZERO, Duration::ZERO], ..CourierConfig::default() };
    let first: Vec<f64> =
        (0..250).map(|seed| seconds(START, Couriers::new(START, &numbers, &mut rng(seed)).next_due().unwrap())).collect();
    let (mut rng, mut last) = (rng(9), START);
    let mut couriers = Couriers::new(START, &numbers, &mut rng);
    let further = core::iter::repeat_with(|| {
        let at = couriers.next_due().unwrap();
        couriers.pop_due(at, &mut rng);
        seconds(core::mem::replace(&mut last, at), at)
    });
    for pauses in [first, further.take(2_000).collect()] {
        let (mean, deviation) = spread(&pauses);
        assert!((80.0..120.0).contains(&mean) && (80.0..120.0).contains(&deviation), "{mean} {deviation}");
    }
}

#[test]
fn what_comes_after_the_answer_means_nothing() {
    for height in [Some(7), None] {
        let mut flight = Flight::draw(SizeClass::Small, true, &mut rng(8));
        assert!(flight.heard(10), "it may be a part of the answer");
        flight.answered(height);
        assert!(!flight.heard(10));
    }
}

#[test]
fn a_courier_has_one_seat() {
    let mut flight = Flight::draw(SizeClass::Small, true, &mut rng(9));
    flight.answered(Some(7));
    assert_eq!(flight.free_seat(), Some(7));
    flight.board(entries(1)[0], units(2_000));
    assert_eq!(flight.free_seat(), None);
}

#[test]
fn the_least_uptime_is_drawn() {
    let numbers = CourierConfig { release: Duration::ZERO, ..CourierConfig::preset(Privacy::Strict) };
    let (least, most) = numbers.uptime;
    let waits = entries(200).into_iter().zip(0..).map(|(entry, seed)| {
        let mut cargo = Cargo::new(START);
        cargo.add(START, entry, &numbers, &mut rng(seed));
        cargo.release(entry).unwrap().saturating_since(START)
    });
    let waits: Vec<Duration> = waits.collect();
    assert!(waits.iter().all(|wait| (least..=most).contains(wait)));
    assert!(*waits.iter().max().unwrap() - *waits.iter().min().unwrap() > (most - least) / 2);
}
