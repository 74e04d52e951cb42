//! `anonetd check` against scripted proxies and real nodes on loopback.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use anonet_core::ZoneKind;
use common::{Daemon, Scratch, anonetd, free_port, stderr, stdout, tx};
use serde_json::Value;
use support::proxy::{Pace, Proxy, Route};
use support::{ONIONS, TestNode, run};

fn check(dir: &Scratch, options: &[&str]) -> Output {
    let data = dir.path().join("data");
    let usual = ["check", "--network", "regtest", "--rpc-bind", "none", "--data-dir", data.to_str().unwrap()];
    anonetd().args(usual).args(options).output().unwrap()
}

/// Grade and detail of each finding whose subject contains this.
fn findings<'r>(report: &'r Value, subject: &str) -> Vec<(&'r str, &'r str)> {
    let all = report["findings"].as_array().unwrap().iter();
    let about = all.filter(|finding| finding["subject"].as_str().unwrap().contains(subject));
    about.map(|finding| (finding["grade"].as_str().unwrap(), finding["detail"].as_str().unwrap())).collect()
}

#[test]
fn a_proxy_a_living_and_a_dead_peer() {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Tor, 1);
        let routes = [
            (ONIONS[0], Route::To(service.handle.listening()[0])),
            (ONIONS[1], Route::Answer(vec![5, 0xf0, 0, 1, 0, 0, 0, 0, 0, 0])),
        ];
        let proxy = Proxy::start(executor, Pace::AtOnce, &routes).await;
        let dir = Scratch::new();
        let way = format!("tor,{}", proxy.addr);
        let (alive, dead) = (format!("{}:18083", ONIONS[0]), format!("{}:18083", ONIONS[1]));
        let run = |options: Vec<String>| {
            smol::unblock(move || {
                let dir = Scratch::new();
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                let output = check(&dir, &options);
                assert!(!dir.path().join("data").exists(), "it leaves nothing behind");
                output
            })
        };
        let options = |peers: &[&String]| {
            let named = peers.iter().flat_map(|peer| ["--add-peer".to_owned(), (*peer).clone()]);
            ["--no-public", "--json", "--proxy", &way].map(str::to_owned).into_iter().chain(named).collect::<Vec<_>>()
        };
        let good = run(options(&[&alive])).await;
        assert_eq!(good.status.code(), Some(0), "{}", stdout(&good));
        let report: Value = serde_json::from_slice(&good.stdout).unwrap();
        assert_eq!(report["works"], true);
        assert_eq!(findings(&report, "proxy of tor")[0].0, "ok");
        assert_eq!(findings(&report, ONIONS[0]), [("ok", "it answers as a Monero node")]);

        let bad = run(options(&[&alive, &dead])).await;
        assert_eq!(bad.status.code(), Some(1), "{}", stdout(&bad));
        assert_eq!(stderr(&bad), "");
        let report: Value = serde_json::from_slice(&bad.stdout).unwrap();
        assert_eq!((&report["works"], findings(&report, ONIONS[0])[0].0), (&false.into(), "ok"));
        let (grade, detail) = findings(&report, ONIONS[1])[0];
        assert!(grade == "error" && detail.contains("descriptor") && detail.contains("see that it runs"), "{detail}");
        assert_eq!(service.txs_so_far(), 0);
        drop(dir);
    });
}

#[test]
fn what_is_missing_is_named_with_its_fix() {
    let dir = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let rpc = taken.local_addr().unwrap().to_string();
    let proxy = format!("tor,127.0.0.1:{}", free_port());
    let output = check(&dir, &["--no-public", "--proxy", &proxy, "--add-peer", common::ONION, "--rpc-bind", &rpc]);
    // the second --rpc-bind is one too many
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    let data = dir.path().join("data");
    let mut command = anonetd();
    command.args(["check", "--network", "regtest", "--no-public", "--proxy", &proxy, "--add-peer", common::ONION]);
    let output = command.args(["--rpc-bind", &rpc, "--data-dir", data.to_str().unwrap()]).output().unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in [
        "ok       addresses of tor: valid: 1",
        "error    proxy of tor 127.0.0.1:",
        "the proxy cannot be reached: start it",
        "can be written",
        &format!("error    port for wallets {rpc}: "),
        "it does not work; errors: 3, warnings: 0",
    ] {
        assert!(said.contains(line), "{line:?} is missing: {said}");
    }
    assert!(!data.exists());
}

#[test]
fn bad_options_end_it_before_anything_is_looked_at() {
    let dir = Scratch::new();
    for options in [&["--proxy", "tor"][..], &["--add-peer", "node.example"], &["--log-level", "loud"], &["--config", "/absent"]]
    {
        let output = check(&dir, options);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{options:?}");
        assert!(stderr(&output).contains(options[0]), "{}", stderr(&output));
    }
}

#[test]
fn beside_a_running_node_its_things_are_left_alone() {
    let mut node = Daemon::start(&[]);
    let submitted = node.command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
    assert_eq!(submitted.status.code(), Some(0));
    let report = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).unwrap();
    let usual = ["--network", "regtest", "--json", "--rpc-bind", "none", "--offline"];
    let beside = report(&node.command("check").args(usual).output().unwrap());
    let (grade, detail) = findings(&beside, "data directory")[0];
    assert!(grade == "warning" && detail.contains("a node runs on it"), "{beside}");
    node.stop("-TERM");

    let files = || fs::read_dir(node.data_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let (before, content) = (files(), fs::read(node.data_dir().join("stash.redb")).unwrap());
    let output = node.command("check").args(usual).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(findings(&report(&output), "stash"), [("ok", "own transactions: 1; not encrypted")]);
    assert_eq!((files(), fs::read(node.data_dir().join("stash.redb")).unwrap()), (before, content));
}

#[test]
fn a_daemon_that_does_not_answer_is_an_error() {
    let dir = Scratch::new();
    let daemon = format!("127.0.0.1:{}", free_port());
    let output = check(&dir, &["--json", "--daemon-address", &daemon, "--out-peers", "0"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{report}");
    let (grade, detail) = findings(&report, "daemon")[0];
    assert!(grade == "error" && detail.contains("see that it runs there"), "{report}");
}
