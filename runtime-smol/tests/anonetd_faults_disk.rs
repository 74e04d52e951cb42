//! A disk that takes nothing more: what is not durable is not accepted, `status` says why, and once there is room all goes on.
//!
//! The tests marked `ignored` mount a small disk of their own, in a namespace that ends with them, for which they have to be
//! root; one needs strace.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anonet_core::ZoneKind;
use common::{Daemon, ONION, Scratch, TX1, TXS, anonetd, free_port, stderr, stdout, tx, tx1_hex, unhex};
use smol::Timer;
use support::proxy::{Pace, Proxy, Route};
use support::{TestNode, run};

fn submit(node: &Daemon, number: usize) -> Output {
    node.command("submit").args(["--wait", "held"]).arg(tx(number)).output().unwrap()
}

fn accepts(node: &Daemon, number: usize) {
    let output = submit(node, number);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

fn refuses(node: &Daemon, number: usize, reason: &str) {
    let output = submit(node, number);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let said = stderr(&output);
    assert!(said.contains("not accepted") && said.contains(reason), "{said}");
}

fn trouble(node: &Daemon) -> Option<String> {
    let status = node.status();
    let troubles = status["troubles"].as_array().unwrap().clone();
    troubles.into_iter().find(|trouble| trouble["part"] == "stash").map(|trouble| trouble["reason"].as_str().unwrap().to_owned())
}

fn stash(node: &Daemon) -> Vec<String> {
    let status = node.status();
    let mut ids: Vec<_> =
        status["stash"].as_array().unwrap().iter().map(|entry| entry["txid"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn a_full_disk_is_told_and_forgotten_once_there_is_room() {
    let mut node = Daemon::start(&[]);
    accepts(&node, 1);
    assert_eq!(trouble(&node), None);
    let limit = |node: &Daemon, limit: &str| {
        Command::new("prlimit").args(["--pid", &node.pid().to_string(), &format!("--fsize={limit}")]).status().is_ok()
    };
    if !limit(&node, "0:unlimited") {
        return eprintln!("skipped: there is no prlimit");
    }
    refuses(&node, 2, "there is no space left");
    assert!(trouble(&node).unwrap().contains("there is no space left for it: make room on its disk"));
    let text = stdout(&node.command("status").output().unwrap());
    assert!(text.contains("TROUBLE stash: the stash on disk cannot be written"), "{text}");
    assert_eq!(stash(&node), [TX1], "what was accepted is there");
    limit(&node, "unlimited");
    let begin = Instant::now();
    // nobody has to submit anything for it
    node.wait_for("the end of the trouble", |node| trouble(node).is_none());
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    let left: Vec<_> = fs::read_dir(node.data_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.contains(&"stash.room".into()), "{left:?}");
    accepts(&node, 2);
    limit(&node, "0:unlimited");
    assert_eq!(node.stop("-TERM").0, Some(0), "a stop is clean also on a full disk: {}", node.log());
    node.restart();
    let mut both = [TX1, TXS[1]];
    both.sort_unstable();
    assert_eq!(stash(&node), both);
    let log = node.log();
    assert_eq!(log.matches("the stash on disk cannot be written").count(), 1, "{log}");
    assert_eq!(log.matches("the stash on disk can be written again").count(), 1, "{log}");
}

#[test]
fn a_place_where_nothing_can_be_written_refuses_the_start_and_says_what_to_do() {
    let dir = Scratch::new();
    let file = dir.file("file", "no directory");
    for place in [file.join("data"), Path::new("/proc/anonet-data").to_owned()] {
        let output =
            anonetd().args(["run", "--network", "regtest", "--rpc-bind", "none", "--data-dir"]).arg(&place).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(place.to_str().unwrap()) && said.contains("choose another with --data-dir"), "{said}");
    }
}

/// Runs a test once more where it may mount what it likes, and nobody else sees it.
fn where_it_may_mount(name: &str, test: impl FnOnce()) {
    const INSIDE: &str = "ANONET_MAY_MOUNT";
    if env::var_os(INSIDE).is_some() {
        return test();
    }
    let program = env::current_exe().unwrap();
    let mut again = Command::new("unshare");
    again.arg("-m").arg(program).args([name, "--exact", "--ignored", "--nocapture"]).env(INSIDE, "1");
    assert!(again.status().unwrap().success(), "see above; a mount namespace takes root");
}

/// A disk of this size.
fn disk(megabytes: u32) -> Scratch {
    let dir = Scratch::new();
    mount(&["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"], dir.path());
    DirBuilder::new().mode(0o700).create(dir.path().join("data")).unwrap();
    dir
}

fn mount(options: &[&str], at: &Path) {
    assert!(Command::new("mount").args(options).arg(at).status().unwrap().success(), "{options:?}");
}

#[test]
#[ignore = "mounts a disk, as root"]
fn nothing_leaves_and_nothing_is_lost_on_a_disk_that_is_really_full() {
    where_it_may_mount("nothing_leaves_and_nothing_is_lost_on_a_disk_that_is_really_full", || {
        run(async |executor| {
            let service = TestNode::service(executor, ZoneKind::Tor, 1);
            let (port, host) = (free_port(), ONION.split(':').next().unwrap());
            let address = format!("tor,127.0.0.1:{port}");
            let mut node = Daemon::start_in(disk(8), &["--no-public", "--add-peer", ONION, "--proxy", &address]);
            accepts(&node, 1);
            let filler = node.data_dir().join("filler");
            let mut file = File::create(&filler).unwrap();
            while file.write_all(&[7; 4_096]).is_ok() {}
            drop(file);
            refuses(&node, 2, "there is no space left");
            // its exposure could be written only if that found room in what the file has already
            let route = Route::To(service.handle.listening()[0]);
            let _proxy = Proxy::start_on(executor, port, Pace::AtOnce, &[(host, route)]).await;
            service.up().await;
            Timer::after(Duration::from_secs(3)).await;
            let told = trouble(&node).expect("the disk is full, and that is a trouble");
            assert!(told.contains("there is no space left"), "{told}");
            assert_eq!(stash(&node), [TX1]);

            fs::remove_file(filler).unwrap();
            node.wait_for("the end of the trouble", |node| trouble(node).is_none());
            assert_eq!(service.next_tx().await, unhex(&tx1_hex()));
            accepts(&node, 2);
            node.stop("-KILL");
            node.restart();
            assert!(stash(&node).contains(&TXS[1].to_owned()));
        })
    });
}

#[test]
#[ignore = "mounts a disk, as root"]
fn a_disk_that_can_only_be_read_refuses_the_start_and_stays_as_it_is() {
    where_it_may_mount(
        "a_disk_that_can_only_be_read_refuses_the_start_and_stays_as_it_is",
        start_on_a_disk_that_can_only_be_read,
    );
}

fn start_on_a_disk_that_can_only_be_read() {
    let mut node = Daemon::start_in(disk(16), &["--no-public", "--add-peer", ONION, "--proxy", "tor,127.0.0.1:1"]);
    accepts(&node, 1);
    node.stop("-KILL");
    let whole = fs::read(node.data_dir().join("stash.redb")).unwrap();
    mount(&["-o", "remount,ro"], node.dir.path());
    let output = node.command("run").args(["--network", "regtest", "--rpc-bind", "none"]).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only file system") && said.contains("--data-dir"), "{said}");
    assert!(fs::read(node.data_dir().join("stash.redb")).unwrap() == whole);
    mount(&["-o", "remount,rw"], node.dir.path());
    node.restart();
    assert_eq!(stash(&node), [TX1]);
}

/// Has the system answer with this error whatever a node wants to write to its stash, as a file system does that turns
/// read-only under it.
struct Failing(Child);

impl Failing {
    fn start(node: &Daemon, error: &str) -> Self {
        let calls = "openat,pwrite64,write,ftruncate,fallocate,fsync,fdatasync";
        let mut strace = Command::new("strace")
            .args(["-f", "-q", "-p", &node.pid().to_string(), "-P", node.data_dir().join("stash.redb").to_str().unwrap()])
            .args(["-P", node.data_dir().join("stash.room").to_str().unwrap(), "-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:error={error}"), "-o", "/dev/null"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // without -q it would say when it is there; a process that is traced says so itself
        let traced = || {
            let status = fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
            status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        while !traced() {
            if Instant::now() > deadline {
                let mut said = String::new();
                let _ = strace.kill();
                let _ = BufReader::new(strace.stderr.take().unwrap()).read_line(&mut said);
                panic!("strace does not attach: {said}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(strace)
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        // it lets go of the node when it is asked to end
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs strace"]
fn a_disk_that_turns_read_only_or_fails_while_the_node_runs_is_told_and_overcome() {
    let mut node = Daemon::start(&[]);
    accepts(&node, 1);
    for (number, error, says) in [(2, "EROFS", "its disk can only be read"), (3, "EIO", "see that its disk is sound")] {
        let failing = Failing::start(&node, error);
        refuses(&node, number, says);
        assert!(trouble(&node).is_some_and(|trouble| trouble.contains(says)));
        drop(failing);
        node.wait_for("the end of the trouble", |node| trouble(node).is_none());
        accepts(&node, number);
    }
    node.stop("-KILL");
    node.restart();
    assert_eq!(stash(&node).len(), 3);
}
