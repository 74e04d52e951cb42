//! From the planned zones to the core's and the runtime's.

use std::time::Duration;

use anonet_core::{Addr, Network, PeerRole, StreamIsolation, ZoneConfig, ZoneKind};

use super::super::relay_policy::RelayPolicies;
use super::super::run_args::RunArgs;
use crate::driver::{Listener, Preface, Service, SocksAuth, SocksProxy, Transport};
use crate::options::{AnonymityPlan, DEFAULT_MAX_OUTGOING, PeerOption, ProxyEndpoint, PublicPlan, built_in_seeds};

/// Incoming links of a hidden service whose option names no maximum. monerod has no limit there, and so may run out of
/// file descriptors.
const DEFAULT_MAX_INCOMING: u32 = 128;

/// How long a public peer may take to be reached through a proxy, which has a way to find first: as monerod waits for one
/// (spec: connections §1).
const PROXIED_DIAL: Duration = Duration::from_secs(45);

/// The named seeds, then those that are built in, without the node itself.
fn seeds(named: Vec<Addr>, network: Network, zone: &ZoneConfig) -> Vec<Addr> {
    let mut seeds = named;
    for seed in built_in_seeds(network, zone.kind) {
        if !seeds.contains(&seed) {
            seeds.push(seed);
        }
    }
    seeds.retain(|seed| !zone.own.contains(seed));
    seeds
}

/// Nobody is dialled and nobody accepted, but the zones stay what they are, and with them where own transactions may go.
pub(super) fn take_offline(service: &mut Service) {
    for zone in &mut service.config.zones {
        (zone.max_outgoing, zone.max_incoming) = (0, 0);
        zone.peers.clear();
        zone.seeds.clear();
        zone.public_port = None;
    }
    service.listeners.clear();
}

/// What a count of peers says; -1 is monerod's word for the default.
pub(super) fn count(given: Option<i64>) -> Option<u32> {
    given.and_then(|count| u32::try_from(count).ok())
}

pub(super) fn add_anonymity(service: &mut Service, plan: AnonymityPlan, policies: RelayPolicies, tor_isolation: StreamIsolation) {
    let mut zone = ZoneConfig::new(plan.zone);
    zone.relay = policies.of(plan.zone);
    if plan.zone == ZoneKind::Tor {
        zone.isolation = tor_isolation;
    }
    zone.peers = named(plan.peers);
    let auth = match zone.isolation {
        StreamIsolation::PerDial => SocksAuth::IsolationRequired,
        _ => SocksAuth::IsolationOffered,
    };
    let transport = match plan.outgoing {
        Some(outgoing) => {
            zone.max_outgoing = outgoing.max_outgoing.unwrap_or(DEFAULT_MAX_OUTGOING);
            Transport::Socks(SocksProxy { addr: outgoing.proxy.addr, auth })
        }
        None => {
            zone.max_outgoing = 0;
            Transport::None
        }
    };
    if let Some(inbound) = plan.inbound {
        zone.max_incoming = inbound.max_incoming.unwrap_or(DEFAULT_MAX_INCOMING);
        zone.own = vec![inbound.advertise];
        service.listeners.push(Listener { zone: service.config.zones.len(), bind: inbound.bind, preface: inbound.preface });
    }
    zone.seeds = match transport {
        Transport::None => Vec::new(),
        _ => seeds(plan.seeds, service.config.network, &zone),
    };
    service.config.zones.push(zone);
    service.transports.push(transport);
}

pub(super) fn add_public(service: &mut Service, plan: PublicPlan, args: &RunArgs) {
    let mut zone = ZoneConfig::new(ZoneKind::Public);
    zone.peers = named(plan.peers);
    zone.seeds = seeds(plan.seeds, service.config.network, &zone);
    zone.max_outgoing = count(args.out_peers).unwrap_or(DEFAULT_MAX_OUTGOING);
    zone.max_per_host = args.max_connections_per_ip;
    if plan.listen.is_some() {
        zone.max_incoming = count(args.in_peers).unwrap_or(DEFAULT_MAX_INCOMING);
    }
    if plan.proxy.is_some() {
        zone.dial_timeout = PROXIED_DIAL;
    }
    // behind a proxy the port is another machine's, and the ping would come from there (spec: zones §2)
    zone.can_ping_back = plan.proxy.is_none();
    if plan.proxy.is_none() && !args.hide_my_port && zone.max_incoming > 0 {
        zone.public_port = plan.listen.addrs().next().map(|addr| addr.port());
    }
    let index = service.config.zones.len();
    service.listeners.extend(plan.listen.addrs().map(|bind| Listener { zone: index, bind, preface: Preface::None }));
    service.config.zones.push(zone);
    service.transports.push(match plan.proxy {
        None => Transport::Direct,
        Some(ProxyEndpoint { addr, credentials: None, .. }) => Transport::Socks(SocksProxy { addr, auth: SocksAuth::None }),
        Some(ProxyEndpoint { addr, credentials: Some((user, password)), .. }) => {
            Transport::Socks(SocksProxy { addr, auth: SocksAuth::Fixed { user, password } })
        }
    });
}

fn named(peers: Vec<PeerOption>) -> Vec<(Addr, PeerRole)> {
    peers.into_iter().map(|peer| (peer.addr, peer.role)).collect()
}
