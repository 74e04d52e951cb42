//! `anonetd` with a daemon: what becomes of transactions of peers, and of own ones.

mod common;

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anonet_core::wire::TxForm;
use common::monerod::{Monerod, Peer};
use common::{Daemon, ONION, Scratch, TX1, TXS, free_port, stderr, stdout, tx, tx1, tx1_hex, unhex};
use serde_json::{Value, json};

/// A node on the public network alone, with a link to a peer.
fn public(monerod: &Monerod) -> (Daemon, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let node = Daemon::start_in(Scratch::new(), &["--add-exclusive-node", &peer, "--daemon-address", &monerod.option()]);
    let peer = Peer::listen(&listener);
    node.wait_for("a link", |node| node.status()["zones"][0]["outgoing"] == 1);
    (node, peer)
}

fn verdict(node: &Daemon) -> Value {
    node.status()["received"][0]["verdict"].clone()
}

#[test]
fn what_the_daemon_says_of_a_strangers_transaction_decides() {
    for (answer, expected, count, closed) in [
        (json!({ "status": "OK" }), "accepted", "accepted", false),
        (json!({ "status": "OK", "not_relayed": true }), "known", "known", false),
        (json!({ "status": "Failed", "fee_too_low": true }), "refused", "refused", false),
        (json!({ "status": "Failed", "invalid_input": true }), "rejected", "rejected", true),
    ] {
        let monerod = Monerod::start();
        monerod.answer_with(answer);
        let (node, peer) = public(&monerod);
        peer.send(TxForm::Fluff, &unhex(&tx1_hex()));
        node.wait_for("a verdict", |node| verdict(node) == expected);
        let status = node.status();
        assert_eq!((&status["received"][0]["txid"], &status["received_counts"][count]), (&TX1.into(), &1.into()));
        assert_eq!(status["received_counts"]["pending"], 0);
        let sent = monerod.sent();
        assert_eq!((sent.len(), &sent[0]["tx_as_hex"]), (1, &tx1_hex().into()), "asked once");
        assert_eq!(sent[0]["do_not_relay"], false, "the daemon is to relay it");
        if closed {
            node.wait_for("the end of the link", |_| peer.is_closed());
        } else {
            assert!(!peer.is_closed(), "{expected}");
        }
    }
}

#[test]
fn a_busy_daemon_is_asked_again() {
    let monerod = Monerod::start();
    monerod.answer_with(json!({ "status": "BUSY" }));
    let (node, peer) = public(&monerod);
    peer.send(TxForm::Stem, &unhex(&tx1_hex()));
    node.wait_for("a question", |_| monerod.sent().len() == 1);
    assert_eq!(verdict(&node), "pending");
    monerod.answer_with(json!({ "status": "OK" }));
    node.wait_for("a verdict", |node| verdict(node) == "accepted");
    assert_eq!(monerod.sent().len(), 2);
}

#[test]
fn a_stem_from_a_hidden_service_waits_and_is_listed_as_delayed() {
    let (monerod, port) = (Monerod::start(), free_port());
    let inbound = format!("{ONION},127.0.0.1:{port}");
    let node = Daemon::start(&["--anonymous-inbound", &inbound, "--daemon-address", &monerod.option()]);
    let peer = Peer::connect(port);
    peer.send(TxForm::Stem, &unhex(&tx1_hex()));
    node.wait_for("the transaction", |node| verdict(node) == "delayed");
    assert_eq!(node.status()["received_counts"]["delayed"], 1);
    // the chance of a wait of less than three seconds is one in a million
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((monerod.sent().len(), verdict(&node)), (0, "delayed".into()));
    assert!(!node.log().contains("no daemon is named"), "{}", node.log());
}

#[test]
fn a_hidden_service_without_a_daemon_is_an_error_that_says_what_to_do() {
    let inbound = format!("{ONION},127.0.0.1:{}", free_port());
    let node = Daemon::start(&["--anonymous-inbound", &inbound]);
    let log = node.log();
    let line = log.lines().find(|line| line.contains("no daemon is named")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("ERROR") && line.contains("--daemon-address 127.0.0.1:18081"), "{line}");
    assert_eq!(node.status()["daemon"], Value::Null);
    assert!(stdout(&node.command("status").output().unwrap()).contains("daemon: none"));
}

#[test]
fn a_daemon_that_is_down_is_a_state_and_its_return_another() {
    let port = free_port();
    let node = Daemon::start(&["--daemon-address", &format!("127.0.0.1:{port}")]);
    node.wait_for("its absence", |node| node.status()["daemon"]["state"] == "down");
    let status = node.status();
    assert_eq!(status["daemon"]["address"], format!("127.0.0.1:{port}"));
    assert!(status["daemon"]["reason"].as_str().unwrap().contains("cannot be reached"), "{status}");
    let info = |node: &Daemon| node.post("/get_info", "{}").1;
    assert_eq!((&info(&node)["height"], &info(&node)["synchronized"]), (&1.into(), &false.into()));

    let _monerod = Monerod::start_on(port);
    node.wait_for("its return", |node| node.status()["daemon"]["state"] == "up");
    let status = node.status();
    assert_eq!((&status["daemon"]["height"], &status["daemon"]["synchronized"]), (&3.into(), &true.into()));
    node.wait_for("its pool", |node| node.status()["daemon"]["pool"] == "watched");
    let info = info(&node);
    assert_eq!((&info["height"], &info["synchronized"], &info["target_height"]), (&3.into(), &true.into(), &0.into()));
    assert_eq!((&info["top_block_hash"], &info["cumulative_difficulty"]), (&"03".repeat(32).into(), &3.into()));
    let log = node.log();
    let of_daemon: Vec<&str> = log.lines().filter(|line| line.contains("daemon: it")).collect();
    assert!(matches!(of_daemon[..], [down, up] if down.contains("ERROR") && up.contains("INFO")), "{of_daemon:#?}");
    assert!(!log.contains(&format!(":{port}")), "the log names no address: {log}");
}

#[test]
fn evidence_ends_an_own_transaction_on_disk_too() {
    let monerod = Monerod::start();
    let mut node = Daemon::start(&["--daemon-address", &monerod.option()]);
    for number in [1, 2] {
        let output = node.command("submit").args(["--wait", "held"]).arg(tx(number)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert_eq!(node.status()["stash"][0]["witness"], "daemon");
    monerod.says.lock().unwrap().pool.push(TX1.into());
    let state = |node: &Daemon, id: &str| {
        let status = node.status();
        let entry = status["stash"].as_array().unwrap().iter().find(|entry| entry["txid"] == id).cloned();
        entry.map(|entry| entry["state"].clone())
    };
    node.wait_for("evidence", |node| state(node, TX1) == Some("seen".into()));
    assert_eq!(state(&node, TXS[1]), Some("held".into()));
    assert!(stdout(&node.command("status").output().unwrap()).contains("seen by the daemon"));
    node.stop("-TERM");
    node.restart();
    assert_eq!((state(&node, TX1), state(&node, TXS[1])), (None, Some("held".into())));
}

#[test]
fn without_a_daemon_two_public_peers_of_different_networks_are_evidence() {
    let listeners = ["127.1.0.1:0", "127.2.0.1:0"].map(|addr| TcpListener::bind(addr).unwrap());
    let peers = listeners.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
    let proxy = format!("tor,127.0.0.1:{}", free_port());
    let options = ["--proxy", &proxy, "--add-peer", ONION, "--add-peer", &peers[0], "--add-peer", &peers[1]];
    let node = Daemon::start_in(Scratch::new(), &options);
    let peers = listeners.each_ref().map(Peer::listen);
    node.wait_for("both links", |node| node.status()["zones"][1]["outgoing"] == 2);
    let submit = node.command("submit").args(["--wait", "held"]).arg(tx1()).output().unwrap();
    assert_eq!(submit.status.code(), Some(0), "{}", stderr(&submit));
    let entry = |node: &Daemon| node.status()["stash"][0].clone();
    assert_eq!((&entry(&node)["state"], &entry(&node)["witness"]), (&"held".into(), &"public".into()));
    peers[0].send(TxForm::Fluff, &unhex(&tx1_hex()));
    node.wait_for("the first copy", |node| verdict(node) == "pending");
    assert_eq!(entry(&node)["state"], "held", "one is no evidence");
    peers[1].send(TxForm::Fluff, &unhex(&tx1_hex()));
    node.wait_for("evidence", |node| entry(node)["state"] == "seen");
    assert!(!peers.iter().any(Peer::is_closed));
}

#[test]
fn submit_waits_for_evidence_if_it_is_told_to() {
    let monerod = Monerod::start();
    let (node, peer) = public(&monerod);
    let mut submit = node.command("submit");
    let submit = submit.args(["--wait", "seen", "--json"]).arg(tx1()).stdout(Stdio::piped()).spawn().unwrap();
    node.wait_for("the hand-over", |_| peer.has_heard(&unhex(&tx1_hex())));
    monerod.says.lock().unwrap().pool.push(TX1.into());
    let output = submit.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["state"], &report["witness"]), (Some(0), &"seen".into(), &"daemon".into()));
    assert_eq!(report["peers_handed_to"], 1);
}

#[test]
fn an_abandoned_transaction_is_gone_from_the_disk_too() {
    let mut node = Daemon::start(&[]);
    let submit = node.command("submit").args(["--wait", "held"]).arg(tx1()).output().unwrap();
    assert_eq!(submit.status.code(), Some(0), "{}", stderr(&submit));
    for (id, code, says) in [("12", 2, "64 hexadecimal digits"), (TXS[1], 1, "keeps no own transaction")] {
        let output = node.command("abandon").arg(id).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let output = node.command("abandon").arg(TX1).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("No peer was given it"), "{}", stdout(&output));
    assert_eq!(node.status()["stash"], json!([]));
    let again = node.command("abandon").args(["--json", TX1]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    node.stop("-KILL");
    node.restart();
    assert_eq!(node.status()["stash"], json!([]));
}
