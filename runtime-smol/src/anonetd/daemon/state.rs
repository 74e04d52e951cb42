//! What is known of the daemon: shared between those who ask it and those who tell the user.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonet_core::TxId;
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

use super::super::fitness::Rules;
use super::client::CallError;
use super::rpc::Header;

/// How it stands with the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Standing {
    /// It was not asked yet.
    Untried,
    /// It answers and follows its chain.
    Up,
    /// It answers, and does not know yet what is valid.
    Syncing,
    /// It does not answer, or not as a daemon does.
    Down,
    /// It is one of another network, and is not used.
    WrongNetwork,
}

impl Standing {
    pub(in super::super) const fn name(self) -> &'static str {
        match self {
            Self::Untried => "untried",
            Self::Up => "up",
            Self::Syncing => "syncing",
            Self::Down => "down",
            Self::WrongNetwork => "of another network",
        }
    }
}

/// Whether its pool can be looked at for evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Pool {
    /// It was not asked for yet.
    Untried,
    /// All ids in it are read with every look.
    Watched,
    /// The daemon shows it to nobody, as it is restricted: blocks alone are evidence.
    Hidden,
    /// It is larger than what is read: blocks alone are evidence.
    TooLarge,
}

/// The whole, as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct DaemonEntry {
    pub(in super::super) address: String,
    pub(in super::super) state: Standing,
    /// What is wrong, if something is.
    pub(in super::super) reason: Option<String>,
    pub(in super::super) height: u64,
    pub(in super::super) target_height: u64,
    pub(in super::super) synchronized: bool,
    pub(in super::super) pool: Pool,
}

/// What `get_info` of our own RPC says of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Chain {
    top: Header,
    /// 0 while the daemon has all blocks that it knows of.
    pub(in super::super) target_height: u64,
}

impl Chain {
    /// Blocks in it.
    pub(in super::super) const fn height(&self) -> u64 {
        self.top.height.saturating_add(1)
    }

    pub(in super::super) const fn top_id(&self) -> [u8; 32] {
        self.top.hash.0
    }

    pub(in super::super) fn cumulative_difficulty(&self) -> u128 {
        self.top.cumulative_difficulty()
    }
}

#[derive(Debug)]
struct Known {
    standing: Standing,
    reason: Option<CallError>,
    target_height: u64,
    top: Option<Header>,
    pool: Pool,
    /// The lowest fee for each unit of weight, if it says.
    fee: Option<u64>,
    /// The ids in it, at the last look.
    pool_ids: Arc<[TxId]>,
}

/// Shared by clones.
#[derive(Clone, Debug)]
pub(in super::super) struct DaemonState {
    address: String,
    known: Arc<Mutex<Known>>,
}

impl DaemonState {
    pub(super) fn new(address: String) -> Self {
        let known = Known {
            standing: Standing::Untried,
            reason: None,
            target_height: 0,
            top: None,
            pool: Pool::Untried,
            fee: None,
            pool_ids: Arc::default(),
        };
        Self { address, known: Arc::new(Mutex::new(known)) }
    }

    /// It answers. Each change is one line of the log.
    pub(super) fn answers(&self, standing: Standing, top: Option<Header>, target_height: u64) {
        let mut known = self.known();
        (known.top, known.target_height, known.reason) = (top, target_height, None);
        if std::mem::replace(&mut known.standing, standing) == standing {
            return;
        }
        match standing {
            Standing::Up => info!("daemon: it is synchronized at height {}", top.map_or(0, |top| top.height + 1)),
            Standing::WrongNetwork => error!(
                "daemon: it follows another Monero network than --network says, so it is not used: name the right one with \
                 --daemon-address"
            ),
            _ => warn!("daemon: it is not synchronized yet; what peers send waits until it is"),
        }
    }

    /// It does not, for this reason. Each change is one line of the log.
    pub(super) fn fails(&self, why: CallError) {
        let mut known = self.known();
        let before = std::mem::replace(&mut known.standing, Standing::Down);
        if before != Standing::Down
            || known.reason.is_none_or(|reason| std::mem::discriminant(&reason) != std::mem::discriminant(&why))
        {
            error!("daemon: {why}; until it answers, what peers send waits and own transactions get no evidence");
        }
        (known.reason, known.pool_ids) = (Some(why), Arc::default());
    }

    /// Whether its pool can be read. Each change is one line of the log.
    pub(super) fn pool_is(&self, pool: Pool) {
        if std::mem::replace(&mut self.known().pool, pool) == pool {
            return;
        }
        match pool {
            Pool::Hidden => warn!(
                "daemon: it does not show its pool, as it is restricted: own transactions count as seen only once they are \
                 in a block"
            ),
            Pool::TooLarge => warn!("daemon: its pool is too large to be read: own transactions count as seen once in a block"),
            Pool::Watched | Pool::Untried => {}
        }
    }

    /// What is in its pool; nothing while it cannot be read.
    pub(super) fn pool_has(&self, ids: Vec<TxId>) {
        self.known().pool_ids = ids.into();
    }

    /// What was in its pool at the last look, in its order.
    pub(in super::super) fn pool_ids(&self) -> Arc<[TxId]> {
        self.known().pool_ids.clone()
    }

    /// The lowest fee for each unit of weight.
    pub(super) fn fee_is(&self, fee: Option<u64>) {
        self.known().fee = fee;
    }

    /// What its chain asks of transactions; nothing while it does not answer or is not synchronized.
    pub(in super::super) fn rules(&self) -> Rules {
        let known = self.known();
        match known.standing {
            Standing::Up => Rules { version: known.top.map(|top| top.version), fee: known.fee },
            _ => Rules::default(),
        }
    }

    /// For `status`.
    pub(in super::super) fn entry(&self) -> DaemonEntry {
        let known = self.known();
        DaemonEntry {
            address: self.address.clone(),
            state: known.standing,
            reason: known.reason.map(|why| why.to_string()),
            height: known.top.map_or(0, |top| top.height + 1),
            target_height: known.target_height,
            synchronized: known.standing == Standing::Up,
            pool: known.pool,
        }
    }

    /// The chain that it follows, while it answers and is synchronized.
    pub(in super::super) fn chain(&self) -> Option<Chain> {
        let known = self.known();
        let top = known.top.filter(|_| known.standing == Standing::Up)?;
        Some(Chain { top, target_height: known.target_height })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
