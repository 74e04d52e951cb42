//! The state of a running node as a document; its keys are stable.

use std::sync::Arc;

use anonet_core::{
    CourierConfig, CourierReport, Instant, Network, Node, ProxyState, StashReport, StashState, TxId, Witness, ZoneReport,
};
use serde::{Deserialize, Serialize};

use super::super::args::StashStore;
use super::super::daemon::{Chain, DaemonEntry, DaemonState};
use super::super::fitness::Rules;
use super::super::own::OwnTxs;
use super::super::received::{Arrival, Outcome, ReceivedList};
use super::super::seen::{Seen, SeenList};
use super::super::settings::ZoneLabel;
use super::super::troubles::{Trouble, Troubles};

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) network: String,
    /// That of the zones by which own transactions leave; with their names where they differ.
    pub(crate) relay_policy: String,
    /// All that is wrong at the moment.
    #[serde(default)]
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) zones: Vec<ZoneEntry>,
    /// Absent if none is used.
    pub(crate) daemon: Option<DaemonEntry>,
    pub(crate) stash_store: StashStore,
    pub(crate) stash: Vec<StashEntry>,
    pub(crate) received: Vec<ReceivedEntry>,
    pub(crate) received_counts: ReceivedCounts,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneEntry {
    pub(crate) name: String,
    pub(crate) proxy: Option<String>,
    pub(crate) proxy_state: Proxy,
    pub(crate) proxy_reason: Option<String>,
    pub(crate) isolates: bool,
    pub(crate) relay_policy: Option<String>,
    pub(crate) outgoing: u32,
    pub(crate) incoming: u32,
    pub(crate) dialing: u32,
    pub(crate) max_outgoing: u32,
    pub(crate) max_incoming: u32,
    pub(crate) white: usize,
    pub(crate) gray: usize,
    /// Absent unless own transactions leave by courier.
    pub(crate) couriers: Option<CourierEntry>,
}

/// The couriers of one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CourierEntry {
    /// Absent if none ever leaves.
    pub(crate) next_in_seconds: Option<u64>,
    pub(crate) under_way: u32,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    /// Peers that may carry an own transaction.
    pub(crate) carriers: u32,
    /// On average; each is a circuit of its own where the proxy isolates streams.
    pub(crate) per_day: u32,
    /// What they write, on average, in units of 1,000,000 bytes.
    pub(crate) megabytes_per_day: u64,
}

/// What is known of a zone's proxy, or of the direct way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Proxy {
    Untried,
    Up,
    Down,
}

/// How far an own transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Held,
    Queued,
    Handed,
    Seen,
}

impl State {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Handed => "handed",
            Self::Seen => "seen",
        }
    }
}

/// One own transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StashEntry {
    pub(crate) txid: String,
    pub(crate) size: usize,
    pub(crate) state: State,
    pub(crate) why: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) peers_handed_to: u32,
    pub(crate) peers_proven: u32,
    /// Who may show that it has spread, or has: `daemon` or `public`; absent if nobody can.
    pub(crate) witness: Option<String>,
    pub(crate) next_action: String,
    pub(crate) expires_in_seconds: u64,
}

/// One transaction that a peer sent. What is no transaction has no id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceivedEntry {
    pub(crate) txid: Option<String>,
    pub(crate) zone: String,
    pub(crate) verdict: String,
}

/// How many of those that peers sent lately came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceivedCounts {
    pub(crate) pending: usize,
    pub(crate) delayed: usize,
    pub(crate) accepted: usize,
    pub(crate) known: usize,
    pub(crate) refused: usize,
    pub(crate) rejected: usize,
    pub(crate) dropped: usize,
}

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
