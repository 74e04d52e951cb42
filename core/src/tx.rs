//! Transactions by origin: an own one and a stranger's are different types, so no code path can confuse them.

use bytes::Bytes;
use thiserror::Error;

use crate::zone::route::{ExitForm, LocalExit, PublicExit};

/// The largest transaction that consensus allows, in bytes (spec: levin §9).
pub const MAX_TX_SIZE: usize = 1_000_000;

/// Why a blob was refused as a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlobRefused {
    /// There are no bytes.
    #[error("the transaction is empty: hand over the bytes of a signed transaction")]
    Empty,
    /// There are more bytes than any legal transaction has.
    #[error("the transaction has {size} bytes, more than the {MAX_TX_SIZE} that consensus allows")]
    TooLarge {
        /// Bytes handed over.
        size: usize,
    },
}

/// A transaction of this node's user.
///
/// Its bytes leave only through a [`LocalExit`]: an anonymity zone, or the public zone of a node that has no
/// anonymity zone configured (design §2). Nothing else in the crate can read them, and `Debug` shows the size alone.
pub struct LocalTx(Bytes);

impl LocalTx {
    /// Takes over the bytes of a signed transaction. They are kept as they are; pass a copy of exact size.
    ///
    /// # Errors
    /// [`BlobRefused`] if there are none, or more than [`MAX_TX_SIZE`].
    pub fn new(blob: Bytes) -> Result<Self, BlobRefused> {
        check(&blob)?;
        Ok(Self(blob))
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes, for the links of the zone that `_exit` names and no others.
    pub(crate) fn leave_by(&self, _exit: &LocalExit) -> &[u8] {
        &self.0
    }

    /// The same as one that a peer might have sent, if it leaves as a public stem: from there on it takes the way of
    /// those, so that a peer cannot tell them apart. Costs no copy.
    pub(crate) fn published_by(&self, exit: &LocalExit) -> Option<PeerTx> {
        (exit.form() == ExitForm::PublicStem).then(|| PeerTx(self.0.clone()))
    }
}

impl core::fmt::Debug for LocalTx {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LocalTx({} bytes)", self.0.len())
    }
}

/// A transaction that a peer sent. It goes to the public network once the embedder has accepted it, and nowhere else.
pub struct PeerTx(Bytes);

impl PeerTx {
    /// Copies a received blob to its exact size, so that it pins no larger buffer.
    ///
    /// # Errors
    /// [`BlobRefused`] if it is empty, or longer than [`MAX_TX_SIZE`].
    pub fn copy_from(blob: &[u8]) -> Result<Self, BlobRefused> {
        check(blob)?;
        Ok(Self(Bytes::copy_from_slice(blob)))
    }

    /// Whether a blob is one that [`copy_from`](Self::copy_from) takes.
    pub(crate) fn check(blob: &[u8]) -> Result<(), BlobRefused> {
        check(blob)
    }

    /// The bytes, for the embedder to verify. Costs no copy.
    #[must_use]
    pub fn blob(&self) -> Bytes {
        self.0.clone()
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes, for the links of the public zone that `_exit` names.
    pub(crate) fn leave_by(&self, _exit: &PublicExit) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for PeerTx {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PeerTx({} bytes)", self.0.len())
    }
}

fn check(blob: &[u8]) -> Result<(), BlobRefused> {
    match blob.len() {
        0 => Err(BlobRefused::Empty),
        1..=MAX_TX_SIZE => Ok(()),
        size => Err(BlobRefused::TooLarge { size }),
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    #[test]
    fn sizes_are_checked_at_the_limit_and_past_it() {
        assert_eq!(LocalTx::new(Bytes::new()).unwrap_err(), BlobRefused::Empty);
        assert!(LocalTx::new(vec![1; MAX_TX_SIZE].into()).is_ok());
        let size = MAX_TX_SIZE + 1;
        assert_eq!(LocalTx::new(vec![1; size].into()).unwrap_err(), BlobRefused::TooLarge { size });
        assert_eq!(PeerTx::copy_from(&[]).unwrap_err(), BlobRefused::Empty);
        assert_eq!(PeerTx::copy_from(&vec![1; size]).unwrap_err(), BlobRefused::TooLarge { size });
    }

    #[test]
    fn debug_shows_no_bytes() {
        let tx = LocalTx::new(Bytes::from_static(b"secret")).unwrap();
        assert_eq!(format!("{tx:?}"), "LocalTx(6 bytes)");
    }
}
