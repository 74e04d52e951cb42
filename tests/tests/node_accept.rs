//! How many links others may open: in all, in their handshake, and from one host. Each at its limit and one past it.

use std::time::Duration;

use anonet_core::{Addr, ConnId, Node, Refused, ZoneConfig, ZoneId, ZoneKind};
use anonet_tests::world::START;
use anonet_tests::world::cast::{config, handshake_request, zone};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

fn listening(kind: ZoneKind, change: impl FnOnce(&mut ZoneConfig)) -> (Node, ZoneId) {
    let mut zone = zone(kind, 0, &[]);
    change(&mut zone);
    let node = Node::new(config([zone]), Box::new(ChaCha20Rng::seed_from_u64(1)), START).unwrap();
    let id = node.zones().next().unwrap().id;
    (node, id)
}

fn shake_hands(node: &mut Node, conn: ConnId) {
    node.handle_data(START, conn, &handshake_request()).unwrap();
}

#[test]
fn a_quarter_of_the_links_may_be_in_their_handshake_but_at_least_4_and_at_most_64() {
    for (max_incoming, unfinished) in [(4, 4), (16, 4), (40, 10), (256, 64), (100_000, 64)] {
        let (mut node, zone) = listening(ZoneKind::Tor, |zone| zone.max_incoming = max_incoming);
        let conns: Vec<ConnId> = (0..unfinished).map(|_| node.accept(START, zone, None).unwrap()).collect();
        let expected = if max_incoming == unfinished { Refused::Full } else { Refused::Unfinished };
        assert_eq!(node.accept(START, zone, None), Err(expected), "{max_incoming}");
        if max_incoming == unfinished {
            continue;
        }
        // one that finishes, and one that is cut off, make room for one each
        shake_hands(&mut node, conns[0]);
        node.accept(START, zone, None).unwrap();
        assert_eq!(node.accept(START, zone, None), Err(Refused::Unfinished));
        node.handle_timeout(START + Duration::from_secs(31));
        node.accept(START + Duration::from_secs(31), zone, None).unwrap();
    }
}

#[test]
fn all_links_together_are_limited_whether_or_not_they_are_ready() {
    let (mut node, zone) = listening(ZoneKind::Tor, |zone| zone.max_incoming = 6);
    for _ in 0..6 {
        let conn = node.accept(START, zone, None).unwrap();
        shake_hands(&mut node, conn);
    }
    assert_eq!(node.accept(START, zone, None), Err(Refused::Full));
}

#[test]
fn one_host_has_as_many_links_as_it_may_and_a_64_of_ipv6_is_one_host() {
    for max_per_host in [1, 3] {
        let (mut node, zone) = listening(ZoneKind::Public, |zone| {
            zone.max_incoming = 200;
            zone.max_per_host = max_per_host;
        });
        let mut accept = |text: &str| node.accept(START, zone, Some(Addr::parse(text, 0).unwrap())).map(|_| ());
        for port in 0..max_per_host {
            assert_eq!(accept(&format!("45.1.1.1:{}", 4_000 + port)), Ok(()));
            assert_eq!(accept(&format!("[2a01:1:1:1::{port}]:4000")), Ok(()));
        }
        assert_eq!(accept("45.1.1.1:5000"), Err(Refused::FromOneHost));
        assert_eq!(accept("[::ffff:45.1.1.1]:5000"), Err(Refused::FromOneHost));
        assert_eq!(accept("[2a01:1:1:1:ffff::]:4000"), Err(Refused::FromOneHost));
        assert_eq!(accept("45.1.1.2:4000"), Ok(()));
        assert_eq!(accept("[2a01:1:1:2::1]:4000"), Ok(()));
        // a proxy or service of this machine speaks for many
        for _ in 0..5 {
            assert_eq!(accept("127.0.0.1:4000"), Ok(()));
        }
    }
}

#[test]
fn a_host_whose_link_ended_may_come_again() {
    let (mut node, zone) = listening(ZoneKind::Public, |_| {});
    let from = || Some(Addr::parse("45.1.1.1:4000", 0).unwrap());
    let conn = node.accept(START, zone, from()).unwrap();
    assert_eq!(node.accept(START, zone, from()), Err(Refused::FromOneHost));
    node.handle_closed(START, conn);
    node.accept(START, zone, from()).unwrap();
}
