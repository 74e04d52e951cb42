//! Any bytes as a document of an earlier run.

use anonet_core::{Config, DocumentVersion, Instant, Network, Node, PeerRole, Restored, Snapshot, ZoneConfig, ZoneKind};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::cast::{addr, kind};

const NOW: Instant = Instant::from_micros(1 << 50);

/// The first byte chooses the zones, the caps and the kind of document; the rest is a document, or what follows its header.
///
/// # Panics
/// If more is kept than there may be, or if what is kept does not come back as it was.
pub fn snapshot_restore(data: &[u8]) {
    let (&choice, rest) = data.split_first().unwrap_or((&0, &[]));
    let kind = if choice & 0x20 == 0 { Snapshot::Peers } else { Snapshot::Bans };
    let mut document = Vec::new();
    if choice & 0x80 == 0 {
        node(0).snapshot(kind, &mut document);
    }
    document.extend_from_slice(rest);
    let mut first = node(choice);
    let restored = first.restore(NOW, kind, &document);
    assert!(restored.kept + restored.dropped <= document.len() / 2);
    if restored.version != DocumentVersion::Current {
        assert_eq!((restored.kept, restored.dropped), (0, 0));
    }
    let limits = config(choice).limits;
    for zone in first.zones() {
        assert!(zone.gray <= limits.gray && zone.white <= limits.white + 1);
    }
    let mut kept = Vec::new();
    first.snapshot(kind, &mut kept);
    let mut second = node(choice);
    let Restored { kept: again, dropped, version, .. } = second.restore(NOW, kind, &kept);
    assert_eq!((dropped, version), (0, DocumentVersion::Current));
    assert!(again <= restored.kept);
    let mut same = Vec::new();
    second.snapshot(kind, &mut same);
    assert_eq!(same, kept);
}

fn config(choice: u8) -> Config {
    let mut config = Config::new(Network::Regtest);
    let kinds = [ZoneKind::Public, ZoneKind::Tor, ZoneKind::I2p];
    config.zones = match choice % 4 {
        3 => kinds.map(zone).into(),
        one => vec![zone(kind(one))],
    };
    if choice & 0x40 != 0 {
        (config.limits.white, config.limits.gray) = (2, 3);
    }
    config
}

/// Dials nobody, so that only what is restored changes its lists.
fn zone(kind: ZoneKind) -> ZoneConfig {
    let mut zone = ZoneConfig::new(kind);
    zone.max_outgoing = 0;
    zone.own = vec![addr(kind, 0)];
    zone.peers = vec![(addr(kind, 2), PeerRole::Known)];
    zone
}

fn node(choice: u8) -> Node {
    Node::new(config(choice), Box::new(ChaCha20Rng::from_seed([1; 32])), NOW).expect("the configuration is sound")
}
