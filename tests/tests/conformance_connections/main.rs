//! Connections and peer lists, statement by statement (spec: connections-and-peerlists).

mod bans;

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{HandshakeResponse, MAX_PEERS, PeerEntry, TimedSyncResponse, command};
use anonet_core::{Addr, Config, Event, Limits, Network, PeerRole, Refused, ZoneConfig, ZoneKind};
use anonet_tests::conformance::{Dialogue, Peer, Row, Sections, assert_covered, check, dialogue, differs, same};
use anonet_tests::world::cast::{addr, config, frame, handshake_response, node_data, public_node_data, zone};
use anonet_tests::world::{Happened, World};

const SECTIONS: [&str; 12] = [
    "connections §1",
    "connections §2",
    "connections §3",
    "connections §4",
    "connections §5",
    "connections §6",
    "connections §7",
    "connections §8",
    "connections §9",
    "connections §10",
    "connections §11",
    "connections §12",
];

const NOT_APPLICABLE: [(&str, &str, &str); 8] = [
    ("connections §1", "idle sync peers, sync-search drops", "this node does not sync"),
    ("connections §1", "DNS blocklist and DNS seeds", "nothing is ever resolved"),
    ("connections §1", "timeouts of handshakes and invokes", "levin §6 and socks §4"),
    ("connections §2", "last_seen and the order by it", "not kept from strangers; picks and eviction are uniform (§12)"),
    ("connections §4", "pruning stripes", "this node asks nobody for blocks"),
    ("connections §6", "the two quirks of monerod's housekeeping", "faults that no peer relies on"),
    ("connections §8", "scores of bad blocks and of falling heights", "this node takes no blocks: messages §5"),
    ("connections §10", "p2pstate.bin", "monerod's own file; this node's documents have tests of their own"),
];

const NODE: usize = 0;

fn told_of(kind: ZoneKind, addrs: &[Addr]) -> Peer {
    let mut peer = Peer::dialled(kind);
    peer.world.faults.silent.extend(addrs.iter().cloned());
    let entry = |addr: &Addr| PeerEntry {
        addr: addr.clone(),
        id: 1,
        last_seen: 0,
        pruning_seed: 0,
        rpc_credits_per_hash: 0,
        rpc_port: 0,
    };
    let entries: Vec<PeerEntry> = addrs.iter().map(entry).collect();
    let node = if kind == ZoneKind::Public { public_node_data(7) } else { node_data() };
    let sync = Network::Regtest.genesis_sync();
    peer.send(&frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| {
        HandshakeResponse::encode(out, &node, &sync, entries.iter());
    }));
    peer
}

fn lists(peer: &Peer) -> String {
    let zone = peer.world.node(peer.node).zones().next().expect("a zone");
    format!("white {}, gray {}", zone.white, zone.gray)
}

/// The addresses that node 0 dialled, in order.
fn dialled(world: &World) -> Vec<Addr> {
    let dials = world.record.of(NODE).filter_map(|happened| match happened {
        Happened::Dialed(_, addr, _) => Some(addr.clone()),
        _ => None,
    });
    dials.collect()
}

fn outgoing(world: &World) -> u32 {
    world.node(NODE).zones().map(|zone| zone.outgoing).sum()
}

/// Numbers of §1.
fn number_rows() -> Vec<Row<usize, usize>> {
    let limits = Limits::new();
    let row = |what, ours: usize, monerod: usize| same("connections §1", what, ours, monerod);
    vec![
        row("white list", limits.white, 1_000),
        row("gray list", limits.gray, 5_000),
        row("entries in one message", MAX_PEERS, 250),
        row("outgoing links of a zone", ZoneConfig::new(ZoneKind::Tor).max_outgoing as usize, 12),
    ]
}

/// §2 and §3: which addresses reach the lists.
fn list_rows() -> Vec<Dialogue> {
    vec![
        dialogue("connections §2", "a handshake makes white", || lists(&Peer::outgoing(ZoneKind::Tor)), "white 1, gray 0"),
        dialogue(
            "connections §2",
            "a received address becomes gray",
            || lists(&told_of(ZoneKind::Tor, &[addr(ZoneKind::Tor, 2), addr(ZoneKind::Tor, 3)])),
            "white 1, gray 2",
        ),
        dialogue(
            "connections §2",
            "local addresses enter no list",
            || {
                let local = ["10.0.0.1:1", "192.168.0.1:1", "127.0.0.1:1"].map(|text| Addr::parse(text, 0).expect("an address"));
                lists(&told_of(ZoneKind::Public, &local))
            },
            "white 1, gray 0",
        ),
        dialogue(
            "connections §2",
            "one onion is one entry, whatever its port",
            || {
                let onion = |port: u16| {
                    let text = addr(ZoneKind::Tor, 2).reveal().to_string();
                    let host = text.split(':').next().expect("a host").to_owned();
                    Addr::parse(&format!("{host}:{port}"), 0).expect("an address")
                };
                lists(&told_of(ZoneKind::Tor, &[onion(1), onion(2), onion(3)]))
            },
            "white 1, gray 1",
        ),
        dialogue(
            "connections §3",
            "a peer that dialled enters no list",
            || lists(&Peer::incoming(ZoneKind::I2p)),
            "white 0, gray 0",
        ),
        dialogue(
            "connections §3",
            "addresses that an inbound peer tells in its answers are heard",
            || {
                let mut peer = Peer::incoming(ZoneKind::Tor);
                peer.run(76);
                let told = [PeerEntry { last_seen: 0, ..entry_of(addr(ZoneKind::Tor, 4)) }];
                peer.send(&frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
                    TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), told.iter());
                }));
                let zone = peer.world.node(peer.node).zones().next().expect("a zone");
                format!("{}", zone.white + zone.gray)
            },
            "1",
        ),
        differs(
            "connections §11",
            "a connection may teach any number of addresses",
            "one teller fills at most a sixteenth of the list: 312 of 5,000",
            || {
                let many = |part: usize| {
                    (0..250).map(move |at| entry_of(Addr::parse(&format!("45.{part}.{at}.1:18080"), 0).expect("an address")))
                };
                let mut peer = Peer::outgoing(ZoneKind::Public);
                for part in 10..13 {
                    let entries: Vec<PeerEntry> = many(part).collect();
                    peer.world.faults.silent.extend(entries.iter().map(|entry| entry.addr.clone()));
                    peer.run(76);
                    peer.send(&frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| {
                        TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), entries.iter());
                    }));
                }
                let gray = peer.world.node(peer.node).zones().next().expect("a zone").gray;
                gray.to_string()
            },
            "312".to_owned(),
        ),
    ]
}

fn entry_of(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 1, last_seen: 0, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
}

fn with_role(role: PeerRole, index: usize, known: &[usize]) -> Config {
    let mut config = config([zone(ZoneKind::Tor, 0, known)]);
    config.zones[0].peers.push((addr(ZoneKind::Tor, index), role));
    config
}

/// §4: the connection maker.
fn maker_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "connections §4",
            "as many outgoing links as the maximum, and no more",
            || {
                let mut own = config([zone(ZoneKind::Public, 0, &(1..40).map(|peer| peer * 200).collect::<Vec<_>>())]);
                own.zones[0].max_outgoing = 12;
                let mut world = World::new(61);
                (1..40).for_each(|peer| world.raw_listen(addr(ZoneKind::Public, peer * 200)));
                world.add(own);
                let mut answered = 0;
                for _ in 0..60 {
                    for peer in answered..world.raw_count() {
                        world.raw_send(peer, &handshake_response());
                    }
                    answered = world.raw_count();
                    world.run_for(Duration::from_millis(700));
                }
                outgoing(&world).to_string()
            },
            "12",
        ),
        dialogue(
            "connections §4",
            "an exclusive peer is the only one dialled",
            || {
                let mut world = World::new(62);
                world.add(with_role(PeerRole::Exclusive, 3, &[1, 2]));
                world.run_for(Duration::from_secs(300));
                dialled(&world).iter().all(|dialled| *dialled == addr(ZoneKind::Tor, 3)).to_string()
            },
            "true",
        ),
        dialogue(
            "connections §4",
            "a priority peer is dialled first",
            || {
                let mut world = World::new(63);
                world.add(with_role(PeerRole::Priority, 3, &[1, 2]));
                (dialled(&world)[0] == addr(ZoneKind::Tor, 3)).to_string()
            },
            "true",
        ),
        dialogue(
            "connections §4",
            "our own address is never dialled",
            || {
                let mut world = World::new(64);
                world.add(with_role(PeerRole::Known, 0, &[1]));
                world.run_for(Duration::from_secs(300));
                dialled(&world).contains(&addr(ZoneKind::Tor, 0)).to_string()
            },
            "false",
        ),
    ]
}

/// §4 and §12: what failed, and what is linked.
fn failure_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "connections §4",
            "no second link to a peer that has one",
            || {
                let mut world = World::new(65);
                world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
                world.add(config([zone(ZoneKind::Tor, 1, &[])]));
                world.run_for(Duration::from_secs(900));
                format!("{} of {}", outgoing(&world), dialled(&world).len())
            },
            "1 of 1",
        ),
        differs(
            "connections §12",
            "an attempt blocks every other for up to 50 s",
            "dials go on side by side: a dead address delays nobody",
            || {
                let mut world = World::new(66);
                world.faults.silent.insert(addr(ZoneKind::Tor, 1));
                world.add(config([zone(ZoneKind::Tor, 0, &[1, 2])]));
                world.add(config([zone(ZoneKind::Tor, 2, &[])]));
                world.run_until(Duration::from_secs(3), |world| outgoing(world) == 1).to_string()
            },
            "true".to_owned(),
        ),
        differs(
            "connections §1",
            "a failed address is left alone for an hour",
            "it rests longer with each failure, the user's own the least",
            || {
                let mut world = World::new(67);
                world.faults.refusing.insert(addr(ZoneKind::Tor, 1));
                world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
                world.run_for(Duration::from_secs(600));
                let early = dialled(&world).len();
                world.run_for(Duration::from_secs(3_000));
                let late = dialled(&world).len();
                format!("{}", early > 1 && late > early)
            },
            "true".to_owned(),
        ),
    ]
}

/// §3, §5 and §6: seeds and housekeeping.
fn upkeep_rows() -> Vec<Dialogue> {
    fn seeded(known: &[usize]) -> World {
        let mut own = config([zone(ZoneKind::Tor, 0, known)]);
        own.zones[0].seeds = vec![addr(ZoneKind::Tor, 1)];
        let mut world = World::new(68);
        world.add(own);
        // the seed knows number 2
        world.add(config([zone(ZoneKind::Tor, 1, &[2])]));
        world.add(config([zone(ZoneKind::Tor, 2, &[])]));
        world
    }
    vec![
        dialogue(
            "connections §5",
            "with empty lists a seed is asked, and who it tells of is linked",
            || {
                let mut world = seeded(&[]);
                world.run_until(Duration::from_secs(600), |world| outgoing(world) >= 1).to_string()
            },
            "true",
        ),
        dialogue(
            "connections §3",
            "a seed does not enter the lists by being asked",
            || {
                let mut world = seeded(&[]);
                world.run_for(Duration::from_secs(2));
                let zone = world.node(NODE).zones().next().expect("a zone");
                format!("{}", world.events(NODE).any(|event| matches!(event, Event::Up { .. })) && zone.white > 1)
            },
            "false",
        ),
        dialogue(
            "connections §5",
            "a node that has a peer asks no seed",
            || {
                let mut world = seeded(&[2]);
                world.run_for(Duration::from_secs(300));
                dialled(&world).iter().filter(|dialled| **dialled == addr(ZoneKind::Tor, 1)).count().to_string()
            },
            "0",
        ),
        differs(
            "connections §6",
            "while a zone has fewer links than its maximum its gray list is not verified",
            "it is verified in the background",
            || {
                // number 2 is heard of, answers, and is not needed
                let mut own = config([zone(ZoneKind::Tor, 0, &[1])]);
                own.zones[0].max_outgoing = 1;
                let mut world = World::new(69);
                world.add(own);
                world.add(config([zone(ZoneKind::Tor, 1, &[2])]));
                world.add(config([zone(ZoneKind::Tor, 2, &[])]));
                let verified = |world: &World| world.node(NODE).zones().any(|zone| zone.white == 2 && zone.outgoing == 1);
                world.run_until(Duration::from_secs(3_600), verified).to_string()
            },
            "true".to_owned(),
        ),
    ]
}

/// §7 to §9 and §12: inbound links, timed syncs.
fn link_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "connections §7",
            "beyond the maximum of a zone an incoming link is refused",
            || {
                let mut own = zone(ZoneKind::Tor, 0, &[]);
                own.max_incoming = 4;
                let mut peer = Peer::dialling_to(config([own]), 0);
                let id = peer.world.node(NODE).zones().next().expect("a zone").id;
                let greeting = anonet_tests::world::cast::handshake_request();
                peer.send(&greeting);
                for _ in 1..4 {
                    let index = peer.world.raw_connect(NODE, id);
                    peer.world.raw_send(index, &greeting);
                }
                let refused = peer.world.call(NODE, |node, now| node.accept(now, id, None));
                format!("{}", refused == Err(Refused::Full))
            },
            "true",
        ),
        dialogue(
            "connections §7",
            "hidden peers are not told apart by host",
            || {
                let mut peer = Peer::incoming(ZoneKind::Tor);
                let id = peer.world.node(NODE).zones().next().expect("a zone").id;
                let more = (0..3).map(|_| peer.world.call(NODE, |node, now| node.accept(now, id, None)).is_ok());
                more.filter(|accepted| *accepted).count().to_string()
            },
            "3",
        ),
        dialogue(
            "connections §8",
            "the network id is checked, and costs the link",
            || {
                let mut node = node_data();
                node.network_id = Network::Testnet.id();
                let mut peer = Peer::dialled(ZoneKind::Tor);
                peer.told();
                peer.send(&frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| {
                    HandshakeResponse::encode(out, &node, &Network::Regtest.genesis_sync(), [].iter());
                }));
                peer.told()
            },
            "close WrongNetwork",
        ),
        differs(
            "connections §9",
            "all timed syncs are sent in one burst",
            "each link has its own beat (§12)",
            || {
                let mut world = World::new(70);
                world.add(config([zone(ZoneKind::Tor, 0, &[1, 2, 3])]));
                (1..4).for_each(|index| {
                    world.add(config([zone(ZoneKind::Tor, index, &[])]));
                });
                assert!(world.run_until(Duration::from_secs(60), |world| outgoing(world) == 3));
                let length = |world: &World| world.record.written(NODE, ZoneKind::Tor).map(<[u8]>::len).collect::<Vec<_>>();
                let (mut before, mut at_once) = (length(&world), BTreeSet::new());
                for _ in 0..6_000 {
                    world.run_for(Duration::from_millis(100));
                    let after = length(&world);
                    at_once.insert(after.iter().zip(&before).filter(|(after, before)| *after - *before == 205).count());
                    before = after;
                }
                format!("{}", at_once.contains(&1) && !at_once.contains(&3))
            },
            "true".to_owned(),
        ),
        differs(
            "connections §12",
            "placeholders enter the gray list",
            "they are no addresses here (addresses §1.2)",
            || lists(&told_of(ZoneKind::Tor, &[])),
            "white 1, gray 0".to_owned(),
        ),
    ]
}

#[test]
fn numbers() {
    check(&number_rows(), |&number| number);
}

#[test]
fn peer_lists() {
    check(&list_rows(), |steps| steps());
}

#[test]
fn the_connection_maker() {
    check(&maker_rows(), |steps| steps());
    check(&failure_rows(), |steps| steps());
}

#[test]
fn upkeep() {
    check(&upkeep_rows(), |steps| steps());
    check(&link_rows(), |steps| steps());
    check(&bans::ban_rows(), |steps| steps());
    check(&bans::further_rows(), |steps| steps());
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 8] = [
        &number_rows(),
        &list_rows(),
        &maker_rows(),
        &failure_rows(),
        &upkeep_rows(),
        &link_rows(),
        &bans::ban_rows(),
        &bans::further_rows(),
    ];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
