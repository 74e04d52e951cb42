//! Reads the state off a running node.

use std::sync::Arc;

use anonet_core::{
    CourierConfig, CourierReport, Instant, Network, Node, ProxyState, StashReport, StashState, TxId, Witness, ZoneReport,
};

use super::super::args::StashStore;
use super::super::daemon::{Chain, DaemonState};
use super::super::fitness::Rules;
use super::super::own::OwnTxs;
use super::super::received::{Arrival, Outcome, ReceivedList};
use super::super::seen::{Seen, SeenList};
use super::super::settings::ZoneLabel;
use super::super::troubles::{Trouble, Troubles};
use super::document::{CourierEntry, Proxy, ReceivedCounts, ReceivedEntry, StashEntry, State, Status, ZoneEntry};

/// Reads the state off a node.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    pub(crate) network: Network,
    /// As the zones of the node.
    pub(crate) zones: Vec<ZoneLabel>,
    pub(crate) received: ReceivedList,
    pub(crate) seen: SeenList,
    pub(crate) own: OwnTxs,
    pub(crate) daemon: Option<DaemonState>,
    pub(crate) stash_store: StashStore,
    pub(crate) courier: CourierConfig,
    pub(crate) troubles: Troubles,
}

impl Reporter {
    pub(crate) fn status(&self, node: &Node, now: Instant) -> Status {
        let zones = self.zones(node, now);
        let arrivals = self.received.list(now);
        let kept = node.stash().map(|entry| self.stash_entry(&entry, now));
        // what was submitted once more is shown as it is now
        let is_kept = |seen: &Seen| node.stash().any(|entry| entry.id == seen.done.id);
        let seen = self.seen.list(now).into_iter().filter(|seen| !is_kept(seen)).map(|seen| seen_entry(&seen, now));
        let daemon = self.daemon.as_ref().map(DaemonState::entry);
        let of_zones = zones.iter().filter_map(|zone| Some(Trouble::new(&zone.name, zone.proxy_reason.as_deref()?)));
        let of_daemon = daemon.as_ref().and_then(|daemon| Some(Trouble::new("daemon", daemon.reason.as_deref()?)));
        Status {
            troubles: self.troubles.list().into_iter().chain(of_zones).chain(of_daemon).collect(),
            version: env!("CARGO_PKG_VERSION").into(),
            network: self.network.name().into(),
            relay_policy: relay_policy(&zones),
            zones,
            daemon,
            stash_store: self.stash_store,
            stash: kept.chain(seen).collect(),
            received_counts: counts(&arrivals),
            received: arrivals.into_iter().map(ReceivedEntry::from).collect(),
        }
    }

    pub(crate) fn zones(&self, node: &Node, now: Instant) -> Vec<ZoneEntry> {
        let entry = |(report, label): (ZoneReport, &ZoneLabel)| ZoneEntry {
            couriers: report.couriers.map(|couriers| self.couriers(&couriers, now)),
            ..zone_entry(&report, label)
        };
        node.zones().zip(&self.zones).map(entry).collect()
    }

    fn couriers(&self, report: &CourierReport, now: Instant) -> CourierEntry {
        CourierEntry {
            next_in_seconds: report.next.map(|next| next.saturating_since(now).as_secs()),
            under_way: report.flying,
            sent: report.sent,
            answered: report.answered,
            carriers: report.carriers,
            per_day: self.courier.per_day(),
            megabytes_per_day: self.courier.bytes_per_day() / 1_000_000,
        }
    }

    /// What its chain asks of transactions, as far as the daemon says.
    pub(crate) fn rules(&self) -> Rules {
        self.daemon.as_ref().map(DaemonState::rules).unwrap_or_default()
    }

    /// The chain, if there is a daemon that says what it is.
    pub(crate) fn chain(&self) -> Option<Chain> {
        self.daemon.as_ref().and_then(DaemonState::chain)
    }

    /// What the daemon's pool held at the last look.
    pub(crate) fn pool_ids(&self) -> Arc<[TxId]> {
        self.daemon.as_ref().map(DaemonState::pool_ids).unwrap_or_default()
    }

    pub(crate) fn stash_entry(&self, entry: &StashReport, now: Instant) -> StashEntry {
        let zone_name = |zone: anonet_core::ZoneId| self.zones.get(zone.index()).map(|label| label.kind.name().to_owned());
        let (state, why, zone) = match entry.state {
            StashState::Held(why) => (State::Held, Some(why.to_string()), None),
            StashState::Queued(zone) => (State::Queued, None, zone_name(zone)),
            StashState::Handed(zone) => (State::Handed, None, zone_name(zone)),
            // the core may grow states, of which nothing better is known than that nobody has it yet
            _ => (State::Queued, None, None),
        };
        StashEntry {
            txid: entry.id.reveal().to_string(),
            size: entry.size,
            state,
            why,
            zone,
            peers_handed_to: entry.recipients,
            peers_proven: entry.proven,
            witness: entry.witness.map(|witness| witness_name(witness).into()),
            next_action: next_action(state, entry, now),
            expires_in_seconds: entry.expires.saturating_since(now).as_secs(),
        }
    }
}

/// The one policy of all zones that send, or that of each.
fn relay_policy(zones: &[ZoneEntry]) -> String {
    let sending = || zones.iter().filter_map(|zone| Some((zone.name.as_str(), zone.relay_policy.as_deref()?)));
    match sending().next() {
        None => "none".into(),
        Some((_, first)) if sending().all(|(_, policy)| policy == first) => first.into(),
        _ => sending().map(|(zone, policy)| format!("{zone}={policy}")).collect::<Vec<_>>().join(" "),
    }
}

fn next_action(state: State, entry: &StashReport, now: Instant) -> String {
    let again = entry.next_round.map(|round| round.saturating_since(now).as_secs());
    match (state, again) {
        (State::Held, _) => "leaves by itself as soon as there is a way out".into(),
        (State::Queued, _) if entry.rides_from.is_some_and(|from| from > now) => {
            let wait = entry.rides_from.map_or(0, |from| from.saturating_since(now).as_secs());
            format!("may take a courier in {wait} s, and then the next one that is fit for it")
        }
        (State::Queued, _) if entry.rides_from.is_some() => "takes the next courier that is fit for it".into(),
        (State::Queued, _) => "is written to the zone's links within seconds".into(),
        (State::Handed, Some(seconds)) => format!("is sent to the zone's links again in {seconds} s, in case it did not spread"),
        (State::Handed, None) if entry.witness.is_none() => {
            "nothing, unconfirmed: only a daemon or the public network could show that it spread".into()
        }
        (State::Handed, None) => "waits for evidence; it was sent as often as it may be".into(),
        (State::Seen, _) => SEEN.into(),
    }
}

/// What comes after the evidence.
const SEEN: &str = "nothing: it is done";

fn seen_entry(seen: &Seen, now: Instant) -> StashEntry {
    let done = &seen.done;
    StashEntry {
        txid: done.id.reveal().to_string(),
        size: done.size,
        state: State::Seen,
        why: None,
        zone: None,
        peers_handed_to: done.recipients,
        peers_proven: 0,
        witness: Some(witness_name(done.by).into()),
        next_action: SEEN.into(),
        expires_in_seconds: seen.until.saturating_since(now).as_secs(),
    }
}

const fn witness_name(witness: Witness) -> &'static str {
    match witness {
        Witness::Embedder => "daemon",
        _ => "public",
    }
}

fn counts(arrivals: &[Arrival]) -> ReceivedCounts {
    let mut counts = ReceivedCounts::default();
    for arrival in arrivals {
        *match arrival.outcome {
            Outcome::Pending => &mut counts.pending,
            Outcome::Delayed => &mut counts.delayed,
            Outcome::Accepted => &mut counts.accepted,
            Outcome::Known => &mut counts.known,
            Outcome::Refused | Outcome::TooLarge => &mut counts.refused,
            Outcome::Rejected => &mut counts.rejected,
            Outcome::Dropped => &mut counts.dropped,
        } += 1;
    }
    counts
}

fn zone_entry(report: &ZoneReport, label: &ZoneLabel) -> ZoneEntry {
    let (proxy_state, proxy_reason) = match report.proxy {
        ProxyState::Up => (Proxy::Up, None),
        ProxyState::Down(why) => (Proxy::Down, Some(why.to_string())),
        _ => (Proxy::Untried, None),
    };
    ZoneEntry {
        name: report.kind.name().into(),
        proxy: label.proxy.map(|addr| addr.to_string()),
        proxy_state,
        proxy_reason,
        isolates: report.isolates,
        relay_policy: (report.kind.is_anonymity() && report.max_outgoing > 0).then(|| report.relay.name().into()),
        outgoing: report.outgoing,
        incoming: report.incoming,
        dialing: report.dialing,
        max_outgoing: report.max_outgoing,
        max_incoming: report.max_incoming,
        white: report.white,
        gray: report.gray,
        couriers: None,
    }
}

impl From<Arrival> for ReceivedEntry {
    fn from(arrival: Arrival) -> Self {
        let txid = arrival.id.map(|id| id.reveal().to_string());
        Self { txid, zone: arrival.zone.name().into(), verdict: arrival.outcome.name().into() }
    }
}
