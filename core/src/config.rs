//! What a node is told at construction: plain validated data.

mod courier;
mod limits;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use thiserror::Error;

pub use self::courier::{CourierConfig, Privacy};
pub use self::limits::Limits;
use crate::addr::{Addr, AddrError, ZoneKind};
use crate::ids::ZoneId;
use crate::network::Network;
use crate::stash::{RecipientKey, Witness};
use crate::zone::policy::ZonePolicy;
use crate::zone::route::RouteRules;

/// How a zone's links carry own transactions (design §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RelayPolicy {
    /// To every outgoing link of the zone, fluff flag set, each after its own Poisson delay: monerod's behaviour with
    /// `disable_noise`.
    Fluff,
    /// On two outgoing links at a time, cut into units of one size that leave on a clock whether there is anything to send
    /// or not: monerod's default. Carries transactions of up to 60,703 bytes.
    Noise,
    /// On short streams that leave on a clock of their own, whether there is anything to send or not, each to another peer
    /// and by a circuit of its own. Carries transactions of up to 194,419 bytes.
    #[default]
    Courier,
}

impl RelayPolicy {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fluff => "fluff",
            Self::Noise => "noise",
            Self::Courier => "courier",
        }
    }
}

/// Whether the zone's proxy gives each stream a circuit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamIsolation {
    /// Every dial's [`Isolation`](crate::Isolation) has an effect.
    PerDial,
    /// All streams may share one circuit or destination.
    None,
}

/// Why the user named a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PeerRole {
    /// `--add-exclusive-node`: nothing else is dialled in any zone.
    Exclusive,
    /// `--add-priority-node`: dialled before others, and kept.
    Priority,
    /// `--add-peer`: one more known peer.
    Known,
}

/// One zone of a [`Config`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ZoneConfig {
    /// The network; each at most once.
    pub kind: ZoneKind,
    /// How own transactions leave (anonymity zones only; the public zone stems).
    pub relay: RelayPolicy,
    /// Outgoing links wanted; 0 makes the zone inbound-only.
    pub max_outgoing: u32,
    /// Incoming links accepted; 0 accepts none. A quarter of them, but at least 4 and at most 64, may be in their handshake.
    pub max_incoming: u32,
    /// Incoming links accepted from one host, where hosts are known: an IPv4 address or a /64 of IPv6. The machine itself
    /// may have any number.
    pub max_per_host: u32,
    /// Addresses under which others reach this node. They are never dialled.
    pub own: Vec<Addr>,
    /// The port on which others may dial this node, named in handshakes (public zone only). Who names one is pinged on it.
    pub public_port: Option<u16>,
    /// Whether to ping who names a port; not through a proxy, whose exit would do it (public zone only).
    pub can_ping_back: bool,
    /// Peers named by the user.
    pub peers: Vec<(Addr, PeerRole)>,
    /// Peers that are asked for others when the lists hold nobody who can be reached; they do not enter the lists
    /// (spec: connections §5).
    pub seeds: Vec<Addr>,
    /// The own hidden address that outgoing peers of this zone are told, and nobody else (spec: messages §3.3). It counts
    /// as one of [`own`](Self::own).
    pub advertise: Option<Addr>,
    /// How long a dial may take, from [`Output::Dial`](crate::Output::Dial) to the embedder's answer.
    pub dial_timeout: Duration,
    /// What the zone's proxy gives.
    pub isolation: StreamIsolation,
}

impl ZoneConfig {
    /// A zone with 12 outgoing links wanted (spec: connections §1), none accepted, and no peers.
    #[must_use]
    pub const fn new(kind: ZoneKind) -> Self {
        let isolation = if ZonePolicy::of(kind).isolates { StreamIsolation::PerDial } else { StreamIsolation::None };
        Self {
            kind,
            relay: RelayPolicy::Courier,
            max_outgoing: 12,
            max_incoming: 0,
            max_per_host: 1,
            own: Vec::new(),
            public_port: None,
            can_ping_back: ZonePolicy::of(kind).names_port,
            peers: Vec::new(),
            seeds: Vec::new(),
            advertise: None,
            dial_timeout: ZonePolicy::of(kind).dial_timeout,
            isolation,
        }
    }
}

/// What the embedder writes down of own transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: they end with the process.
    #[default]
    Memory,
    /// Each is stored before it is submitted, and who may know of it before it leaves: the node says
    /// [`Event::Exposing`](crate::Event::Exposing) and waits for [`Node::recorded`](crate::Node::recorded). Hosts are named
    /// under this key, which is the store's, so that they are the same in every run.
    BeforeRelay(RecipientKey),
}

/// What [`Node::new`](crate::Node::new) is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The network of every zone.
    pub network: Network,
    /// The zones; [`ZoneId`](crate::ZoneId) counts through them.
    pub zones: Vec<ZoneConfig>,
    /// Caps.
    pub limits: Limits,
    /// Routing choices.
    pub route: RouteRules,
    /// What the embedder writes down.
    pub durability: Durability,
    /// Who may tell that an own transaction has spread.
    pub witness: Witness,
    /// The numbers of policy `courier`.
    pub courier: CourierConfig,
    /// How many blocks the chain should have by the clock when the node starts: peers that claim far fewer or far more carry
    /// no own transaction by courier. What the embedder's own daemon says comes before this.
    pub expected_height: Option<u64>,
    /// Whether messages with transactions are padded to multiples of 1,024 bytes, in every zone.
    pub pad_transactions: bool,
}

/// Why a [`Config`] was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two zones of one network.
    #[error("the {} network is configured twice", .0.name())]
    DuplicateZone(ZoneKind),
    /// A peer, seed or own address stands in a zone of another network.
    #[error("an address of another network is configured in the {} zone", .0.name())]
    ForeignAddr(ZoneKind),
    /// An onion name that is no valid public key.
    #[error("a configured address is invalid: {0}")]
    BadAddr(AddrError),
    /// There is nothing to run.
    #[error("no zone is configured")]
    NoZone,
    /// More zones than a [`ZoneId`](crate::ZoneId) can count.
    #[error("more than 255 zones are configured")]
    TooManyZones,
}

impl Config {
    /// A configuration without zones; add some.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self {
            network,
            zones: Vec::new(),
            limits: Limits::new(),
            route: RouteRules::default(),
            durability: Durability::default(),
            witness: Witness::default(),
            courier: CourierConfig::default(),
            expected_height: None,
            pad_transactions: false,
        }
    }

    /// The id of the zone that stands at `index` in [`Config::zones`].
    #[must_use]
    pub fn zone_id(&self, index: usize) -> Option<ZoneId> {
        self.zones.get(index)?;
        u8::try_from(index).ok().map(ZoneId)
    }

    /// Who can tell that an own transaction has spread, as these zones are.
    pub(crate) fn witness(&self) -> Option<Witness> {
        let echoes = |zone: &ZoneConfig| ZonePolicy::of(zone.kind).echoes && zone.max_outgoing >= 2;
        match self.witness {
            Witness::PublicLinks => self.zones.iter().any(echoes).then_some(Witness::PublicLinks),
            Witness::Embedder => Some(Witness::Embedder),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.zones.is_empty() {
            return Err(ConfigError::NoZone);
        }
        if self.zones.len() > usize::from(u8::MAX) {
            return Err(ConfigError::TooManyZones);
        }
        let mut kinds = BTreeSet::new();
        for zone in &self.zones {
            if !kinds.insert(zone.kind) {
                return Err(ConfigError::DuplicateZone(zone.kind));
            }
            let peers = zone.peers.iter().map(|(addr, _)| addr);
            for addr in zone.own.iter().chain(peers).chain(&zone.seeds).chain(&zone.advertise) {
                if addr.zone() != zone.kind {
                    return Err(ConfigError::ForeignAddr(zone.kind));
                }
                addr.check_point().map_err(ConfigError::BadAddr)?;
            }
        }
        Ok(())
    }
}
