//! A transaction handed to somebody's monerod, without a node of ours.

use std::time::Duration;

use anonet_core::{TxId, ZoneKind};
use async_io::Timer;
use bytes::Bytes;
use thiserror::Error;

use super::address::DaemonAddress;
use super::client::{CallError, HttpClient};
use super::rpc::{Answer, MAX_SUBMIT};
use crate::dial::{SocksAuth, SocksProxy, Transport};
use crate::options::ProxyEndpoint;

/// From one look at the chain to the next; a block comes every two minutes.
const PAUSE: Duration = Duration::from_secs(10);

/// So many blocks below the top are looked at too: the transaction may have been mined before it was handed in here.
const LOOK_BACK: u64 = 5;

/// Why a daemon cannot be used like this. To be corrected on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum NoWay {
    #[error(
        "--daemon-address: such a name is reached through a proxy of {0} alone: add --proxy IP:PORT{hint}",
        hint = if *.0 == ZoneKind::Tor { ", such as 127.0.0.1:9050" } else { ", such as 127.0.0.1:4447" }
    )]
    NoProxy(ZoneKind),
    #[error("--proxy: a daemon on this machine is reached without one; remove it, or name an .onion or .b32.i2p address")]
    NoNeed,
}

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
    /// A daemon behind a hidden service through the proxy of its network, or one on this machine.
    pub(in super::super) fn new(address: &DaemonAddress, proxy: Option<&ProxyEndpoint>) -> Result<Self, NoWay> {
        let way = match (address.addr().zone(), proxy) {
            (ZoneKind::Public, None) => Transport::Direct,
            (ZoneKind::Public, Some(_)) => return Err(NoWay::NoNeed),
            (zone, None) => return Err(NoWay::NoProxy(zone)),
            (zone, Some(proxy)) => {
                let auth = match (&proxy.credentials, zone) {
                    (Some((user, password)), _) => SocksAuth::Fixed { user: user.clone(), password: password.clone() },
                    (None, ZoneKind::Tor) => SocksAuth::IsolationRequired,
                    (None, _) => SocksAuth::IsolationOffered,
                };
                Transport::Socks(SocksProxy { addr: proxy.addr, auth })
            }
        };
        Ok(Self { client: HttpClient::new(way, address.addr().clone()), next: None })
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
