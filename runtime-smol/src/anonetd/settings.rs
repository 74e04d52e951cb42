//! From the options of `run` to what the node is started with.

mod remark;
#[cfg(test)]
mod tests;
mod zones;

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;

use anonet_core::{Banned, Config, Network, PeerRole, RelayPolicy, StreamIsolation, Witness, ZoneKind};
use thiserror::Error;

pub(super) use self::remark::Remark;
use self::remark::remarks;
use self::zones::{add_anonymity, add_public, take_offline};
use super::args::StashStore;
use super::ban_list::{self, BanListError};
use super::config_file::Place;
use super::courier_args::CourierArgsError;
use super::daemon::{DaemonAddress, DaemonAddressError, DaemonSetup, NoWay, Purpose};
use super::passphrase::{self, PassphraseError};
use super::relay_policy::{RelayPolicies, RelayPolicyError};
use super::rpc::{Access, RpcSettings};
use super::rpc_login::{self, RpcLogin, RpcLoginError};
use super::run_args::RunArgs;
use super::tls::TlsOptionError;
use crate::driver::Service;
use crate::options::{
    AnonymityPlan, Inbound, ListenOptions, OptionError, OptionName, PeerOption, ProxyOption, PublicListen, PublicSwitch, RpcBind,
    TxProxy, ZoneOptions, ZonePlan, parse_daemon_proxy, parse_proxy_option, parse_seed,
};
use crate::store::Passphrase;

/// Everything that `run` needs to know.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) network: Network,
    pub(super) service: Service,
    /// As the zones of `service`.
    pub(super) zones: Vec<ZoneLabel>,
    pub(super) rpc: Option<RpcSettings>,
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
    #[error("--relay-policy: noise is chosen for {0}, and disable_noise in the --proxy of {0} forbids it; remove one of them")]
    NoiseDisabled(ZoneKind),
    #[error(transparent)]
    Courier(#[from] CourierArgsError),
    #[error(transparent)]
    BanList(#[from] BanListError),
    #[error(transparent)]
    RpcLogin(#[from] RpcLoginError),
    #[error(transparent)]
    Tls(#[from] TlsOptionError),
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    #[error(transparent)]
    Daemon(#[from] DaemonAddressError),
    #[error(transparent)]
    NoWay(#[from] NoWay),
}

impl Settings {
    pub(super) fn new(args: &RunArgs) -> Result<Self, SettingsError> {
        let network = args.network.into();
        let policies = RelayPolicies::parse(args.relay_policy.iter().map(String::as_str))?;
        let rpc = rpc_of(args)?;
        let passphrase = passphrase_of(args)?;
        let plan = ZonePlan::new(zone_options(args, network)?)?;
        let contradicts = |zone: &&AnonymityPlan| {
            let disabled = zone.outgoing.as_ref().is_some_and(|outgoing| outgoing.disable_noise);
            disabled && policies.of(zone.zone) == RelayPolicy::Noise
        };
        if let Some(zone) = plan.anonymity.iter().find(contradicts) {
            return Err(SettingsError::NoiseDisabled(zone.zone));
        }
        let remarks = remarks(&plan, args, network);
        let tor_isolation = if args.allow_no_isolation { StreamIsolation::None } else { StreamIsolation::PerDial };
        let mut service = Service { config: Config::new(network), transports: Vec::new(), listeners: Vec::new() };
        let bans = args.ban_list.as_deref().map_or(Ok(Vec::new()), ban_list::read)?;
        // those of the list, and as many as peers may bring about
        service.config.limits.bans = service.config.limits.bans.max(2 * bans.len());
        service.config.pad_transactions = args.pad_transactions;
        service.config.limits.round_pause = (args.retry_pause.least, args.retry_pause.most);
        service.config.courier = args.courier.numbers()?;
        service.config.route.weaker = args.weaker_zone.into();
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
        let mut daemon = args.daemon_address.as_deref().map(|text| use_daemon(args, text, network, &mut service)).transpose()?;
        if args.offline {
            take_offline(&mut service);
            daemon = None;
        }
        Ok(Self { network, service, zones, rpc, stash: args.stash, bans, passphrase, daemon, remarks })
    }
}

fn rpc_of(args: &RunArgs) -> Result<Option<RpcSettings>, SettingsError> {
    let login = RpcLogin::find(args.rpc_login.as_deref(), env::var_os(rpc_login::VARIABLE).as_deref())?;
    let bind = match (args.rpc_bind.as_str(), args.confirm_external_bind) {
        ("none", _) => return Ok(None),
        (text, false) => one(args, OptionName::RpcBind, text, str::parse::<RpcBind>)?,
        (text, true) => one(args, OptionName::RpcBind, text, RpcBind::parse_confirmed)?,
    };
    match (args.confirm_external_bind, bind.addr().ip().is_loopback(), &login) {
        (true, true, _) => return Err(RpcLoginError::NothingToConfirm.into()),
        (_, false, None) => return Err(RpcLoginError::Needed.into()),
        _ => {}
    }
    let access = if args.restricted_rpc { Access::Restricted } else { Access::Full };
    Ok(Some(RpcSettings { addr: bind.addr(), login, access, tls: Arc::new(args.rpc_tls.read()?) }))
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
fn use_daemon(args: &RunArgs, text: &str, network: Network, service: &mut Service) -> Result<DaemonSetup, SettingsError> {
    let address = DaemonAddress::parse(text, network)?;
    let proxy = args.daemon_proxy.as_deref();
    let proxy = proxy.map(|text| one(args, OptionName::DaemonProxy, text, parse_daemon_proxy)).transpose()?;
    let way = address.way(&args.daemon_tls.read()?, proxy.as_ref(), Purpose::Node(&service.config, &service.transports))?;
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
