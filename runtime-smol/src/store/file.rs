//! The file of a store, as one thread at a time uses it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anonet_core::{Exposure, Instant, LocalTx, StoredTx, TxId};
use bytes::Bytes;
use redb::{Builder, Database, Error, ReadableDatabase, ReadableTable, TableDefinition};

use super::row::{Row, Unreadable};
use super::{Inserted, Loaded, StoreError};

/// Transactions by id.
const STASH: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("stash");

/// Bytes of the file that are kept in memory.
const CACHE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    /// Absent after a failure: the database refuses to go on after one, and is opened again when it is needed.
    database: Option<Database>,
    /// Insertions that failed, perhaps after the row was written. They are undone before anything else is done.
    doubtful: BTreeSet<TxId>,
}

impl StoreFile {
    /// Opens what is there, or creates it.
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let opened = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path),
            _ => open(&path),
        };
        match opened {
            Ok(database) => Ok(Self { path, database: Some(database), doubtful: BTreeSet::new() }),
            Err(error) => Err(failure(path, error)),
        }
    }

    pub(super) fn insert(&mut self, id: TxId, submitted: Instant, blob: &[u8]) -> Result<Inserted, StoreError> {
        let row = Row { submitted, exposure: Exposure::Nobody, blob }.encode();
        let there = self.read(id, |old| Row::decode(old).map(|row| (row.submitted, row.exposure)))?;
        match there {
            Some(Ok((submitted, exposure))) => return Ok(Inserted::Known { submitted, exposure }),
            Some(Err(_)) => return Err(StoreError::ForeignRow { path: self.path.clone() }),
            None => {}
        }
        let inserted = self.run(|database| {
            let write = database.begin_write()?;
            write.open_table(STASH)?.insert(id.as_bytes(), row.as_slice())?;
            write.commit()?;
            Ok(Inserted::New)
        });
        if inserted.is_err() {
            self.doubtful.insert(id);
        }
        inserted
    }

    pub(super) fn set_exposure(&mut self, changes: &[(TxId, Exposure)]) -> Result<Vec<TxId>, StoreError> {
        self.run(|database| {
            let mut done = Vec::new();
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(STASH)?;
                for &(id, exposure) in changes {
                    let changed = table
                        .get(id.as_bytes())?
                        .and_then(|old| Some(Row { exposure, ..Row::decode(old.value()).ok()? }.encode()));
                    if let Some(row) = changed {
                        table.insert(id.as_bytes(), row.as_slice())?;
                        done.push(id);
                    }
                }
            }
            write.commit()?;
            Ok(done)
        })
    }

    pub(super) fn remove(&mut self, ids: &[TxId]) -> Result<(), StoreError> {
        self.run(|database| remove(database, ids))
    }

    pub(super) fn load(&mut self) -> Result<Loaded, StoreError> {
        self.run(|database| {
            let mut loaded = Loaded::default();
            for entry in database.begin_read()?.open_table(STASH)?.iter()? {
                let (id, row) = entry?;
                let id = TxId::new(*id.value());
                match restored(id, row.value()) {
                    Ok(tx) => loaded.txs.push(tx),
                    Err(Unreadable::Newer) => loaded.newer += 1,
                    Err(Unreadable::Bad) => loaded.unreadable += 1,
                }
            }
            Ok(loaded)
        })
    }

    /// Looks at one row.
    fn read<R>(&mut self, id: TxId, look: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, StoreError> {
        self.run(|database| {
            let table = database.begin_read()?.open_table(STASH)?;
            Ok(table.get(id.as_bytes())?.map(|row| look(row.value())))
        })
    }

    fn run<R>(&mut self, f: impl FnOnce(&Database) -> Result<R, Error>) -> Result<R, StoreError> {
        // put back only if all went well
        let database = match self.database.take() {
            Some(database) => Ok(database),
            None => open(&self.path),
        };
        let path = || self.path.clone();
        let database = database.map_err(|error| failure(path(), error))?;
        if !self.doubtful.is_empty() {
            let ids: Vec<TxId> = self.doubtful.iter().copied().collect();
            remove(&database, &ids).map_err(|error| failure(path(), error))?;
            self.doubtful.clear();
        }
        let result = f(&database).map_err(|error| failure(path(), error))?;
        self.database = Some(database);
        Ok(result)
    }
}

fn restored(id: TxId, row: &[u8]) -> Result<StoredTx, Unreadable> {
    let Row { submitted, exposure, blob } = Row::decode(row)?;
    let tx = LocalTx::new(Bytes::copy_from_slice(blob)).map_err(|_| Unreadable::Bad)?;
    Ok(StoredTx { id, tx, submitted, exposure })
}

fn remove(database: &Database, ids: &[TxId]) -> Result<(), Error> {
    let write = database.begin_write()?;
    {
        let mut table = write.open_table(STASH)?;
        for id in ids {
            table.remove(id.as_bytes())?;
        }
    }
    Ok(write.commit()?)
}

/// Opens a file that has to be there. Reads all of it, as only that finds all damage.
fn open(path: &Path) -> Result<Database, Error> {
    let database = Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).open(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    // finds a database of something else
    database.begin_read()?.open_table(STASH)?;
    Ok(database)
}

/// Creates the file, under its name only once it is complete: what a crash leaves behind is not taken for a damaged
/// store.
fn create(path: &Path) -> Result<Database, Error> {
    let unfinished = path.with_extension("new");
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    let database = Builder::new().set_cache_size(CACHE).create(&unfinished)?;
    let write = database.begin_write()?;
    write.open_table(STASH)?;
    write.commit()?;
    fs::rename(&unfinished, path)?;
    // the name has to survive a loss of power as well
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(database)
}

fn failure(path: PathBuf, cause: Error) -> StoreError {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    let unusable = match &cause {
        Error::Io(error) => !matches!(error.kind(), InvalidData | UnexpectedEof),
        Error::DatabaseAlreadyOpen | Error::PreviousIo | Error::DatabaseClosed | Error::LockPoisoned(_) => true,
        _ => false,
    };
    let cause = Box::new(cause);
    if unusable { StoreError::Unusable { path, cause } } else { StoreError::Damaged { path, cause } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonetd::scratch::Scratch;

    #[test]
    fn after_a_failure_it_is_opened_again_and_what_was_half_done_is_undone() {
        let scratch = Scratch::new();
        let mut file = StoreFile::open(scratch.path().join("stash.redb")).unwrap();
        let (kept, doubtful) = (TxId::new([1; 32]), TxId::new([2; 32]));
        for id in [kept, doubtful] {
            file.insert(id, Instant::from_micros(1), b"tx").unwrap();
        }
        let failed = file.run(|_| Err::<(), _>(Error::Io(io::ErrorKind::StorageFull.into()))).unwrap_err();
        assert!(matches!(failed, StoreError::Unusable { .. }), "{failed}");
        assert!(file.database.is_none());
        file.doubtful.insert(doubtful);
        let ids: Vec<TxId> = file.load().unwrap().txs.iter().map(|stored| stored.id).collect();
        assert_eq!(ids, [kept]);
        assert_eq!(file.insert(doubtful, Instant::from_micros(2), b"tx").unwrap(), Inserted::New);
        assert_eq!(file.load().unwrap().txs.len(), 2);
    }
}
