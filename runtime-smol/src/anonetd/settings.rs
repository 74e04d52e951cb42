//! From the options of `run` to what the node is started with.

use std::env;
use std::net::SocketAddr;

use anonet_core::{Addr, Banned, Config, Durability, Network, PeerRole, StreamIsolation, Witness, ZoneConfig, ZoneKind};
use thiserror::Error;

use super::args::{RunArgs, StashStore};
use super::ban_list::{self, BanListError};
use super::config_file::Place;
use super::daemon::{DaemonAddress, DaemonAddressError, DaemonSetup};
use super::passphrase::{self, PassphraseError};
use super::relay_policy::{RelayPolicies, RelayPolicyError};
use crate::driver::{Listener, Preface, Service, SocksAuth, SocksProxy, Transport};
use crate::options::{
    AnonymityPlan, DEFAULT_MAX_OUTGOING, Inbound, ListenOptions, OptionError, OptionName, PeerOption, ProxyEndpoint, ProxyOption,
    PublicListen, PublicPlan, PublicSwitch, RpcBind, TxProxy, ZoneOptions, ZonePlan, built_in_seeds, parse_proxy_option,
    parse_seed,
};
use crate::store::Passphrase;

/// Incoming links of a hidden service whose option names no maximum. monerod has no limit there, and so may run out of
/// file descriptors.
const DEFAULT_MAX_INCOMING: u32 = 128;

/// Everything that `run` needs to know.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) network: Network,
    pub(super) service: Service,
    /// As the zones of `service`.
    pub(super) zones: Vec<ZoneLabel>,
    pub(super) rpc: Option<SocketAddr>,
    pub(super) stash: StashStore,
    /// Whom the node has nothing to do with.
    pub(super) bans: Vec<Banned>,
    /// Seals the stash on disk.
    pub(super) passphrase: Option<Passphrase>,
    pub(super) daemon: Option<DaemonSetup>,
    /// What the user should know at the start.
    pub(super) remarks: Vec<Remark>,
}

/// What the node itself does not know of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZoneLabel {
    pub(super) kind: ZoneKind,
    pub(super) proxy: Option<SocketAddr>,
}

/// Something odd in the options, or a consequence that is easy to miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Remark {
    #[error("{0}")]
    Plan(crate::options::PlanWarning),
    #[error(
        "no anonymity network is configured: own transactions leave by the public network, from this machine's address; \
             for anonymity add --proxy tor,127.0.0.1:9050"
    )]
    NoAnonymity,
    #[error(
        "{0}: no peer is named and none is built in for this Monero network: add one with --add-peer, or nothing can be sent there"
    )]
    NoPeers(ZoneKind),
    #[error(
        "tor: --allow-no-isolation is set: connections may share one circuit, so that peers can link your transactions \
             to each other"
    )]
    NoIsolation,
    #[error("--offline: nothing is connected, so own transactions are taken and kept until a start without it")]
    Offline,
    #[error("--in-peers: nobody can connect, as nothing listens: add --p2p-bind-ip or --p2p-bind-port")]
    InPeersWithoutListener,
    #[error(
        "--p2p-bind-ip and its like: who connects there learns this machine's address, which --proxy IP:PORT hides otherwise"
    )]
    ListenerBesideProxy,
    #[error("--no-sync: there is nothing to switch off, as anonetd never synchronizes a chain")]
    NoSync,
    #[error("--proxy-allow-dns-leaks: there is nothing to allow, as anonetd never asks DNS for anything")]
    DnsLeaks,
    #[error("{0}: disable_noise forbids the policy noise, which this version does not have; the policy is fluff")]
    DisableNoise(ZoneKind),
    #[error(
        "{0}: no daemon is named, so nobody could say what peers send is worth: none of it is passed on, and the hidden \
             service is not told to peers; add --daemon-address 127.0.0.1:18081"
    )]
    NotAdvertised(ZoneKind),
}

impl Remark {
    /// Whether all is as it should be.
    pub(super) const fn is_harmless(self) -> bool {
        matches!(self, Self::DisableNoise(_) | Self::NoSync | Self::DnsLeaks)
    }

    /// Whether something that was asked for does not work.
    pub(super) const fn is_error(self) -> bool {
        matches!(self, Self::NotAdvertised(_))
    }
}

/// Why the options cannot be used.
#[derive(Debug, Error)]
pub(super) enum SettingsError {
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A value of an option, and where it stands, as the message may not repeat it.
    #[error("{error}{place}")]
    Value { error: OptionError, place: Place },
    #[error(transparent)]
    RelayPolicy(#[from] RelayPolicyError),
    #[error(transparent)]
    BanList(#[from] BanListError),
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    #[error(transparent)]
    Daemon(#[from] DaemonAddressError),
}

impl Settings {
    pub(super) fn new(args: &RunArgs) -> Result<Self, SettingsError> {
        let network = args.network.into();
        let policies = RelayPolicies::parse(args.relay_policy.iter().map(String::as_str))?;
        let rpc = match args.rpc_bind.as_str() {
            "none" => None,
            bind => Some(one(args, OptionName::RpcBind, bind, str::parse::<RpcBind>)?.addr()),
        };
        let passphrase = passphrase_of(args)?;
        let plan = ZonePlan::new(zone_options(args, network)?)?;
        let remarks = remarks(&plan, args, network);
        let tor_isolation = if args.allow_no_isolation { StreamIsolation::None } else { StreamIsolation::PerDial };
        let mut service = Service { config: Config::new(network), transports: Vec::new(), listeners: Vec::new() };
        let bans = args.ban_list.as_deref().map_or(Ok(Vec::new()), ban_list::read)?;
        // those of the list, and as many as peers may bring about
        service.config.limits.bans = service.config.limits.bans.max(2 * bans.len());
        service.config.pad_transactions = args.pad_transactions;
        service.config.route.weaker = args.weaker_zone.into();
        service.config.durability = match args.stash {
            StashStore::Disk => Durability::BeforeRelay,
            StashStore::Memory => Durability::Memory,
        };
        let mut zones = Vec::new();
        // the public zone last: it is the least interesting one
        for zone in plan.anonymity {
            let proxy = zone.outgoing.as_ref().map(|outgoing| outgoing.proxy.addr);
            zones.push(ZoneLabel { kind: zone.zone, proxy });
            add_anonymity(&mut service, zone, policies, tor_isolation);
        }
        if let Some(public) = plan.public {
            zones.push(ZoneLabel { kind: ZoneKind::Public, proxy: public.proxy.as_ref().map(|proxy| proxy.addr) });
            add_public(&mut service, public, args);
        }
        let mut daemon = args.daemon_address.as_deref().map(|text| use_daemon(text, network, &mut service)).transpose()?;
        if args.offline {
            take_offline(&mut service);
            daemon = None;
        }
        Ok(Self { network, service, zones, rpc, stash: args.stash, bans, passphrase, daemon, remarks })
    }
}

fn passphrase_of(args: &RunArgs) -> Result<Option<Passphrase>, PassphraseError> {
    let file = args.stash_passphrase_file.as_deref();
    match args.stash {
        StashStore::Memory if file.is_some() => Err(PassphraseError::NothingToSeal),
        StashStore::Memory => Ok(None),
        StashStore::Disk => passphrase::passphrase(file, env::var_os(passphrase::VARIABLE).as_deref()),
    }
}

/// With a daemon the node can tell what peers send is worth, so its hidden services may be known, and the daemon's word is
/// what counts as evidence.
fn use_daemon(text: &str, network: Network, service: &mut Service) -> Result<DaemonSetup, DaemonAddressError> {
    let address = DaemonAddress::parse(text, network)?;
    let way = address.way(&service.config, &service.transports)?;
    let config = &mut service.config;
    config.witness = Witness::Embedder;
    for zone in config.zones.iter_mut().filter(|zone| zone.kind.is_anonymity()) {
        zone.advertise = zone.own.first().cloned();
    }
    let relays = config.zones.iter().any(|zone| !zone.kind.is_anonymity() && zone.max_outgoing > 0);
    Ok(DaemonSetup { address, way, network, limits: config.limits, relays })
}

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
fn take_offline(service: &mut Service) {
    for zone in &mut service.config.zones {
        (zone.max_outgoing, zone.max_incoming) = (0, 0);
        zone.peers.clear();
        zone.seeds.clear();
    }
    service.listeners.clear();
}

/// What a count of peers says; -1 is monerod's word for the default.
fn count(given: Option<i64>) -> Option<u32> {
    given.and_then(|count| u32::try_from(count).ok())
}

fn zone_options(args: &RunArgs, network: Network) -> Result<ZoneOptions, SettingsError> {
    let mut options = ZoneOptions::default();
    if args.no_public {
        options.public = PublicSwitch::Off;
    }
    options.proxies = values(args, OptionName::Proxy, &args.proxy, parse_proxy_option)?;
    let tx_proxy = |text: &str| text.parse::<TxProxy>().map(ProxyOption::Zone);
    options.proxies.extend(values(args, OptionName::TxProxy, &args.tx_proxy, tx_proxy)?);
    options.inbounds = values(args, OptionName::AnonymousInbound, &args.anonymous_inbound, str::parse::<Inbound>)?;
    for (option, texts, role) in [
        (OptionName::AddExclusiveNode, &args.add_exclusive_node, PeerRole::Exclusive),
        (OptionName::AddPriorityNode, &args.add_priority_node, PeerRole::Priority),
        (OptionName::AddPeer, &args.add_peer, PeerRole::Known),
    ] {
        options.peers.extend(values(args, option, texts, |text| PeerOption::parse(text, role, network))?);
    }
    let seed = |text: &str| parse_seed(text, network);
    options.seeds = values(args, OptionName::SeedNode, &args.seed_node, seed)?;
    options.listen = PublicListen::new(listen_options(args), network)?;
    let given = [
        (args.out_peers.is_some(), OptionName::OutPeers),
        (args.in_peers.is_some(), OptionName::InPeers),
        (args.p2p_bind_ip.is_some(), OptionName::P2pBindIp),
        (args.p2p_bind_port.is_some(), OptionName::P2pBindPort),
        (args.p2p_use_ipv6, OptionName::P2pUseIpv6),
    ];
    options.of_public = given.into_iter().filter(|(given, _)| *given).map(|(_, option)| option).collect();
    Ok(options)
}

fn listen_options(args: &RunArgs) -> ListenOptions<'_> {
    ListenOptions {
        ip: args.p2p_bind_ip.as_deref(),
        port: args.p2p_bind_port,
        use_ipv6: args.p2p_use_ipv6,
        ipv6: args.p2p_bind_ipv6_address.as_deref(),
        ipv6_port: args.p2p_bind_port_ipv6,
    }
}

/// Reads all values of an option.
fn values<T>(
    args: &RunArgs,
    option: OptionName,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, OptionError>,
) -> Result<Vec<T>, SettingsError> {
    let place = |index| args.file.place(option.name(), index, texts.len());
    let each = texts
        .iter()
        .enumerate()
        .map(|(index, text)| parse(text).map_err(|error| SettingsError::Value { error, place: place(index) }));
    each.collect()
}

/// Reads the value of an option that has one.
fn one<T>(
    args: &RunArgs,
    option: OptionName,
    text: &str,
    parse: impl Fn(&str) -> Result<T, OptionError>,
) -> Result<T, SettingsError> {
    parse(text).map_err(|error| SettingsError::Value { error, place: args.file.place(option.name(), 0, 1) })
}

fn add_anonymity(service: &mut Service, plan: AnonymityPlan, policies: RelayPolicies, tor_isolation: StreamIsolation) {
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

fn add_public(service: &mut Service, plan: PublicPlan, args: &RunArgs) {
    let mut zone = ZoneConfig::new(ZoneKind::Public);
    zone.peers = named(plan.peers);
    zone.seeds = seeds(plan.seeds, service.config.network, &zone);
    zone.max_outgoing = count(args.out_peers).unwrap_or(DEFAULT_MAX_OUTGOING);
    zone.max_per_host = args.max_connections_per_ip;
    if plan.listen.is_some() {
        zone.max_incoming = count(args.in_peers).unwrap_or(DEFAULT_MAX_INCOMING);
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

fn remarks(plan: &ZonePlan, args: &RunArgs, network: Network) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = plan.warnings.iter().copied().map(Remark::Plan).collect();
    if plan.anonymity.is_empty() {
        remarks.push(Remark::NoAnonymity);
    }
    let inbound = plan.anonymity.iter().filter(|zone| zone.inbound.is_some() && args.daemon_address.is_none());
    remarks.extend(inbound.map(|zone| Remark::NotAdvertised(zone.zone)));
    for zone in &plan.anonymity {
        let Some(outgoing) = &zone.outgoing else { continue };
        let seeded = !zone.seeds.is_empty() || !built_in_seeds(network, zone.zone).is_empty();
        if zone.peers.is_empty() && !seeded {
            remarks.push(Remark::NoPeers(zone.zone));
        }
        if outgoing.disable_noise {
            remarks.push(Remark::DisableNoise(zone.zone));
        }
        if zone.zone == ZoneKind::Tor && args.allow_no_isolation {
            remarks.push(Remark::NoIsolation);
        }
    }
    if let Some(public) = &plan.public {
        let seeded = !public.seeds.is_empty() || !built_in_seeds(network, ZoneKind::Public).is_empty();
        if public.peers.is_empty() && !seeded {
            remarks.push(Remark::NoPeers(ZoneKind::Public));
        }
        if public.proxy.is_some() && public.listen.is_some() {
            remarks.push(Remark::ListenerBesideProxy);
        }
        if !public.listen.is_some() && count(args.in_peers).is_some_and(|most| most > 0) {
            remarks.push(Remark::InPeersWithoutListener);
        }
    }
    let said = [(args.offline, Remark::Offline), (args.no_sync, Remark::NoSync), (args.proxy_allow_dns_leaks, Remark::DnsLeaks)];
    remarks.extend(said.into_iter().filter(|(given, _)| *given).map(|(_, remark)| remark));
    remarks
}

#[cfg(test)]
mod tests;
