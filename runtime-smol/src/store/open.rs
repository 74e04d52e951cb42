//! How a file comes to be open: checked, created, unlocked, or sealed.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anonet_core::TxId;
use redb::{Builder, Database, Error, ReadableDatabase, ReadableTable, Table as WriteTable, TableDefinition, TableError};

use super::cover::{Cover, Table, no_seal};
use super::file::failure;
use super::guard::guarded;
use super::seal::{Seal, Unopened};
use super::{Passphrase, StoreError, key};

/// The header of a sealed file, under 0.
const SEAL: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("seal");

/// Bytes of the file that are kept in memory.
pub(super) const CACHE: usize = 1 << 20;

/// Bytes of a file that is put back if it cannot be repaired.
const REPAIRED_MAX: u64 = 256 << 20;

/// Opens a file that has to be there. Reads all of it, as only that finds all damage.
pub(super) fn open(path: &Path, table: Table) -> Result<Database, Error> {
    let database = check(path)?;
    // finds a database of something else
    database.begin_read()?.open_table(table)?;
    Ok(database)
}

fn check(path: &Path) -> Result<Database, Error> {
    let before = unrepaired(path);
    let opened = guarded(|| Ok::<_, Error>(Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).open(path)?));
    if let (Err(_), Some(before)) = (&opened, before) {
        // a repair that failed has begun all the same; where not even this can be written, nothing was
        let _ = put_back(path, &before);
    }
    let database = opened?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(database)
}

/// A file that is to be repaired, as it is now; nothing if it was closed well, or is far larger than a stash can be.
fn unrepaired(path: &Path) -> Option<Vec<u8>> {
    let is_closed = guarded(|| Ok::<_, Error>(Builder::new().set_cache_size(CACHE).open_read_only(path)?)).is_ok();
    let fits = fs::metadata(path).is_ok_and(|found| found.len() <= REPAIRED_MAX);
    (!is_closed && fits).then(|| fs::read(path).ok())?
}

fn put_back(path: &Path, before: &[u8]) -> io::Result<()> {
    if fs::read(path)? == before {
        return Ok(());
    }
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(before)?;
    file.set_len(before.len() as u64)?;
    file.sync_all()
}

/// Why a file that is there was not opened.
pub(super) enum Closed {
    Failed(Error),
    /// It is sealed, and there is no passphrase.
    Sealed,
    Unopened(Unopened),
}

impl Closed {
    /// The same for callers.
    pub(super) fn into_error(self, path: PathBuf) -> StoreError {
        match self {
            Self::Failed(error) => failure(path, error),
            Self::Sealed => StoreError::Sealed { path },
            Self::Unopened(Unopened::WrongPassphrase) => StoreError::WrongPassphrase { path },
            Self::Unopened(Unopened::Newer) => StoreError::NewerSeal { path },
            Self::Unopened(Unopened::Bad) => failure(path, Error::Corrupted("its seal makes no sense".into())),
            Self::Unopened(Unopened::System) => failure(path, no_seal(Unopened::System)),
        }
    }
}

impl<E: Into<Error>> From<E> for Closed {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Opens a file that has to be there, and seals one that is not sealed but has to be.
pub(super) fn unlock(path: &Path, passphrase: Option<&Passphrase>) -> Result<(Database, Cover), Closed> {
    let database = check(path)?;
    let cover = cover_of(&database, passphrase)?;
    match (&cover, passphrase) {
        (Cover::Plain, Some(_)) => Ok(create(path, passphrase, Some(database))?),
        _ => Ok((database, cover)),
    }
}

/// How the rows of an open file are to be read.
pub(super) fn cover_of(database: &impl ReadableDatabase, passphrase: Option<&Passphrase>) -> Result<Cover, Closed> {
    let header = match database.begin_read()?.open_table(SEAL) {
        Ok(table) => table.get(0)?.map(|header| header.value().to_vec()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(error) => return Err(Closed::Failed(error.into())),
    };
    let cover = match (header, passphrase) {
        (None, _) => Cover::Plain,
        (Some(_), None) => return Err(Closed::Sealed),
        (Some(header), Some(passphrase)) => Cover::Sealed(Seal::open(&header, passphrase).map_err(Closed::Unopened)?),
    };
    // finds a database of something else
    database.begin_read()?.open_table(cover.table())?;
    Ok(cover)
}

/// Creates the file, with all rows of a plain one if there is one. It gets its name only once it is complete: what a crash
/// leaves behind is not taken for a damaged store, and a plain file is there until the sealed one is.
pub(super) fn create(path: &Path, passphrase: Option<&Passphrase>, plain: Option<Database>) -> Result<(Database, Cover), Error> {
    let seal = passphrase.map(Seal::create).transpose().map_err(no_seal)?;
    let unfinished = path.with_extension("new");
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    let database = Builder::new().set_cache_size(CACHE).create(&unfinished)?;
    let write = database.begin_write()?;
    let cover = match seal {
        None => Cover::Plain,
        Some((seal, header)) => {
            write.open_table(SEAL)?.insert(0, header.as_slice())?;
            Cover::Sealed(seal)
        }
    };
    let key = plain.as_ref().map(|plain| key::read(plain, &Cover::Plain)).transpose()?.flatten();
    key::write(&write, &cover, key.map_or_else(key::random, Ok)?)?;
    copy(plain.as_ref(), &cover, &mut write.open_table(cover.table())?)?;
    write.commit()?;
    let replaced = plain.as_ref().map(|_| OpenOptions::new().write(true).open(path)).transpose()?;
    fs::rename(&unfinished, path)?;
    // the name has to survive a loss of power as well
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    // it writes its last words when it is closed
    drop(plain);
    if let Some(file) = replaced {
        // the sealed file is in place; what the disk keeps of the plain one is not in this program's hands
        let _ = wipe(&file);
    }
    Ok((database, cover))
}

/// Copies also rows that cannot be read.
fn copy(
    plain: Option<&Database>,
    cover: &Cover,
    table: &mut WriteTable<'_, &'static [u8; 32], &'static [u8]>,
) -> Result<(), Error> {
    let Some(plain) = plain else { return Ok(()) };
    for entry in plain.begin_read()?.open_table(Cover::Plain.table())?.iter()? {
        let (id, row) = entry?;
        let id = TxId::new(*id.value());
        table.insert(&cover.key(id), cover.cover(id, row.value().to_vec())?.as_slice())?;
    }
    Ok(())
}

/// Overwrites a file that has no name any more.
fn wipe(mut file: &File) -> io::Result<()> {
    let len = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(len), &mut file)?;
    file.sync_all()
}
