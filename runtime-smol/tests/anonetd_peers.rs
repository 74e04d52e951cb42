//! What the node knows of its network outlives a run.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anonet_smol::store::Documents;
use common::{Daemon, Scratch, heard, store_peers};

const OTHER: &str = "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion:18083";
const TOR: [&str; 5] = ["--no-public", "--proxy", "tor,127.0.0.1:1", "--allow-no-isolation", "--log-level=info"];

fn known(node: &Daemon) -> u64 {
    let zone = &node.status()["zones"][0];
    zone["white"].as_u64().unwrap() + zone["gray"].as_u64().unwrap()
}

/// The log is copied by another thread.
fn says(node: &Daemon, text: &str) {
    node.wait_for(text, |node| node.log().contains(text));
}

fn stored(path: &Path) -> Option<Vec<u8>> {
    document(path, "peers")
}

fn document(path: &Path, name: &'static str) -> Option<Vec<u8>> {
    smol::block_on(async {
        let (documents, aside) = Documents::open(path.to_owned()).await.unwrap();
        assert_eq!(aside, None);
        documents.load(name).await.unwrap()
    })
}

/// A node that has stopped and left this document.
fn after(document: &[u8]) -> (Daemon, PathBuf) {
    let mut node = Daemon::start(&[]);
    node.stop("-TERM");
    let path = node.data_dir().join("peers.redb");
    store_peers(&path, document);
    (node, path)
}

#[test]
fn peers_are_there_after_a_stop_and_a_kill() {
    let (mut node, path) = after(&heard(OTHER));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for (signal, runs) in [("-TERM", 1), ("-KILL", 2), ("-TERM", 3)] {
        node.restart_with(&TOR);
        assert_eq!(known(&node), 1, "{}", node.log());
        node.wait_for("its peers", |node| node.log().matches("peers known from earlier runs: 1").count() == runs);
        assert!(!node.log().contains(&OTHER[..20]));
        node.stop(signal);
    }
    assert_eq!(stored(&path).map(|document| document.len() >= heard(OTHER).len()), Some(true));
    assert!(document(&path, "bans").is_some());
}

#[test]
fn a_bad_entry_costs_itself_and_a_damaged_file_is_put_aside() {
    let (mut node, path) = after(&[&heard(OTHER)[..], &[3, 0, 1, 2, 3]].concat());
    node.restart_with(&TOR);
    assert_eq!(known(&node), 1);
    says(&node, "entries of peers on disk that make no sense and are left out: 1");
    node.stop("-TERM");

    fs::write(&path, "my letters").unwrap();
    node.restart();
    assert_eq!(known(&node), 0);
    assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), b"my letters");
    says(&node, "the list of peers on disk was damaged");
}

#[test]
fn what_a_newer_version_wrote_is_left_alone() {
    let newer = b"anopeers\xff\x00more than this version knows";
    let (mut node, path) = after(newer);
    node.restart();
    says(&node, "peers on disk are of a newer version of anonetd (format 255)");
    node.stop("-TERM");
    assert_eq!(stored(&path).unwrap(), newer);
    // what is no such document may be replaced
    store_peers(&path, b"letters");
    node.restart();
    says(&node, "peers on disk cannot be read");
    node.stop("-TERM");
    assert!(stored(&path).unwrap().starts_with(b"anopeers\x01\x00"));
}

#[test]
fn who_is_on_the_ban_list_is_never_dialled() {
    let (listener, banned) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.2:0").unwrap());
    let dir = Scratch::new();
    let list = dir.file("bans", "# us\n127.0.0.2/32\n");
    let peers = [&listener, &banned].map(|listener| listener.local_addr().unwrap().to_string());
    let options = ["--add-peer", &peers[0], "--add-peer", &peers[1], "--ban-list", list.to_str().unwrap()];
    let node = Daemon::start_in(dir, &options);
    says(&node, "hosts and subnets on the ban list: 1");
    // the node dials both at its start, so the other one is the measure of time
    listener.accept().unwrap();
    node.status();
    banned.set_nonblocking(true).unwrap();
    assert_eq!(banned.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}
