//! Every target over its corpus, and over a fixed number of changed copies of each file.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anonet_fuzz::TARGETS;
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Changed copies of each file, unless `ANONET_FUZZ_MUTATIONS` says otherwise.
const MUTATIONS: usize = 40;
const MAX_FILES: usize = 60;
const MAX_BYTES: usize = 300 << 10;

/// A corpus, by name, so that a failure names the file.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable directory").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a readable file"))).collect()
}

/// Copies, drops, swaps or overwrites a few bytes, or goes on as another file does.
fn mutate(data: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha20Rng) {
    for _ in 0..1 + rng.next_u32() % 4 {
        let mut place = |len: usize| rng.next_u32() as usize % (len + 1);
        let (at, end) = (place(data.len()), place(data.len()));
        let (at, end) = (at.min(end), at.max(end));
        match place(5) {
            0 => drop(data.drain(at..end.min(at + 8))),
            1 => data.extend_from_within(at..end.min(at + 64)),
            2 => data.truncate(end),
            3 => {
                data.truncate(at);
                data.extend_from_slice(&other[place(other.len())..]);
            }
            4 => data.insert(at, place(255) as u8),
            _ if at < data.len() => data[at] = place(255) as u8,
            _ => {}
        }
    }
    data.truncate(16 << 10);
}

#[test]
fn every_target_has_a_small_corpus() {
    let mut bytes = 0;
    for (name, _) in TARGETS {
        let files = corpus(name);
        assert!((1..=MAX_FILES).contains(&files.len()), "{name}: {} files", files.len());
        bytes += files.iter().map(|(_, data)| data.len()).sum::<usize>();
    }
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}

#[test]
fn every_target_takes_its_corpus_and_changed_copies() {
    let mutations = env::var("ANONET_FUZZ_MUTATIONS").map_or(MUTATIONS, |number| number.parse().expect("a number"));
    let only = env::var("ANONET_FUZZ_TARGET").ok();
    let targets = TARGETS.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    for (name, target) in targets {
        let files = corpus(name);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        // the whole corpus first, as it finds most
        for number in 0..=mutations {
            for (path, data) in &files {
                let mut input = data.clone();
                if number > 0 {
                    let (_, other) = &files[rng.next_u32() as usize % files.len()];
                    mutate(&mut input, other, &mut rng);
                }
                let result = std::panic::catch_unwind(|| target(&input));
                assert!(result.is_ok(), "{} number {number}: {}", path.display(), input.escape_ascii());
            }
        }
    }
}
