//! What the options mean together: which zones there are, and how each is reached.

#[cfg(test)]
mod tests;

use anonet_core::addr::{Addr, ZoneKind};

use super::{Inbound, OptionError, OptionName, PeerOption, ProxyEndpoint, ProxyOption, PublicListen, TxProxy};

/// Whether the public zone is used at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicSwitch {
    /// It is.
    #[default]
    On,
    /// `--no-public`.
    Off,
}

/// All options that shape the zones, in the order given.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ZoneOptions {
    /// `--no-public`.
    pub public: PublicSwitch,
    /// `--proxy` and `--tx-proxy`.
    pub proxies: Vec<ProxyOption>,
    /// `--anonymous-inbound`.
    pub inbounds: Vec<Inbound>,
    /// `--add-peer`, `--add-priority-node` and `--add-exclusive-node`.
    pub peers: Vec<PeerOption>,
    /// `--seed-node`.
    pub seeds: Vec<Addr>,
    /// `--p2p-bind-ip` and its like.
    pub listen: PublicListen,
    /// Other options that are about the public network alone, in so far as they were given.
    pub of_public: Vec<OptionName>,
}

/// The zones to run, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZonePlan {
    /// The public zone, unless it is switched off.
    pub public: Option<PublicPlan>,
    /// Tor, then I2P; only those that options configure.
    pub anonymity: Vec<AnonymityPlan>,
    /// What was left out and why.
    pub warnings: Vec<PlanWarning>,
}

/// How the public zone is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublicPlan {
    /// The proxy of all outgoing connections, or direct ones.
    pub proxy: Option<ProxyEndpoint>,
    /// Named peers, each address once.
    pub peers: Vec<PeerOption>,
    /// Named seeds.
    pub seeds: Vec<Addr>,
    /// Where it accepts connections.
    pub listen: PublicListen,
}

/// How an anonymity zone is used. `outgoing` or `inbound` or both are there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnonymityPlan {
    /// Tor or I2P.
    pub zone: ZoneKind,
    /// The way out; without it the zone only accepts connections.
    pub outgoing: Option<TxProxy>,
    /// The hidden service of this node.
    pub inbound: Option<Inbound>,
    /// Named peers, each address once; empty without `outgoing`.
    pub peers: Vec<PeerOption>,
    /// Named seeds; empty without `outgoing`.
    pub seeds: Vec<Addr>,
}

/// Something that was left out of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanWarning {
    /// A peer that is this node's own advertised address.
    #[error("{0}: this is the node's own address of --anonymous-inbound, it is not used as a peer")]
    OwnAddress(OptionName),
}

impl ZonePlan {
    /// Checks the options against each other.
    ///
    /// An address that is named several times becomes one peer with the strongest role: exclusive,
    /// then priority.
    ///
    /// # Errors
    /// [`OptionError::TwoProxies`], [`OptionError::TwoInbounds`], [`OptionError::SameBind`],
    /// [`OptionError::InboundWithoutProxy`], [`OptionError::PublicIsOff`],
    /// [`OptionError::PeerWithoutProxy`] and [`OptionError::NoNetwork`].
    ///
    /// Source: spec `zones-and-routing.md` §2.
    pub fn new(options: ZoneOptions) -> Result<Self, OptionError> {
        let ZoneOptions { public, proxies, inbounds, peers, seeds, listen, of_public } = options;
        let (public_proxy, tx_proxies) = split_proxies(proxies)?;
        check_inbounds(&inbounds, &tx_proxies)?;
        if public == PublicSwitch::Off && public_proxy.is_some() {
            return Err(OptionError::PublicIsOff(OptionName::Proxy));
        }
        if let (PublicSwitch::Off, Some(option)) = (public, of_public.first()) {
            return Err(OptionError::PublicIsOff(*option));
        }
        let (peers, warnings) = usable_peers(peers, &inbounds);
        for peer in &peers {
            check_reachable(peer.option(), &peer.addr, public, &tx_proxies)?;
        }
        for seed in &seeds {
            check_reachable(OptionName::SeedNode, seed, public, &tx_proxies)?;
        }

        let peers_of = |zone| peers.iter().filter(|peer| peer.addr.zone() == zone).cloned().collect();
        let seeds_of = |zone| seeds.iter().filter(|seed| seed.zone() == zone).cloned().collect();
        let anonymity_plan = |zone| AnonymityPlan {
            zone,
            outgoing: tx_proxies.iter().find(|proxy| proxy.zone == zone).cloned(),
            inbound: inbounds.iter().find(|inbound| inbound.advertise.zone() == zone).cloned(),
            peers: peers_of(zone),
            seeds: seeds_of(zone),
        };
        let public_plan =
            || PublicPlan { proxy: public_proxy, peers: peers_of(ZoneKind::Public), seeds: seeds_of(ZoneKind::Public), listen };
        let plan = Self {
            public: (public == PublicSwitch::On).then(public_plan),
            anonymity: [ZoneKind::Tor, ZoneKind::I2p]
                .map(anonymity_plan)
                .into_iter()
                .filter(|zone| zone.outgoing.is_some() || zone.inbound.is_some())
                .collect(),
            warnings,
        };
        if plan.public.is_none() && plan.anonymity.is_empty() {
            return Err(OptionError::NoNetwork);
        }
        Ok(plan)
    }
}

/// The proxy of the public zone and those of the anonymity zones, each zone at most once.
fn split_proxies(proxies: Vec<ProxyOption>) -> Result<(Option<ProxyEndpoint>, Vec<TxProxy>), OptionError> {
    let (mut public, mut zones) = (None, Vec::<TxProxy>::new());
    for proxy in proxies {
        match proxy {
            ProxyOption::Public(_) if public.is_some() => {
                return Err(OptionError::TwoProxies(ZoneKind::Public));
            }
            ProxyOption::Public(endpoint) => public = Some(endpoint),
            ProxyOption::Zone(proxy) if zones.iter().any(|other| other.zone == proxy.zone) => {
                return Err(OptionError::TwoProxies(proxy.zone));
            }
            ProxyOption::Zone(proxy) => zones.push(proxy),
        }
    }
    Ok((public, zones))
}

/// Each zone has at most one hidden service, on its own port, and some zone has a way out. That may
/// be the other zone: the first then only accepts connections.
fn check_inbounds(inbounds: &[Inbound], tx_proxies: &[TxProxy]) -> Result<(), OptionError> {
    for (at, inbound) in inbounds.iter().enumerate() {
        let zone = inbound.advertise.zone();
        for earlier in inbounds.iter().take(at) {
            if earlier.advertise.zone() == zone {
                return Err(OptionError::TwoInbounds(zone));
            }
            if earlier.bind == inbound.bind {
                return Err(OptionError::SameBind);
            }
        }
        if tx_proxies.is_empty() {
            return Err(OptionError::InboundWithoutProxy(zone));
        }
    }
    Ok(())
}

/// Leaves out the node's own addresses and merges the roles of an address that is named twice.
fn usable_peers(peers: Vec<PeerOption>, inbounds: &[Inbound]) -> (Vec<PeerOption>, Vec<PlanWarning>) {
    let (mut usable, mut warnings) = (Vec::<PeerOption>::new(), Vec::new());
    for peer in peers {
        if inbounds.iter().any(|inbound| inbound.advertise == peer.addr) {
            warnings.push(PlanWarning::OwnAddress(peer.option()));
        } else if let Some(known) = usable.iter_mut().find(|known| known.addr == peer.addr) {
            // the strongest role comes first in the order
            known.role = known.role.min(peer.role);
        } else {
            usable.push(peer);
        }
    }
    (usable, warnings)
}

fn check_reachable(option: OptionName, addr: &Addr, public: PublicSwitch, tx_proxies: &[TxProxy]) -> Result<(), OptionError> {
    let zone = addr.zone();
    if zone == ZoneKind::Public {
        return match public {
            PublicSwitch::On => Ok(()),
            PublicSwitch::Off => Err(OptionError::PublicIsOff(option)),
        };
    }
    if tx_proxies.iter().any(|proxy| proxy.zone == zone) { Ok(()) } else { Err(OptionError::PeerWithoutProxy { option, zone }) }
}
