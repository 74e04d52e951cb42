//! Noise channels, statement by statement (spec: dandelion-noise-privacy).

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NewTransactions, command};
use anonet_core::{ChainTip, LocalTx, PeerRole, RelayPolicy, TxId, ZoneKind};
use anonet_tests::conformance::{Dialogue, Sections, assert_covered, check, dialogue};
use anonet_tests::world::cast::{addr, config, node_data, zone};
use anonet_tests::world::{RawIndex, World};

/// Those sections that speak of noise channels; conformance_dandelion has all of them.
const SECTIONS: [&str; 5] = ["dandelion §1", "dandelion §2", "dandelion §3", "dandelion §6", "dandelion §11"];

const NOT_APPLICABLE: [(&str, &str, &str); 1] =
    [("dandelion §11", "the queue is unbounded", "the stash bounds it, and no entry waits on a channel twice: node_noise")];

const NODE: usize = 0;

/// A node with noise channels that is linked to scripted peers who claim these heights, and a tip of this height.
struct Scene {
    world: World,
    peers: usize,
}

fn scene(seed: u64, heights: &[u64], tip: u64) -> Scene {
    let (mut world, peers) = (World::new(seed), heights.len());
    let mut noisy = zone(ZoneKind::Tor, 0, &[]);
    noisy.relay = RelayPolicy::Noise;
    noisy.max_outgoing = u32::try_from(peers).expect("few");
    noisy.peers = (1..=peers).map(|peer| (addr(ZoneKind::Tor, peer), PeerRole::Known)).collect();
    (1..=peers).for_each(|peer| world.raw_listen(addr(ZoneKind::Tor, peer)));
    let mut config = config([noisy]);
    config.pad_transactions = true;
    assert_eq!(world.add(config), NODE);
    assert!(world.run_until(Duration::from_secs(60), |world| world.raw_count() >= peers));
    if tip > 1 {
        world.call(NODE, |node, now| node.set_tip(now, ChainTip::new(tip, [7; 32], 9, 16)));
    }
    world.run_for(Duration::from_secs(1));
    for (peer, &height) in heights.iter().enumerate() {
        world.raw_welcome(peer, node_data(), height);
    }
    Scene { world, peers }
}

impl Scene {
    fn run(&mut self, seconds: u32, height: u64) {
        for _ in 0..seconds {
            self.world.run_for(Duration::from_secs(1));
            (0..self.peers).for_each(|peer| {
                self.world.raw_answer_syncs(peer, height);
            });
        }
    }

    fn submit(&mut self, size: usize) -> String {
        let tx = LocalTx::new(vec![7; size].into()).expect("a transaction");
        match self.world.call(NODE, |node, now| node.submit_tx(now, TxId::new([7; 32]), tx)) {
            Ok(_) => "taken".into(),
            Err(error) => error.to_string(),
        }
    }

    /// The units of noise that a peer was sent, in seconds since the first.
    fn noise(&self, peer: RawIndex) -> Vec<f64> {
        let heard = self.world.raw_heard(peer);
        let units: Vec<_> = heard.iter().filter(|heard| heard.kind == Kind::Dummy).collect();
        units.iter().map(|unit| unit.at.saturating_since(units[0].at).as_secs_f64()).collect()
    }

    fn noisy(&self) -> usize {
        (0..self.peers).filter(|&peer| !self.noise(peer).is_empty()).count()
    }

    /// Bytes of the body, of the transaction and of the filler in each message with the transaction, over all peers.
    fn messages(&self) -> Vec<String> {
        let heard = (0..self.peers).flat_map(|peer| self.world.raw_heard(peer));
        let notifies = heard.filter(|heard| heard.command == command::NEW_TRANSACTIONS);
        let told = notifies.map(|heard| {
            let message = NewTransactions::decode(&heard.body).expect("a notify");
            let form = if message.fluff { "fluff" } else { "stem" };
            let sizes: Vec<usize> = message.txs().map(<[u8]>::len).collect();
            format!("{form} of {sizes:?} in {} with {} blanks", heard.body.len(), message.padding.len())
        });
        told.collect()
    }
}

fn rows() -> Vec<Dialogue> {
    let mut rows = vec![
        dialogue("dandelion §1", "two channels", || scene_with(1, 4, 100).noisy().to_string(), "2"),
        dialogue("dandelion §1", "3072 bytes, header included, each 10 s + U[0, 5 s]", pace, "every 10 to 15 s, 3072 bytes"),
        dialogue("dandelion §1", "an epoch is 5 min + U[0, 30 s]", || (scene_with(2, 4, 3_000).noisy() > 2).to_string(), "true"),
        dialogue(
            "dandelion §2",
            "stem form over noise, never padded",
            || sent(400),
            "stem of [400] in 3039 with 0 blanks, 2 times",
        ),
        dialogue("dandelion §3", "peers behind this node get none", || heights(&[50, 49, 100, 1]), "noise at [2]"),
        dialogue("dandelion §3", "two blocks behind is not behind", || heights(&[98, 97, 1, 1]), "noise at [0]"),
        dialogue(
            "dandelion §6",
            "one unit: an ordinary notify of cb 3039",
            || sent(2_166),
            "stem of [2166] in 3039 with 0 blanks, 2 times",
        ),
        dialogue(
            "dandelion §6",
            "more: fragments, appended to both channels",
            || sent(9_000),
            "stem of [9000] in 9042 with 0 blanks, 2 times",
        ),
        dialogue("dandelion §6", "without a connection nothing is sent", alone, "taken, held: no peer"),
    ];
    let mut ours =
        dialogue("dandelion §11", "more than 20 units are dropped in silence", || scene(6, &[1, 1], 1).submit(60_704), "");
    ours.differs = Some("it is refused before it is accepted");
    ours.output = "the transaction has 60704 bytes, more than the 60703 that the relay policy carries: start with \
                   --relay-policy fluff to send it"
        .into();
    rows.push(ours);
    let mut ours = dialogue("dandelion §11", "both channels may point at one connection", one_link_left, "one channel's pace");
    ours.differs = Some("the other channel is silent until it has a link of its own");
    rows.push(ours);
    rows
}

fn scene_with(seed: u64, peers: usize, seconds: u32) -> Scene {
    let mut scene = scene(seed, &vec![1; peers], 1);
    scene.run(seconds, 1);
    scene
}

fn pace() -> String {
    let scene = scene_with(3, 2, 280);
    for peer in 0..2 {
        let noise = scene.noise(peer);
        // what the network adds to each
        let steady = noise.windows(2).all(|pair| (9.6..=15.4).contains(&(pair[1] - pair[0])));
        if !steady || noise.len() < 17 {
            return format!("{noise:?}");
        }
    }
    let sizes: BTreeSet<usize> = scene.world.record.chunks(NODE).map(|(_, _, size)| size).filter(|&size| size > 1_000).collect();
    format!("every 10 to 15 s, {} bytes", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" or "))
}

/// What carries a transaction of this size.
fn sent(size: usize) -> String {
    let mut scene = scene_with(4, 2, 1);
    assert_eq!(scene.submit(size), "taken");
    scene.run(100, 1);
    let mut messages = scene.messages();
    let count = messages.len();
    messages.dedup();
    format!("{}, {count} times", messages.join(" and "))
}

fn heights(heights: &[u64]) -> String {
    let mut scene = scene(5, heights, 100);
    // they stay at these heights, as they are asked nothing that they answer
    scene.world.run_for(Duration::from_secs(40));
    let noisy: Vec<usize> = (0..scene.peers).filter(|&peer| !scene.noise(peer).is_empty()).collect();
    format!("noise at {noisy:?}")
}

fn alone() -> String {
    let mut scene = scene(7, &[], 1);
    let said = scene.submit(400);
    scene.run(60, 1);
    let report = scene.world.node(NODE).stash().next().expect("it is kept");
    format!("{said}, {}", if matches!(report.state, anonet_core::StashState::Held(_)) { "held: no peer" } else { "sent" })
}

fn one_link_left() -> String {
    let scene = scene_with(8, 1, 700);
    let noise = scene.noise(0);
    let steady = noise.windows(2).all(|pair| (9.6..=15.4).contains(&(pair[1] - pair[0])));
    if steady && noise.len() > 40 { "one channel's pace".into() } else { format!("{noise:?}") }
}

#[test]
fn channels() {
    check(&rows(), |steps| steps());
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 1] = [&rows()];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
