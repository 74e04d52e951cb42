//! Every target over its corpus: what was made by hand, what libFuzzer found, and changed copies of both.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anonet_fuzz::TARGETS;
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Changed copies for each file, unless `ANONET_FUZZ_MUTATIONS` says otherwise.
const MUTATIONS: usize = 40;
/// The same for targets whose scripts last for hours of virtual time.
const MUTATIONS_OF_LONG: usize = 10;
const LONG: [&str; 2] = ["courier_ops", "fuzz_node"];
const MAX_FILES: usize = 70;
const MAX_BYTES: usize = 300 << 10;
const MAX_MINED: usize = 40_000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// What was made by hand, by name, so that a failure names the file.
fn made(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = corpora().join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable directory").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a readable file"))).collect()
}

/// What libFuzzer found, each behind its length; none if it was not run yet.
fn mined(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let path = corpora().join(format!("{target}.mined"));
    let data = fs::read(&path).unwrap_or_default();
    assert!(data.len() <= MAX_MINED, "{target}: {} bytes", data.len());
    let (mut rest, mut inputs) = (&data[..], Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (input, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        inputs.push((path.with_extension(format!("mined: {}", inputs.len())), input.to_vec()));
        rest = after;
    }
    assert!(rest.is_empty(), "{target}: cut");
    inputs
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
        let files = made(name);
        assert!((1..=MAX_FILES).contains(&files.len()), "{name}: {} files", files.len());
        bytes += files.iter().map(|(_, data)| data.len()).sum::<usize>();
    }
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}

#[test]
fn every_target_takes_its_corpus_and_changed_copies() {
    let wanted = env::var("ANONET_FUZZ_MUTATIONS").ok().map(|number| number.parse().expect("a number"));
    let only = env::var("ANONET_FUZZ_TARGET").ok();
    let targets = TARGETS.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    for (name, target) in targets {
        let mutations = wanted.unwrap_or(if LONG.contains(name) { MUTATIONS_OF_LONG } else { MUTATIONS });
        let count = made(name).len() * mutations;
        let files = [made(name), mined(name)].concat();
        let run = |path: &Path, input: &[u8]| {
            let result = std::panic::catch_unwind(|| target(input));
            assert!(result.is_ok(), "{}: {}", path.display(), input.escape_ascii());
        };
        // the whole corpus first, as it finds most
        files.iter().for_each(|(path, input)| run(path, input));
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        for _ in 0..count {
            let mut draw = || &files[rng.next_u32() as usize % files.len()];
            let ((path, input), (_, other)) = (draw(), draw());
            let mut input = input.clone();
            mutate(&mut input, other, &mut rng);
            run(path, &input);
        }
    }
}
