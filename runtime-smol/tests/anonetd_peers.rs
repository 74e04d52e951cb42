//! What the node knows of its network outlives a run.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anonet_smol::store::Documents;
use common::Daemon;

const OTHER: &str = "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion:18083";
const TOR: [&str; 5] = ["--no-public", "--proxy", "tor,127.0.0.1:1", "--allow-no-isolation", "--log-level=info"];

fn known(node: &Daemon) -> u64 {
    let zone = &node.status()["zones"][0];
    zone["white"].as_u64().unwrap() + zone["gray"].as_u64().unwrap()
}

fn stored(path: &Path) -> Option<Vec<u8>> {
    smol::block_on(async {
        let (documents, aside) = Documents::open(path.to_owned()).await.unwrap();
        assert_eq!(aside, None);
        documents.load("peers").await.unwrap()
    })
}

fn store(path: &Path, document: &[u8]) {
    smol::block_on(async {
        let (documents, _) = Documents::open(path.to_owned()).await.unwrap();
        documents.save(vec![("peers".into(), document.to_vec())]).await.unwrap();
    });
}

/// A document that holds one peer, heard of from somebody.
fn heard() -> Vec<u8> {
    let mut entry = vec![1, u8::try_from(OTHER.len()).unwrap()];
    entry.extend_from_slice(OTHER.as_bytes());
    let len = u16::try_from(entry.len()).unwrap().to_le_bytes();
    [b"anopeers\x01\x00", &len[..], &entry].concat()
}

/// A node that has stopped and left this document.
fn after(document: &[u8]) -> (Daemon, PathBuf) {
    let mut node = Daemon::start(&[]);
    node.stop("-TERM");
    let path = node.data_dir().join("peers.redb");
    store(&path, document);
    (node, path)
}

#[test]
fn peers_are_there_after_a_stop_and_a_kill() {
    let (mut node, path) = after(&heard());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for (signal, runs) in [("-TERM", 1), ("-KILL", 2), ("-TERM", 3)] {
        node.restart_with(&TOR);
        assert_eq!(known(&node), 1, "{}", node.log());
        assert_eq!(node.log().matches("peers known from earlier runs: 1").count(), runs, "{}", node.log());
        assert!(!node.log().contains(&OTHER[..20]));
        node.stop(signal);
    }
    assert_eq!(stored(&path).map(|document| document.len() >= heard().len()), Some(true));
}

#[test]
fn a_bad_entry_costs_itself_and_a_damaged_file_is_put_aside() {
    let (mut node, path) = after(&[&heard()[..], &[3, 0, 1, 2, 3]].concat());
    node.restart_with(&TOR);
    assert_eq!(known(&node), 1);
    assert!(node.log().contains("entries of peers on disk that make no sense and are left out: 1"), "{}", node.log());
    node.stop("-TERM");

    fs::write(&path, "my letters").unwrap();
    node.restart();
    assert_eq!(known(&node), 0);
    assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), b"my letters");
    assert!(node.log().contains("the list of peers on disk was damaged"), "{}", node.log());
}

#[test]
fn what_a_newer_version_wrote_is_left_alone() {
    let newer = b"anopeers\xff\x00more than this version knows";
    let (mut node, path) = after(newer);
    node.restart();
    assert!(node.log().contains("peers on disk are of a newer version of anonetd (format 255)"), "{}", node.log());
    node.stop("-TERM");
    assert_eq!(stored(&path).unwrap(), newer);
    // what is no such document may be replaced
    store(&path, b"letters");
    node.restart();
    assert!(node.log().contains("peers on disk cannot be read"), "{}", node.log());
    node.stop("-TERM");
    assert!(stored(&path).unwrap().starts_with(b"anopeers\x01\x00"));
}
