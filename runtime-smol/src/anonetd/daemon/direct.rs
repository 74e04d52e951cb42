//! A transaction handed to somebody's monerod, without a node of ours.

use std::time::Duration;

use anonet_core::TxId;
use async_io::Timer;
use bytes::Bytes;
use thiserror::Error;

use super::super::tls::DaemonTlsChoice;
use super::address::DaemonAddress;
use super::client::{CallError, HttpClient};
use super::rpc::{Answer, MAX_SUBMIT};
use super::way::{NoWay, Purpose};
use crate::options::ProxyOption;

/// From one look at the chain to the next; a block comes every two minutes.
const PAUSE: Duration = Duration::from_secs(10);

/// So many blocks below the top are looked at too: the transaction may have been mined before it was handed in here.
const LOOK_BACK: u64 = 5;

/// Why the transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum NotTaken {
    #[error("the daemon: {0}")]
    Call(#[from] CallError),
    #[error("the daemon takes no transaction of more than {MAX_SUBMIT} bytes over RPC: submit it to a node of your own")]
    TooLarge,
    #[error("the daemon is not synchronized: try again later, or name another one")]
    Busy,
    /// The words that wallets use.
    #[error("the daemon refuses the transaction: {0}")]
    Refused(String),
}

/// What the daemon said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Taken {
    /// It was new, and is sent on.
    New,
    /// It had it already.
    Known,
}

/// The way to one daemon.
#[derive(Debug)]
pub(in super::super) struct Direct {
    client: HttpClient,
    /// The next block to look at.
    next: Option<u64>,
}

impl Direct {
    /// The daemon of this address, through the proxy that is named for it.
    pub(in super::super) fn new(
        address: &DaemonAddress,
        choice: &DaemonTlsChoice,
        proxy: Option<&ProxyOption>,
    ) -> Result<Self, NoWay> {
        let way = address.way(choice, proxy, Purpose::Submission)?;
        Ok(Self { client: HttpClient::new(way, address.host.clone()), next: None })
    }

    /// Hands a transaction in, to be sent on at once.
    pub(in super::super) async fn hand_in(&mut self, blob: &Bytes) -> Result<Taken, NotTaken> {
        if blob.len() > MAX_SUBMIT {
            return Err(NotTaken::TooLarge);
        }
        let top = self.client.top().await?;
        self.next = Some(top.height.saturating_sub(LOOK_BACK));
        let (answer, reason) = self.client.send_and_explain(blob).await?;
        match answer {
            Answer::Relayed => Ok(Taken::New),
            Answer::Known => Ok(Taken::Known),
            Answer::Busy => Err(NotTaken::Busy),
            Answer::Invalid | Answer::Unwanted => Err(NotTaken::Refused(reason)),
        }
    }

    /// Waits until it is in a block, and says in which. All blocks are read whole: the daemon is never asked about the
    /// transaction. Its pool is no evidence, as it would show what we gave it ourselves.
    pub(in super::super) async fn mined(&mut self, id: TxId, mut progress: impl FnMut(u64)) -> Result<u64, CallError> {
        loop {
            let top = self.client.top().await?;
            let next = self.next.get_or_insert(top.height);
            while *next <= top.height {
                let block = self.client.block(*next).await?;
                if block.tx_hashes.iter().any(|hash| hash.txid() == id) {
                    return Ok(*next);
                }
                *next += 1;
            }
            progress(top.height);
            Timer::after(PAUSE).await;
        }
    }
}
