use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anonet_core::RecipientTag;
use redb::{Builder, ReadableDatabase, ReadableTable, TableDefinition};
use smol::block_on;

use super::*;
use crate::anonetd::scratch::Scratch;

const STASH: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("stash");

fn id(byte: u8) -> TxId {
    TxId::new([byte; 32])
}

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

fn exposed(exposure: Exposure) -> Exposed {
    Exposed { exposure, uses: Vec::new() }
}

fn open(path: &Path) -> Result<Store, StoreError> {
    block_on(Store::open(path.to_owned()))
}

fn insert(store: &Store, byte: u8, submitted: u64) -> Inserted {
    block_on(store.insert(id(byte), at(submitted), Bytes::from(vec![byte; 2_000]))).unwrap()
}

/// Id, submission and exposure of each row, and how many are unreadable and newer.
fn rows(store: &Store) -> (Vec<(TxId, u64, Exposure)>, usize, usize) {
    let loaded = block_on(store.load()).unwrap();
    let row = |LoadedTx { stored, .. }: &LoadedTx| (stored.id, stored.submitted.as_micros(), stored.exposure);
    (loaded.txs.iter().map(row).collect(), loaded.unreadable, loaded.newer)
}

/// The bytes of all rows, read without this module.
fn raw_rows(path: &Path) -> Vec<(u8, Vec<u8>)> {
    let database = Builder::new().open(path).unwrap();
    let table = database.begin_read().unwrap().open_table(STASH).unwrap();
    let rows = table.iter().unwrap().map(|row| row.unwrap());
    rows.map(|(id, row)| (id.value()[0], row.value().to_vec())).collect()
}

fn write_raw(path: &Path, rows: &[(u8, &[u8])]) {
    let database = Builder::new().create(path).unwrap();
    let write = database.begin_write().unwrap();
    for (byte, row) in rows {
        write.open_table(STASH).unwrap().insert(&[*byte; 32], *row).unwrap();
    }
    write.commit().unwrap();
}

#[test]
fn what_was_written_is_read_after_the_next_start() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let store = open(&path).unwrap();
    assert_eq!(rows(&store), (vec![], 0, 0));
    for byte in 1..=4 {
        assert_eq!(insert(&store, byte, 10 + u64::from(byte)), Inserted::New);
    }
    let changes =
        vec![(id(2), exposed(Exposure::Anonymity)), (id(9), exposed(Exposure::Public)), (id(3), exposed(Exposure::Public))];
    assert_eq!(block_on(store.set_exposed(changes)).unwrap(), [id(2), id(3)], "no row, no promise");
    block_on(store.remove(vec![id(4), id(8)])).unwrap();
    drop(store);

    let store = open(&path).unwrap();
    let expected = [(id(1), 11, Exposure::Nobody), (id(2), 12, Exposure::Anonymity), (id(3), 13, Exposure::Public)];
    assert_eq!(rows(&store), (expected.to_vec(), 0, 0));
    let sizes: Vec<usize> = block_on(store.load()).unwrap().txs.iter().map(|loaded| loaded.stored.tx.size()).collect();
    assert_eq!(sizes, [2_000; 3]);
    drop(store);
    let expected = [&[2, 12, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 641], &[2; 2_000]].concat();
    assert_eq!(raw_rows(&path)[1], (2, expected), "the format that the module documents");
}

#[test]
fn uses_outlive_a_run_a_repetition_and_the_sealing_of_the_file_and_so_does_the_key_that_names_them() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let used = |byte, hour: u64| Use { recipient: RecipientTag::new([byte; 16]), at: at(hour * 3_600_000_000) };
    let store = open(&path).unwrap();
    let key = store.recipient_key();
    insert(&store, 1, 11);
    let first = Exposed { exposure: Exposure::Anonymity, uses: vec![used(1, 5)] };
    assert_eq!(block_on(store.set_exposed(vec![(id(1), first)])).unwrap(), [id(1)]);
    let second = Exposed { exposure: Exposure::Anonymity, uses: vec![used(1, 5), used(2, 600_000)] };
    block_on(store.set_exposed(vec![(id(1), second.clone())])).unwrap();
    assert_eq!(insert(&store, 1, 99), Inserted::Known { submitted: at(11), exposed: second.clone() });
    drop(store);
    let uses = |store: &Store| block_on(store.load()).unwrap().txs.swap_remove(0).stored.uses;
    let store = open(&path).unwrap();
    assert_eq!((store.recipient_key(), uses(&store)), (key, second.uses.clone()));
    drop(store);
    for _ in 0..2 {
        let store = open_sealed(&path, "horse").unwrap();
        assert_eq!((store.recipient_key(), uses(&store)), (key, second.uses.clone()));
    }
    let contains = |part: &[u8]| fs::read(&path).unwrap().windows(16).any(|window| window == part);
    assert!(!contains(&key.as_bytes()[..16]) && !contains(&[1; 16]));
    assert_ne!(open(&scratch.path().join("other.redb")).unwrap().recipient_key(), key, "each store has its own");
}

#[test]
fn a_store_of_the_version_before_gets_a_key_and_keeps_its_rows() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    write_raw(&path, &[(1, &[1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0xaa])]);
    let store = open(&path).unwrap();
    let key = store.recipient_key();
    assert_eq!(rows(&store), (vec![(id(1), 7, Exposure::Anonymity)], 0, 0));
    assert_eq!(block_on(store.load()).unwrap().txs[0].stored.uses, []);
    drop(store);
    assert_eq!(open(&path).unwrap().recipient_key(), key, "made once");
}

#[test]
fn without_its_key_a_store_is_damaged_as_hosts_would_be_used_twice() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    insert(&open(&path).unwrap(), 1, 1);
    let database = Builder::new().create(&path).unwrap();
    let write = database.begin_write().unwrap();
    let table: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("recipient key");
    write.open_table(table).unwrap().insert(0, &[1; 31][..]).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(open(&path), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_row_is_never_reset() {
    let scratch = Scratch::new();
    let store = open(&scratch.path().join("stash.redb")).unwrap();
    insert(&store, 1, 5);
    block_on(store.set_exposed(vec![(id(1), exposed(Exposure::Anonymity))])).unwrap();
    assert_eq!(insert(&store, 1, 99), Inserted::Known { submitted: at(5), exposed: exposed(Exposure::Anonymity) });
    assert_eq!(rows(&store).0, [(id(1), 5, Exposure::Anonymity)]);
}

#[test]
fn the_file_is_private_from_its_first_moment_and_made_so() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    // what a crash of an earlier start left
    fs::write(path.with_extension("new"), "half a file").unwrap();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(open(&path).unwrap());
    assert_eq!(mode(), 0o600);
    assert!(!path.with_extension("new").exists());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    drop(open(&path).unwrap());
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_bad_row_costs_itself_and_a_newer_one_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let good = [1, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0xaa];
    let too_large = [&good[..], &vec![0; anonet_core::MAX_TX_SIZE]].concat();
    let rows_there: [(u8, &[u8]); 8] = [
        (1, &good),
        (2, b""),
        (3, &[1, 7, 0]),
        (4, &good[..9]),
        (5, &good[..10]),
        (6, &[0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0xaa]),
        (7, &[1, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0xaa]),
        (8, &too_large),
    ];
    write_raw(&path, &rows_there);
    let newer: &[u8] = &[3, 0xff, 0xee];
    write_raw(&path, &[(9, newer)]);
    let before = raw_rows(&path);
    let store = open(&path).unwrap();
    assert_eq!(rows(&store), (vec![(id(1), 7, Exposure::Public)], 7, 1));
    for byte in [2, 9] {
        let refused = block_on(store.insert(id(byte), at(1), Bytes::from_static(b"tx"))).unwrap_err();
        assert!(matches!(refused, StoreError::ForeignRow { .. }), "{refused}");
        assert!(refused.to_string().contains("move the file away"), "{refused}");
    }
    assert_eq!(block_on(store.set_exposed(vec![(id(9), exposed(Exposure::Public))])).unwrap(), []);
    drop(store);
    assert_eq!(raw_rows(&path), before);
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    for content in [&b""[..], b"redb", b"my letters", &[0; 100_000], &[0xff; 5_000]] {
        fs::write(&path, content).unwrap();
        let said = open(&path).unwrap_err().to_string();
        assert!(said.contains("stash.redb") && said.contains("move it away"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    // a database of something else
    fs::remove_file(&path).unwrap();
    let other: TableDefinition<'_, u64, u64> = TableDefinition::new("stash");
    let database = Builder::new().create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(other).unwrap().insert(1, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(open(&path), Err(StoreError::Damaged { .. })));
}

#[test]
fn damage_is_found_at_the_start_and_never_costs_a_row_silently() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let store = open(&path).unwrap();
    for byte in 1..=20 {
        insert(&store, byte, 1);
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let rows_of = |damaged: &[u8]| {
        fs::write(&path, damaged).unwrap();
        open(&path).map(|store| rows(&store).0.len())
    };
    assert_eq!(rows_of(&whole).unwrap(), 20);
    for len in [9, 63, 64, 320, 4_095, 4_096, 50_000, whole.len() / 2] {
        assert!(matches!(rows_of(&whole[..len]), Err(StoreError::Damaged { .. })), "cut to {len}");
    }
    let (mut refused, mut seed) = (0, 1_u32);
    for _ in 0..200 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut damaged = whole.clone();
        let place = seed as usize % 80_000;
        damaged[place] ^= 0x40;
        match rows_of(&damaged) {
            Ok(count) => assert_eq!(count, 20, "a change at {place} that matters to no row"),
            Err(StoreError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{place}: {other}"),
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let scratch = Scratch::new();
    let dir = scratch.path().join("read-only");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o500)).unwrap();
    if fs::write(dir.join("probe"), "").is_ok() {
        eprintln!("skipped: this user (root?) may write to read-only directories");
        return;
    }
    let refused = open(&dir.join("stash.redb")).unwrap_err();
    assert!(matches!(refused, StoreError::Unusable { .. }), "{refused}");
    assert!(refused.to_string().contains("this user may write there"), "{refused}");
}

#[test]
fn a_directory_that_is_missing_is_named() {
    let scratch = Scratch::new();
    let refused = open(&scratch.path().join("absent/stash.redb")).unwrap_err();
    assert!(matches!(refused, StoreError::Unusable { .. }), "{refused}");
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.into()).unwrap()
}

fn open_sealed(path: &Path, text: &str) -> Result<Store, StoreError> {
    block_on(Store::open_sealed(path.to_owned(), passphrase(text)))
}

#[test]
fn a_sealed_store_does_all_that_a_plain_one_does() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let store = open_sealed(&path, "horse").unwrap();
    for byte in 1..=4 {
        assert_eq!(insert(&store, byte, 10 + u64::from(byte)), Inserted::New);
    }
    let changes = vec![(id(2), exposed(Exposure::Anonymity)), (id(9), exposed(Exposure::Public))];
    assert_eq!(block_on(store.set_exposed(changes)).unwrap(), [id(2)]);
    block_on(store.remove(vec![id(4), id(8)])).unwrap();
    assert_eq!(insert(&store, 2, 99), Inserted::Known { submitted: at(12), exposed: exposed(Exposure::Anonymity) });
    drop(store);
    let mut found = rows(&open_sealed(&path, "horse").unwrap());
    found.0.sort_by_key(|row| row.1);
    let expected = [(id(1), 11, Exposure::Nobody), (id(2), 12, Exposure::Anonymity), (id(3), 13, Exposure::Nobody)];
    assert_eq!(found, (expected.to_vec(), 0, 0));
}

#[test]
fn without_its_passphrase_a_sealed_store_stays_closed_and_whole() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    insert(&open_sealed(&path, "horse").unwrap(), 1, 1);
    for _ in 0..2 {
        let none = open(&path).unwrap_err().to_string();
        assert!(none.contains("is sealed: give its passphrase with --stash-passphrase-file"), "{none}");
        let wrong = open_sealed(&path, "donkey").unwrap_err();
        assert!(matches!(wrong, StoreError::WrongPassphrase { .. }));
        assert!(wrong.to_string().contains("nothing was changed"), "{wrong}");
    }
    assert_eq!(rows(&open_sealed(&path, "horse").unwrap()).0.len(), 1);
}

#[test]
fn a_plain_store_becomes_sealed_with_all_its_rows() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let store = open(&path).unwrap();
    insert(&store, 1, 11);
    insert(&store, 2, 12);
    block_on(store.set_exposed(vec![(id(2), exposed(Exposure::Anonymity))])).unwrap();
    drop(store);
    write_raw(&path, &[(8, b"\0bad"), (9, &[3, 0xff])]);
    // what a crash in the middle of sealing leaves: the plain file as it was, and an unfinished one
    fs::write(path.with_extension("new"), "half a file").unwrap();

    let plain = fs::File::open(&path).unwrap();
    let mut found = rows(&open_sealed(&path, "horse").unwrap());
    found.0.sort_by_key(|row| row.1);
    assert_eq!(found, (vec![(id(1), 11, Exposure::Nobody), (id(2), 12, Exposure::Anonymity)], 1, 1));
    assert!(!path.with_extension("new").exists());
    assert!(matches!(open(&path), Err(StoreError::Sealed { .. })), "there is no way back");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // the file that was there is overwritten, as some disk still has it
    let mut left = Vec::new();
    (&plain).read_to_end(&mut left).unwrap();
    assert!(left.len() > 4_000 && left.iter().all(|byte| *byte == 0));
}

#[test]
fn a_row_that_cannot_be_unsealed_costs_itself() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let store = open_sealed(&path, "horse").unwrap();
    insert(&store, 1, 1);
    drop(store);
    let sealed: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("sealed");
    let database = Builder::new().open(&path).unwrap();
    let write = database.begin_write().unwrap();
    for (byte, row) in [(3, &[1; 200][..]), (4, b""), (5, &[2, 1])] {
        write.open_table(sealed).unwrap().insert(&[byte; 32], row).unwrap();
    }
    write.commit().unwrap();
    drop(database);
    assert_eq!(rows(&open_sealed(&path, "horse").unwrap()), (vec![(id(1), 1, Exposure::Nobody)], 2, 1));
}

#[test]
fn a_look_counts_and_changes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.path().join("stash.redb");
    let store = open(&path).unwrap();
    insert(&store, 1, 1);
    insert(&store, 2, 1);
    assert!(inspect(&path, None).is_err(), "a node has it");
    drop(store);
    write_raw(&path, &[(8, b"\0bad"), (9, &[3, 0xff])]);
    let before = fs::read(&path).unwrap();
    let expected = Inspection { readable: 2, unreadable: 2, sealed: false };
    assert_eq!(inspect(&path, None).unwrap(), expected);
    assert_eq!(inspect(&path, Some(&passphrase("horse"))).unwrap(), expected, "it is not sealed by looking");
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(open_sealed(&path, "horse").unwrap());
    assert_eq!(inspect(&path, Some(&passphrase("horse"))).unwrap(), Inspection { sealed: true, ..expected });
    assert!(matches!(inspect(&path, Some(&passphrase("donkey"))), Err(StoreError::WrongPassphrase { .. })));
    assert!(matches!(inspect(&path, None), Err(StoreError::Sealed { .. })));
    fs::write(&path, "my letters").unwrap();
    assert!(matches!(inspect(&path, None), Err(StoreError::Damaged { .. })));
}
