//! Hundreds of damages to the files of a stopped node and of one that was killed: the stash opens with all that was written
//! down, or refuses and stays as it is; the list of peers opens, or is put aside. Nothing panics.

mod common;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use anonet_core::{Exposure, Instant, RecipientTag, TxId, Use};
use anonet_smol::store::{Documents, Exposed, Passphrase, Store, StoreError, inspect};
use bytes::Bytes;
use common::{Scratch, anonetd, stderr, stdout};
use smol::block_on;

const TXS: u8 = 6;

/// Numbers that look random.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Something that a disk may do to a file.
fn damage(whole: &[u8], kind: usize, draw: &mut Draw) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let used: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    let at = if draw.below(4) == 0 { draw.below(whole.len()) } else { used[draw.below(used.len())] };
    let mut noise = |part: &mut [u8]| part.iter_mut().for_each(|byte| *byte = draw.below(256) as u8);
    match kind {
        // the file ends early
        0 => bytes.truncate(at),
        // one bit is another
        1 => bytes[at] ^= 1 << (at % 8),
        // a page was never written
        2 => bytes[at / 4_096 * 4_096..].iter_mut().take(4_096).for_each(|byte| *byte = 0),
        // a sector is something else
        3 => noise(bytes[at / 512 * 512..].chunks_mut(512).next().unwrap()),
        // the header, where the roots are named, is hit
        4 => noise(&mut bytes[at % 320..][..1]),
        // a page stands in the place of another
        _ => {
            let from = draw.below(whole.len() / 4_096) * 4_096;
            let page = whole[from..from + 4_096].to_vec();
            let to = draw.below(whole.len() / 4_096) * 4_096;
            bytes[to..to + 4_096].copy_from_slice(&page);
        }
    }
    bytes
}

fn blob(number: u8) -> Bytes {
    vec![number; 1_000 + 700 * usize::from(number)].into()
}

/// What is written down of each transaction: later ones are known to more hosts.
fn exposed(number: u8) -> Exposed {
    let used = |at: u8| Use { recipient: RecipientTag::new([at; 16]), at: Instant::from_micros(3_600_000_000 * u64::from(at)) };
    let exposure = if number < 2 { Exposure::Nobody } else { Exposure::Anonymity };
    Exposed { exposure, uses: (1..number).map(used).collect() }
}

async fn open(path: &Path, passphrase: Option<&str>) -> Result<Store, StoreError> {
    match passphrase {
        Some(text) => Store::open_sealed(path.to_owned(), Passphrase::new(text.into()).unwrap()).await,
        None => Store::open(path.to_owned()).await,
    }
}

/// The bytes of a stash whose node was killed, and of one whose node was stopped.
fn stashes(dir: &Scratch, passphrase: Option<&str>) -> [Vec<u8>; 2] {
    let path = dir.path().join("whole.redb");
    block_on(async {
        let store = open(&path, passphrase).await.unwrap();
        for number in 1..=TXS + 1 {
            store.insert(TxId::new([number; 32]), Instant::from_micros(7), blob(number)).await.unwrap();
        }
        for number in 2..=TXS {
            store.set_exposed(vec![(TxId::new([number; 32]), exposed(number))]).await.unwrap();
        }
        store.remove(vec![TxId::new([TXS + 1; 32])]).await.unwrap();
        let killed = fs::read(&path).unwrap();
        drop(store);
        [killed, fs::read(&path).unwrap()]
    })
}

/// All is there as it was written down, and more can be.
///
/// Where the newest root of a file is damaged that was not closed, the one before is taken: so the last change alone, the removal
/// of one transaction, may be undone.
async fn assert_whole(store: &Store, round: usize) {
    let what = format!("round {round}");
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.unreadable, loaded.newer), (0, 0), "{what}");
    let found: Vec<_> = loaded.txs.into_iter().map(|tx| (tx.stored.id, tx.blob, tx.stored.exposure, tx.stored.uses)).collect();
    let mut expected: Vec<_> = (1..=TXS)
        .map(|number| {
            let Exposed { exposure, uses } = exposed(number);
            (TxId::new([number; 32]), blob(number), exposure, uses)
        })
        .collect();
    let mut found = found;
    let removed = TxId::new([TXS + 1; 32]);
    if round.is_multiple_of(2) {
        found.retain(|(id, ..)| *id != removed);
    }
    found.sort_by_key(|(id, ..)| *id.as_bytes());
    expected.sort_by_key(|(id, ..)| *id.as_bytes());
    assert!(found == expected, "{what}: what was written down is not what is found: {found:?}");
    // each of these waits for the disk
    if !round.is_multiple_of(6) {
        return;
    }
    store.insert(TxId::new([99; 32]), Instant::from_micros(8), blob(3)).await.unwrap();
    store.remove(vec![TxId::new([99; 32])]).await.unwrap();
}

/// How many of so many damages were refused.
fn refused(passphrase: Option<&str>, rounds: usize, seed: u64) -> usize {
    let dir = Scratch::in_memory();
    let stashes = stashes(&dir, passphrase);
    let (path, mut draw) = (dir.path().join("stash.redb"), Draw(seed));
    let mut refused = 0;
    for round in 0..rounds {
        let what = format!("round {round}");
        let bytes = damage(&stashes[round % 2], round / 2 % 6, &mut draw);
        fs::write(&path, &bytes).unwrap();
        match block_on(open(&path, passphrase)) {
            Ok(store) => block_on(assert_whole(&store, round)),
            Err(error @ StoreError::Damaged { .. }) => {
                refused += 1;
                assert!(error.to_string().contains("move it away to start without it"), "{what}: {error}");
                assert!(fs::read(&path).unwrap() == bytes, "{what}: a file that is refused stays as it is");
            }
            Err(other) => panic!("{what}: {other}"),
        }
    }
    refused
}

#[test]
fn a_damaged_stash_has_all_that_was_written_down_or_is_refused_and_left_as_it_is() {
    let refused = refused(None, 240, 1);
    // neither all nor none: the damages are of both kinds
    assert!((60..200).contains(&refused), "{refused}");
}

#[test]
fn so_does_a_sealed_one() {
    assert!(refused(Some("correct horse"), 18, 2) > 2);
}

#[test]
fn a_damaged_list_of_peers_is_put_aside_and_never_stops_a_start() {
    let dir = Scratch::in_memory();
    let path = dir.path().join("peers.redb");
    let save = |documents: &Documents, content: &[u8]| {
        block_on(documents.save(vec![("peers".into(), content.to_vec())])).unwrap();
    };
    let open = |path: &PathBuf| block_on(Documents::open(path.clone())).unwrap();
    let (documents, _) = open(&path);
    save(&documents, &[7; 20_000]);
    let killed = fs::read(&path).unwrap();
    drop(documents);
    let stopped = fs::read(&path).unwrap();
    let (mut draw, mut put_aside) = (Draw(3), 0);
    for round in 0..60 {
        let bytes = damage([&killed, &stopped][round % 2], round / 2 % 6, &mut draw);
        fs::write(&path, &bytes).unwrap();
        let (documents, aside) = open(&path);
        if let Some(aside) = aside {
            put_aside += 1;
            assert_eq!(block_on(documents.load("peers")).unwrap(), None, "round {round}");
            fs::remove_file(aside).unwrap();
        }
        save(&documents, b"again");
        assert_eq!(block_on(documents.load("peers")).unwrap().as_deref(), Some(&b"again"[..]), "round {round}");
    }
    assert!((10..50).contains(&put_aside), "{put_aside}");
}

/// Has the type of its page be none that there is, on these pages.
fn without_type(whole: &[u8], is_hit: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for (number, page) in bytes.chunks_mut(4_096).enumerate() {
        // the first is the header
        if number > 0 && page[0] != 0 && is_hit(number) {
            page[0] = 0xee;
        }
    }
    bytes
}

#[test]
fn a_look_at_a_damaged_stash_never_panics() {
    let dir = Scratch::in_memory();
    let [_, whole] = stashes(&dir, None);
    let path = dir.path().join("stash.redb");
    let mut damaged = 0;
    for hit in 1..whole.len() / 4_096 {
        fs::write(&path, without_type(&whole, |number| number == hit)).unwrap();
        damaged += usize::from(matches!(inspect(&path, None), Err(StoreError::Damaged { .. })));
    }
    assert!(damaged > 3, "{damaged}");
}

/// What it has to say of it is one line, and nothing of the database's own.
#[test]
fn of_a_stash_at_which_the_database_panics_the_program_speaks_in_its_own_words() {
    let dir = Scratch::in_memory();
    let [_, whole] = stashes(&dir, None);
    let data = dir.path().join("data");
    fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
    let path = data.join("stash.redb");
    let damaged = without_type(&whole, |_| true);
    fs::write(&path, &damaged).unwrap();
    let opened = catch_unwind(|| redb::Builder::new().open_read_only(&path).is_ok());
    assert!(opened.is_err(), "else this test is of no use");
    for command in ["run", "check"] {
        let output = anonetd()
            .args([command, "--network", "regtest", "--offline", "--rpc-bind", "none", "--data-dir"])
            .arg(&data)
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let all = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{all}");
        let told: Vec<&str> = all.lines().filter(|line| line.contains("is damaged")).collect();
        assert!(told.len() == 1 && told[0].contains("move it away to start without it"), "{all}");
        for sign in ["panic", "redb-", "unreachable", "stack backtrace", "fault of this program"] {
            assert!(!all.contains(sign), "{sign}: {all}");
        }
        assert!(fs::read(&path).unwrap() == damaged, "it stays as it is");
    }
}
