//! What the fuzz targets reach of this crate's readers of foreign bytes. No interface for others: it changes with them.

use anonet_core::{Addr, DialFailure, Isolation, TxId};
use bytes::Bytes;
use smol::io::{AsyncRead, AsyncWrite};

use crate::anonetd;
use crate::driver::SocksAuth;

/// Asks the proxy behind `stream` for a stream to `addr`, and returns what came right behind its answer.
///
/// # Errors
/// As the node would say it.
pub async fn socks_connect(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    auth: &SocksAuth,
    addr: &Addr,
    isolation: Isolation,
) -> Result<Bytes, DialFailure> {
    crate::socks::connect(&mut stream, auth, addr, isolation).await
}

/// What the daemon is asked in place of a wallet's `/getblocks.bin` with this body; `None` if it is refused.
#[must_use]
pub fn blocks_without_pool(body: &[u8]) -> Option<Bytes> {
    anonetd::rpc::blocks_without_pool(body)
}

/// The answer to a `/json_rpc` with this body, whose method there is none of.
#[must_use]
pub fn json_rpc(body: &[u8]) -> Vec<u8> {
    anonetd::rpc::unknown_method(body)
}

/// The bytes of the transaction in a `/send_raw_transaction` with this body, and its id; `None` if it is refused.
#[must_use]
pub fn sent_transaction(body: &[u8]) -> Option<(Vec<u8>, TxId)> {
    let blob = anonetd::rpc::sent_blob(body)?;
    let (own, _) = anonetd::tx::parse(&blob).ok()?;
    Some((blob, own.id))
}

/// The pairs of an `Authorization` header of the RPC; `None` if it is none of the kind that is asked for.
#[must_use]
pub fn login_pairs(header: &str) -> Option<Vec<(String, String)>> {
    anonetd::rpc::login_pairs(header)
}

/// The ids in a daemon's answer to the question for its pool; `None` if it is garbage or no list.
#[must_use]
pub fn pool_ids(body: &[u8]) -> Option<Vec<TxId>> {
    anonetd::daemon::pool_ids(body)
}

/// The ids in a daemon's answer to the question for a block; `None` if it is garbage or no block.
#[must_use]
pub fn block_ids(body: &[u8]) -> Option<Vec<TxId>> {
    anonetd::daemon::block_ids(body)
}

/// Whether a daemon's answer to a transaction makes the peer who sent it guilty; `None` if it is garbage.
#[must_use]
pub fn blames(body: &[u8]) -> Option<bool> {
    anonetd::daemon::blames(body)
}

/// The number of the circuit in the line with which Tor begins a stream, and what came right behind the line; `None` if it
/// begins otherwise.
pub async fn circuit(mut stream: impl AsyncRead + Unpin) -> Option<(u32, Bytes)> {
    let (circuit, early) = crate::proxy_protocol::read(&mut stream, smol::future::pending::<()>()).await.ok()?;
    Some((circuit.number(), early))
}

/// What is written for the row of the stash's file that these bytes are, and the transaction in it; `None` if they are none.
#[must_use]
pub fn rewrite_row(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    crate::store::rewrite_row(bytes)
}
