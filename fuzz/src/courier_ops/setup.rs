//! The configurations that scripts run under, and the hosts in them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::{
    Addr, Config, Durability, Instant, Network, PeerRole, RecipientKey, RelayPolicy, Witness, ZoneConfig, ZoneKind,
};

use crate::cast;

/// Hosts in the script's world, each with two ports.
pub(super) const HOSTS: u8 = 6;

/// Address `number`: of the first ports of all hosts, then of their second ports.
pub(super) fn addr(number: u8) -> Addr {
    let number = number % (2 * HOSTS);
    cast::addr(ZoneKind::Tor, number % HOSTS * 2 + number / HOSTS)
}

/// The host behind an address.
pub(super) fn host(of: &Addr) -> u8 {
    (0..2 * HOSTS).find(|&number| addr(number) == *of).expect("no other is dialled") % HOSTS
}

/// One Tor zone with one to six peers that may carry.
pub(super) fn config([first, second]: [u8; 2]) -> Config {
    let mut tor = ZoneConfig::new(ZoneKind::Tor);
    tor.relay = RelayPolicy::Courier;
    tor.max_outgoing = 1 + u32::from(first / 6 % 2);
    tor.peers = (0..=first % 6).map(|number| (addr(number), PeerRole::Known)).collect();
    if first / 12 % 8 == 7 {
        tor.peers[0].1 = PeerRole::Exclusive;
    }
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![tor];
    // so often that dials in vain pile up, or so seldom that a script follows each
    config.courier.every = if second & 64 != 0 { [3, 0, 0] } else { [20, 80, 160] }.map(Duration::from_secs);
    if second & 1 == 0 {
        (config.courier.release, config.courier.uptime) = (Duration::ZERO, (Duration::ZERO, Duration::ZERO));
    }
    if second & 2 == 0 {
        config.durability = Durability::BeforeRelay(RecipientKey::new([7; 32]));
    }
    if second & 4 != 0 {
        config.limits.stash_lifetime = Duration::from_secs(1_000);
    }
    if second & 8 != 0 {
        config.witness = Witness::Embedder;
    }
    if second & 16 != 0 {
        // two records wait, a third is too many
        config.limits.queue_bytes = 8_000;
    }
    config.pad_transactions = second & 32 != 0;
    config
}

/// Who may carry, as far as it can be said without a look into the node: whoever may must fulfil this.
#[derive(Debug)]
pub(super) struct Trusted {
    named: Vec<(Addr, PeerRole)>,
    /// Who told of an address on any stream.
    tellers: BTreeMap<Addr, BTreeSet<u8>>,
    /// When an address first answered as a peer of this network does.
    answered: BTreeMap<Addr, Instant>,
}

impl Trusted {
    pub(super) fn new(config: &Config) -> Self {
        Self { named: config.zones[0].peers.clone(), tellers: BTreeMap::new(), answered: BTreeMap::new() }
    }

    pub(super) fn hear(&mut self, teller: &Addr, told: &[Addr]) {
        for addr in told {
            self.tellers.entry(addr.clone()).or_default().insert(host(teller));
        }
    }

    pub(super) fn answered(&mut self, now: Instant, addr: &Addr) {
        self.answered.entry(addr.clone()).or_insert(now);
    }

    pub(super) fn may_carry(&self, now: Instant, addr: &Addr) -> bool {
        let exclusive = |role: &PeerRole| *role == PeerRole::Exclusive;
        if self.named.iter().any(|(_, role)| exclusive(role)) {
            return self.named.iter().any(|(named, role)| named == addr && exclusive(role));
        }
        let day = Duration::from_secs(24 * 3_600);
        let told = self.tellers.get(addr).is_some_and(|tellers| tellers.len() >= 3);
        let old = self.answered.get(addr).is_some_and(|&at| at + day <= now);
        self.named.iter().any(|(named, _)| named == addr) || told && old
    }
}
