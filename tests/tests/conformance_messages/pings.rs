//! Back-pings and support flags of the public zone.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NodeData, PingRequest, PingResponse, command};
use anonet_core::{Addr, ZoneConfig, ZoneId, ZoneKind};
use anonet_tests::conformance::{Dialogue, dialogue, differs};
use anonet_tests::world::cast::{config, frame, node_data, public_node_data, zone};
use anonet_tests::world::{Happened, RawIndex, World};

const NODE: usize = 0;
const PORT: u16 = 18_080;

/// A node that dials nobody by itself.
struct Scene {
    world: World,
    zone: ZoneId,
}

impl Scene {
    fn new(mut listening: ZoneConfig) -> Self {
        listening.max_outgoing = 0;
        let mut world = World::new(73);
        world.add(config([listening]));
        let zone = world.node(NODE).zones().next().expect("a zone").id;
        Self { world, zone }
    }

    fn public() -> Self {
        Self::new(zone(ZoneKind::Public, 0, &[]))
    }

    fn host(port: u16) -> Addr {
        Addr::parse(&format!("45.1.2.3:{port}"), 0).expect("an address")
    }

    /// A peer shakes hands from another port than the one it names.
    fn greet(&mut self, my_port: u32, support_flags: u32) -> RawIndex {
        self.world.raw_listen(Self::host(PORT));
        let peer = self.world.raw_connect_from(NODE, self.zone, Some(Self::host(5_000)));
        self.world.raw_greet(peer, NodeData { my_port, support_flags, ..public_node_data(77) }, 1);
        self.world.run_for(Duration::from_secs(1));
        peer
    }

    /// The addresses dialled, and what each was asked first.
    fn pings(&self, first: RawIndex) -> String {
        let dials = self.world.record.of(NODE).filter(|happened| matches!(happened, Happened::Dialed(..))).count();
        let asked =
            (first..self.world.raw_count()).flat_map(|peer| self.world.raw_heard(peer)).map(|heard| heard.command.to_string());
        format!("{dials} dialled, asked {}", asked.collect::<Vec<_>>().join(" "))
    }

    fn lists(&self) -> String {
        let zone = self.world.node(NODE).zones().next().expect("a zone");
        format!("white {}, gray {}", zone.white, zone.gray)
    }

    fn asked_for_flags(&self, peer: RawIndex) -> usize {
        let heard = self.world.raw_heard(peer);
        heard.iter().filter(|heard| (heard.kind, heard.command) == (Kind::Request, command::SUPPORT_FLAGS)).count()
    }
}

fn ping() -> Vec<u8> {
    frame(Kind::Request, command::PING, |out| PingRequest.encode(out))
}

/// A peer that names a port is pinged there, and answers with this id.
fn pinged(peer_id: u64) -> String {
    let mut scene = Scene::public();
    let peer = scene.greet(PORT.into(), 1);
    scene.world.raw_send(peer + 1, &frame(Kind::Response { code: 1 }, command::PING, |out| PingResponse { peer_id }.encode(out)));
    scene.world.run_for(Duration::from_secs(1));
    scene.lists()
}

/// §3.2 and §3.4: who is pinged.
pub(crate) fn ping_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "messages §3.2",
            "a public peer that names a port is pinged there",
            || {
                let mut scene = Scene::public();
                let peer = scene.greet(PORT.into(), 1);
                scene.pings(peer + 1)
            },
            "1 dialled, asked 1003",
        ),
        dialogue(
            "messages §3.2",
            "one that names none is not",
            || {
                let mut scene = Scene::public();
                let peer = scene.greet(0, 1);
                scene.pings(peer + 1)
            },
            "0 dialled, asked ",
        ),
        differs(
            "messages §3.2",
            "whoever answers with the same id becomes white",
            "hearsay, which a check of its own has to verify",
            || pinged(77),
            "white 0, gray 1".to_owned(),
        ),
        dialogue("messages §3.2", "an answer with another id is none", || pinged(78), "white 0, gray 0"),
        dialogue(
            "messages §3.4",
            "behind a proxy nobody is pinged",
            || {
                let mut proxied = zone(ZoneKind::Public, 0, &[]);
                proxied.can_ping_back = false;
                let mut scene = Scene::new(proxied);
                let peer = scene.greet(PORT.into(), 1);
                scene.pings(peer + 1)
            },
            "0 dialled, asked ",
        ),
    ]
}

/// §3.2 and §3.4: who is asked for support flags, and whose pings are answered.
pub(crate) fn flag_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "messages §3.4",
            "in an anonymity zone nobody is pinged or asked for flags",
            || {
                let mut scene = Scene::new(zone(ZoneKind::Tor, 0, &[]));
                let peer = scene.world.raw_connect(NODE, scene.zone);
                scene.world.raw_greet(peer, NodeData { my_port: 18_083, ..node_data() }, 1);
                scene.world.run_for(Duration::from_secs(1));
                format!("{}, flags {}", scene.pings(peer + 1), scene.asked_for_flags(peer))
            },
            "0 dialled, asked , flags 0",
        ),
        dialogue(
            "messages §3.2",
            "a public peer that shows no support flags is asked for them",
            || {
                let mut scene = Scene::public();
                let peer = scene.greet(0, 0);
                scene.asked_for_flags(peer).to_string()
            },
            "1",
        ),
        dialogue(
            "messages §3.2",
            "one that shows them is not",
            || {
                let mut scene = Scene::public();
                let peer = scene.greet(0, 1);
                scene.asked_for_flags(peer).to_string()
            },
            "0",
        ),
        dialogue(
            "messages §3.4",
            "the port that is listened on is named in public, and a ping answered without a handshake",
            || {
                let mut named = zone(ZoneKind::Public, 0, &[]);
                named.public_port = Some(18_081);
                let mut scene = Scene::new(named);
                let peer = scene.world.raw_connect_from(NODE, scene.zone, Some(Scene::host(5_000)));
                scene.world.raw_send(peer, &ping());
                scene.world.raw_greet(peer, public_node_data(7), 1);
                scene.world.run_for(Duration::from_secs(1));
                let heard = scene.world.raw_heard(peer);
                let id = PingResponse::decode(&heard[0].body).expect("an answer").peer_id;
                let node = anonet_core::wire::HandshakeResponse::decode(&heard[1].body).expect("an answer").node;
                format!("port {}, one id {}", node.my_port, node.peer_id == id)
            },
            "port 18081, one id true",
        ),
    ]
}
