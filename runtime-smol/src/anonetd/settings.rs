//! From the options of `run` to what the node is started with.

use std::env;
use std::net::SocketAddr;

use anonet_core::{Config, Durability, Network, PeerRole, StreamIsolation, Witness, ZoneConfig, ZoneKind};
use thiserror::Error;

use super::args::{RunArgs, StashStore};
use super::config_file::Place;
use super::daemon::{DaemonAddress, DaemonAddressError, DaemonSetup};
use super::passphrase::{self, PassphraseError};
use super::relay_policy::{RelayPolicies, RelayPolicyError};
use crate::driver::{Listener, Service, SocksAuth, SocksProxy, Transport};
use crate::options::{
    AnonymityPlan, DEFAULT_MAX_OUTGOING, Inbound, OptionError, OptionName, PeerOption, ProxyEndpoint, ProxyOption, PublicPlan,
    PublicSwitch, RpcBind, TxProxy, ZoneOptions, ZonePlan, parse_proxy_option,
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
    #[error("{0}: no peer is named and this version knows none by itself: add one with --add-peer, or nothing can be sent there")]
    NoPeers(ZoneKind),
    #[error(
        "tor: --allow-no-isolation is set: connections may share one circuit, so that peers can link your transactions \
             to each other"
    )]
    NoIsolation,
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
        matches!(self, Self::DisableNoise(_))
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
        let remarks = remarks(&plan, args);
        let tor_isolation = if args.allow_no_isolation { StreamIsolation::None } else { StreamIsolation::PerDial };
        let mut service = Service { config: Config::new(network), transports: Vec::new(), listeners: Vec::new() };
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
            add_public(&mut service, public);
        }
        let daemon = args.daemon_address.as_deref().map(|text| use_daemon(text, network, &mut service)).transpose()?;
        Ok(Self { network, service, zones, rpc, stash: args.stash, passphrase, daemon, remarks })
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
    Ok(options)
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
    service.config.zones.push(zone);
    service.transports.push(transport);
}

fn add_public(service: &mut Service, plan: PublicPlan) {
    let mut zone = ZoneConfig::new(ZoneKind::Public);
    zone.peers = named(plan.peers);
    service.config.zones.push(zone);
    service.transports.push(match plan.proxy {
        None => Transport::Direct,
        Some(ProxyEndpoint { addr, credentials: None, .. }) => Transport::Socks(SocksProxy { addr, auth: SocksAuth::None }),
        Some(ProxyEndpoint { addr, credentials: Some((user, password)), .. }) => {
            Transport::Socks(SocksProxy { addr, auth: SocksAuth::Fixed { user, password } })
        }
    });
}

fn named(peers: Vec<PeerOption>) -> Vec<(anonet_core::Addr, PeerRole)> {
    peers.into_iter().map(|peer| (peer.addr, peer.role)).collect()
}

fn remarks(plan: &ZonePlan, args: &RunArgs) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = plan.warnings.iter().copied().map(Remark::Plan).collect();
    if plan.anonymity.is_empty() {
        remarks.push(Remark::NoAnonymity);
    }
    let inbound = plan.anonymity.iter().filter(|zone| zone.inbound.is_some() && args.daemon_address.is_none());
    remarks.extend(inbound.map(|zone| Remark::NotAdvertised(zone.zone)));
    for zone in &plan.anonymity {
        let Some(outgoing) = &zone.outgoing else { continue };
        if zone.peers.is_empty() {
            remarks.push(Remark::NoPeers(zone.zone));
        }
        if outgoing.disable_noise {
            remarks.push(Remark::DisableNoise(zone.zone));
        }
        if zone.zone == ZoneKind::Tor && args.allow_no_isolation {
            remarks.push(Remark::NoIsolation);
        }
    }
    if plan.public.as_ref().is_some_and(|public| public.peers.is_empty()) {
        remarks.push(Remark::NoPeers(ZoneKind::Public));
    }
    remarks
}

#[cfg(test)]
mod tests;
