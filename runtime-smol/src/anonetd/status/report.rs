//! The state of a running node as a document; its keys are stable.

use anonet_core::{Instant, Network, Node, ProxyState, StashReport, StashState, ZoneReport};
use serde::{Deserialize, Serialize};

use super::super::args::StashStore;
use super::super::received::{Arrival, Finding, ReceivedList};
use super::super::settings::ZoneLabel;

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) network: String,
    pub(crate) relay_policy: String,
    pub(crate) zones: Vec<ZoneEntry>,
    pub(crate) stash_store: StashStore,
    pub(crate) stash: Vec<StashEntry>,
    pub(crate) received: Vec<ReceivedEntry>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneEntry {
    pub(crate) name: String,
    pub(crate) proxy: Option<String>,
    pub(crate) proxy_state: Proxy,
    pub(crate) proxy_reason: Option<String>,
    pub(crate) isolates: bool,
    pub(crate) outgoing: u32,
    pub(crate) incoming: u32,
    pub(crate) dialing: u32,
    pub(crate) max_outgoing: u32,
    pub(crate) max_incoming: u32,
    pub(crate) white: usize,
    pub(crate) gray: usize,
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
}

impl State {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Handed => "handed",
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

/// Reads the state off a node.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    pub(crate) network: Network,
    /// As the zones of the node.
    pub(crate) zones: Vec<ZoneLabel>,
    pub(crate) received: ReceivedList,
    pub(crate) stash_store: StashStore,
}

impl Reporter {
    pub(crate) fn status(&self, node: &Node, now: Instant) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            network: self.network.name().into(),
            relay_policy: "fluff".into(),
            zones: self.zones(node),
            stash_store: self.stash_store,
            stash: node.stash().map(|entry| self.stash_entry(&entry, now)).collect(),
            received: self.received.list(now).into_iter().map(ReceivedEntry::from).collect(),
        }
    }

    pub(crate) fn zones(&self, node: &Node) -> Vec<ZoneEntry> {
        node.zones().zip(&self.zones).map(|(report, label)| zone_entry(&report, label)).collect()
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
            next_action: next_action(state, entry, now),
            expires_in_seconds: entry.expires.saturating_since(now).as_secs(),
        }
    }
}

fn next_action(state: State, entry: &StashReport, now: Instant) -> String {
    let again = entry.next_round.map(|round| round.saturating_since(now).as_secs());
    match (state, again) {
        (State::Held, _) => "leaves by itself as soon as there is a way out".into(),
        (State::Queued, _) => "is written to the zone's links within seconds".into(),
        (State::Handed, Some(seconds)) => format!("is sent to the zone's links again in {seconds} s, in case it did not spread"),
        (State::Handed, None) => "nothing: it was sent as often as it may be".into(),
    }
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
        outgoing: report.outgoing,
        incoming: report.incoming,
        dialing: report.dialing,
        max_outgoing: report.max_outgoing,
        max_incoming: report.max_incoming,
        white: report.white,
        gray: report.gray,
    }
}

impl From<Arrival> for ReceivedEntry {
    fn from(arrival: Arrival) -> Self {
        let (txid, verdict) = match arrival.finding {
            Finding::Pending(id) => (Some(id.reveal().to_string()), "pending"),
            Finding::Rejected => (None, "rejected"),
        };
        Self { txid, zone: arrival.zone.name().into(), verdict: verdict.into() }
    }
}
