//! A spy who got an own transaction over Tor sends it back over public links, to see who knows it: a node that sent it
//! must react as one that never had it, in every byte and in the distribution of every delay.

use std::collections::BTreeMap;
use std::time::Duration;

use anonet_core::wire::{NewTransactions, TxForm, command};
use anonet_core::{Event, LocalTx, Ticket, TxId, Verdict, ZoneKind};
use anonet_tests::world::cast::{addr, config, node_data, public_node_data, zone};
use anonet_tests::world::{RawIndex, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const SEEDS: u64 = 500;
const DIALLED: usize = 3;
const INCOMING: usize = 3;

/// What a node did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Past {
    /// It submitted the transaction, and handed it to its Tor peer.
    Sent,
    /// It never had it.
    Innocent,
}

/// Who sees a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seat {
    Dialled,
    Incoming,
    /// The spy itself.
    Spy,
}

/// A frame, to whom, in which form, and how many ms after the spy's.
type Reaction = (Seat, bool, Vec<u8>, f64);

/// What both pasts show, by seat and form.
type BySeat<T> = BTreeMap<(Seat, bool), BTreeMap<Past, Vec<T>>>;

fn blob() -> Vec<u8> {
    b"a transaction of which nobody may know whose it is".repeat(40)
}

/// The reactions of one node to the spy's copy in `form`, and whether it took it as a stem to be passed on.
fn reactions(seed: u64, past: Past, form: TxForm) -> Vec<Reaction> {
    let mut world = World::new(seed);
    let peers: Vec<usize> = (1..=DIALLED).map(|peer| peer * 200).collect();
    peers.iter().for_each(|&peer| world.raw_listen(addr(ZoneKind::Public, peer)));
    world.raw_listen(addr(ZoneKind::Tor, 1));
    let mut public = zone(ZoneKind::Public, 0, &peers);
    public.max_outgoing = DIALLED as u32;
    let node = world.add(config([public, zone(ZoneKind::Tor, 0, &[1])]));
    assert!(world.run_until(SECOND * 20, |world| world.raw_count() > DIALLED));
    world.run_for(SECOND);
    let onion = (0..=DIALLED).find(|&peer| world.raw_zone(peer) == Some(ZoneKind::Tor)).unwrap();
    for peer in 0..=DIALLED {
        let data = if peer == onion { node_data() } else { public_node_data(100 + peer as u64) };
        world.raw_welcome(peer, data, 1);
    }
    let public = world.node(node).zones().next().unwrap().id;
    let incoming: Vec<RawIndex> = (0..INCOMING).map(|_| world.raw_connect(node, public)).collect();
    for (number, &peer) in (0..).zip(&incoming) {
        world.raw_greet(peer, public_node_data(500 + number), 1);
    }
    if past == Past::Sent {
        let tx = LocalTx::new(Bytes::from(blob())).unwrap();
        world.call(node, |node, now| node.submit_tx(now, TxId::new([1; 32]), tx)).unwrap();
    }
    world.run_for(SECOND * 20);
    let had = world.raw_heard(onion).iter().any(|heard| heard.command == command::NEW_TRANSACTIONS);
    assert_eq!(had, past == Past::Sent, "{seed}: the peer on Tor has it");

    let (spy, start) = (incoming[0], world.now());
    world.raw_txs(spy, form, &[&blob()]);
    accept(&mut world, node);
    // a stem is followed until its embargo is over and flushed
    for _ in 0..if form == TxForm::Stem { 13 } else { 3 } {
        world.run_for(SECOND * 10);
        for peer in 0..world.raw_count() {
            world.raw_answer_syncs(peer, 1);
        }
    }
    let mut seen = Vec::new();
    for peer in (0..world.raw_count()).filter(|&peer| peer != onion) {
        let seat = match peer {
            _ if peer == spy => Seat::Spy,
            _ if incoming.contains(&peer) => Seat::Incoming,
            _ => Seat::Dialled,
        };
        for heard in world.raw_heard(peer).into_iter().filter(|heard| heard.command == command::NEW_TRANSACTIONS) {
            let fluff = NewTransactions::decode(&heard.body).unwrap().fluff;
            seen.push((seat, fluff, heard.body, heard.at.saturating_since(start).as_secs_f64() * 1_000.0));
        }
    }
    seen
}

/// As an embedder does that has a daemon: it says which transaction came, and that it is valid.
fn accept(world: &mut World, node: usize) {
    let tickets: Vec<Ticket> = world
        .events(node)
        .filter_map(|event| match event {
            Event::Tx { ticket, .. } => Some(*ticket),
            _ => None,
        })
        .collect();
    assert_eq!(tickets.len(), 1, "the embedder is asked, as for any other");
    world
        .call(node, |node, now| {
            node.echo(now, tickets[0], TxId::new([1; 32]));
            node.resolve_tx(now, tickets[0], Verdict::Accept)
        })
        .unwrap();
}

/// The largest distance between the two empirical distributions.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    let share = |all: &[f64], at: f64| all.iter().filter(|&&value| value <= at).count() as f64 / all.len() as f64;
    one.iter().chain(other).map(|&at| (share(one, at) - share(other, at)).abs()).fold(0.0, f64::max)
}

/// Fails if a two-sample Kolmogorov-Smirnov test tells the samples apart at the 0.1 % level (critical factor 1.95). The
/// seeds are fixed, so an innocent node fails always or never.
fn assert_alike(what: &str, one: &[f64], other: &[f64]) {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let limit = 1.95 * ((n + m) / (n * m)).sqrt();
    let distance = distance(one, other);
    println!("{what}: {n} and {m} delays, distance {distance:.3}, limit {limit:.3}");
    assert!(distance < limit, "{what}: {distance} is not below {limit}");
}

fn compare(form: TxForm) {
    let mut delays: BySeat<f64> = BTreeMap::new();
    let mut bodies: BySeat<Vec<u8>> = BTreeMap::new();
    for past in [Past::Sent, Past::Innocent] {
        for seed in 0..SEEDS {
            // the pasts do not share seeds, or they would share delays
            let seed = if past == Past::Sent { seed } else { seed + 10_000 };
            for (seat, fluff, body, delay) in reactions(seed, past, form) {
                delays.entry((seat, fluff)).or_default().entry(past).or_default().push(delay);
                let seen = bodies.entry((seat, fluff)).or_default().entry(past).or_default();
                if !seen.contains(&body) {
                    seen.push(body);
                }
            }
        }
    }
    for (key, by_past) in &bodies {
        assert_eq!(by_past.get(&Past::Sent), by_past.get(&Past::Innocent), "{key:?}: the same bytes");
        assert_eq!(by_past[&Past::Sent].len(), 1, "{key:?}");
    }
    for (key, by_past) in &delays {
        let (sent, innocent) = (&by_past[&Past::Sent], &by_past[&Past::Innocent]);
        // how often each happens: six standard deviations of the difference
        let spread = 6.0 * (SEEDS as f64 * 0.16 * 2.0).sqrt() * if key.0 == Seat::Spy { 1.0 } else { 3.0 };
        assert!((sent.len() as f64 - innocent.len() as f64).abs() <= spread, "{key:?}: {} and {}", sent.len(), innocent.len());
        assert_alike(&format!("{form:?} {key:?}"), sent, innocent);
    }
}

#[test]
fn a_replayed_fluff_meets_the_same_reaction_from_its_sender_and_from_any_other() {
    compare(TxForm::Fluff);
    for past in [Past::Sent, Past::Innocent] {
        for seed in 0..20 {
            let seen = reactions(seed, past, TxForm::Fluff);
            let count = |seat| seen.iter().filter(|(other, fluff, ..)| *other == seat && *fluff).count();
            assert_eq!((count(Seat::Dialled), count(Seat::Incoming), count(Seat::Spy)), (DIALLED, INCOMING - 1, 0), "{past:?}");
            assert_eq!(seen.len(), DIALLED + INCOMING - 1);
        }
    }
}

#[test]
fn a_replayed_stem_meets_the_same_reaction_from_its_sender_and_from_any_other() {
    compare(TxForm::Stem);
}
