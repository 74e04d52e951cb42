//! Blocking and scoring (§8).

use std::time::Duration;

use anonet_core::wire::TimedSyncRequest;
use anonet_core::{Addr, Banned, Network, Refused, Snapshot, ZoneId, ZoneKind};
use anonet_tests::conformance::{Dialogue, dialogue, differs};
use anonet_tests::world::World;
use anonet_tests::world::cast::{config, frame, zone};

use crate::NODE;

const SECTION: &str = "connections §8";
const HOUR: Duration = Duration::from_secs(3_600);

fn host(text: &str) -> Option<Addr> {
    Some(Addr::parse(text, 0).expect("an address"))
}

/// A node of one zone that takes incoming links.
fn open(kind: ZoneKind) -> (World, ZoneId) {
    let mut world = World::new(71);
    world.add(config([zone(kind, 0, &[])]));
    let id = world.node(NODE).zones().next().expect("a zone").id;
    (world, id)
}

fn accept(world: &mut World, zone: ZoneId, from: Option<Addr>) -> Result<(), Refused> {
    world.call(NODE, |node, now| node.accept(now, zone, from).map(drop))
}

/// Lets a host err so often, in a way that ends its link.
fn err(world: &mut World, zone: ZoneId, from: Option<&str>, times: usize) {
    for _ in 0..times {
        let from = from.and_then(host);
        world.call(NODE, |node, now| {
            let conn = node.accept(now, zone, from).expect("it is not banned yet");
            // no frame at all
            node.handle_data(now, conn, b"GET / HTTP/1.1\r\n").expect_err("it is closed");
        });
    }
}

fn bans(world: &World) -> usize {
    world.node(NODE).bans().count()
}

/// Who is blocked, for how long, and who never is.
pub(crate) fn ban_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            SECTION,
            "a score of 10 does not block, one above it does",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                err(&mut world, zone, Some("45.1.2.3:1"), 10);
                let before = bans(&world);
                err(&mut world, zone, Some("45.1.2.3:1"), 1);
                format!("{before}, then {}", bans(&world))
            },
            "0, then 1",
        ),
        dialogue(
            SECTION,
            "the block is of the host, whatever its port, and lasts 24 hours",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                err(&mut world, zone, Some("45.1.2.3:1"), 11);
                let other_port = accept(&mut world, zone, host("45.1.2.3:9"));
                world.run_for(HOUR * 24 - Duration::from_secs(1));
                let late = accept(&mut world, zone, host("45.1.2.3:9"));
                world.run_for(Duration::from_secs(2));
                format!("{other_port:?} {late:?} {:?}", accept(&mut world, zone, host("45.1.2.3:9")))
            },
            "Err(Banned) Err(Banned) Ok(())",
        ),
        dialogue(
            SECTION,
            "another host of the same subnet is not blocked with it",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                err(&mut world, zone, Some("45.1.2.3:1"), 11);
                format!("{:?}", accept(&mut world, zone, host("45.1.2.4:1")))
            },
            "Ok(())",
        ),
        dialogue(
            SECTION,
            "unknown hosts, which dialled a hidden service, are never blocked",
            || {
                let (mut world, zone) = open(ZoneKind::Tor);
                err(&mut world, zone, None, 100);
                bans(&world).to_string()
            },
            "0",
        ),
        dialogue(
            SECTION,
            "a block drops the connections of the host",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                accept(&mut world, zone, host("45.1.2.3:1")).expect("it is welcome");
                let ban = Banned::parse("45.1.2.3").expect("a host");
                world.call(NODE, |node, now| node.ban(now, ban, None)).expect("there is room");
                let report = world.node(NODE).zones().next().expect("a zone");
                format!("{} {:?}", report.incoming, world.events(NODE).last())
            },
            "0 Some(Down(ConnId(0), ZoneId(0), Banned))",
        ),
    ]
}

/// What can be blocked besides, and what is no fault.
pub(crate) fn further_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            SECTION,
            "IPv4 subnets can be blocked",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                let ban = Banned::parse("45.1.0.0/16").expect("a subnet");
                world.call(NODE, |node, now| node.ban(now, ban, None)).expect("there is room");
                format!("{:?} {:?}", accept(&mut world, zone, host("45.1.9.9:1")), accept(&mut world, zone, host("45.2.9.9:1")))
            },
            "Err(Banned) Ok(())",
        ),
        differs(
            "connections §12",
            "blocks are lost at a restart",
            "those with an end are kept",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                err(&mut world, zone, Some("45.1.2.3:1"), 11);
                let mut kept = Vec::new();
                world.node(NODE).snapshot(Snapshot::Bans, &mut kept);
                let other = world.add(config([anonet_tests::world::cast::zone(ZoneKind::Public, 1, &[])]));
                world.call(other, |node, now| node.restore(now, Snapshot::Bans, &kept));
                world.node(other).bans().count().to_string()
            },
            "1".to_owned(),
        ),
        dialogue(
            SECTION,
            "silence, a stream that ends and a full node are no faults",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                for _ in 0..30 {
                    let conn = world.call(NODE, |node, now| node.accept(now, zone, host("45.1.2.3:1"))).expect("it is welcome");
                    world.call(NODE, |node, now| node.handle_closed(now, conn));
                }
                bans(&world).to_string()
            },
            "0",
        ),
        differs(
            SECTION,
            "a request out of turn scores nothing",
            "it ends the link and counts as a fault",
            || {
                let (mut world, zone) = open(ZoneKind::Public);
                let early = frame(anonet_core::levin::Kind::Request, 1002, |out| {
                    TimedSyncRequest { sync: Network::Regtest.genesis_sync() }.encode(out);
                });
                for _ in 0..11 {
                    let conn = world.call(NODE, |node, now| node.accept(now, zone, host("45.1.2.3:1"))).expect("it is welcome");
                    world.call(NODE, |node, now| node.handle_data(now, conn, &early)).expect_err("it is closed");
                }
                bans(&world).to_string()
            },
            "1".to_owned(),
        ),
    ]
}
