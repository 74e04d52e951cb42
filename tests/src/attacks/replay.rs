//! A spy who got a transaction over Tor sends it to suspects over public links: does its sender react as others do?

use std::time::Duration;

use anonet_core::wire::{NewTransactions, TxForm, command};
use anonet_core::{Event, LocalTx, RelayPolicy, Ticket, TxId, Verdict, ZoneKind};
use bytes::Bytes;

use super::bench::Bench;
use super::stats::{Sample, classify};
use super::{Attack, Policy};
use crate::world::cast::{addr, config, node_data, public_node_data, zone};
use crate::world::{RawIndex, World};

const SECOND: Duration = Duration::from_secs(1);

/// Public peers that the node dialled, and that dialled it.
pub const DIALLED: usize = 3;
/// See [`DIALLED`].
pub const INCOMING: usize = 3;

/// The longest that a transaction may take to its Tor peer.
const HAND_OVER: Duration = Duration::from_secs(3_600);

/// Runs of each past for each of the bench's seeds.
const SEEDS: u64 = 4;

/// What a node did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Past {
    /// It submitted the transaction, and handed it to its Tor peer.
    Sent,
    /// It never had it.
    Innocent,
}

/// Who sees a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Seat {
    /// A public peer that the node dialled.
    Dialled,
    /// One that dialled it.
    Incoming,
    /// The spy itself.
    Spy,
}

/// A frame, to whom, whether fluff, and how many ms after the spy's.
pub type Reaction = (Seat, bool, Vec<u8>, f64);

pub(super) const ATTACK: Attack = Attack::share(
    "replay to suspects",
    "a copy is sent to the sender and to nodes that never had it: 2·accuracy − 1 of the best rule for the number of their \
            messages and the first and last delay, found in one half of the runs and tried in the other, less what guessing has by chance in 95 % of \
            cases. The models do not take copies in",
    play,
);

fn play(bench: &Bench, policy: Policy, _: u64) -> Option<f64> {
    let Policy::Ours(relay) = policy else { return None };
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (past, seed) in
        [Past::Sent, Past::Innocent].into_iter().flat_map(|past| (0..SEEDS * bench.seeds()).map(move |seed| (past, seed)))
    {
        let own = if past == Past::Sent { seed } else { seed + 10_000 };
        let seen = reactions(own, relay, past, TxForm::Fluff);
        let delays = || seen.iter().map(|(.., delay)| *delay);
        let numbers = vec![seen.len() as f64, delays().fold(f64::INFINITY, f64::min), delays().fold(0.0, f64::max)];
        let samples: &mut Vec<Sample> = if seed % 2 == 0 { &mut train } else { &mut test };
        samples.push((numbers, past == Past::Sent));
    }
    let chance = 1.96 / (test.len() as f64).sqrt();
    Some((2.0 * classify(&train, &test) - 1.0 - chance).max(0.0))
}

/// The transaction that is replayed.
#[must_use]
pub fn blob() -> Vec<u8> {
    b"a transaction of which nobody may know whose it is".repeat(40)
}

/// The reactions of one node to the spy's copy in `form`.
///
/// # Panics
/// If the transaction does not come to its Tor peer, or the copy is not announced as a stranger's.
#[must_use]
pub fn reactions(seed: u64, relay: RelayPolicy, past: Past, form: TxForm) -> Vec<Reaction> {
    let mut world = World::new(seed);
    let peers: Vec<usize> = (1..=DIALLED).map(|peer| peer * 200).collect();
    peers.iter().for_each(|&peer| world.raw_listen(addr(ZoneKind::Public, peer)));
    world.raw_listen(addr(ZoneKind::Tor, 1));
    let mut public = zone(ZoneKind::Public, 0, &peers);
    public.max_outgoing = DIALLED as u32;
    let mut tor = zone(ZoneKind::Tor, 0, &[1]);
    tor.relay = relay;
    let node = world.add(config([public, tor]));
    assert!(world.run_until(SECOND * 20, |world| world.raw_count() > DIALLED));
    world.run_for(SECOND);
    let mut greeted = 0;
    welcome(&mut world, &mut greeted);
    let public = world.node(node).zones().next().expect("it has two").id;
    let incoming: Vec<RawIndex> = (0..INCOMING).map(|_| world.raw_connect(node, public)).collect();
    for (number, &peer) in (0..).zip(&incoming) {
        world.raw_greet(peer, public_node_data(500 + number), 1);
    }
    greeted = world.raw_count();
    if past == Past::Sent {
        let tx = LocalTx::new(Bytes::from(blob())).expect("it has a legal size");
        world.call(node, |node, now| node.submit_tx(now, TxId::new([1; 32]), tx)).expect("the stash has room");
    }
    wait(&mut world, node, past, &mut greeted);

    let (spy, start) = (incoming[0], world.now());
    world.raw_txs(spy, form, &[&blob()]);
    accept(&mut world, node);
    // a stem is followed until its embargo is over and flushed
    for _ in 0..if form == TxForm::Stem { 13 } else { 3 } {
        world.run_for(SECOND * 10);
        welcome(&mut world, &mut greeted);
    }
    let mut seen = Vec::new();
    for peer in 0..world.raw_count() {
        let seat = match peer {
            _ if peer == spy => Seat::Spy,
            _ if incoming.contains(&peer) => Seat::Incoming,
            _ if world.raw_zone(peer) == Some(ZoneKind::Public) => Seat::Dialled,
            _ => continue,
        };
        for heard in world.raw_heard(peer).into_iter().filter(|heard| heard.command == command::NEW_TRANSACTIONS) {
            let fluff = NewTransactions::decode(&heard.body).expect("the node writes messages").fluff;
            seen.push((seat, fluff, heard.body, heard.at.saturating_since(start).as_secs_f64() * 1_000.0));
        }
    }
    seen
}

/// Answers the handshakes of streams that came since, and all timed syncs.
fn welcome(world: &mut World, greeted: &mut usize) {
    for peer in *greeted..world.raw_count() {
        let data = if world.raw_zone(peer) == Some(ZoneKind::Tor) { node_data() } else { public_node_data(100 + peer as u64) };
        world.raw_welcome(peer, data, 1);
    }
    *greeted = world.raw_count();
    for peer in 0..world.raw_count() {
        world.raw_answer_syncs(peer, 1);
    }
}

/// Until the transaction is handed over; an innocent node runs for a while, too.
fn wait(world: &mut World, node: usize, past: Past, greeted: &mut usize) {
    let begin = world.now();
    let handed = |world: &World| world.events(node).any(|event| matches!(event, Event::Handed { .. }));
    loop {
        for _ in 0..20 {
            world.run_for(SECOND);
            welcome(world, greeted);
        }
        if past == Past::Innocent || handed(world) {
            return;
        }
        assert!(world.now().saturating_since(begin) < HAND_OVER, "its Tor peer has it");
    }
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
        .expect("it was not answered before");
}
