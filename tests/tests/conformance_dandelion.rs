//! Dandelion++, fluffing, forwarding and padding, statement by statement (spec: dandelion-noise-privacy).

use std::time::Duration;

use anonet_core::wire::{NewTransactions, TxForm, command};
use anonet_core::{ChainTip, Config, Event, LocalTx, TxId, Verdict, ZoneKind, forward_delay};
use anonet_tests::conformance::{Dialogue, Row, Sections, assert_covered, check, dialogue, differs, same};
use anonet_tests::world::cast::{addr, config, node_data, public_node_data, zone};
use anonet_tests::world::{RawIndex, World};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

const SECTIONS: [&str; 11] = [
    "dandelion §1",
    "dandelion §2",
    "dandelion §3",
    "dandelion §4",
    "dandelion §5",
    "dandelion §6",
    "dandelion §7",
    "dandelion §8",
    "dandelion §9",
    "dandelion §10",
    "dandelion §11",
];

const NOT_APPLICABLE: [(&str, &str, &str); 8] = [
    ("dandelion §1", "constants of noise channels", "conformance_noise has them"),
    ("dandelion §2", "the methods none and block", "they come from a pool; this node has none"),
    ("dandelion §6", "ticks, epochs and queues of noise channels", "conformance_noise has them"),
    ("dandelion §9", "timestamps in timed syncs", "the field is gone since v0.18"),
    ("dandelion §9", "bandwidth shaping, streams used twice", "limits of the transport, which README names; nothing on the wire"),
    ("dandelion §10", "fluffing copied uninitialised", "a fault of 0.18.0.0 that cannot be seen in one peer's behaviour"),
    ("dandelion §11", "what noise channels could do better", "conformance_noise has them"),
    ("dandelion §11", "mark-relayed before send", "a hand-over counts when the bytes are written: node_pair"),
];

/// A node, scripted public peers on both sides of it, and one that came over Tor.
struct Scene {
    world: World,
    dialled: Vec<RawIndex>,
    incoming: Vec<RawIndex>,
    onion: RawIndex,
}

const NODE: usize = 0;

fn scene_of(seed: u64, mut config: Config, dialled: usize, heights: &[u64]) -> Scene {
    let mut world = World::new(seed);
    config.zones[0].max_outgoing = u32::try_from(dialled).expect("few");
    config.zones[0].peers =
        (1..=dialled).map(|peer| (addr(ZoneKind::Public, peer * 200), anonet_core::PeerRole::Known)).collect();
    (1..=dialled).for_each(|peer| world.raw_listen(addr(ZoneKind::Public, peer * 200)));
    assert_eq!(world.add(config), NODE);
    assert!(world.run_until(Duration::from_secs(60), |world| world.raw_count() >= dialled));
    world.run_for(Duration::from_secs(1));
    for peer in 0..dialled {
        let height = heights.get(peer).copied().unwrap_or(1);
        world.raw_welcome(peer, public_node_data(100 + peer as u64), height);
    }
    let zones: Vec<_> = world.node(NODE).zones().map(|zone| zone.id).collect();
    let incoming = (0..2).map(|number| {
        let peer = world.raw_connect(NODE, zones[0]);
        world.raw_greet(peer, public_node_data(500 + number), 1);
        peer
    });
    let incoming = incoming.collect();
    let onion = world.raw_connect(NODE, zones.get(1).copied().unwrap_or(zones[0]));
    world.raw_greet(onion, if zones.len() > 1 { node_data() } else { public_node_data(900) }, 1);
    world.run_for(Duration::from_secs(1));
    Scene { world, dialled: (0..dialled).collect(), incoming, onion }
}

/// Three dialled peers and two that dialled; with a Tor zone that accepts and does not dial.
fn scene(seed: u64) -> Scene {
    let mut hidden = zone(ZoneKind::Tor, 0, &[]);
    hidden.max_outgoing = 0;
    scene_of(seed, config([zone(ZoneKind::Public, 0, &[]), hidden]), 3, &[])
}

/// The same without any anonymity zone, whose peers claim these heights.
fn public_scene(seed: u64, heights: &[u64]) -> Scene {
    scene_of(seed, config([zone(ZoneKind::Public, 0, &[])]), heights.len(), heights)
}

impl Scene {
    /// Accepts what came in, and lets seconds pass.
    fn run(&mut self, seconds: u64) {
        let tickets = self.world.events(NODE).filter_map(|event| match event {
            Event::Tx { ticket, .. } => Some(*ticket),
            _ => None,
        });
        let tickets: Vec<_> = tickets.collect();
        for ticket in tickets {
            // those of earlier calls are answered
            let _ = self.world.call(NODE, |node, now| node.resolve_tx(now, ticket, Verdict::Accept));
        }
        for _ in 0..seconds * 2 {
            self.world.run_for(Duration::from_millis(500));
            for peer in self.dialled.iter().chain(&self.incoming).chain([&self.onion]) {
                self.world.raw_answer_syncs(*peer, 1);
            }
        }
    }

    fn submit(&mut self, number: u8) {
        let tx = LocalTx::new(Bytes::from(vec![number; 300])).expect("a transaction");
        self.world.call(NODE, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx)).expect("it is kept");
    }

    fn send(&mut self, from: RawIndex, form: TxForm, number: u8) {
        self.world.raw_txs(from, form, &[&[number; 300]]);
    }

    /// How often the peer was sent the transaction as a stem and as a fluff.
    fn got(&self, peer: RawIndex, number: u8) -> (usize, usize) {
        let heard = self.world.raw_heard(peer);
        let messages = heard.iter().filter(|heard| heard.command == command::NEW_TRANSACTIONS);
        let mut counts = (0, 0);
        for message in messages {
            let message = NewTransactions::decode(&message.body).expect("a notify");
            if message.txs().any(|tx| tx == [number; 300]) {
                *(if message.fluff { &mut counts.1 } else { &mut counts.0 }) += 1;
            }
        }
        counts
    }

    /// Stems and fluffs to dialled peers, to those that dialled, and over Tor.
    fn told(&self, number: u8) -> String {
        let sum = |peers: &[RawIndex]| {
            let counts = peers.iter().map(|&peer| self.got(peer, number));
            counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
        };
        let [out, inc, tor] = [sum(&self.dialled), sum(&self.incoming), sum(&[self.onion])];
        format!("out {}+{}, in {}+{}, onion {}+{}", out.0, out.1, inc.0, inc.1, tor.0, tor.1)
    }
}

/// The first seed whose epoch stems a stranger's transaction, or fluffs it.
fn epoch(fluffs: bool) -> Scene {
    let fits = |seed: &u64| {
        let mut scene = scene(*seed);
        let from = scene.incoming[0];
        scene.send(from, TxForm::Stem, 1);
        scene.run(1);
        (scene.dialled.iter().all(|&peer| scene.got(peer, 1).0 == 0)) == fluffs
    };
    scene((0..200).find(fits).expect("one in five epochs fluffs"))
}

/// §2 and §7: which way a transaction takes.
fn way_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "dandelion §7",
            "a public stem is stemmed on at once",
            || {
                let mut scene = epoch(false);
                let from = scene.incoming[0];
                scene.send(from, TxForm::Stem, 2);
                scene.run(1);
                scene.told(2)
            },
            "out 1+0, in 0+0, onion 0+0",
        ),
        dialogue(
            "dandelion §2",
            "in a fluff epoch it is fluffed to all but its source",
            || {
                let mut scene = epoch(true);
                let from = scene.incoming[0];
                scene.send(from, TxForm::Stem, 2);
                scene.run(15);
                scene.told(2)
            },
            "out 0+3, in 0+1, onion 0+0",
        ),
        dialogue(
            "dandelion §7",
            "a public fluff is fluffed to all but its source",
            || {
                let mut scene = epoch(false);
                let from = scene.dialled[0];
                scene.send(from, TxForm::Fluff, 2);
                scene.run(15);
                scene.told(2)
            },
            "out 0+2, in 0+2, onion 0+0",
        ),
        dialogue(
            "dandelion §7",
            "a fluff from Tor is fluffed on public at once",
            || {
                let mut scene = epoch(false);
                let from = scene.onion;
                scene.send(from, TxForm::Fluff, 2);
                scene.run(15);
                scene.told(2)
            },
            "out 0+3, in 0+2, onion 0+0",
        ),
        dialogue(
            "dandelion §7",
            "a stem from Tor starts a public stem, once its wait is over",
            || {
                let mut scene = epoch(false);
                let from = scene.onion;
                scene.send(from, TxForm::Stem, 2);
                // the embedder waits before it accepts: see §1
                scene.run(1);
                scene.told(2)
            },
            "out 1+0, in 0+0, onion 0+0",
        ),
        dialogue(
            "dandelion §7",
            "a stem that comes round is fluffed",
            || {
                let mut scene = epoch(false);
                let [one, other] = [scene.incoming[0], scene.incoming[1]];
                scene.send(one, TxForm::Stem, 2);
                scene.run(1);
                scene.send(other, TxForm::Stem, 2);
                scene.run(15);
                scene.told(2)
            },
            "out 1+3, in 0+1, onion 0+0",
        ),
    ]
}

/// §4 to §6 and §10: own transactions, and who shares a stem.
fn own_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "dandelion §10",
            "an own transaction is stemmed also in a fluff epoch, as since v0.18.2.0",
            || {
                let stems = (0..40).filter(|&seed| {
                    let mut scene = public_scene(seed, &[1, 1, 1]);
                    scene.submit(3);
                    scene.run(1);
                    scene.told(3) == "out 1+0, in 0+0, onion 0+0"
                });
                stems.count().to_string()
            },
            "40",
        ),
        dialogue(
            "dandelion §4",
            "all own transactions of an epoch share one stem",
            || {
                let mut scene = public_scene(3, &[1, 1, 1]);
                (3..7).for_each(|number| scene.submit(number));
                scene.run(1);
                let hops = scene.dialled.iter().filter(|&&peer| (3..7).any(|number| scene.got(peer, number).0 > 0)).count();
                hops.to_string()
            },
            "1",
        ),
        dialogue(
            "dandelion §4",
            "a source keeps its stem",
            || {
                let mut scene = epoch(false);
                let from = scene.incoming[0];
                (2..6).for_each(|number| scene.send(from, TxForm::Stem, number));
                scene.run(1);
                let hops = scene.dialled.iter().filter(|&&peer| (2..6).any(|number| scene.got(peer, number).0 > 0)).count();
                hops.to_string()
            },
            "1",
        ),
        dialogue(
            "dandelion §5",
            "in an anonymity zone own transactions go to dialled peers, with the fluff flag",
            || {
                let mut peer = anonet_tests::conformance::Peer::outgoing(ZoneKind::Tor);
                let tx = LocalTx::new(Bytes::from(vec![9; 300])).expect("a transaction");
                peer.world.call(peer.node, |node, now| node.submit_tx(now, TxId::new([9; 32]), tx)).expect("it is kept");
                peer.run(20);
                peer.told()
            },
            "notify 2002 322",
        ),
        dialogue(
            "dandelion §6",
            "a peer that dialled us is never sent a transaction over Tor",
            || {
                let mut peer = anonet_tests::conformance::Peer::incoming(ZoneKind::Tor);
                let tx = LocalTx::new(Bytes::from(vec![9; 300])).expect("a transaction");
                peer.world.call(peer.node, |node, now| node.submit_tx(now, TxId::new([9; 32]), tx)).expect("it is kept");
                peer.run(40);
                peer.told()
            },
            "",
        ),
    ]
}

/// §3: heights of the only dialled peer, with a tip of 100 blocks: whether it is stemmed to.
fn height_rows() -> Vec<Row<u64, bool>> {
    vec![
        same("dandelion §3", "a peer at our height", 100, true),
        same("dandelion §3", "two blocks behind", 98, true),
        same("dandelion §3", "three blocks behind", 97, false),
        same("dandelion §3", "far ahead", 1_000, true),
        same("dandelion §10", "the window of two blocks is that of master", 99, true),
    ]
}

fn is_stemmed_to(height: &u64) -> bool {
    let mut scene = public_scene(4, &[*height]);
    scene.world.call(NODE, |node, now| node.set_tip(now, ChainTip::new(100, [1; 32], 1, 16)));
    scene.submit(3);
    scene.run(1);
    scene.got(scene.dialled[0], 3).0 == 1
}

/// Whether the mean of draws lies between two bounds, in seconds.
fn mean(draws: &[f64], bounds: (f64, f64)) -> String {
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    if (bounds.0..bounds.1).contains(&mean) { "within".to_owned() } else { format!("{mean}") }
}

/// Delays until a peer is flushed, over many seeds.
fn flushes(of: fn(&Scene) -> RawIndex) -> Vec<f64> {
    let delay = |seed| {
        let mut scene = scene(seed);
        let from = scene.incoming[0];
        let start = scene.world.now();
        scene.send(from, TxForm::Fluff, 1);
        scene.run(20);
        let peer = of(&scene);
        let heard = scene.world.raw_heard(peer);
        let at = heard.iter().find(|heard| heard.command == command::NEW_TRANSACTIONS).expect("it is flushed").at;
        at.saturating_since(start).as_secs_f64()
    };
    (0..120).map(delay).collect()
}

/// §1: the waits of stems.
fn wait_rows() -> Vec<Dialogue> {
    vec![
        differs(
            "dandelion §1",
            "a stem from an anonymity zone waits Poisson(22) whole seconds",
            "a uniform part of a second is added: whole seconds are coarse (§11)",
            || {
                let mut rng = ChaCha20Rng::from_seed([3; 32]);
                let draws: Vec<f64> = (0..20_000).map(|_| forward_delay(&mut rng).as_secs_f64()).collect();
                let variance = draws.iter().map(|draw| (draw - 22.5).powi(2)).sum::<f64>() / draws.len() as f64;
                format!("{}, deviation {:.1}", mean(&draws, (22.4, 22.6)), variance.sqrt())
            },
            "within, deviation 4.7".to_owned(),
        ),
        dialogue(
            "dandelion §1",
            "a stem that does not come back is fluffed after 39 s in the mean",
            || {
                let wait = |_| {
                    let mut scene = epoch(false);
                    let from = scene.incoming[0];
                    let numbers: Vec<u8> = (10..70).collect();
                    numbers.iter().for_each(|&number| scene.send(from, TxForm::Stem, number));
                    let start = scene.world.now();
                    scene.run(120);
                    let peer = scene.dialled[0];
                    let heard = scene.world.raw_heard(peer);
                    let fluffs = heard.iter().filter(|heard| heard.command == command::NEW_TRANSACTIONS).filter_map(|heard| {
                        let message = NewTransactions::decode(&heard.body).expect("a notify");
                        message.fluff.then(|| (heard.at.saturating_since(start).as_secs_f64(), message.tx_count()))
                    });
                    fluffs.flat_map(|(delay, count)| vec![delay; count]).collect::<Vec<f64>>()
                };
                let draws: Vec<f64> = (0..1).flat_map(wait).collect();
                assert!(draws.len() >= 60, "{}", draws.len());
                // the embargo, a flush of 2.5 s, of which later ones in it find a part over, and latency
                mean(&draws, (38.0, 44.0))
            },
            "within",
        ),
    ]
}

/// §5 and §9: the flushes of fluff.
fn flush_rows() -> Vec<Dialogue> {
    vec![
        // a latency of 0.225 s on average is part of what is seen, and scripted time has steps of 0.5 s
        dialogue(
            "dandelion §5",
            "a dialled peer is flushed after 2.5 s in the mean",
            || mean(&flushes(|scene| scene.dialled[1]), (2.4, 3.1)),
            "within",
        ),
        dialogue(
            "dandelion §5",
            "a peer that dialled after 5 s",
            || mean(&flushes(|scene| scene.incoming[1]), (4.7, 5.8)),
            "within",
        ),
        differs(
            "dandelion §9",
            "the length of a delay is that of one timer for a zone",
            "each link has its own, so that no two links show one beat",
            || {
                let mut scene = scene(9);
                let from = scene.incoming[0];
                scene.send(from, TxForm::Fluff, 1);
                scene.run(20);
                let at = |peer: &RawIndex| {
                    scene.world.raw_heard(*peer).iter().find(|heard| heard.command == 2002).map(|heard| heard.at)
                };
                let times: std::collections::BTreeSet<_> = scene.dialled.iter().map(at).collect();
                times.len().to_string()
            },
            "3".to_owned(),
        ),
    ]
}

/// §8: sizes of one transaction and forms, and the length of the padded body.
fn padding_rows() -> Vec<Row<(usize, TxForm), usize>> {
    use TxForm::{Fluff, Stem};
    let why = "monerod misses the boundary for some sizes; aligned for all (§11)";
    vec![
        same("dandelion §8", "1 byte, fluff", (1, Fluff), 1_024),
        same("dandelion §8", "1 byte, stem", (1, Stem), 1_024),
        same("dandelion §8", "900 bytes, fluff", (900, Fluff), 1_024),
        same("dandelion §8", "900 bytes, stem", (900, Stem), 1_024),
        same("dandelion §8", "983 bytes, fluff", (983, Fluff), 1_024),
        differs("dandelion §11", "983 bytes, stem: 1025", why, (983, Stem), 2_048),
        differs("dandelion §8", "1007 bytes, fluff: 1029", why, (1_007, Fluff), 2_048),
        differs("dandelion §8", "1007 bytes, stem: 1049", why, (1_007, Stem), 2_048),
        same("dandelion §8", "1500 bytes, fluff", (1_500, Fluff), 2_048),
        same("dandelion §8", "1500 bytes, stem", (1_500, Stem), 2_048),
        same("dandelion §8", "2166 bytes, fluff", (2_166, Fluff), 3_072),
        same("dandelion §8", "2166 bytes, stem", (2_166, Stem), 3_072),
    ]
}

fn padded(&(size, form): &(usize, TxForm)) -> usize {
    let mut config = config([zone(ZoneKind::Public, 0, &[])]);
    config.pad_transactions = true;
    // an own transaction is a stem; a stranger's fluff stays one
    let mut scene = scene_of(1, config, 1, &[]);
    let blob = vec![7; size];
    match form {
        TxForm::Stem => {
            let tx = LocalTx::new(Bytes::from(blob)).expect("a transaction");
            scene.world.call(NODE, |node, now| node.submit_tx(now, TxId::new([7; 32]), tx)).expect("it is kept");
            scene.run(1);
        }
        TxForm::Fluff => {
            let from = scene.incoming[0];
            scene.world.raw_txs(from, TxForm::Fluff, &[&blob]);
            scene.run(15);
        }
    }
    let heard = scene.world.raw_heard(scene.dialled[0]);
    let body = &heard.iter().find(|heard| heard.command == command::NEW_TRANSACTIONS).expect("it is sent").body;
    let message = NewTransactions::decode(body).expect("a notify");
    assert!(message.padding.iter().all(|&byte| byte == b' '), "blanks");
    assert_eq!(message.fluff, form == TxForm::Fluff);
    body.len()
}

#[test]
fn ways() {
    check(&way_rows(), |steps| steps());
    check(&own_rows(), |steps| steps());
}

#[test]
fn heights() {
    check(&height_rows(), is_stemmed_to);
}

#[test]
fn delays() {
    check(&wait_rows(), |steps| steps());
    check(&flush_rows(), |steps| steps());
}

#[test]
fn padding() {
    check(&padding_rows(), padded);
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 6] = [&way_rows(), &own_rows(), &height_rows(), &wait_rows(), &flush_rows(), &padding_rows()];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
