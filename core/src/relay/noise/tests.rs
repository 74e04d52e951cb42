use alloc::collections::BTreeSet;
use alloc::vec;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::addr::ZoneKind;
use crate::relay::units::UNIT;
use crate::table::Table;
use crate::zone::route::{LocalExit, RouteRules, ZoneStatus, route_local};

const START: Instant = Instant::from_micros(0);
const ZONE: ZoneId = ZoneId(1);
const MINUTE: Duration = Duration::from_secs(60);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn links(count: usize) -> Vec<ConnId> {
    let mut table = Table::new();
    (0..count).map(|_| ConnId(table.insert(()))).collect()
}

fn entries(count: usize) -> Vec<Handle> {
    let mut table = Table::new();
    (0..count).map(|_| table.insert(())).collect()
}

fn exit(zone: ZoneId) -> LocalExit {
    let status = ZoneStatus { id: zone, kind: ZoneKind::Tor, dials: true, ready: 1, isolates: true, proxy_down: false };
    route_local(RouteRules::default(), &[status], None).expect("the zone is ready")
}

fn cut(blob: &[u8]) -> Option<LocalUnits> {
    LocalUnits::cut(&exit(ZONE), blob, MAX_UNITS)
}

/// The units of one transaction, one after another.
fn whole(blob: &[u8]) -> Vec<u8> {
    let mut units = cut(blob).expect("it fits");
    core::iter::from_fn(|| units.next(ZONE)).flatten().collect()
}

/// All that leaves until `end`, with times.
fn run(
    noise: &mut Noise,
    until: Instant,
    eligible: &[ConnId],
    blob: &[u8],
    rng: &mut ChaCha20Rng,
) -> Vec<(Instant, Option<(ConnId, Unit)>)> {
    let (mut left, mut dropped) = (Vec::new(), Vec::new());
    while noise.next_due() <= until {
        let now = noise.next_due();
        noise.roll(now, eligible, rng, &mut dropped);
        while let Some(tick) = noise.pop_tick(now, |_, _| cut(blob).map_or(Cut::Impossible, Cut::Units), rng, &mut dropped) {
            left.push((now, tick));
        }
    }
    assert_eq!(dropped, []);
    left
}

#[test]
fn each_channel_ticks_every_ten_to_fifteen_seconds_on_a_link_of_its_own() {
    let (mut rng, links) = (rng(1), links(5));
    let mut noise = Noise::new(START, ZONE, &mut rng);
    let left = run(&mut noise, START + 600 * MINUTE, &links, &[], &mut rng);
    assert!((5_500..6_200).contains(&left.len()), "{}", left.len());
    assert!(left.iter().all(|(_, unit)| unit.as_ref().is_some_and(|(_, unit)| unit.bytes.len() == UNIT && unit.ends.is_none())));
    let used: BTreeSet<ConnId> = left.iter().filter_map(|(_, unit)| Some(unit.as_ref()?.0)).collect();
    assert_eq!(used.len(), 5, "epochs draw anew");
    for &link in &links {
        let times: Vec<Instant> =
            left.iter().filter(|(_, unit)| unit.as_ref().is_some_and(|(conn, _)| *conn == link)).map(|(at, _)| *at).collect();
        // two links at one time would show as a shorter gap
        assert!(times.windows(2).all(|pair| pair[1].saturating_since(pair[0]) >= Duration::from_millis(100)));
    }
    let in_one_epoch: BTreeSet<ConnId> = left.iter().take(30).filter_map(|(_, unit)| Some(unit.as_ref()?.0)).collect();
    assert_eq!(in_one_epoch.len(), 2);
}

#[test]
fn what_waits_changes_neither_times_nor_links_nor_sizes() {
    let (links, blob) = (links(4), vec![7; 20_000]);
    let trace = |submissions: usize| {
        let mut rng = rng(2);
        let mut noise = Noise::new(START, ZONE, &mut rng);
        let mut trace = run(&mut noise, START + MINUTE, &links, &blob, &mut rng);
        for entry in entries(submissions) {
            noise.queue(entry, &links);
            let until = noise.next_due() + 7 * MINUTE;
            trace.extend(run(&mut noise, until.min(START + 60 * MINUTE), &links, &blob, &mut rng));
        }
        trace.extend(run(&mut noise, START + 60 * MINUTE, &links, &blob, &mut rng));
        let ends = trace.iter().filter(|(_, unit)| unit.as_ref().is_some_and(|(_, unit)| unit.ends.is_some())).count();
        let seen =
            trace.into_iter().map(|(at, unit)| (at, unit.map(|(link, unit)| (link, unit.bytes.len())))).collect::<Vec<_>>();
        (seen, ends)
    };
    let (quiet, busy) = (trace(0), trace(5));
    assert_eq!((quiet.1, busy.1), (0, 10), "each goes out on both channels");
    assert_eq!(quiet.0, busy.0);
}

#[test]
fn a_message_leaves_whole_in_order_and_ends_with_its_last_unit() {
    let (mut rng, links, blob) = (rng(3), links(2), vec![9; 7_000]);
    let mut noise = Noise::new(START, ZONE, &mut rng);
    noise.roll(START, &links, &mut rng, &mut Vec::new());
    let entry = entries(1)[0];
    assert_eq!((noise.queue(entry, &links), noise.queue(entry, &links)), (2, 0), "twice is once");
    let left = run(&mut noise, START + 2 * MINUTE, &links, &blob, &mut rng);
    let whole = whole(&blob);
    assert_eq!(whole.len(), 3 * UNIT);
    for link in links {
        let units = || left.iter().filter_map(|(_, unit)| unit.as_ref()).filter(|(conn, _)| *conn == link).map(|(_, unit)| unit);
        let joined: Vec<u8> = units().take(3).flat_map(|unit| unit.bytes.iter().copied()).collect();
        assert_eq!(joined, whole);
        assert_eq!(units().map(|unit| unit.ends).position(|ends| ends == Some(entry)), Some(2));
        assert_eq!(units().filter(|unit| unit.ends.is_some()).count(), 1);
    }
}

#[test]
fn a_lost_link_takes_its_messages_along_and_a_new_one_starts_over() {
    let (mut rng, links, blob) = (rng(4), links(3), vec![9; 7_000]);
    let mut noise = Noise::new(START, ZONE, &mut rng);
    noise.roll(START, &links[..2], &mut rng, &mut Vec::new());
    let entry = entries(1)[0];
    noise.queue(entry, &links);
    run(&mut noise, START + Duration::from_secs(16), &links[..2], &blob, &mut rng);
    let mut dropped = Vec::new();
    noise.drop_link(links[0], &mut dropped);
    assert_eq!(dropped, [entry], "half sent on one of the two");
    noise.refill(&links[1..], &mut rng);
    assert_eq!(noise.queue(entry, &links), 1, "the other channel carries it already");
    let left = run(&mut noise, START + 2 * MINUTE, &links[1..], &blob, &mut rng);
    let fresh: Vec<u8> = left
        .iter()
        .filter_map(|(_, unit)| unit.as_ref().filter(|(conn, _)| *conn == links[2]))
        .take(3)
        .flat_map(|(_, unit)| unit.bytes.iter().copied())
        .collect();
    assert_eq!(fresh, whole(&blob), "from its first unit");
}

#[test]
fn a_channel_that_a_new_epoch_leaves_without_a_link_is_silent() {
    let (mut rng, links) = (rng(5), links(2));
    let mut noise = Noise::new(START, ZONE, &mut rng);
    let mut dropped = Vec::new();
    noise.roll(START, &links, &mut rng, &mut dropped);
    let entry = entries(1)[0];
    noise.queue(entry, &links);
    noise.roll(START + 6 * MINUTE, &links[..1], &mut rng, &mut dropped);
    assert_eq!(dropped, [entry], "monerod's channel would have kept its old link");
    let left = run(&mut noise, START + 7 * MINUTE, &links[..1], &[1; 100], &mut rng);
    assert!(left.iter().all(|(_, unit)| unit.as_ref().is_none_or(|(conn, _)| *conn == links[0])));
    assert!(left.iter().any(|(_, unit)| unit.is_none()));
    noise.refill(&links[..1], &mut rng);
    assert_eq!(noise.queue(entry, &links), 1, "no two channels share a link");
}

#[test]
fn a_long_message_begins_only_if_it_can_end_within_the_epoch() {
    let (links, blob) = (links(2), vec![3; MAX_NOISE_TX]);
    for seed in 0..40 {
        let mut rng = rng(seed);
        let mut noise = Noise::new(START, ZONE, &mut rng);
        run(&mut noise, START + Duration::from_secs(u64::from(seed) * 7), &links, &[], &mut rng);
        noise.queue(entries(1)[0], &links);
        let left = run(&mut noise, START + 12 * MINUTE, &links, &blob, &mut rng);
        for link in &links {
            let mine: Vec<&Unit> = left
                .iter()
                .filter_map(|(_, unit)| unit.as_ref())
                .filter(|(conn, _)| conn == link)
                .map(|(_, unit)| unit)
                .collect();
            let begun = mine.iter().filter(|unit| unit.bytes == whole(&blob)[..UNIT]);
            assert!(begun.count() <= 1, "never in vain");
        }
        let ended = left.iter().filter_map(|(_, unit)| unit.as_ref()).filter(|(_, unit)| unit.ends.is_some()).count();
        assert_eq!(ended, 2, "and within two epochs at the latest");
    }
}

#[test]
fn the_largest_transaction_fits_and_one_byte_more_does_not() {
    assert_eq!(cut(&[1; MAX_NOISE_TX]).map(|units| units.count()), Some(20));
    assert!(cut(&[1; MAX_NOISE_TX + 1]).is_none());
}

#[test]
fn units_are_for_the_zone_they_were_cut_for() {
    let mut units = cut(&[1; 100]).unwrap();
    assert!(units.next(ZoneId(0)).is_none());
    assert!(units.next(ZONE).is_some());
    assert!(units.next(ZONE).is_none(), "it was one");
}

#[test]
fn epochs_end_at_random() {
    let (mut rng, eligible) = (rng(31), links(4));
    let mut noise = Noise::new(START, ZONE, &mut rng);
    let mut lengths = BTreeSet::new();
    for _ in 0..40 {
        let now = noise.epoch_ends;
        noise.roll(now, &eligible, &mut rng, &mut vec![]);
        let length = noise.epoch_ends.saturating_since(now);
        assert!((MINUTE * 5..=MINUTE * 11 / 2).contains(&length), "{length:?}");
        lengths.insert(length.as_secs());
    }
    assert!(lengths.len() > 10, "{lengths:?}");
}

#[test]
fn a_refill_gives_no_link_to_two_channels() {
    let eligible = links(2);
    for seed in 0..20 {
        let mut noise = Noise::new(START, ZONE, &mut rng(seed));
        noise.refill(&eligible, &mut rng(seed));
        assert_eq!(noise.links().collect::<BTreeSet<_>>(), eligible.iter().copied().collect());
    }
}

#[test]
fn the_channels_do_not_begin_in_step() {
    for seed in 0..20 {
        let noise = Noise::new(START, ZONE, &mut rng(seed));
        let [one, other] = noise.channels.each_ref().map(|channel| channel.tick.saturating_since(START));
        assert!(one != other && [one, other].iter().all(|tick| (TICK.0..=TICK.1).contains(tick)), "{one:?} {other:?}");
    }
}
