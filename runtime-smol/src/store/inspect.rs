//! A look at a store that changes nothing, not even to repair it.

use std::path::Path;

use redb::{Builder, ReadableDatabase, ReadableTable};

use super::guard::guarded;
use super::open::{CACHE, Closed, cover_of};
use super::row::Row;
use super::{Passphrase, StoreError};

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// Transactions that can be read.
    pub readable: usize,
    /// Rows that cannot, as they are damaged or of a newer version.
    pub unreadable: usize,
    /// Whether it is sealed.
    pub sealed: bool,
}

/// Counts what is in the file at `path`. Blocks while it reads.
///
/// # Errors
/// [`StoreError`]; [`StoreError::NotClosed`] if only a start can repair it.
pub fn inspect(path: &Path, passphrase: Option<&Passphrase>) -> Result<Inspection, StoreError> {
    guarded(|| look(path, passphrase)).map_err(|closed| closed.into_error(path.to_owned()))
}

fn look(path: &Path, passphrase: Option<&Passphrase>) -> Result<Inspection, Closed> {
    let database = Builder::new().set_cache_size(CACHE).open_read_only(path)?;
    let cover = cover_of(&database, passphrase)?;
    let mut found = Inspection { sealed: cover.is_sealed(), ..Inspection::default() };
    for entry in database.begin_read()?.open_table(cover.table())?.iter()? {
        let (key, row) = entry?;
        let readable = cover.uncover(key.value(), row.value()).is_ok_and(|(_, row)| Row::decode(&row).is_ok());
        if readable { found.readable += 1 } else { found.unreadable += 1 }
    }
    Ok(found)
}
