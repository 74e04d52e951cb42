//! Bans: by the application, for faults, and across runs.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{TimedSyncResponse, command};
use anonet_core::{
    Addr, Banned, CloseReason, DocumentVersion, Event, Network, PeerRole, Refused, Snapshot, ZoneConfig, ZoneId, ZoneKind,
};
use anonet_tests::world::cast::{addr, config, entry, frame, handshake_request, node_data, zone};
use anonet_tests::world::{Happened, World};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn host(text: &str) -> Addr {
    Addr::parse(text, 18_080).unwrap()
}

fn who(text: &str) -> Banned {
    Banned::parse(text).unwrap()
}

fn world(zones: Vec<ZoneConfig>) -> (World, usize, ZoneId) {
    let mut world = World::new(61);
    let node = world.add(config(zones));
    let zone = world.node(node).zones().next().unwrap().id;
    (world, node, zone)
}

fn dialled(world: &World, node: usize) -> Vec<Addr> {
    let dials = world.record.of(node).filter_map(|happened| match happened {
        Happened::Dialed(_, addr, _) => Some(addr.clone()),
        _ => None,
    });
    dials.collect()
}

fn ends(world: &World, node: usize, wanted: CloseReason) -> usize {
    world.events(node).filter(|event| matches!(event, Event::Down { reason, .. } if *reason == wanted)).count()
}

#[test]
fn a_banned_host_is_refused_closed_and_let_in_again_when_the_ban_ends() {
    let (mut world, node, zone) = world(vec![zone(ZoneKind::Public, 0, &[])]);
    let accept = |world: &mut World, text: &str| {
        let from = Some(host(text));
        world.call(node, |node, now| node.accept(now, zone, from))
    };
    let conns = ["45.1.2.3:1000", "45.1.9.9:1000", "45.2.0.1:1000"].map(|text| accept(&mut world, text).unwrap());
    world.call(node, |node, now| node.ban(now, who("45.1.0.0/16"), Some(SECOND * 60))).unwrap();
    assert_eq!(conns.map(|conn| world.node(node).recv_window(conn) > 0), [false, false, true]);
    assert_eq!(ends(&world, node, CloseReason::Banned), 2);
    assert_eq!(accept(&mut world, "45.1.2.3:2000"), Err(Refused::Banned));
    assert_eq!(world.node(node).bans().map(|ban| ban.who).collect::<Vec<_>>(), [who("45.1.0.0/16")]);
    world.run_for(SECOND * 59);
    assert_eq!(accept(&mut world, "45.1.2.3:2000"), Err(Refused::Banned));
    world.run_for(SECOND);
    assert!(accept(&mut world, "45.1.2.3:2000").is_ok());
    // for ever, and lifted
    world.call(node, |node, now| node.ban(now, who("45.2.0.1"), None)).unwrap();
    world.run_for(DAY * 400);
    assert_eq!(accept(&mut world, "45.2.0.1:7"), Err(Refused::Banned));
    assert!(world.call(node, |node, now| node.unban(now, &who("45.2.0.1"))));
    assert!(!world.call(node, |node, now| node.unban(now, &who("45.2.0.1"))));
    assert!(accept(&mut world, "45.2.0.1:7").is_ok());
}

#[test]
fn nobody_banned_is_learnt_of_dialled_or_told_of() {
    let (onion, banned) = (addr(ZoneKind::Tor, 1), addr(ZoneKind::Tor, 2));
    let (mut world, node, zone) = world(vec![zone(ZoneKind::Tor, 0, &[1])]);
    world.raw_listen(onion.clone());
    world.call(node, |node, now| node.ban(now, Banned::host(&banned), None)).unwrap();
    world.run_for(SECOND * 2);
    world.raw_welcome(0, node_data(), 1);
    world.run_for(SECOND * 76);
    let told = [entry(banned.clone()), entry(addr(ZoneKind::Tor, 3))];
    let sync = Network::Regtest.genesis_sync();
    let answer = frame(Kind::Response { code: 1 }, command::TIMED_SYNC, |out| TimedSyncResponse::encode(out, &sync, told.iter()));
    world.raw_send(0, &answer);
    world.run_for(SECOND * 10);
    let dials = dialled(&world, node);
    assert!(dials.contains(&addr(ZoneKind::Tor, 3)) && !dials.contains(&banned));
    // a proven peer is shared until it is banned
    let shared = |world: &mut World| {
        let peer = world.raw_connect(node, zone);
        world.raw_send(peer, &handshake_request());
        world.run_for(SECOND);
        let heard = world.raw_heard(peer);
        heard[0].body.windows(7).any(|part| part == b"plowsof")
    };
    assert!(shared(&mut world), "the peer that we dialled");
    world.call(node, |node, now| node.ban(now, Banned::host(&onion), Some(DAY))).unwrap();
    world.run_for(SECOND);
    assert!(!world.raw(0).open);
    // the user named it, so it is on the list still; it is not dialled
    let before = dialled(&world, node).len();
    world.run_for(DAY - SECOND * 10);
    assert!(!dialled(&world, node)[before..].contains(&onion));
    world.run_for(SECOND * 20);
    assert!(dialled(&world, node)[before..].contains(&onion), "its ban is over");
}

#[test]
fn a_host_is_banned_for_a_day_after_eleven_faults_and_one_behind_a_hidden_service_never() {
    let (mut world, node, zone) = world(vec![zone(ZoneKind::Public, 0, &[])]);
    let from = host("45.1.2.3:1000");
    for fault in 0..11 {
        assert_eq!(world.node(node).bans().count(), 0, "{fault}");
        let conn = world.call(node, |node, now| node.accept(now, zone, Some(from.clone()))).unwrap();
        assert!(world.call(node, |node, now| node.handle_data(now, conn, b"GET / HTTP/1.1\r\n")).is_err());
    }
    let bans: Vec<_> = world.node(node).bans().collect();
    assert_eq!((bans.len(), bans[0].who.clone(), bans[0].until), (1, who("45.1.2.3"), Some(world.now() + DAY)));
    assert_eq!(world.call(node, |node, now| node.accept(now, zone, Some(from.clone()))), Err(Refused::Banned));
    for _ in 0..100 {
        let conn = world.call(node, |node, now| node.accept(now, zone, None)).unwrap();
        assert!(world.call(node, |node, now| node.handle_data(now, conn, b"GET / HTTP/1.1\r\n")).is_err());
    }
    assert_eq!(world.node(node).bans().count(), 1);
}

#[test]
fn whom_the_user_named_is_not_banned_for_faults() {
    for (role, bans) in [(Some(PeerRole::Exclusive), 0), (None, 1)] {
        let (mut world, node, zone) = {
            let mut public = zone(ZoneKind::Public, 0, &[]);
            public.peers.extend(role.map(|role| (host("45.1.2.3:1"), role)));
            world(vec![public])
        };
        for _ in 0..11 {
            let conn = world.call(node, |node, now| node.accept(now, zone, Some(host("45.1.2.3:9")))).unwrap();
            let _ = world.call(node, |node, now| node.handle_data(now, conn, b"GET / HTTP/1.1\r\n"));
        }
        assert_eq!(world.node(node).bans().count(), bans, "{role:?}");
    }
}

#[test]
fn bans_with_an_end_come_back_and_a_bad_entry_costs_itself() {
    let (mut world, node, _) = world(vec![zone(ZoneKind::Public, 0, &[])]);
    for (text, span) in [("45.1.2.3", Some(DAY)), ("45.3.0.0/16", Some(SECOND)), ("45.9.9.9", None)] {
        world.call(node, |node, now| node.ban(now, who(text), span)).unwrap();
    }
    assert!(world.run_until(SECOND * 301, |world| {
        world.events(node).any(|event| matches!(event, Event::SnapshotDue(Snapshot::Bans)))
    }));
    let mut bytes = Vec::new();
    world.node(node).snapshot(Snapshot::Bans, &mut bytes);
    // an entry that names nobody in front of the others
    let header = 10;
    let bad = [&[9u8, 0][..], &[1, 7], b"nowhere"].concat();
    bytes.splice(header..header, bad);
    let later = world.add(config([zone(ZoneKind::Public, 1, &[])]));
    let restored = world.call(later, |node, now| node.restore(now, Snapshot::Bans, &bytes));
    assert_eq!((restored.kept, restored.dropped, restored.version), (2, 1, DocumentVersion::Current));
    assert_eq!(world.node(later).bans().map(|ban| ban.who).collect::<Vec<_>>(), [who("45.1.2.3")]);
    // cut anywhere, it does no harm
    for cut in 0..bytes.len() {
        let node = world.add(config([zone(ZoneKind::Public, 2, &[])]));
        world.call(node, |node, now| node.restore(now, Snapshot::Bans, &bytes[..cut]));
    }
}
