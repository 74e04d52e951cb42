//! The stash on disk: what was accepted is there after any end, and nothing leaves before it is written down.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anonet_core::{Exposure, Instant, TxId, ZoneKind};
use anonet_smol::store::{Exposed, Store};
use bytes::Bytes;
use common::{Daemon, ONION, Scratch, TX1, TXS, free_port, stderr, stdout, tx, tx1_hex, unhex};
use serde_json::{Value, json};
use smol::Timer;
use smol::channel::bounded;
use support::proxy::{Pace, Proxy, Route};
use support::{TestNode, run};

fn submit(node: &Daemon, number: usize) {
    let output = node.command("submit").args(["--wait", "held"]).arg(tx(number)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

fn held(node: &Daemon) -> Vec<String> {
    let status = node.status();
    let mut ids: Vec<String> = Vec::new();
    for entry in status["stash"].as_array().unwrap() {
        assert_eq!((&entry["state"], &entry["peers_handed_to"]), (&"held".into(), &0.into()), "{entry}");
        ids.push(entry["txid"].as_str().unwrap().to_owned());
    }
    ids
}

/// The longest file that the node may write, in bytes; `false` if this system has no `prlimit`.
fn limit_files(node: &Daemon, limit: &str) -> bool {
    let limit = format!("--fsize={limit}");
    let limited = Command::new("prlimit").args(["--pid", &node.pid().to_string(), &limit]).status();
    limited.map(|status| assert!(status.success())).is_ok()
}

#[test]
fn what_was_accepted_survives_kill_and_stop() {
    let mut node = Daemon::start(&[]);
    submit(&node, 1);
    for (signal, code) in [("-KILL", None), ("-TERM", Some(0)), ("-INT", Some(0)), ("-KILL", None)] {
        assert_eq!(node.stop(signal).0, code);
        node.restart();
        assert_eq!(held(&node), [TX1], "{signal}");
    }
    assert_eq!(node.status()["stash_store"], "disk");
    assert!(stdout(&node.command("status").output().unwrap()).contains("own transactions: 1 (kept on disk)"));
    let file = node.data_dir().join("stash.redb");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = node.command("submit").args(["--json", "--wait", "held"]).arg(tx(1)).output().unwrap();
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&report["known"], &report["stash_store"]), (&true.into(), &"disk".into()), "{report}");
    node.stop("-TERM");
    let log = node.log();
    assert_eq!(log.matches("1 own transaction of earlier runs").count(), 4, "{log}");
    assert!(log.contains("1 own transaction reached no peer yet; the stash on disk keeps") && !log.contains("memory"), "{log}");
    assert!(!log.contains(TX1) && !log.contains(&TX1[..8]) && !log.contains(&ONION[..20]), "{log}");
}

#[test]
fn a_kill_right_after_ok_loses_nothing() {
    for round in 0..10 {
        let mut node = Daemon::start(&[]);
        if round % 2 == 0 {
            let answer = node.post("/send_raw_transaction", &json!({"tx_as_hex": tx1_hex()}).to_string());
            assert_eq!((answer.0, &answer.1["status"]), (200, &"OK".into()), "{answer:?}");
        } else {
            submit(&node, 1);
        }
        node.stop("-KILL");
        node.restart();
        assert_eq!(held(&node), [TX1], "round {round}");
    }
}

#[test]
fn a_stash_in_memory_ends_with_the_process_and_says_so() {
    let mut node = Daemon::start(&["--stash", "memory"]);
    let output = node.command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
    assert!(stdout(&output).contains("a stop loses it"), "{}", stdout(&output));
    assert_eq!(node.status()["stash_store"], "memory");
    assert!(!node.data_dir().join("stash.redb").exists());
    node.stop("-TERM");
    let log = node.log();
    let last = log.lines().find(|line| line.contains("this stop loses them")).unwrap_or_else(|| panic!("{log}"));
    assert!(last.contains("WARN") && last.contains("1 own transaction"), "{last}");
    node.restart();
    assert_eq!(held(&node), [""; 0]);
}

#[test]
fn a_stash_on_disk_is_left_alone_by_a_start_in_memory() {
    let mut node = Daemon::start(&[]);
    submit(&node, 1);
    node.stop("-TERM");
    node.restart_with(&["--no-public", "--add-peer", ONION, "--proxy", "tor,127.0.0.1:1", "--stash", "memory"]);
    assert_eq!(held(&node), [""; 0]);
    node.wait_for("a word of it", |node| node.log().contains("the stash on disk is left alone"));
    node.stop("-TERM");
    node.restart_with(&["--no-public", "--add-peer", ONION, "--proxy", "tor,127.0.0.1:1"]);
    assert_eq!(held(&node), [TX1]);
}

#[test]
fn a_damaged_stash_refuses_the_start_and_stays_as_it_is() {
    let mut node = Daemon::start(&[]);
    submit(&node, 1);
    node.stop("-TERM");
    let path = node.data_dir().join("stash.redb");
    let whole = fs::read(&path).unwrap();
    for content in [b"garbage".as_slice(), &whole[..whole.len() / 2], b""] {
        fs::write(&path, content).unwrap();
        let output = node.command("run").args(["--network", "regtest", "--rpc-bind", "none"]).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(path.to_str().unwrap()) && said.contains("move it away to start without it"), "{said}");
    }
    fs::write(&path, b"garbage").unwrap();
    node.command("run").args(["--network", "regtest", "--rpc-bind", "none"]).output().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"garbage");
    fs::rename(&path, path.with_extension("away")).unwrap();
    node.restart();
    assert_eq!(held(&node), [""; 0]);
}

#[test]
fn with_the_public_network_only_a_warning_counts_what_leaves_and_what_stays() {
    let dir = Scratch::new();
    fs::create_dir(dir.path().join("data")).unwrap();
    let path = dir.path().join("data/stash.redb");
    smol::block_on(async {
        let store = Store::open(path).await.unwrap();
        for (number, id) in (1..).zip(TXS) {
            let id = TxId::new(unhex(id).try_into().unwrap());
            let blob = Bytes::from(unhex(fs::read_to_string(tx(number)).unwrap().trim()));
            store.insert(id, Instant::from_micros(u64::MAX), blob).await.unwrap();
            if number > 2 {
                store.set_exposed(vec![(id, Exposed { exposure: Exposure::Anonymity, uses: vec![] })]).await.unwrap();
            }
        }
    });
    let peer = format!("127.0.0.1:{}", free_port());
    let node = Daemon::start_in(dir, &["--add-exclusive-node", &peer]);
    assert_eq!(held(&node).len(), 3);
    let why = |number: usize| {
        let status = node.status();
        let entry = status["stash"].as_array().unwrap().iter().find(|entry| entry["txid"] == TXS[number - 1]).cloned();
        entry.unwrap()["why"].as_str().unwrap().to_owned()
    };
    assert!(why(1).contains("no public peer") && why(3).contains("peers of an anonymity zone may have it"));
    let log = node.log();
    let warned = |text: &str| log.lines().any(|line| line.contains("WARN") && line.contains(text));
    assert!(warned("2 own transactions of earlier runs never left and now go out over the public network"), "{log}");
    assert!(warned("1 own transaction of earlier runs may be known to peers of an anonymity network and stay held"), "{log}");
}

#[test]
fn a_full_disk_refuses_and_keeps_nothing() {
    let mut node = Daemon::start(&[]);
    if !limit_files(&node, "0:unlimited") {
        return eprintln!("skipped: there is no prlimit");
    }
    let output = node.command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not accepted") && said.contains("stash.redb") && said.contains("space"), "{said}");
    let (code, answer) = node.post("/send_raw_transaction", &json!({"tx_as_hex": tx1_hex()}).to_string());
    assert_eq!((code, &answer["status"]), (200, &"Failed".into()));
    assert!(answer["reason"].as_str().unwrap().contains("could not be stored"), "{answer}");
    assert_eq!(held(&node), [""; 0]);

    limit_files(&node, "unlimited");
    submit(&node, 2);
    node.stop("-KILL");
    node.restart();
    assert_eq!(held(&node), [TXS[1]], "and nothing of the refused one");
}

#[test]
fn nothing_leaves_before_its_exposure_is_on_disk() {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Tor, 1);
        let (stalled, released) = bounded(1);
        let host = ONION.split(':').next().unwrap();
        let route = Route::Stall(service.handle.listening()[0], 0, released);
        let proxy = Proxy::start(executor, Pace::AtOnce, &[(host, route)]).await;
        let address = format!("tor,{}", proxy.addr);
        let mut node = Daemon::start_in(Scratch::new(), &["--no-public", "--add-peer", ONION, "--proxy", &address]);
        submit(&node, 1);
        if !limit_files(&node, "0:unlimited") {
            return eprintln!("skipped: there is no prlimit");
        }
        drop(stalled);
        service.up().await;
        while !node.log().contains("the stash on disk cannot be written") {
            Timer::after(Duration::from_millis(50)).await;
        }
        // longer than the pause before the next try, and than most delays of a transaction
        Timer::after(Duration::from_secs(8)).await;
        assert_eq!(service.txs_so_far(), 0);
        assert_eq!(node.status()["stash"][0]["peers_handed_to"], 0);

        limit_files(&node, "unlimited");
        let blob = service.next_tx().await;
        node.stop("-KILL");
        assert_eq!(blob, unhex(&tx1_hex()));
        let store = Store::open(node.data_dir().join("stash.redb")).await.unwrap();
        let exposures: Vec<Exposure> = store.load().await.unwrap().txs.iter().map(|loaded| loaded.stored.exposure).collect();
        assert_eq!(exposures, [Exposure::Anonymity]);
        let log = node.log();
        assert_eq!(log.matches("the stash on disk cannot be written").count(), 1, "{log}");
        assert!(log.contains("the stash on disk can be written again"), "{log}");
    });
}

/// Where 16 bytes of a transaction, or its id, stand in some file of a directory.
fn readable_in(dir: &Path, number: usize) -> Vec<PathBuf> {
    let blob = unhex(fs::read_to_string(tx(number)).unwrap().trim());
    let id = unhex(TXS[number - 1]);
    let pieces: HashSet<&[u8]> = blob.windows(16).chain(id.windows(16)).collect();
    let hex = TXS[number - 1].as_bytes();
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        // the control socket is no file
        let Ok(content) = fs::read(&path) else { continue };
        let shown = content.windows(16).any(|piece| pieces.contains(piece) || piece == &hex[..16]);
        if shown {
            found.push(path);
        }
    }
    found
}

fn passphrase_file(dir: &Scratch, content: &str) -> String {
    let path = dir.file("passphrase", content);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn who_reads_the_disk_of_a_sealed_stash_finds_no_transaction() {
    let mut node = Daemon::start(&[]);
    submit(&node, 1);
    let plain = readable_in(&node.data_dir(), 1);
    assert_eq!(plain, [node.data_dir().join("stash.redb")], "the search finds what is there");
    node.stop("-TERM");

    let outside = Scratch::new();
    let file = passphrase_file(&outside, "correct horse\n");
    let options = ["--no-public", "--add-peer", ONION, "--proxy", "tor,127.0.0.1:1", "--stash-passphrase-file", &file];
    node.restart_with(&options);
    assert_eq!(held(&node), [TX1]);
    submit(&node, 2);
    for number in 1..=2 {
        assert_eq!(readable_in(&node.data_dir(), number), [""; 0].map(PathBuf::from), "transaction {number}, while it runs");
    }
    node.wait_for("a word of the seal", |node| node.log().contains("stash: on disk, sealed"));
    node.stop("-KILL");
    node.restart();
    let mut there = held(&node);
    there.sort();
    assert_eq!(there, [TX1, TXS[1]]);
    node.stop("-TERM");
    for number in 1..=2 {
        assert_eq!(readable_in(&node.data_dir(), number), [""; 0].map(PathBuf::from), "transaction {number}, after a stop");
    }

    let wrong = passphrase_file(&outside, "wrong");
    let start = |file: Option<&str>| {
        let mut command = node.command("run");
        command.args(["--network", "regtest", "--rpc-bind", "none", "--no-public", "--proxy", "tor,127.0.0.1:1"]);
        if let Some(file) = file {
            command.args(["--stash-passphrase-file", file]);
        }
        command.output().unwrap()
    };
    for (file, says) in [(Some(&*wrong), "the passphrase does not open"), (None, "is sealed: give its passphrase")] {
        let output = start(file);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
    }
}
