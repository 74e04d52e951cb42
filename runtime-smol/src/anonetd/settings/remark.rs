//! What the user should know of the options, beyond their being valid.

use anonet_core::{Network, ZoneKind};
use thiserror::Error;

use super::super::args::WeakerZoneName;
use super::super::run_args::RunArgs;
use super::zones::count;
use crate::options::{ZonePlan, built_in_seeds};

/// Something odd in the options, or a consequence that is easy to miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum Remark {
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
    #[error(
        "i2p: own transactions wait for Tor and do not leave by I2P, whose proxy cannot keep them apart; \
             --weaker-zone as-fallback lets them while Tor has no peer"
    )]
    WeakerWaits,
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
    #[error("{0}: disable_noise forbids the policy noise, and chooses no other: --relay-policy does")]
    DisableNoise(ZoneKind),
    #[error(
        "{0}: no daemon is named, so nobody could say what peers send is worth: none of it is passed on, and the hidden \
             service is not told to peers; add --daemon-address 127.0.0.1:18081"
    )]
    NotAdvertised(ZoneKind),
}

impl Remark {
    /// Whether all is as it should be.
    pub(in super::super) const fn is_harmless(self) -> bool {
        matches!(self, Self::DisableNoise(_) | Self::WeakerWaits | Self::NoSync | Self::DnsLeaks)
    }

    /// Whether something that was asked for does not work.
    pub(in super::super) const fn is_error(self) -> bool {
        matches!(self, Self::NotAdvertised(_))
    }
}

/// All that there is to say.
pub(super) fn remarks(plan: &ZonePlan, args: &RunArgs, network: Network) -> Vec<Remark> {
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
    let sends = |kind| plan.anonymity.iter().any(|zone| zone.zone == kind && zone.outgoing.is_some());
    if sends(ZoneKind::Tor) && sends(ZoneKind::I2p) && args.weaker_zone == WeakerZoneName::OnlyAlone {
        remarks.push(Remark::WeakerWaits);
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
