//! Two nodes that have nothing in common send the same bytes by courier: nothing in a stream tells which node it is of.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::{
    Addr, ChainTip, CourierConfig, Durability, LocalTx, PeerRole, Privacy, RecipientKey, RelayPolicy, TxId, ZoneKind,
};
use anonet_tests::world::cast::{addr, config, zone};
use anonet_tests::world::{NodeIndex, World};

const HOUR: Duration = Duration::from_secs(3_600);
const RECORD: usize = 3_072;
const HANDSHAKE: usize = 276;
const TX: u8 = 77;

/// What tells one node from another.
struct Stranger {
    seed: u64,
    /// How long the world has run before it is there.
    since: Duration,
    peers: usize,
    /// Blocks of its own daemon, and of its peers.
    height: Option<u64>,
    numbers: CourierConfig,
    /// Whether it was started before, and had sent something.
    has_history: bool,
}

fn known(peers: usize) -> Vec<(Addr, PeerRole)> {
    (1..=peers).map(|peer| (addr(ZoneKind::Tor, peer), PeerRole::Known)).collect()
}

impl Stranger {
    /// Lets it run for six hours, with one transaction, and gives its streams.
    fn streams(&self) -> Vec<Vec<u8>> {
        let mut world = World::new(self.seed);
        for peer in 1..=self.peers {
            let peer = world.add(config([zone(ZoneKind::Tor, peer, &[])]));
            self.tell_height(&mut world, peer);
        }
        world.run_for(self.since);
        let mut tor = zone(ZoneKind::Tor, 0, &[]);
        (tor.relay, tor.max_outgoing, tor.peers) = (RelayPolicy::Courier, 2, known(self.peers));
        let mut config = config([tor]);
        config.courier = self.numbers;
        if self.has_history {
            config.durability = Durability::BeforeRelay(RecipientKey::new([self.seed as u8; 32]));
        }
        let user = world.add(config.clone());
        if self.has_history {
            self.tell_height(&mut world, user);
            submit(&mut world, user, 1, 9_000);
            world.run_for(HOUR * 3);
            world.kill(user);
            world.start(user, config);
        }
        self.tell_height(&mut world, user);
        submit(&mut world, user, TX, 2_200);
        for _ in 0..6 * 60 {
            world.run_for(HOUR / 60);
            world.call(user, |node, now| node.recorded(now, TxId::new([TX; 32]), node.uses(TxId::new([TX; 32])).count()));
        }
        world.record.written(user, ZoneKind::Tor).map(<[u8]>::to_vec).collect()
    }

    fn tell_height(&self, world: &mut World, node: NodeIndex) {
        if let Some(height) = self.height {
            world.call(node, |node, now| node.set_tip(now, ChainTip::new(height, [self.seed as u8; 32], 5, 16)));
        }
    }
}

fn submit(world: &mut World, user: NodeIndex, number: u8, size: usize) {
    let tx = LocalTx::new(vec![number; size].into()).unwrap();
    world.call(user, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx)).unwrap();
}

fn is_courier(stream: &[u8]) -> bool {
    [4, 16, 64].iter().any(|records| stream.len() == HANDSHAKE + records * RECORD)
}

fn holds_tx(part: &[u8]) -> bool {
    part.windows(64).any(|row| row == [TX; 64])
}

/// Couriers without the transaction, as they are, and those with it, without their noise.
fn seen(streams: &[Vec<u8>]) -> (BTreeSet<&[u8]>, BTreeSet<Vec<u8>>) {
    let (with, without): (Vec<_>, Vec<_>) =
        streams.iter().filter(|stream| is_courier(stream)).partition(|stream| holds_tx(stream));
    let noise = without.first().map(|stream| stream[HANDSHAKE..HANDSHAKE + RECORD].to_vec()).expect("empty couriers left");
    let bare = |stream: &&Vec<u8>| {
        let records = stream[HANDSHAKE..].chunks(RECORD).filter(|record| *record != noise);
        [&stream[..HANDSHAKE]].into_iter().chain(records).collect::<Vec<_>>().concat()
    };
    (without.into_iter().map(Vec::as_slice).collect(), with.iter().map(bare).collect())
}

#[test]
fn nodes_with_other_heights_peers_clocks_and_histories_send_the_same_streams() {
    let new = Stranger {
        seed: 1,
        since: Duration::ZERO,
        peers: 5,
        height: None,
        numbers: CourierConfig::preset(Privacy::Fast),
        has_history: false,
    };
    let old = Stranger {
        seed: 2,
        since: HOUR * 9,
        peers: 11,
        height: Some(3_400_000),
        numbers: CourierConfig::preset(Privacy::Balanced),
        has_history: true,
    };
    let (one, other) = (new.streams(), old.streams());
    let ((one_empty, one_full), (other_empty, other_full)) = (seen(&one), seen(&other));
    assert_eq!(one_empty.len(), 3, "a stream for each size, and no two that differ");
    assert!(other_empty.is_superset(&one_empty), "every empty courier of the one could be the other's");
    // what is left of the old one's are those of its first transaction
    assert!(other_empty.difference(&one_empty).all(|stream| stream.windows(64).any(|row| row == [1; 64])));
    assert_eq!(one_full.len(), 1, "it is cut in one way");
    assert_eq!(one_full, other_full);
}
