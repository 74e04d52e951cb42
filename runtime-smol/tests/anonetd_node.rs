//! Start, status, stop.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Daemon, ONION, Scratch, anonetd, stderr, stdout, tx1};
use serde_json::Value;

fn keys(document: &Value) -> Vec<&str> {
    document.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn signals_stop_it_cleanly_and_soon() {
    for signal in ["-TERM", "-INT"] {
        let mut node = Daemon::start(&[]);
        let (code, took) = node.stop(signal);
        assert_eq!(code, Some(0), "{signal}: {}", node.log());
        assert!(took < Duration::from_secs(1), "{signal}: {took:?}");
        assert!(!node.data_dir().join("control.sock").exists());
        let gone = node.command("status").output().unwrap();
        assert_eq!(gone.status.code(), Some(1));
        assert!(stderr(&gone).contains("anonetd run --data-dir"), "{}", stderr(&gone));
    }
}

#[test]
fn the_status_document_has_its_keys() {
    let node = Daemon::start(&[]);
    node.wait_for("a failed proxy", |node| node.status()["zones"][0]["proxy_state"] == "down");
    let status = node.status();
    assert_eq!(
        keys(&status),
        [
            "daemon",
            "network",
            "received",
            "received_counts",
            "relay_policy",
            "stash",
            "stash_store",
            "troubles",
            "version",
            "zones"
        ]
    );
    assert_eq!((&status["network"], &status["relay_policy"]), (&"regtest".into(), &"fluff".into()));
    assert_eq!((&status["stash"], &status["received"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    let zone = &status["zones"][0];
    assert_eq!(status["troubles"], serde_json::json!([{"part": "tor", "reason": zone["proxy_reason"]}]));
    assert_eq!(
        keys(zone),
        [
            "couriers",
            "dialing",
            "gray",
            "incoming",
            "isolates",
            "max_incoming",
            "max_outgoing",
            "name",
            "outgoing",
            "proxy",
            "proxy_reason",
            "proxy_state",
            "relay_policy",
            "white"
        ]
    );
    assert_eq!((&zone["name"], &zone["isolates"], &zone["max_outgoing"]), (&"tor".into(), &true.into(), &12.into()));
    assert!(zone["proxy"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(zone["proxy_reason"].as_str().unwrap().contains("cannot be reached"), "{zone}");
    let text = stdout(&node.command("status").output().unwrap());
    assert!(text.contains("relay policy fluff") && text.contains("cannot be reached"), "{text}");
}

#[test]
fn a_zone_without_isolation_says_what_that_costs() {
    let node = Daemon::start(&["--allow-no-isolation"]);
    assert_eq!(node.status()["zones"][0]["isolates"], false);
    let text = stdout(&node.command("status").output().unwrap());
    assert!(text.contains("tor: no stream isolation"), "{text}");
    node.wait_for("a warning", |node| node.log().contains("WARN") && node.log().contains("--allow-no-isolation"));
}

#[test]
fn the_log_says_the_policy_and_no_names() {
    let mut node = Daemon::start(&[]);
    let output = node.command("submit").arg("--wait").arg("held").arg(tx1()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    node.wait_for("the error", |node| node.log().lines().any(|line| line.contains("ERROR") && line.contains("held")));
    node.stop("-TERM");
    let log = node.log();
    assert!(log.contains("relay policy fluff"), "{log}");
    assert!(!log.contains(&ONION[..20]) && !log.contains(common::TX1) && !log.contains('\x1b'), "{log}");
}

/// The lines of the log that a user at the default level is to worry about.
fn problems(node: &Daemon) -> Vec<String> {
    let is_problem = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    node.log().lines().filter(is_problem).map(str::to_owned).collect()
}

#[test]
fn a_missing_proxy_is_one_error() {
    let node = Daemon::start(&[]);
    node.wait_for("a failed proxy", |node| node.status()["zones"][0]["proxy_state"] == "down");
    // enough for further tries
    std::thread::sleep(Duration::from_secs(4));
    let problems = problems(&node);
    assert!(
        matches!(problems.as_slice(), [line] if line.contains("ERROR") && line.contains("tor through 127.0.0.1:")
        && line.contains("cannot be reached: start it")),
        "{problems:#?}"
    );
}

#[test]
fn a_proxy_without_isolation_is_an_error_and_named_once() {
    const ANSWERS: [&[[u8; 2]]; 3] = [&[[5, 0]], &[[5, 0xff]], &[[5, 2], [1, 1]]];
    for answers in ANSWERS {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let option = format!("tor,{}", proxy.local_addr().unwrap());
        std::thread::spawn(move || {
            for client in proxy.incoming() {
                let mut client = client.unwrap();
                for answer in answers {
                    // a client that has heard enough is gone
                    let _ = client.read(&mut [0; 512]).and_then(|_| client.write_all(answer));
                }
                let _ = client.read(&mut [0; 1]);
            }
        });
        let node = Daemon::start_in(Scratch::new(), &["--no-public", "--add-peer", ONION, "--proxy", &option]);
        node.wait_for("a failed proxy", |node| node.status()["zones"][0]["proxy_state"] == "down");
        std::thread::sleep(Duration::from_secs(3));
        let problems = problems(&node);
        assert!(
            matches!(problems.as_slice(), [line] if line.contains("ERROR") && (line.contains("isolat")
            || line.contains("Isolat"))),
            "{problems:#?}"
        );
    }
}

#[test]
fn two_processes_do_not_share_a_directory() {
    let node = Daemon::start(&[]);
    let begin = Instant::now();
    let mut second = node.command("run");
    let output = second.args(["--rpc-bind", "none", "--network", "regtest"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("another anonetd") && stderr(&output).contains("--data-dir"), "{}", stderr(&output));
    assert!(begin.elapsed() < Duration::from_secs(5));
    // the first one is unharmed
    assert_eq!(node.status()["network"], "regtest");
}

#[test]
fn a_taken_rpc_port_is_named() {
    let node = Daemon::start(&[]);
    let bind = format!("127.0.0.1:{}", node.rpc_port);
    let mut second = anonetd();
    let output = second.args(["--rpc-bind", &bind, "--data-dir"]).arg(node.dir.path().join("other")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--rpc-bind") && stderr(&output).contains(&bind), "{}", stderr(&output));
}

#[test]
fn directory_and_socket_are_private_and_stale_sockets_replaced() {
    let mut node = Daemon::start(&[]);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(node.data_dir()), 0o700);
    assert_eq!(mode(node.data_dir().join("control.sock")), 0o600);
    let (code, _) = node.stop("-KILL");
    assert_eq!(code, None);
    assert!(node.data_dir().join("control.sock").exists(), "it had no chance to remove it");
    let gone = node.command("status").output().unwrap();
    assert!(stderr(&gone).contains("no node is running"), "{}", stderr(&gone));

    let mut again = node.command("run");
    again.args(["--network", "regtest", "--rpc-bind", "none", "--log-level", "off"]);
    let mut child = again.stderr(Stdio::null()).spawn().unwrap();
    node.wait_for("the second start", |node| node.command("status").output().unwrap().status.success());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn watching_repeats_until_the_node_is_gone() {
    let mut node = Daemon::start(&[]);
    let watch = node.command("status").args(["--json", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    node.stop("-TERM");
    let output = watch.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines = stdout(&output);
    assert!(lines.lines().count() >= 2, "{lines}");
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines}");
}
