//! The database finds damage and says what it is, with exceptions: of some it makes nothing and panics.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::Error;

thread_local! {
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Does something with a database. Should it panic at damage, that is an error as well.
pub(super) fn guarded<R, E: From<Error>>(work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
    let around = AT_WORK.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    AT_WORK.set(around);
    done.unwrap_or_else(|_| Err(Error::Corrupted("its content makes no sense".into()).into()))
}

/// Whether a panic of this thread would be an error of a store, which whoever gets it tells in words.
pub(crate) fn is_guarded() -> bool {
    AT_WORK.get()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::StoreError;
    use super::super::file::failure;
    use super::*;

    #[test]
    fn a_panic_at_damage_is_damage() {
        let failed = guarded(|| -> Result<(), Error> { panic!("what this test wants") }).unwrap_err();
        assert!(matches!(failure(PathBuf::from("x"), failed), StoreError::Damaged { .. }));
        assert!(!is_guarded());
        let within = guarded(|| {
            let failed: Result<(), Error> = guarded(|| panic!("what this test wants"));
            Ok::<_, Error>((failed.is_err(), is_guarded()))
        });
        assert_eq!(within.unwrap(), (true, true), "within another");
    }
}
