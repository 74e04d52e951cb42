//! The state of a running node as a document; its keys are stable.

use serde::{Deserialize, Serialize};

use super::super::args::StashStore;
use super::super::daemon::DaemonEntry;
use super::super::troubles::Trouble;

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
