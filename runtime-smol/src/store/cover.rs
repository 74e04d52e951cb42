//! How the rows of a file are written: as they are, or sealed.

use std::borrow::Cow;
use std::io;

use anonet_core::TxId;
use redb::{Error, TableDefinition};

use super::row::Unreadable;
use super::seal::{Seal, Unopened};

/// Rows by id.
const STASH: Table = TableDefinition::new("stash");
/// Rows by the key that the seal makes of the id.
const SEALED: Table = TableDefinition::new("sealed");

pub(super) type Table = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;

#[derive(Debug)]
pub(super) enum Cover {
    Plain,
    Sealed(Seal),
}

impl Cover {
    pub(super) const fn table(&self) -> Table {
        match self {
            Self::Plain => STASH,
            Self::Sealed(_) => SEALED,
        }
    }

    pub(super) const fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    /// Under which key a transaction's row stands.
    pub(super) fn key(&self, id: TxId) -> [u8; 32] {
        match self {
            Self::Plain => *id.as_bytes(),
            Self::Sealed(seal) => seal.key(id),
        }
    }

    /// What is written for a row.
    pub(super) fn cover(&self, id: TxId, row: Vec<u8>) -> Result<Vec<u8>, Error> {
        match self {
            Self::Plain => Ok(row),
            Self::Sealed(seal) => seal.seal(id, &row).map_err(no_seal),
        }
    }

    /// What is written for the key of recipients.
    pub(super) fn cover_key(&self, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Plain => Ok(key.to_vec()),
            Self::Sealed(seal) => seal.seal_key(key).map_err(no_seal),
        }
    }

    pub(super) fn uncover_key(&self, written: &[u8]) -> Option<[u8; 32]> {
        match self {
            Self::Plain => written.try_into().ok(),
            Self::Sealed(seal) => seal.unseal_key(written),
        }
    }

    /// What was written there.
    pub(super) fn uncover<'r>(&self, key: &[u8; 32], written: &'r [u8]) -> Result<(TxId, Cow<'r, [u8]>), Unreadable> {
        match self {
            Self::Plain => Ok((TxId::new(*key), Cow::Borrowed(written))),
            Self::Sealed(seal) => seal.unseal(key, written).map(|(id, row)| (id, Cow::Owned(row))),
        }
    }
}

/// A row that cannot be sealed, for want of memory or randomness.
pub(super) fn no_seal(_: Unopened) -> Error {
    Error::Io(io::Error::other("there is no memory or no randomness to seal it"))
}
