//! The configurations that scripts run under.

use std::time::Duration;

use anonet_core::route::WeakerZone;
use anonet_core::{Config, Durability, Limits, Network, PeerRole, RecipientKey, RelayPolicy, ZoneConfig, ZoneKind};

use crate::cast::addr;

/// Configuration `number`: five sets of zones, each with roomy or narrow limits, either rule for weaker zones,
/// either durability, padded messages or not, and
/// one of the three policies of the anonymity zones.
pub(super) fn config(number: u8) -> Config {
    let mut config = Config::new(Network::Regtest);
    config.zones = match number % 5 {
        0 => vec![zone(ZoneKind::Public, 2), zone(ZoneKind::Tor, 2), zone(ZoneKind::I2p, 1)],
        1 => vec![zone(ZoneKind::Tor, 2)],
        2 => vec![zone(ZoneKind::Public, 3)],
        3 => {
            let mut inbound_only = zone(ZoneKind::Tor, 1);
            inbound_only.max_outgoing = 0;
            vec![zone(ZoneKind::Public, 3), inbound_only]
        }
        _ => {
            let mut exclusive = zone(ZoneKind::Tor, 2);
            exclusive.peers[0].1 = PeerRole::Exclusive;
            vec![zone(ZoneKind::Public, 2), exclusive]
        }
    };
    if number / 5 % 2 == 1 {
        config.limits = narrow();
    }
    config.route.weaker = [WeakerZone::AsFallback, WeakerZone::OnlyAlone][usize::from(number / 10 % 2)];
    if number / 20 % 2 == 1 {
        config.durability = Durability::BeforeRelay(RecipientKey::new([7; 32]));
    }
    config.pad_transactions = number / 40 % 2 == 1;
    let relay = [RelayPolicy::Fluff, RelayPolicy::Noise, RelayPolicy::Courier][usize::from(number / 80 % 3)];
    config.zones.iter_mut().for_each(|zone| zone.relay = relay);
    if relay != RelayPolicy::Fluff {
        // a unit has to fit
        config.limits.queue_bytes = config.limits.queue_bytes.max(8_000);
    }
    config.courier.every = [Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(60)];
    (config.courier.release, config.courier.uptime) = (Duration::ZERO, (Duration::ZERO, Duration::ZERO));
    config
}

/// A zone of a node that is address 0, knows the next few, and accepts up to four links.
fn zone(kind: ZoneKind, peers: u8) -> ZoneConfig {
    let mut zone = ZoneConfig::new(kind);
    zone.own = vec![addr(kind, 0)];
    // two ports of one onion stand side by side
    let step = if kind == ZoneKind::Tor { 2 } else { 1 };
    zone.peers = (1..=peers).map(|peer| (addr(kind, peer * step), PeerRole::Known)).collect();
    zone.peers[0].1 = PeerRole::Priority;
    zone.max_outgoing = 4;
    zone.max_incoming = 4;
    zone.public_port = Some(18_083);
    zone
}

/// Limits that a short script reaches.
fn narrow() -> Limits {
    let mut limits = Limits::new();
    (limits.white, limits.gray) = (3, 4);
    (limits.stash_entries, limits.stash_bytes) = (4, 3_000);
    limits.stash_lifetime = Duration::from_secs(1_000);
    (limits.received_entries, limits.received_bytes) = (6, 9_000);
    limits.received_per_link = 3;
    limits.received_lifetime = Duration::from_secs(100);
    (limits.transit_entries, limits.transit_bytes) = (5, 9_000);
    limits.queue_bytes = 2_000;
    limits.receive_bytes = 20_000;
    limits.window = 1_000;
    limits
}
