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
