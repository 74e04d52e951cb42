//! Documents that outlive a run, such as the list of peers: one row each, by name.
//!
//! The file is a `redb` database and never sealed: it names peers, no transactions. What is lost with it is lost time, so a
//! file that cannot be read is put aside and never keeps a node from starting.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use redb::{Builder, Database, Error, ReadableDatabase, TableDefinition};

use super::StoreError;
use super::file::failure;
use super::guard::guarded;

/// Documents by name.
const DOCUMENTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("documents");

/// Bytes of the file that are kept in memory.
const CACHE: usize = 1 << 20;

/// The open file. Clones share it. All methods work on threads of their own.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Mutex<DocumentFile>>);

#[derive(Debug)]
struct DocumentFile {
    path: PathBuf,
    /// Absent after a failure: the database refuses to go on after one, and is opened again when it is needed.
    database: Option<Database>,
}

impl Documents {
    /// Opens the file at `path`, or creates it, readable by this user only. A file that is damaged, or something else, gets
    /// the ending `damaged`, and where it then is is said in the second place.
    ///
    /// # Errors
    /// [`StoreError::Unusable`].
    pub async fn open(path: PathBuf) -> Result<(Self, Option<PathBuf>), StoreError> {
        let (database, aside) = smol::unblock(move || {
            let (database, aside) = match guarded(|| open(&path)) {
                Err(error) => match failure(path.clone(), error) {
                    StoreError::Damaged { .. } => {
                        let aside = path.with_extension("damaged");
                        let moved = fs::rename(&path, &aside).map_err(Error::Io).and_then(|()| open(&path));
                        (moved.map_err(|error| failure(path.clone(), error))?, Some(aside))
                    }
                    other => return Err(other),
                },
                Ok(database) => (database, None),
            };
            Ok((DocumentFile { path, database: Some(database) }, aside))
        })
        .await?;
        Ok((Self(Arc::new(Mutex::new(database))), aside))
    }

    /// Reads a document, if there is one of this name.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read.
    pub async fn load(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(move |database| {
            let table = database.begin_read()?.open_table(DOCUMENTS)?;
            Ok(table.get(name)?.map(|document| document.value().to_vec()))
        })
        .await
    }

    /// Writes documents in place of those of the same names: after a crash there are all of them or none.
    ///
    /// # Errors
    /// [`StoreError`]: all is as before.
    pub async fn save(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        self.with(move |database| {
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(DOCUMENTS)?;
                for (name, document) in &documents {
                    table.insert(name.as_str(), document.as_slice())?;
                }
            }
            Ok(write.commit()?)
        })
        .await
    }

    async fn with<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Database) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, StoreError> {
        let file = self.0.clone();
        smol::unblock(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let DocumentFile { path, database } = &mut *file;
            let result = guarded(|| {
                let opened = database.take().map_or_else(|| open(path), Ok)?;
                // also by itself: the database is closed after a panic, and not by it
                let result = guarded(|| f(&opened))?;
                // put back only if all went well
                *database = Some(opened);
                Ok(result)
            });
            result.map_err(|error| failure(path.clone(), error))
        })
        .await
    }
}

/// Opens or creates the file, and finds all damage to it.
fn open(path: &Path) -> Result<Database, Error> {
    // an empty one is what a crash at the very first start of earlier versions left
    if fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return create(path);
    }
    make(path)
}

/// Creates the file. It gets its name only once it is complete: what a crash leaves behind is not taken for a damaged list.
fn create(path: &Path) -> Result<Database, Error> {
    let unfinished = path.with_extension("new");
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&unfinished)?;
    let database = make(&unfinished)?;
    fs::rename(&unfinished, path)?;
    Ok(database)
}

fn make(path: &Path) -> Result<Database, Error> {
    let database = Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let write = database.begin_write()?;
    write.open_table(DOCUMENTS)?;
    write.commit()?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use smol::block_on;

    use super::*;
    use crate::anonetd::scratch::Scratch;

    fn open(path: &Path) -> (Documents, Option<PathBuf>) {
        block_on(Documents::open(path.to_owned())).unwrap()
    }

    fn save(documents: &Documents, name: &str, content: &[u8]) {
        block_on(documents.save(vec![(name.to_owned(), content.to_vec())])).unwrap();
    }

    #[test]
    fn documents_outlive_a_run_and_replace_each_other() {
        let scratch = Scratch::new();
        let path = scratch.path().join("peers.redb");
        let (documents, aside) = open(&path);
        assert_eq!(aside, None);
        assert_eq!(block_on(documents.load("peers")).unwrap(), None);
        save(&documents, "peers", b"first");
        save(&documents, "bans", b"");
        save(&documents, "peers", &vec![7; 2 << 20]);
        drop(documents);
        let (documents, _) = open(&path);
        assert_eq!(block_on(documents.load("peers")).unwrap(), Some(vec![7; 2 << 20]));
        assert_eq!(block_on(documents.load("bans")).unwrap(), Some(vec![]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_a_crash_left_of_the_first_start_is_no_damage() {
        let scratch = Scratch::new();
        let path = scratch.path().join("peers.redb");
        let unfinished = path.with_extension("new");
        drop(open(&path));
        let whole = fs::read(&path).unwrap();
        for content in [&[][..], &whole[..whole.len() / 2], &[0; 5_000]] {
            fs::remove_file(&path).unwrap();
            fs::write(&unfinished, content).unwrap();
            let (documents, aside) = open(&path);
            assert_eq!(aside, None);
            save(&documents, "peers", b"one");
            assert!(!unfinished.exists());
        }
    }

    #[test]
    fn what_is_damaged_is_put_aside_and_a_start_goes_on() {
        let scratch = Scratch::new();
        let path = scratch.path().join("peers.redb");
        let (documents, _) = open(&path);
        save(&documents, "peers", &[7; 10_000]);
        drop(documents);
        let whole = fs::read(&path).unwrap();
        for content in [&b"my letters"[..], &whole[..whole.len() / 2], &[0; 5_000]] {
            fs::write(&path, content).unwrap();
            let (documents, aside) = open(&path);
            let aside = aside.unwrap();
            assert_eq!(fs::read(&aside).unwrap(), content);
            assert_eq!(block_on(documents.load("peers")).unwrap(), None);
            save(&documents, "peers", b"again");
        }
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let scratch = Scratch::new();
        let path = scratch.path().join("peers.redb");
        let (documents, _) = open(&path);
        save(&documents, "peers", b"old");
        let failed = documents.with(|_| Err::<(), _>(Error::Io(std::io::ErrorKind::StorageFull.into())));
        assert!(matches!(block_on(failed), Err(StoreError::Unusable { .. })));
        assert_eq!(block_on(documents.load("peers")).unwrap(), Some(b"old".to_vec()));
        save(&documents, "peers", b"new");
        assert_eq!(block_on(documents.load("peers")).unwrap(), Some(b"new".to_vec()));
    }
}
