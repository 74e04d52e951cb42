//! A node whose file descriptors run out: it says so, stays reachable, takes transactions, and goes on by itself.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::fs;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anonet_core::ZoneKind;
use common::monerod::Peer;
use common::{Daemon, ONION, Scratch, free_port, stderr, stdout, tx};
use smol::Timer;
use support::proxy::{Pace, Proxy, Route};
use support::{TestNode, run};

fn descriptors(node: &Daemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count()
}

/// Processor time that it has used.
fn worked(node: &Daemon) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", node.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    // Linux counts in hundredths for all programs
    Duration::from_millis(10 * ticks)
}

fn trouble(node: &Daemon, part: &str) -> Option<String> {
    let status = node.status();
    let troubles = status["troubles"].as_array().unwrap().clone();
    troubles.into_iter().find(|trouble| trouble["part"] == part).map(|trouble| trouble["reason"].as_str().unwrap().to_owned())
}

#[test]
fn a_flood_of_connections_is_turned_away_and_the_user_is_not() {
    let inbound = free_port();
    let service = format!("{ONION},127.0.0.1:{inbound},1000");
    let options = ["--no-public", "--anonymous-inbound", &service, "--proxy", "tor,127.0.0.1:1"];
    let mut node = Daemon::start_under("ulimit -n 64;", Scratch::new(), &options);
    node.wait_for("a warning", |node| node.log().contains("the limit of open files is 64") && node.log().contains("ulimit -n"));
    let before = descriptors(&node);
    let open = |port| TcpStream::connect(("127.0.0.1", port)).unwrap();
    let flood: Vec<TcpStream> = (0..150).map(|at| open(if at % 2 == 0 { inbound } else { node.rpc_port })).collect();
    node.wait_for("the word that they run out", |node| trouble(node, "descriptors").is_some());
    assert!(trouble(&node, "descriptors").unwrap().contains("raise the limit of open files"));
    let text = stdout(&node.command("status").output().unwrap());
    assert!(text.contains("TROUBLE descriptors: file descriptors run out at 64"), "{text}");
    assert!(descriptors(&node) <= 56, "{}", descriptors(&node));

    let (begin, work) = (Instant::now(), worked(&node));
    sleep(Duration::from_secs(2));
    let work = worked(&node).saturating_sub(work);
    assert!(work < begin.elapsed() / 4, "it spins: {work:?}");

    let output = node.command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    drop(flood);
    node.wait_for("the end of the trouble", |node| trouble(node, "descriptors").is_none());
    node.wait_for("the descriptors", |node| descriptors(node) <= before + 2);
    let peer = Peer::connect(inbound);
    node.wait_for("a peer from outside", |node| node.status()["zones"][0]["incoming"] == 1);
    drop(peer);
    let log = node.log();
    assert_eq!(log.matches("file descriptors run out at 64").count(), 1, "{log}");
    assert!(log.contains("there are file descriptors again"), "{log}");
    assert_eq!(node.stop("-KILL").0, None);
    node.restart();
    assert_eq!(node.status()["stash"].as_array().unwrap().len(), 1, "what was accepted is on disk");
}

#[test]
fn dials_that_find_no_descriptor_say_so_and_come_back_by_themselves() {
    run(async |executor| {
        let port = free_port();
        let address = format!("tor,127.0.0.1:{port}");
        let options = ["--no-public", "--add-peer", ONION, "--proxy", &address];
        let node = Daemon::start_under("ulimit -n 40;", Scratch::new(), &options);
        let output = node.command("submit").args(["--wait", "held"]).arg(tx(1)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        // of 40, the last five are for who asks on the control socket alone
        let mut callers = Vec::new();
        while descriptors(&node) < 36 {
            callers.push(UnixStream::connect(node.data_dir().join("control.sock")).unwrap());
            Timer::after(Duration::from_millis(20)).await;
        }
        let service = TestNode::service(executor, ZoneKind::Tor, 1);
        let host = ONION.split(':').next().unwrap();
        let route = Route::To(service.handle.listening()[0]);
        let _proxy = Proxy::start_on(executor, port, Pace::AtOnce, &[(host, route)]).await;
        while trouble(&node, "tor").is_none_or(|reason| !reason.contains("file descriptors run out")) {
            Timer::after(Duration::from_millis(100)).await;
        }
        assert_eq!(node.status()["zones"][0]["outgoing"], 0);
        assert_eq!(node.status()["stash"][0]["state"], "held");
        drop(callers);
        let blob = service.next_tx().await;
        assert_eq!(blob, common::unhex(&common::tx1_hex()));
        assert_eq!(trouble(&node, "tor"), None);
    });
}

#[test]
fn the_limit_is_raised_to_what_the_links_may_take() {
    let node = Daemon::start_under("ulimit -S -n 128;", Scratch::new(), &["--no-public", "--proxy", "tor,127.0.0.1:1,700"]);
    let limits = Command::new("prlimit").args(["--pid", &node.pid().to_string(), "--nofile", "--raw", "--noheadings"]).output();
    let Ok(limits) = limits else { return eprintln!("skipped: there is no prlimit") };
    let soft: u64 = stdout(&limits).split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!(soft >= 1_000, "{soft}");
    assert!(!node.log().contains("limit of open files"), "{}", node.log());
}
