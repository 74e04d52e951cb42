//! Signals by the hundred, a closed terminal, a log that nobody reads any more, and a process that slept.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Daemon, ONION, Scratch, TX1, anonetd, stderr, tx};

fn send(pid: u32, signals: &[&str]) {
    // one process for all, as each takes longer than the node needs for a signal
    let script: String = signals.iter().map(|signal| format!("kill -{signal} {pid} 2>/dev/null || exit 0\n")).collect();
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}

/// Ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn stash(node: &Daemon) -> Vec<String> {
    let status = node.status();
    status["stash"].as_array().unwrap().iter().map(|entry| entry["txid"].as_str().unwrap().to_owned()).collect()
}

fn submit(node: &Daemon) {
    let output = node.command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_storm_of_what_means_nothing_changes_nothing() {
    let mut node = Daemon::start(&[]);
    submit(&node);
    let kinds = ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PIPE", "WINCH", "CHLD", "URG", "CONT"];
    let storm: Vec<&str> = kinds.iter().copied().cycle().take(kinds.len() * 50).collect();
    send(node.pid(), &storm);
    assert_eq!(stash(&node), [TX1]);
    assert_eq!(node.stop("-TERM").0, Some(0), "{}", node.log());
}

#[test]
fn a_storm_of_requests_to_stop_is_one_clean_stop() {
    let mut node = Daemon::start(&[]);
    submit(&node);
    let storm: Vec<&str> = ["TERM", "INT", "HUP"].into_iter().cycle().take(600).collect();
    send(node.pid(), &storm);
    let (code, took) = node.wait();
    assert_eq!(code, Some(0), "{}", node.log());
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(node.log().contains("stopped") && !node.data_dir().join("control.sock").exists(), "{}", node.log());
    node.restart();
    assert_eq!(stash(&node), [TX1]);
    assert!(!node.log().contains("damaged"), "{}", node.log());
}

#[test]
fn a_closed_terminal_stops_it_cleanly_and_nohup_keeps_it() {
    // whatever runs the tests may ignore it, and who is started by them would inherit that
    let heard = "set -- env --default-signal=HUP \"$@\";";
    let mut node = Daemon::start_under(heard, Scratch::new(), &[]);
    assert_eq!(node.stop("-HUP").0, Some(0), "{}", node.log());
    assert!(!node.data_dir().join("control.sock").exists());

    let mut node = Daemon::start_under("trap '' HUP;", Scratch::new(), &["--no-public", "--proxy", "tor,127.0.0.1:1"]);
    send(node.pid(), &["HUP"; 20]);
    submit(&node);
    assert_eq!(stash(&node), [TX1]);
    assert_eq!(node.stop("-TERM").0, Some(0));
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let dir = Scratch::new();
    let data = dir.path().join("data");
    let node = anonetd()
        .args(["run", "--network", "regtest", "--rpc-bind", "none", "--no-public", "--add-peer", ONION, "--log-level", "debug"])
        .args(["--proxy", "tor,127.0.0.1:1", "--data-dir"])
        .arg(&data)
        .stderr(Stdio::piped())
        .spawn();
    let mut node = Ends(node.unwrap());
    let mut first = String::new();
    // as `anonetd run 2>&1 | head -1` does
    BufReader::new(node.0.stderr.take().unwrap()).read_line(&mut first).unwrap();
    let command = |name: &str| {
        let mut command = anonetd();
        command.arg(name).arg("--data-dir").arg(&data);
        command
    };
    let up = || command("status").output().unwrap().status.success();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !up() && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
    // the failures of its dials are lines of the log
    std::thread::sleep(Duration::from_secs(1));
    let (lives, accepted) = (up(), output.status.code());
    Command::new("kill").args(["-TERM", &node.0.id().to_string()]).status().unwrap();
    let code = node.0.wait().unwrap().code();
    assert_eq!((first.contains("anonetd"), accepted, lives, code), (true, Some(0), true, Some(0)), "{}", stderr(&output));
    assert!(fs::metadata(data.join("stash.redb")).is_ok());
}
