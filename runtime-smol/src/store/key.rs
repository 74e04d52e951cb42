//! The key under which a store names hosts: made with the file, or by the first version that knows of it.

use anonet_core::RecipientKey;
use redb::{Database, Error, ReadableDatabase, TableDefinition, TableError, WriteTransaction};

use super::cover::Cover;

/// The key, under 0, covered as rows are.
const KEY: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("recipient key");

/// Reads the key; `None` in a file of an earlier version.
pub(super) fn read(database: &Database, cover: &Cover) -> Result<Option<RecipientKey>, Error> {
    let written = match database.begin_read()?.open_table(KEY) {
        Ok(table) => table.get(0)?.map(|key| key.value().to_vec()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(error) => return Err(error.into()),
    };
    // with another key the hosts in the rows could not be told, and be used again
    let bad = || Error::Corrupted("the key of its recipients cannot be read".into());
    written.map(|written| cover.uncover_key(&written).map(RecipientKey::new).ok_or_else(bad)).transpose()
}

/// Writes a key.
pub(super) fn write(write: &WriteTransaction, cover: &Cover, key: RecipientKey) -> Result<(), Error> {
    write.open_table(KEY)?.insert(0, cover.cover_key(key.as_bytes())?.as_slice())?;
    Ok(())
}

/// Reads the key, or makes one.
pub(super) fn ensure(database: &Database, cover: &Cover) -> Result<RecipientKey, Error> {
    if let Some(key) = read(database, cover)? {
        return Ok(key);
    }
    let key = random()?;
    let writing = database.begin_write()?;
    write(&writing, cover, key)?;
    writing.commit()?;
    Ok(key)
}

/// A new key.
pub(super) fn random() -> Result<RecipientKey, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Io(std::io::Error::other("the system gives no random numbers")))?;
    Ok(RecipientKey::new(bytes))
}
