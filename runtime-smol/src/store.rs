//! Own transactions on disk: one row for each, there before anyone is told that the transaction was accepted.
//!
//! The file is a `redb` database. Without a passphrase it is not encrypted, and rows that were removed may stay readable in
//! it until their place is used again. With one the rows are sealed: who reads the disk learns how many there are, their
//! sizes in KiB, and when the file changed. A plain file is sealed by opening it with a passphrase, and there is no way back.
//! A row holds a version (1 byte), when the transaction was submitted (microseconds since the Unix
//! epoch, 8 bytes, little-endian), who may know of it (1 byte), its uses and the transaction; its key is the transaction's id.
//! The uses are their number (1 byte) and 32 places for the tag of a host (16 bytes) and the hour since the Unix epoch (4
//! bytes, little-endian). A tag is a hash of the host's name under a random key that is made with the file and kept in it:
//! the file lists no peer, but who has all of a plain one can try names, as the key is beside the tags.

mod cover;
mod documents;
mod file;
mod guard;
mod inspect;
mod key;
mod open;
mod row;
mod seal;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anonet_core::{Exposure, Instant, RecipientKey, StoredTx, TxId, Use};
use bytes::Bytes;
use thiserror::Error;

pub use self::documents::Documents;
use self::file::StoreFile;
pub(crate) use self::guard::is_guarded;
pub use self::inspect::{Inspection, inspect};
pub use self::seal::Passphrase;
use crate::descriptors;

/// The open file. Clones share it. All methods work on threads of their own, so that no link waits for the disk, and
/// return when what they wrote would survive a loss of power.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<StoreFile>>);

/// Who may know of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is filled in with what the node says")]
pub struct Exposed {
    /// What kind of peers.
    pub exposure: Exposure,
    /// The hosts that have a name of their own, at most [`MAX_USES`](anonet_core::MAX_USES).
    pub uses: Vec<Use>,
}

/// Whether a transaction was in the store before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inserted {
    /// It was not; now it is, and nobody knows of it.
    New,
    /// It was, and its row is as before.
    Known {
        /// When it was submitted first.
        submitted: Instant,
        /// Who may know of it.
        exposed: Exposed,
    },
}

/// What [`Store::load`] found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The transactions, by id.
    pub txs: Vec<LoadedTx>,
    /// Rows that cannot be read. They stay where they are.
    pub unreadable: usize,
    /// Rows that a newer version wrote. They stay where they are.
    pub newer: usize,
}

/// One that can be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoadedTx {
    /// What the node takes back.
    pub stored: StoredTx,
    /// Its bytes, for answers to the user who handed it in.
    pub blob: Bytes,
}

/// Why the store did not do what it was told. Nothing was kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is something else, or damaged. It is left as it is.
    #[error(
        "{path} is damaged, or not a stash of anonetd ({cause}): move it away to start without it; \
         transactions in it stay there",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<redb::Error>,
    },
    /// The system does not let it be read or written.
    #[error("cannot use {path} ({cause}): {advice}", path = path.display(), advice = advice(cause))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: Box<redb::Error>,
    },
    /// The process that wrote it did not end it, and a look may not.
    #[error("{path} was not closed cleanly: the next start repairs it", path = path.display())]
    NotClosed {
        /// The file.
        path: PathBuf,
    },
    /// The file is sealed.
    #[error("{path} is sealed: give its passphrase with --stash-passphrase-file", path = path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is another one.
    #[error("the passphrase does not open {path}: give the one that it was sealed with; nothing was changed", path = path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// A later version sealed the file.
    #[error("a newer version of anonetd sealed {path}: start that version", path = path.display())]
    NewerSeal {
        /// The file.
        path: PathBuf,
    },
    /// The transaction has a row already, and that cannot be read.
    #[error(
        "{path} has an entry of this transaction that this version cannot read: start the version that wrote it, or move \
         the file away",
        path = path.display()
    )]
    ForeignRow {
        /// The file.
        path: PathBuf,
    },
}

/// What to do about a failure of the system.
fn advice(cause: &redb::Error) -> &'static str {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let redb::Error::Io(error) = cause else { return "see that its disk has space and that this user may write there" };
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => "there is no space left for it: make room on its disk",
        ReadOnlyFilesystem => "its disk can only be read: mount it so that it can be written",
        PermissionDenied => "this user may not write there: correct its permissions",
        _ if descriptors::is_shortage(error) => "file descriptors run out: raise the limit of open files",
        _ => "see that its disk is sound and has space, and that this user may write there",
    }
}

impl Store {
    /// Opens the file at `path`, or creates it, readable by this user only. Checks every byte of it, so it takes about
    /// as long as reading the file.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Unusable`] or [`StoreError::Sealed`].
    pub async fn open(path: PathBuf) -> Result<Self, StoreError> {
        Self::open_with(path, None).await
    }

    /// The same with the passphrase of a sealed file; a new file is sealed with it, and so is one that was not sealed
    /// before. Takes a fraction of a second and 64 MiB for the passphrase alone.
    ///
    /// # Errors
    /// [`StoreError`]. After one the file is as it was.
    pub async fn open_sealed(path: PathBuf, passphrase: Passphrase) -> Result<Self, StoreError> {
        Self::open_with(path, Some(passphrase)).await
    }

    async fn open_with(path: PathBuf, passphrase: Option<Passphrase>) -> Result<Self, StoreError> {
        let file = smol::unblock(move || StoreFile::open(path, passphrase.as_ref())).await?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Writes a transaction down that nobody knows of yet. A row that is there is never reset.
    ///
    /// # Errors
    /// [`StoreError`]: it was not written.
    pub async fn insert(&self, id: TxId, submitted: Instant, blob: Bytes) -> Result<Inserted, StoreError> {
        self.with(move |file| file.insert(id, submitted, &blob)).await
    }

    /// Writes down who may know of these transactions from now on, and says for which ones it did: those that have a
    /// readable row.
    ///
    /// # Errors
    /// [`StoreError`]: all is as before.
    pub async fn set_exposed(&self, changes: Vec<(TxId, Exposed)>) -> Result<Vec<TxId>, StoreError> {
        self.with(move |file| file.set_exposed(changes)).await
    }

    /// Writes down when these transactions were submitted; those that have no readable row do not matter.
    ///
    /// # Errors
    /// [`StoreError`]: all is as before.
    pub async fn set_submitted(&self, changes: Vec<(TxId, Instant)>) -> Result<(), StoreError> {
        self.with(move |file| file.set_submitted(changes)).await
    }

    /// The key under which the hosts in this store are named.
    #[must_use]
    pub fn recipient_key(&self) -> RecipientKey {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).recipient_key()
    }

    /// Removes transactions; those that are not there do not matter.
    ///
    /// # Errors
    /// [`StoreError`]: all is as before.
    pub async fn remove(&self, ids: Vec<TxId>) -> Result<(), StoreError> {
        self.with(move |file| file.remove(&ids)).await
    }

    /// Opens the file again if a failure closed it, and writes beside it what the largest transaction would take, which is
    /// removed at once.
    ///
    /// # Errors
    /// [`StoreError`]: the next write would fail, too.
    pub async fn try_room(&self) -> Result<(), StoreError> {
        self.with(StoreFile::try_room).await
    }

    /// Reads all rows. A bad one costs itself alone.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        self.with(StoreFile::load).await
    }

    async fn with<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut StoreFile) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let file = self.0.clone();
        smol::unblock(move || f(&mut file.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

/// For the fuzz targets: what is written for the row that these bytes are, and its transaction.
pub(crate) fn rewrite_row(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let row = row::Row::decode(bytes).ok()?;
    Some((row.encode(), row.blob))
}

#[cfg(test)]
mod tests;
