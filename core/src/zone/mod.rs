//! One zone as a value: its row of the policy table, identity, peers and proxy.

mod errands;
pub(crate) mod policy;
mod proxy;
pub mod route;

use alloc::vec::Vec;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use chacha20::ChaCha20Rng;
use rand_core::Rng as _;

use self::errands::Errands;
use self::policy::{PINGS, ZonePolicy};
pub use self::proxy::ProxyState;
use self::route::ZoneStatus;
use crate::addr::{Addr, ZoneKind};
use crate::config::{CourierConfig, Limits, PeerRole, RelayPolicy, StreamIsolation, ZoneConfig};
use crate::conn::budget::Budget;
use crate::conn::handshake::Identity;
use crate::conn::{Conn, HEARSAY, Phase, Purpose};
use crate::ids::ZoneId;
use crate::levin::{self, Kind};
use crate::network::Network;
use crate::output::Direction;
use crate::peers::{ListKind, PeerList};
use crate::relay::courier::{CourierReport, Couriers};
use crate::relay::noise::Noise;
use crate::time::Instant;
use crate::wire::{HandshakeRequest, PeerEntry, command};

/// Failures in a row after which no address is blamed any more.
const NETWORK_DOWN: u32 = 12;

/// Failures in a row after which a zone without links asks a seed, whatever its lists hold.
const STRANDED: u32 = 8;

/// The pause after a failed dial is as many of these as there were failures in a row, up to so many.
const DIAL_PACE: Duration = Duration::from_millis(100);
const DIAL_PACES: u32 = 10;

#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) id: ZoneId,
    pub(crate) kind: ZoneKind,
    pub(crate) policy: &'static ZonePolicy,
    pub(crate) relay: RelayPolicy,
    /// The channels of policy `noise`.
    pub(crate) noise: Option<Noise>,
    /// The clocks of policy `courier`.
    pub(crate) couriers: Option<Couriers>,
    pub(crate) identity: Identity,
    pub(crate) peers: PeerList,
    /// What outgoing peers are told of this node.
    pub(crate) advertise: Option<PeerEntry>,
    pub(crate) max_outgoing: u32,
    pub(crate) max_incoming: u32,
    pub(crate) max_per_host: u32,
    pub(crate) dial_timeout: Duration,
    pub(crate) isolates: bool,
    pub(crate) proxy: ProxyState,
    proxy_failures: u32,
    /// Nothing is dialled before this: the proxy, or the network, needs a rest.
    pub(crate) rests_until: Option<Instant>,
    /// Dials of different addresses that failed since one succeeded.
    pub(crate) failures_in_row: u32,
    /// Dials for links that are not slow, and all other dials.
    pub(crate) dialing: u32,
    pub(crate) slow: u32,
    /// Open outgoing streams that are to stay, handshake done or not, and those that are not.
    pub(crate) outgoing: u32,
    passing: u32,
    /// Couriers under way.
    pub(crate) flying: u32,
    pub(crate) incoming: u32,
    pub(crate) ready_outgoing: u32,
    pub(crate) ready_incoming: u32,
    /// When to look for something to dial again.
    pub(crate) next_fill: Option<Instant>,
    /// Checks of hearsay, and seeds.
    pub(crate) errands: Errands,
    /// Whether peers that name a port are pinged on it, and how many more.
    pub(crate) pings_back: bool,
    pub(crate) ping_budget: Budget,
    /// What all who dialled us may teach us together.
    pub(crate) inbound_hearsay: Budget,
    /// The same on every link, as the peer has not shown anything yet: encoded once.
    pub(crate) handshake_request: Bytes,
    /// All that happens in the zone is drawn from a stream of its own: what goes on in another shifts nothing here.
    pub(crate) rng: ChaCha20Rng,
}

impl Zone {
    pub(crate) fn new(
        now: Instant,
        id: ZoneId,
        config: ZoneConfig,
        network: Network,
        (limits, numbers): (Limits, &CourierConfig),
        mut rng: ChaCha20Rng,
    ) -> Self {
        let policy = ZonePolicy::of(config.kind);
        // 0 would be refused by peers
        let peer_id = policy.constant_peer_id.unwrap_or_else(|| rng.next_u64().max(2));
        let identity = Identity {
            network_id: network.id(),
            peer_id,
            support_flags: policy.support_flags,
            port: config.public_port.filter(|_| policy.names_port).unwrap_or(0),
            ids_are_unique: policy.constant_peer_id.is_none(),
        };
        let relays = |policy| config.relay == policy && config.kind.is_anonymity() && config.max_outgoing > 0;
        let (channels, couriers) = (relays(RelayPolicy::Noise), relays(RelayPolicy::Courier));
        let mut own = config.own;
        own.extend(config.advertise.clone());
        let seeds: Vec<Addr> = config.seeds.into_iter().filter(|seed| !own.iter().any(|own| own.same_host(seed))).collect();
        let mut peers = PeerList::new(config.kind, limits, own);
        for (addr, role) in config.peers {
            peers.configure(now, addr, role);
        }
        if couriers {
            seeds.iter().for_each(|seed: &Addr| peers.build_in(now, seed.clone()));
        }
        let errands = Errands::new(now, seeds, &mut rng);
        let request = HandshakeRequest { node: identity.node_data(), sync: network.genesis_sync() };
        Self {
            id,
            kind: config.kind,
            policy,
            relay: config.relay,
            noise: channels.then(|| Noise::new(now, id, &mut rng)),
            couriers: couriers.then(|| Couriers::new(now, numbers, &mut rng)),
            identity,
            peers,
            advertise: config.advertise.map(PeerEntry::bare),
            max_outgoing: config.max_outgoing,
            max_incoming: config.max_incoming,
            max_per_host: config.max_per_host,
            dial_timeout: config.dial_timeout,
            isolates: config.isolation == StreamIsolation::PerDial,
            proxy: ProxyState::Untried,
            proxy_failures: 0,
            rests_until: None,
            failures_in_row: 0,
            dialing: 0,
            slow: 0,
            outgoing: 0,
            passing: 0,
            flying: 0,
            incoming: 0,
            ready_outgoing: 0,
            ready_incoming: 0,
            next_fill: Some(now),
            errands,
            pings_back: policy.names_port && config.can_ping_back,
            ping_budget: Budget::full(PINGS, now),
            inbound_hearsay: Budget::full(HEARSAY, now),
            handshake_request: request_frame(command::HANDSHAKE, |out| request.encode(out)),
            rng,
        }
    }

    pub(crate) fn status(&self) -> ZoneStatus {
        ZoneStatus {
            id: self.id,
            kind: self.kind,
            dials: self.max_outgoing > 0,
            // couriers need no link: whom they may go to is enough
            ready: match &self.couriers {
                Some(_) if matches!(self.proxy, ProxyState::Down(_)) => 0,
                Some(couriers) => couriers.carriers,
                None => self.ready_outgoing,
            },
            isolates: self.isolates,
            proxy_down: matches!(self.proxy, ProxyState::Down(_)),
        }
    }

    /// A dial failed: paces the next one, the slower the longer nothing succeeds. Says whether the address can be blamed:
    /// where everything fails, the network is down.
    pub(crate) fn dial_failed(&mut self) -> (Duration, bool) {
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        (DIAL_PACE * self.failures_in_row.min(DIAL_PACES), !self.network_seems_down())
    }

    /// Whether so many dials have failed in a row, and no link is up, that no address is to blame.
    pub(crate) const fn network_seems_down(&self) -> bool {
        self.failures_in_row > NETWORK_DOWN && self.ready_outgoing == 0
    }

    /// Whether so many dials have failed in a row that the lists may hold nobody who is there.
    pub(crate) const fn seems_stranded(&self) -> bool {
        self.failures_in_row >= STRANDED && self.ready_outgoing == 0
    }

    pub(crate) const fn has_its_links(&self) -> bool {
        self.max_outgoing > 0 && self.ready_outgoing >= self.max_outgoing
    }

    pub(crate) fn has_hearsay(&self) -> bool {
        self.peers.len(ListKind::Gray) > 0
    }

    /// Whether a dialled address is kept only as long as a link is wanted.
    pub(crate) fn is_stranger(&self, conn: &Conn) -> bool {
        let role = conn.lease.as_ref().and_then(|lease| self.peers.role(lease));
        conn.purpose == Purpose::Link && !matches!(role, Some(PeerRole::Exclusive | PeerRole::Priority))
    }

    /// The counter that a link is part of.
    pub(crate) const fn count_of(&mut self, conn: &Conn) -> &mut u32 {
        match (&conn.phase, conn.direction, conn.purpose) {
            (_, _, Purpose::Courier) => &mut self.flying,
            (Phase::Dialing { slow_at: Some(_) }, ..) => &mut self.dialing,
            (Phase::Dialing { slow_at: None }, ..) => &mut self.slow,
            (_, Direction::Incoming, _) => &mut self.incoming,
            (_, Direction::Outgoing, Purpose::Link) => &mut self.outgoing,
            (_, Direction::Outgoing, _) => &mut self.passing,
        }
    }

    pub(crate) fn report(&self) -> ZoneReport {
        ZoneReport {
            id: self.id,
            kind: self.kind,
            relay: self.relay,
            isolates: self.isolates,
            proxy: self.proxy,
            outgoing: self.ready_outgoing,
            incoming: self.ready_incoming,
            dialing: self.dialing + self.slow,
            max_outgoing: self.max_outgoing,
            max_incoming: self.max_incoming,
            white: self.peers.len(ListKind::White),
            gray: self.peers.len(ListKind::Gray),
            couriers: self.couriers.as_ref().map(|couriers| couriers.report(self.flying)),
        }
    }
}

/// Whether a configuration names an exclusive peer anywhere, so that nobody else is dialled in any zone.
pub(crate) fn names_exclusive(zones: &[ZoneConfig]) -> bool {
    zones.iter().flat_map(|zone| &zone.peers).any(|&(_, role)| role == PeerRole::Exclusive)
}

fn request_frame(command: u32, body: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    levin::frame(&mut out, Kind::Request, command, body);
    out.freeze()
}

/// What [`Node::zones`](crate::Node::zones) says of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneReport {
    /// The zone.
    pub id: ZoneId,
    /// Its network.
    pub kind: ZoneKind,
    /// How own transactions leave it.
    pub relay: RelayPolicy,
    /// Whether each stream has a circuit of its own.
    pub isolates: bool,
    /// Its proxy.
    pub proxy: ProxyState,
    /// Outgoing links whose handshake is done.
    pub outgoing: u32,
    /// Incoming links whose handshake is done.
    pub incoming: u32,
    /// Dials under way.
    pub dialing: u32,
    /// Outgoing links wanted.
    pub max_outgoing: u32,
    /// Incoming links accepted.
    pub max_incoming: u32,
    /// White-list entries.
    pub white: usize,
    /// Gray-list entries.
    pub gray: usize,
    /// The zone's couriers, if it has any.
    pub couriers: Option<CourierReport>,
}
