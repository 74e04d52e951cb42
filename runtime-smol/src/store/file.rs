//! The file of a store, as one thread at a time uses it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anonet_core::{Instant, LocalTx, RecipientKey, StoredTx, TxId};
use bytes::Bytes;
use redb::{Database, Error, ReadableDatabase, ReadableTable};

use super::cover::Cover;
use super::guard::guarded;
use super::open::{Closed, create, open, unlock};
use super::row::{Row, Unreadable};
use super::{Exposed, Inserted, Loaded, LoadedTx, Passphrase, StoreError, key};

/// Bytes that the largest transaction takes in the file, with what is rewritten for it.
const ROOM: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    cover: Cover,
    recipient_key: RecipientKey,
    /// Absent after a failure: the database refuses to go on after one, and is opened again when it is needed.
    database: Option<Database>,
    /// Insertions that failed, perhaps after the row was written. They are undone before anything else is done.
    doubtful: BTreeSet<TxId>,
}

impl StoreFile {
    /// Opens what is there, or creates it. With a passphrase the file is sealed, also one that is not yet.
    pub(super) fn open(path: PathBuf, passphrase: Option<&Passphrase>) -> Result<Self, StoreError> {
        let found = fs::symlink_metadata(&path);
        let there = !matches!(found, Err(error) if error.kind() == io::ErrorKind::NotFound);
        let opened = guarded(|| {
            let (database, cover) = if there { unlock(&path, passphrase)? } else { create(&path, passphrase, None)? };
            let recipient_key = key::ensure(&database, &cover)?;
            Ok::<_, Closed>((database, cover, recipient_key))
        });
        match opened {
            Ok((database, cover, recipient_key)) => {
                Ok(Self { path, cover, recipient_key, database: Some(database), doubtful: BTreeSet::new() })
            }
            Err(closed) => Err(closed.into_error(path)),
        }
    }

    pub(super) const fn recipient_key(&self) -> RecipientKey {
        self.recipient_key
    }

    pub(super) fn insert(&mut self, id: TxId, submitted: Instant, blob: &[u8]) -> Result<Inserted, StoreError> {
        let row = Row { submitted, exposed: Exposed::default(), blob }.encode();
        let there = self.read(id, |old| Row::decode(old).map(|row| (row.submitted, row.exposed)))?;
        match there {
            Some(Ok((submitted, exposed))) => return Ok(Inserted::Known { submitted, exposed }),
            Some(Err(_)) => return Err(StoreError::ForeignRow { path: self.path.clone() }),
            None => {}
        }
        let inserted = self.run(|database, cover| {
            let row = cover.cover(id, row)?;
            let write = database.begin_write()?;
            write.open_table(cover.table())?.insert(&cover.key(id), row.as_slice())?;
            write.commit()?;
            Ok(Inserted::New)
        });
        if inserted.is_err() {
            self.doubtful.insert(id);
        }
        inserted
    }

    pub(super) fn set_exposed(&mut self, changes: Vec<(TxId, Exposed)>) -> Result<Vec<TxId>, StoreError> {
        self.change(changes, |row, exposed| row.exposed = exposed)
    }

    pub(super) fn set_submitted(&mut self, changes: Vec<(TxId, Instant)>) -> Result<(), StoreError> {
        self.change(changes, |row, submitted| row.submitted = submitted).map(|_| ())
    }

    /// Changes readable rows, and says which these are.
    fn change<T>(&mut self, changes: Vec<(TxId, T)>, edit: impl Fn(&mut Row<'_>, T)) -> Result<Vec<TxId>, StoreError> {
        self.run(|database, cover| {
            let mut done = Vec::new();
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(cover.table())?;
                for (id, new) in changes {
                    let key = cover.key(id);
                    let changed = table.get(&key)?.and_then(|old| edited(cover, &key, old.value(), |row| edit(row, new)));
                    if let Some(row) = changed {
                        table.insert(&key, cover.cover(id, row)?.as_slice())?;
                        done.push(id);
                    }
                }
            }
            write.commit()?;
            Ok(done)
        })
    }

    pub(super) fn remove(&mut self, ids: &[TxId]) -> Result<(), StoreError> {
        self.run(|database, cover| remove(database, cover, ids))
    }

    pub(super) fn try_room(&mut self) -> Result<(), StoreError> {
        let beside = self.path.with_extension("room");
        self.run(|_, _| {
            let tried = write_whole(&beside);
            // a disk that is full, or can only be read, may not have it
            let _ = fs::remove_file(&beside);
            Ok(tried?)
        })
    }

    pub(super) fn load(&mut self) -> Result<Loaded, StoreError> {
        self.run(|database, cover| {
            let mut loaded = Loaded::default();
            for entry in database.begin_read()?.open_table(cover.table())?.iter()? {
                let (key, row) = entry?;
                match cover.uncover(key.value(), row.value()).and_then(|(id, row)| restored(id, &row)) {
                    Ok(tx) => loaded.txs.push(tx),
                    Err(Unreadable::Newer) => loaded.newer += 1,
                    Err(Unreadable::Bad) => loaded.unreadable += 1,
                }
            }
            Ok(loaded)
        })
    }

    /// Looks at one row.
    fn read<R>(
        &mut self,
        id: TxId,
        look: impl FnOnce(&[u8]) -> Result<R, Unreadable>,
    ) -> Result<Option<Result<R, Unreadable>>, StoreError> {
        self.run(|database, cover| {
            let key = cover.key(id);
            let table = database.begin_read()?.open_table(cover.table())?;
            Ok(table.get(&key)?.map(|row| cover.uncover(&key, row.value()).and_then(|(_, row)| look(&row))))
        })
    }

    fn run<R>(&mut self, f: impl FnOnce(&Database, &Cover) -> Result<R, Error>) -> Result<R, StoreError> {
        let Self { path, cover, database, doubtful, .. } = self;
        let result = guarded(|| {
            let opened = match database.take() {
                Some(database) => database,
                None => open(path, cover.table())?,
            };
            if !doubtful.is_empty() {
                remove(&opened, cover, &doubtful.iter().copied().collect::<Vec<_>>())?;
                doubtful.clear();
            }
            // also by itself: the database is closed after a panic, and not by it
            let result = guarded(|| f(&opened, cover))?;
            // put back only if all went well
            *database = Some(opened);
            Ok(result)
        });
        result.map_err(|error| failure(path.clone(), error))
    }
}

fn write_whole(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&vec![0xff; ROOM])?;
    file.sync_all()
}

fn restored(id: TxId, row: &[u8]) -> Result<LoadedTx, Unreadable> {
    let Row { submitted, exposed: Exposed { exposure, uses }, blob } = Row::decode(row)?;
    let blob = Bytes::copy_from_slice(blob);
    let tx = LocalTx::new(blob.clone()).map_err(|_| Unreadable::Bad)?;
    Ok(LoadedTx { stored: StoredTx { id, tx, submitted, exposure, uses }, blob })
}

/// The row as it is changed, if it can be read.
fn edited(cover: &Cover, key: &[u8; 32], old: &[u8], edit: impl FnOnce(&mut Row<'_>)) -> Option<Vec<u8>> {
    let (_, row) = cover.uncover(key, old).ok()?;
    let mut row = Row::decode(&row).ok()?;
    edit(&mut row);
    Some(row.encode())
}

fn remove(database: &Database, cover: &Cover, ids: &[TxId]) -> Result<(), Error> {
    let write = database.begin_write()?;
    {
        let mut table = write.open_table(cover.table())?;
        for &id in ids {
            table.remove(&cover.key(id))?;
        }
    }
    Ok(write.commit()?)
}

pub(super) fn failure(path: PathBuf, cause: Error) -> StoreError {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    let unusable = match &cause {
        Error::RepairAborted => return StoreError::NotClosed { path },
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
        let mut file = StoreFile::open(scratch.path().join("stash.redb"), None).unwrap();
        let (kept, doubtful) = (TxId::new([1; 32]), TxId::new([2; 32]));
        for id in [kept, doubtful] {
            file.insert(id, Instant::from_micros(1), b"tx").unwrap();
        }
        let failed = file.run(|_, _| Err::<(), _>(Error::Io(io::ErrorKind::StorageFull.into()))).unwrap_err();
        assert!(matches!(failed, StoreError::Unusable { .. }), "{failed}");
        assert!(file.database.is_none());
        file.doubtful.insert(doubtful);
        let ids: Vec<TxId> = file.load().unwrap().txs.iter().map(|loaded| loaded.stored.id).collect();
        assert_eq!(ids, [kept]);
        assert_eq!(file.insert(doubtful, Instant::from_micros(2), b"tx").unwrap(), Inserted::New);
        assert_eq!(file.load().unwrap().txs.len(), 2);
    }
}
