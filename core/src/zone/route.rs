//! Where a transaction may go: total functions of its origin, the rules and the zones.
//!
//! A local transaction has its own function and its own kind of exit. While an anonymity zone is configured no argument
//! makes [`route_local`] answer with the public zone: that takes a [`NoAnonymityZone`], which only a configuration
//! without any anonymity zone yields.

use thiserror::Error;

use crate::addr::ZoneKind;
use crate::config::Config;
use crate::ids::ZoneId;

/// What routing needs to know of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneStatus {
    /// The zone.
    pub id: ZoneId,
    /// Its network.
    pub kind: ZoneKind,
    /// Whether the zone can dial at all (an inbound-only zone sends nothing).
    pub dials: bool,
    /// Outgoing links whose handshake is done.
    pub ready: u32,
    /// Whether the zone's proxy gives each stream a circuit of its own.
    pub isolates: bool,
    /// Whether the last word from the zone's proxy was a failure of the proxy itself.
    pub proxy_down: bool,
}

/// What may be configured about routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RouteRules {
    /// What to do when isolating zones are configured but none has a peer.
    pub weaker: WeakerZone,
}

/// Whether a zone that does not isolate streams may serve beside one that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WeakerZone {
    /// It serves when no isolating zone has a peer. Its recipients see all that was sent so under one name of this node.
    AsFallback,
    /// It serves only where no isolating zone is configured; beside one that does, the transaction waits for that.
    #[default]
    OnlyAlone,
}

/// Why a transaction is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Why {
    /// Anonymity zones are configured, but all are inbound-only.
    #[error("no anonymity zone can dial: give one a proxy (--proxy tor,IP:PORT or --proxy i2p,IP:PORT)")]
    NoProxy,
    /// The proxy of every usable anonymity zone fails.
    #[error("the proxy of the anonymity zone does not work: start or repair it")]
    ProxyDown,
    /// A zone works, but no peer has completed a handshake.
    #[error("no peer of an anonymity zone is connected yet: add a reachable one with --add-peer, or wait")]
    NoPeer,
    /// No anonymity zone is configured and no public peer is connected.
    #[error("no public peer is connected yet: add a reachable one with --add-peer, or wait")]
    NoPublicPeer,
    /// It may have left before a restart, and stays back for a while.
    #[error("it may have been handed over before the restart: it is sent again after a random delay")]
    Resumed,
    /// It may be known to peers of an anonymity zone, and only the public network is configured now.
    #[error("peers of an anonymity zone may have it, so it is not sent publicly: configure that zone again, or abandon it")]
    KnownToAnonymityPeers,
    /// It is to be given to nobody twice, and there is nobody else.
    #[error("every peer that could take it now may have it already: add another peer with --add-peer, or wait")]
    NoFreshPeer,
    /// The anonymity zone's noise channels cannot carry it.
    #[error("it has more than the 60,703 bytes that the policy noise carries: start with another --relay-policy")]
    TooLargeForNoise,
    /// No courier of the anonymity zone holds it.
    #[error(
        "it is larger than any courier that this node sends: start with another --relay-policy, or with --courier-every for all sizes"
    )]
    TooLargeForCouriers,
    /// Neither an anonymity zone nor the public zone is configured for sending.
    #[error("no zone is configured that could send it: configure --proxy tor,IP:PORT and a peer")]
    NoZone,
}

/// Proof that the configuration holds no anonymity zone: the only key to the public zone for a local transaction.
#[derive(Debug)]
pub struct NoAnonymityZone(());

impl NoAnonymityZone {
    /// The proof, if `config` holds no anonymity zone at all, be it even inbound-only.
    #[must_use]
    pub fn prove(config: &Config) -> Option<Self> {
        config.zones.iter().all(|zone| !zone.kind.is_anonymity()).then_some(Self(()))
    }
}

/// A way out for a local transaction. Only [`route_local`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct LocalExit {
    zone: ZoneId,
    form: ExitForm,
}

/// In which form a local transaction leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitForm {
    /// By the relay policy of an anonymity zone.
    Anonymity,
    /// As a public stem: the node has no anonymity zone.
    PublicStem,
}

impl LocalExit {
    /// The zone through whose links the transaction leaves.
    #[must_use]
    pub const fn zone(&self) -> ZoneId {
        self.zone
    }

    /// The form in which it leaves.
    #[must_use]
    pub const fn form(&self) -> ExitForm {
        self.form
    }
}

/// A way out for a peer's transaction: the public zone. Only [`route_peer`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct PublicExit {
    zone: ZoneId,
}

impl PublicExit {
    /// The public zone.
    #[must_use]
    pub const fn zone(&self) -> ZoneId {
        self.zone
    }
}

/// Routes a transaction of this node's user. Total; fails closed: without a way out it is held, never downgraded.
///
/// Among anonymity zones that have a ready outgoing link, those that isolate streams come first, then the one with
/// more links, then configuration order.
///
/// # Errors
/// [`Why`] it has to be held.
pub fn route_local(rules: RouteRules, zones: &[ZoneStatus], public_only: Option<&NoAnonymityZone>) -> Result<LocalExit, Why> {
    let anonymous = || zones.iter().filter(|zone| zone.kind.is_anonymity());
    if anonymous().next().is_none() {
        let Some(NoAnonymityZone(())) = public_only else { return Err(Why::NoZone) };
        let public = zones.iter().find(|zone| zone.dials).ok_or(Why::NoZone)?;
        return match public.ready {
            0 => Err(Why::NoPublicPeer),
            _ => Ok(LocalExit { zone: public.id, form: ExitForm::PublicStem }),
        };
    }
    let some_isolate = anonymous().any(|zone| zone.dials && zone.isolates);
    let weaker_barred = rules.weaker == WeakerZone::OnlyAlone && some_isolate;
    let usable = || anonymous().filter(|zone| zone.dials && (zone.isolates || !weaker_barred));
    let best = usable().filter(|zone| zone.ready > 0).min_by_key(|zone| (!zone.isolates, u32::MAX - zone.ready, zone.id));
    match best {
        Some(zone) => Ok(LocalExit { zone: zone.id, form: ExitForm::Anonymity }),
        None if usable().next().is_none() => Err(Why::NoProxy),
        None if usable().all(|zone| zone.proxy_down) => Err(Why::ProxyDown),
        None => Err(Why::NoPeer),
    }
}

/// Routes a transaction that came from a peer, whatever zone it came by: to the public zone.
///
/// # Errors
/// [`Why`] it has to wait.
pub fn route_peer(zones: &[ZoneStatus]) -> Result<PublicExit, Why> {
    let public = zones.iter().find(|zone| !zone.kind.is_anonymity() && zone.dials).ok_or(Why::NoZone)?;
    match public.ready {
        0 => Err(Why::NoPublicPeer),
        _ => Ok(PublicExit { zone: public.id }),
    }
}

#[cfg(test)]
mod tests;
