//! Handshakes and timed syncs between a node and a scripted peer.

use anonet_core::levin::Kind;
use anonet_core::wire::{HandshakeRequest, HandshakeResponse, NodeData, TimedSyncRequest, TimedSyncResponse, command};
use anonet_core::{ChainTip, Config, Network, ZoneKind};
use anonet_tests::conformance::{Dialogue, Peer, after, dialogue, differs};
use anonet_tests::world::World;
use anonet_tests::world::cast::{addr, config, frame, handshake_request, handshake_response, node_data, zone};

use crate::{answer, entry, handshake, sync};

/// What the node says of itself to a peer that it dials.
fn asked(kind: ZoneKind) -> (HandshakeRequest, Peer) {
    let mut peer = Peer::dialled(kind);
    let (words, body) = peer.frames().remove(0);
    assert!(words.starts_with("request 1001"), "{words}");
    (HandshakeRequest::decode(&body).expect("a handshake"), peer)
}

/// What the node says of itself to a peer that dials it.
fn answered(kind: ZoneKind) -> (NodeData, Peer) {
    let mut peer = Peer::dialling(kind);
    peer.send(&handshake_request());
    let (words, body) = peer.frames().remove(0);
    assert!(words.ends_with("rc 1"), "{words}");
    (HandshakeResponse::decode(&body).expect("an answer").node, peer)
}

fn timed_sync() -> Vec<u8> {
    frame(Kind::Request, command::TIMED_SYNC, |out| TimedSyncRequest { sync: sync() }.encode(out))
}

fn up(peer: &Peer) -> String {
    format!("{} up", peer.links().len())
}

/// §3.1: the checks on a handshake's answer.
pub(crate) fn dialler_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §3.1";
    vec![
        dialogue(SECTION, "a good answer brings the link up", || up(&Peer::outgoing(ZoneKind::Tor)), "1 up"),
        dialogue(
            SECTION,
            "a negative code fails",
            || after(Peer::dialled(ZoneKind::Tor), &frame(Kind::Response { code: -1 }, 1001, |_| {})),
            "request 1001 243, close Declined",
        ),
        dialogue(
            SECTION,
            "the code 0 fails",
            || after(Peer::dialled(ZoneKind::Tor), &frame(Kind::Response { code: 0 }, 1001, |_| {})),
            "request 1001 243, close Declined",
        ),
        dialogue(
            SECTION,
            "another network id closes",
            || {
                let node = NodeData { network_id: Network::Testnet.id(), ..node_data() };
                after(Peer::dialled(ZoneKind::Tor), &answer(node, sync(), &[]))
            },
            "request 1001 243, close WrongNetwork",
        ),
        dialogue(
            SECTION,
            "the peer becomes white",
            || {
                let peer = Peer::outgoing(ZoneKind::I2p);
                let report = peer.world.node(peer.node).zones().next().expect("a zone");
                format!("white {}, gray {}", report.white, report.gray)
            },
            "white 1, gray 0",
        ),
        dialogue(
            SECTION,
            "in public an answer with our own id closes",
            || {
                let (request, mut peer) = asked(ZoneKind::Public);
                peer.send(&answer(request.node, sync(), &[]));
                peer.told()
            },
            "close OwnAddress",
        ),
        dialogue(
            SECTION,
            "in an anonymity zone equal ids are by design",
            || {
                let (request, mut peer) = asked(ZoneKind::Tor);
                peer.send(&answer(request.node, sync(), &[]));
                format!("{} {}", up(&peer), peer.told())
            },
            "1 up ",
        ),
        dialogue(
            SECTION,
            "an answer that was not asked closes",
            || after(Peer::incoming(ZoneKind::Tor), &handshake_response()),
            "close Unasked",
        ),
    ]
}

/// §3.2: the checks on a handshake's request.
pub(crate) fn acceptor_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §3.2";
    vec![
        dialogue(
            SECTION,
            "a good request is answered",
            || after(Peer::dialling(ZoneKind::Tor), &handshake_request()),
            "response 1001 243 rc 1",
        ),
        dialogue(
            SECTION,
            "another network id drops",
            || {
                let node = NodeData { network_id: Network::Stagenet.id(), ..node_data() };
                after(Peer::dialling(ZoneKind::Tor), &handshake(node, sync()))
            },
            "close WrongNetwork",
        ),
        dialogue(
            SECTION,
            "a request on a connection that we dialled drops",
            || after(Peer::outgoing(ZoneKind::Tor), &handshake_request()),
            "close HandshakeOutOfTurn",
        ),
        dialogue(
            SECTION,
            "a request before our own is answered drops",
            || after(Peer::dialled(ZoneKind::Tor), &handshake_request()),
            "request 1001 243, close BeforeHandshake",
        ),
        dialogue(
            SECTION,
            "a second handshake drops",
            || after(Peer::incoming(ZoneKind::Tor), &handshake_request()),
            "close HandshakeOutOfTurn",
        ),
        differs(
            "messages §10",
            "a peer of id 0 may repeat the handshake",
            "an id of 0 is refused, as it would switch timed syncs off (§10)",
            || after(Peer::dialling(ZoneKind::Tor), &handshake(NodeData { peer_id: 0, ..node_data() }, sync())),
            "close Message".to_owned(),
        ),
        dialogue(
            SECTION,
            "in public a request with our own id drops",
            || {
                let (node, mut peer) = answered(ZoneKind::Public);
                let zone = peer.world.node(peer.node).zones().next().expect("a zone").id;
                let (world, index) = (&mut peer.world, peer.node);
                let second = world.raw_connect(index, zone);
                world.raw_send(second, &handshake(node, sync()));
                world.run_for(std::time::Duration::from_secs(1));
                let open = world.raw(second).open;
                format!("open {open}, {:?}", peer.why_closed())
            },
            "open false, Some(OwnAddress)",
        ),
        dialogue(
            SECTION,
            "peers of the same zone are shared, with last_seen 0",
            || {
                // one peer is proven over Tor; the one that dials us is told of it
                let mut both = config([zone(ZoneKind::Tor, 0, &[1]), zone(ZoneKind::I2p, 0, &[1])]);
                both.zones[1].max_outgoing = 0;
                let mut peer = Peer::dialled_by(both, ZoneKind::Tor);
                peer.send(&answer(node_data(), sync(), &[]));
                let zones: Vec<_> = peer.world.node(peer.node).zones().map(|zone| zone.id).collect();
                let shared = zones.into_iter().map(|zone| {
                    let index = peer.world.raw_connect(peer.node, zone);
                    peer.world.raw_send(index, &handshake_request());
                    peer.world.run_for(std::time::Duration::from_secs(1));
                    let body = peer.world.raw(index).received[33..].to_vec();
                    let response = HandshakeResponse::decode(&body).expect("an answer");
                    response.peers.map(|peer| peer.expect("an entry")).collect::<Vec<_>>()
                });
                let shared: Vec<_> = shared.collect();
                format!("{:?}", shared == [vec![entry(addr(ZoneKind::Tor, 1))], vec![]])
            },
            "true",
        ),
    ]
}

/// §3.3.
pub(crate) fn sync_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §3.3";
    /// The least and most seconds between a node's timed syncs, over an hour in which each is answered.
    fn beat(mut peer: Peer) -> (u64, u64) {
        let (mut last, mut least, mut most) = (None, u64::MAX, 0);
        for second in 0..3_600 {
            peer.run(1);
            if peer.frames().iter().any(|(words, _)| words.starts_with("request 1002")) {
                if let Some(last) = last.replace(second) {
                    (least, most) = (least.min(second - last), most.max(second - last));
                }
                let response = frame(Kind::Response { code: 1 }, 1002, |out| TimedSyncResponse::encode(out, &sync(), [].iter()));
                peer.world.raw_send(0, &response);
            }
        }
        assert!(peer.is_open(), "answers keep the link");
        (least, most)
    }
    vec![
        differs(
            SECTION,
            "every 60 s a request goes out on incoming connections too",
            "each link has its own beat of 45 to 75 s: a common one shows which links belong together",
            || {
                let (least, most) = beat(Peer::incoming(ZoneKind::Tor));
                format!("{}", least >= 44 && most <= 76 && least < most)
            },
            "true".to_owned(),
        ),
        differs(
            SECTION,
            "every 60 s a request goes out on outgoing connections",
            "each link has its own beat of 45 to 75 s: a common one shows which links belong together",
            || {
                let (least, most) = beat(Peer::outgoing(ZoneKind::Public));
                format!("{}", least >= 44 && most <= 76 && least < most)
            },
            "true".to_owned(),
        ),
        dialogue(
            SECTION,
            "a request is answered; the list is absent without news",
            || after(Peer::incoming(ZoneKind::Tor), &timed_sync()),
            "response 1002 172 rc 1",
        ),
        dialogue(
            SECTION,
            "what was sent before is not sent again",
            || {
                let mut peer = Peer::outgoing(ZoneKind::Tor);
                peer.send(&timed_sync());
                peer.send(&timed_sync());
                peer.told()
            },
            "response 1002 303 rc 1, response 1002 172 rc 1",
        ),
        differs(
            "messages §10",
            "before the handshake a timed sync is answered",
            "it would leak the peer list and the chain state (§10)",
            || after(Peer::dialling(ZoneKind::I2p), &timed_sync()),
            "close Frame".to_owned(),
        ),
        differs(
            SECTION,
            "a negative code is logged and the connection stays",
            "a peer that refuses what every node asks is of no use",
            || {
                let mut peer = Peer::incoming(ZoneKind::Tor);
                peer.run(76);
                peer.send(&frame(Kind::Response { code: -4 }, 1002, |_| {}));
                peer.told()
            },
            "close Declined".to_owned(),
        ),
    ]
}

/// §3.3: how others learn our hidden address.
pub(crate) fn own_address_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §3.3";
    fn advertised() -> Config {
        let mut own = zone(ZoneKind::Tor, 0, &[1]);
        own.advertise = Some(addr(ZoneKind::Tor, 0));
        config([own])
    }
    /// In which of the node's answers our address is, of a handshake's and of three timed syncs'.
    fn told(mut peer: Peer, first: &[u8]) -> String {
        peer.send(first);
        (0..3).for_each(|_| peer.send(&timed_sync()));
        let bodies = peer.frames().into_iter().filter(|(words, _)| words.starts_with("response"));
        let host = addr(ZoneKind::Tor, 0).reveal().to_string();
        let host = host.split(':').next().expect("a host").to_owned().into_bytes();
        let holds = |body: &[u8]| body.windows(host.len()).filter(|window| *window == host).count().to_string();
        bodies.map(|(_, body)| holds(&body)).collect::<Vec<_>>().join(" ")
    }
    vec![
        dialogue(
            SECTION,
            "a peer that we dialled is told it once, in a timed sync's answer",
            || told(Peer::dialled_by(advertised(), ZoneKind::Tor), &handshake_response()),
            "1 0 0",
        ),
        dialogue(
            SECTION,
            "a peer that dialled us is not told, in the handshake or later",
            || told(Peer::dialling_to(advertised(), 0), &handshake_request()),
            "0 0 0 0",
        ),
        dialogue(
            SECTION,
            "its entry has the id 1 and no last_seen",
            || {
                let mut peer = Peer::dialled_by(advertised(), ZoneKind::Tor);
                peer.send(&handshake_response());
                peer.frames();
                peer.send(&timed_sync());
                let (_, body) = peer.frames().into_iter().find(|(words, _)| words.starts_with("response")).expect("an answer");
                let response = TimedSyncResponse::decode(&body).expect("an answer");
                let own = response.peers.filter_map(Result::ok).find(|peer| peer.addr == addr(ZoneKind::Tor, 0));
                format!("{}", own == Some(entry(addr(ZoneKind::Tor, 0))))
            },
            "true",
        ),
        dialogue(
            "messages §9",
            "it stands at a random place, as since v0.18.4.0",
            || {
                let places: std::collections::BTreeSet<usize> = (0..12)
                    .map(|seed| {
                        let mut peer = Peer::dialled_in(World::new(seed), advertised(), ZoneKind::Tor);
                        peer.send(&handshake_response());
                        peer.frames();
                        peer.send(&timed_sync());
                        let (_, body) =
                            peer.frames().into_iter().find(|(words, _)| words.starts_with("response")).expect("an answer");
                        let response = TimedSyncResponse::decode(&body).expect("an answer");
                        let mut entries = response.peers.filter_map(Result::ok);
                        entries.position(|peer| peer.addr == addr(ZoneKind::Tor, 0)).expect("it is told")
                    })
                    .collect();
                places.len().to_string()
            },
            "2",
        ),
    ]
}

/// §3.4: what differs between the zones.
pub(crate) fn zone_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §3.4";
    fn told(node: &NodeData) -> String {
        let NodeData { my_port, peer_id, rpc_port, support_flags, .. } = *node;
        let id = if peer_id == 1 { "1" } else { "random" };
        format!("port {my_port}, id {id}, rpc {rpc_port}, flags {support_flags}")
    }
    vec![
        dialogue(SECTION, "Tor, dialling", || told(&asked(ZoneKind::Tor).0.node), "port 0, id 1, rpc 0, flags 0"),
        dialogue(SECTION, "I2P, dialling", || told(&asked(ZoneKind::I2p).0.node), "port 0, id 1, rpc 0, flags 0"),
        dialogue(SECTION, "Tor, dialled", || told(&answered(ZoneKind::Tor).0), "port 0, id 1, rpc 0, flags 0"),
        dialogue(SECTION, "I2P, dialled", || told(&answered(ZoneKind::I2p).0), "port 0, id 1, rpc 0, flags 0"),
        dialogue(SECTION, "public", || told(&asked(ZoneKind::Public).0.node), "port 0, id random, rpc 0, flags 1"),
        dialogue(
            SECTION,
            "no support-flags query follows in an anonymity zone",
            || {
                let mut peer = Peer::incoming(ZoneKind::Tor);
                peer.run(5);
                peer.told()
            },
            "",
        ),
        differs(
            "messages §10",
            "the height and the top block of the moment are told",
            "to incoming links of an anonymity zone the height of the hour, rounded up, and no block's id (§10)",
            || {
                let mut peer = Peer::dialling(ZoneKind::Tor);
                peer.world.call(peer.node, |node, now| node.set_tip(now, ChainTip::new(100, [7; 32], 5, 16)));
                peer.send(&handshake_request());
                let (_, body) = peer.frames().remove(0);
                let sync = HandshakeResponse::decode(&body).expect("an answer").sync;
                format!("height {}, the same for all: {}", sync.current_height, sync.top_id == [0; 32])
            },
            "height 120, the same for all: true".to_owned(),
        ),
        differs(
            "messages §10",
            "height, difficulty and pruning seed of the own chain are told",
            "they link the onion to the clearnet node (§10): a constant for all",
            || format!("{:?}", asked(ZoneKind::Tor).0.sync == Network::Regtest.genesis_sync()),
            "true".to_owned(),
        ),
    ]
}
