//! What a node claims of the chain, link by link, and how its messages are padded.

use std::time::Duration;

use anonet_core::wire::{NewTransactions, SyncData, command};
use anonet_core::{ChainTip, LocalTx, Network, TxId, ZoneKind};
use anonet_tests::world::cast::{addr, config, node_data, public_node_data, zone};
use anonet_tests::world::{RawIndex, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const GENESIS: SyncData = Network::Regtest.genesis_sync();

fn tip(height: u64) -> ChainTip {
    ChainTip::new(height, [height as u8; 32], u128::from(height) << 70, 16)
}

/// A node with one zone, which knows one scripted peer.
fn world(kind: ZoneKind) -> (World, usize) {
    let mut world = World::new(31);
    world.raw_listen(addr(kind, 1));
    let node = world.add(config([zone(kind, 0, &[1])]));
    (world, node)
}

/// The scripted peer that the node dials.
fn dialled(world: &mut World) -> RawIndex {
    assert!(world.run_until(SECOND * 5, |world| world.raw_count() == 1));
    world.run_for(SECOND);
    0
}

fn heights(world: &World, peer: RawIndex) -> Vec<u64> {
    world.raw_shown(peer).iter().map(|sync| sync.current_height).collect()
}

#[test]
fn an_outgoing_anonymity_link_never_shows_more_than_the_first_block() {
    for kind in [ZoneKind::Tor, ZoneKind::I2p] {
        let (mut world, node) = world(kind);
        world.call(node, |node, now| node.set_tip(now, tip(100)));
        let peer = dialled(&mut world);
        world.raw_welcome(peer, node_data(), 100);
        for height in 100..105 {
            world.call(node, |node, now| node.set_tip(now, tip(height)));
            world.raw_sync(peer, height);
            world.run_for(SECOND * 76);
            assert!(world.raw_answer_syncs(peer, height) > 0);
        }
        let shown = world.raw_shown(peer);
        assert!(shown.len() > 10, "{shown:?}");
        assert!(shown.iter().all(|sync| *sync == GENESIS), "{shown:?}");
    }
}

#[test]
fn an_incoming_anonymity_link_shows_a_coarse_height_that_never_falls() {
    let (mut world, node) = world(ZoneKind::Tor);
    let zone = world.node(node).zones().next().unwrap().id;
    let peer = world.raw_connect(node, zone);
    world.raw_greet(peer, node_data(), 100);
    for height in [100, 119, 121, 90, 150, 151] {
        world.call(node, |node, now| node.set_tip(now, tip(height)));
        world.raw_sync(peer, height);
        world.run_for(SECOND);
    }
    let shown = world.raw_shown(peer);
    assert_eq!(heights(&world, peer)[..7], [1, 120, 120, 150, 150, 150, 180]);
    // nothing but the height tells of the chain, and a request says the same
    let claim = |height| SyncData { current_height: height, top_id: [0; 32], top_version: 16, ..GENESIS };
    assert_eq!(shown[1], claim(120));
    world.run_for(SECOND * 76);
    assert_eq!(world.raw_answer_syncs(peer, 151), 1);
    assert_eq!(world.raw_shown(peer).last(), Some(&claim(180)));
    // a later link starts where this one is
    let later = world.raw_connect(node, zone);
    world.call(node, |node, now| node.set_tip(now, tip(30)));
    world.raw_greet(later, node_data(), 1);
    world.run_for(SECOND);
    let shown = world.raw_shown(later);
    assert!(!shown.is_empty() && shown.iter().all(|sync| *sync == claim(180)), "{shown:?}");
}

#[test]
fn public_peers_see_the_tip_once_they_are_as_far_and_never_less_again() {
    let (mut world, node) = world(ZoneKind::Public);
    let zone = world.node(node).zones().next().unwrap().id;
    world.call(node, |node, now| node.set_tip(now, tip(100)));
    let (behind, level) = (world.raw_connect(node, zone), world.raw_connect(node, zone));
    world.raw_greet(behind, public_node_data(7), 99);
    world.raw_greet(level, public_node_data(8), 100);
    world.run_for(SECOND);
    assert_eq!((heights(&world, behind), heights(&world, level)), (vec![1], vec![100]));
    assert_eq!(world.raw_shown(level)[0].top_id, [100; 32]);
    assert_eq!(world.raw_shown(level)[0].cumulative_difficulty, 100 << 70);
    // the chain grows here first, and then there
    world.call(node, |node, now| node.set_tip(now, tip(101)));
    world.raw_sync(level, 100);
    world.raw_sync(level, 101);
    world.raw_sync(behind, 101);
    // and is cut back
    world.call(node, |node, now| node.set_tip(now, tip(98)));
    world.raw_sync(level, 101);
    world.run_for(SECOND);
    assert_eq!(heights(&world, level), [100, 100, 101, 101]);
    assert_eq!(heights(&world, behind), [1, 101]);
}

#[test]
fn a_dialled_public_peer_sees_the_tip_from_its_first_timed_sync_on() {
    let (mut world, node) = world(ZoneKind::Public);
    world.call(node, |node, now| node.set_tip(now, tip(100)));
    let peer = dialled(&mut world);
    world.raw_welcome(peer, public_node_data(9), 100);
    world.run_for(SECOND * 76);
    assert!(world.raw_answer_syncs(peer, 100) > 0);
    assert_eq!(heights(&world, peer)[..2], [1, 100]);
}

#[test]
fn padded_messages_end_on_the_grain_in_every_zone_and_others_do_not() {
    for kind in [ZoneKind::Tor, ZoneKind::Public] {
        for pads in [true, false] {
            let mut world = World::new(32);
            world.raw_listen(addr(kind, 1));
            let mut config = config([zone(kind, 0, &[1])]);
            config.pad_transactions = pads;
            let node = world.add(config);
            let peer = dialled(&mut world);
            world.raw_welcome(peer, public_node_data(9), 1);
            let blob = Bytes::from(vec![3; 983]);
            world.call(node, |node, now| node.submit_tx(now, TxId::new([1; 32]), LocalTx::new(blob.clone()).unwrap())).unwrap();
            world.run_for(SECOND * 10);
            let heard = world.raw_heard(peer);
            let sent: Vec<_> = heard.iter().filter(|heard| heard.command == command::NEW_TRANSACTIONS).collect();
            assert_eq!(sent.len(), 1, "{kind:?}");
            assert_eq!(sent[0].body.len() % 1_024 == 0, pads, "{kind:?}");
            let message = NewTransactions::decode(&sent[0].body).unwrap();
            assert_eq!(message.txs().collect::<Vec<_>>(), [&blob[..]]);
        }
    }
}
