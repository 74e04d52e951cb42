//! Senders whose transactions go by courier, as several suites have them.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{TxForm, command};
use anonet_core::{
    Config, CourierConfig, CourierReport, Event, Instant, LocalTx, Privacy, RelayPolicy, StashState, SubmitError, TxId, ZoneKind,
};

use super::cast::{addr, config, zone};
use super::{Happened, NodeIndex, World};

/// A configuration whose Tor zone sends by courier, with two standing links.
#[must_use]
pub fn courier(index: usize, peers: &[usize], numbers: CourierConfig) -> Config {
    let mut tor = zone(ZoneKind::Tor, index, peers);
    tor.relay = RelayPolicy::Courier;
    tor.max_outgoing = 2;
    let mut config = config([tor]);
    config.courier = numbers;
    config
}

/// The numbers of the preset `fast`.
#[must_use]
pub fn fast() -> CourierConfig {
    CourierConfig::preset(Privacy::Fast)
}

/// A user whose transactions go by courier, and `peers` that it knows.
#[must_use]
pub fn world(seed: u64, peers: usize, numbers: CourierConfig) -> (World, NodeIndex) {
    let mut world = World::new(seed);
    let names: Vec<usize> = (1..=peers).collect();
    for &peer in &names {
        world.add(config([zone(ZoneKind::Tor, peer, &[])]));
    }
    let user = world.add(courier(0, &names, numbers));
    (world, user)
}

/// Submits a transaction of `size` bytes that are all `number`.
///
/// # Errors
/// What the node says.
pub fn submit(world: &mut World, user: NodeIndex, number: u8, size: usize) -> Result<(), SubmitError> {
    let tx = LocalTx::new(vec![number; size].into()).unwrap();
    world.call(user, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx)).map(|_| ())
}

/// Which peers got a transaction, and in which form.
#[must_use]
pub fn arrivals(world: &World, peers: usize, number: u8) -> Vec<(NodeIndex, TxForm, usize)> {
    let at = |peer: NodeIndex| {
        world.events(peer).filter_map(move |event| match event {
            Event::Tx { form, blob, .. } if blob[0] == number => Some((peer, *form, blob.len())),
            _ => None,
        })
    };
    (0..peers).flat_map(at).collect()
}

/// How the first transaction of a node stands.
///
/// # Panics
/// If it has none.
#[must_use]
pub fn state(world: &World, user: NodeIndex) -> StashState {
    world.node(user).stash().next().expect("it is kept").state
}

/// What a node says of the couriers of its first zone.
///
/// # Panics
/// If it has none.
#[must_use]
pub fn couriers(world: &World, user: NodeIndex) -> CourierReport {
    world.node(user).zones().next().and_then(|zone| zone.couriers).expect("the zone has couriers")
}

/// Everything that can be seen of a node from outside: what it dialled, closed and wrote, and when.
#[must_use]
pub fn seen(world: &World, node: NodeIndex) -> Vec<String> {
    let shows = |(_, happened): &(Instant, &Happened)| matches!(happened, Happened::Dialed(..) | Happened::Closed(..));
    let mut seen: Vec<String> = world.record.timed(node).filter(shows).map(|(at, it)| format!("{at:?} {it:?}")).collect();
    seen.extend(world.record.chunks(node).map(|(at, conn, size)| format!("{at:?} {conn:?} {size}")));
    seen
}

/// A user whose only peers are scripted.
#[must_use]
pub fn scripted(seed: u64, peers: usize) -> (World, NodeIndex) {
    let mut world = World::new(seed);
    (1..=peers).for_each(|peer| world.raw_listen(addr(ZoneKind::Tor, peer)));
    let names: Vec<usize> = (1..=peers).collect();
    let mut config = courier(0, &names, fast());
    // no standing links: every stream is a courier
    config.zones[0].max_outgoing = 1;
    config.courier.every = [Duration::from_secs(30), Duration::ZERO, Duration::ZERO];
    let user = world.add(config);
    (world, user)
}

/// How many messages with transactions a scripted peer has got.
#[must_use]
pub fn notifies(world: &World, peer: usize) -> usize {
    world.raw_heard(peer).iter().filter(|heard| heard.kind == Kind::Notify && heard.command == command::NEW_TRANSACTIONS).count()
}
