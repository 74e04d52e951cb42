//! Signals by the hundred, a closed terminal, and a log that nobody reads any more, or not now.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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

/// A node whose log goes to a pipe that the test reads, or not.
struct Piped {
    node: Ends,
    log: Option<ChildStderr>,
    dir: Scratch,
}

impl Piped {
    fn start() -> Self {
        let dir = Scratch::new();
        let node = anonetd()
            .args(["run", "--network", "regtest", "--rpc-bind", "none", "--no-public", "--add-peer", ONION, "--log-level"])
            .args(["debug", "--proxy", "tor,127.0.0.1:1", "--data-dir"])
            .arg(dir.path().join("data"))
            .stderr(Stdio::piped())
            .spawn();
        let mut node = Ends(node.unwrap());
        let log = node.0.stderr.take();
        Self { node, log, dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn run(&self, name: &str, args: &[&str]) -> Output {
        anonetd().arg(name).arg("--data-dir").arg(self.data()).args(args).output().unwrap()
    }

    fn wait_for(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            assert!(begin.elapsed() < Duration::from_secs(10), "{what} does not come");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_until_up(&self) {
        self.wait_for("an answer", |node| node.run("status", &[]).status.success());
    }

    fn troubles(&self) -> Vec<String> {
        let text = String::from_utf8(self.run("status", &[]).stdout).unwrap();
        text.lines().filter_map(|line| line.strip_prefix("TROUBLE ")).map(str::to_owned).collect()
    }

    /// Has the node write so many lines to its log.
    fn fill(&self, lines: usize) {
        for _ in 0..lines {
            let mut caller = UnixStream::connect(self.data().join("control.sock")).unwrap();
            caller.write_all(b"this is no request\r\n\r\n").unwrap();
            caller.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            // until it has hung up
            let ended = caller.read_to_end(&mut Vec::new());
            assert!(ended.err().is_none_or(|error| error.kind() != ErrorKind::WouldBlock), "the node stands still");
        }
    }

    /// Fills the log until lines are lost, and sees that nothing else is.
    fn lose_lines(&self) {
        self.wait_until_up();
        self.fill(LINES);
        self.wait_for("the word of it", |node| node.troubles().iter().any(|trouble| trouble.starts_with("log: nobody reads it")));
        let begin = Instant::now();
        let output = self.run("submit", &["--wait", "held", tx(1).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(self.run("status", &[]).status.success());
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    /// Asks it to stop; returns its exit code and how long that took.
    fn stop(&mut self) -> (Option<i32>, Duration) {
        send(self.node.0.id(), &["TERM"]);
        let begin = Instant::now();
        let code = self.node.0.wait().unwrap().code();
        (code, begin.elapsed())
    }
}

/// More than a pipe, the queue and what is on its way to the pipe hold together.
const LINES: usize = 7_000;

/// What each of them says.
const FILLS: &str = "a local connection ended";

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let mut node = Piped::start();
    let mut first = String::new();
    // as `anonetd run 2>&1 | head -1` does
    BufReader::new(node.log.take().unwrap()).read_line(&mut first).unwrap();
    node.wait_until_up();
    let output = node.run("submit", &["--wait", "held", tx(1).to_str().unwrap()]);
    // the failures of its dials are lines of the log
    thread::sleep(Duration::from_secs(1));
    let (lives, accepted) = (node.run("status", &[]).status.success(), output.status.code());
    let (code, _) = node.stop();
    assert_eq!((first.contains("anonetd"), accepted, lives, code), (true, Some(0), true, Some(0)), "{}", stderr(&output));
    assert!(fs::metadata(node.data().join("stash.redb")).is_ok());
}

#[test]
fn a_log_that_is_held_up_stops_nothing_and_says_how_much_of_it_is_lost() {
    let mut node = Piped::start();
    node.lose_lines();
    let log = BufReader::new(node.log.take().unwrap());
    let reading = thread::spawn(move || log.lines().map(Result::unwrap).collect::<Vec<_>>());
    node.wait_for("its end", |node| node.troubles().iter().all(|trouble| !trouble.starts_with("log")));
    node.fill(3);
    assert_eq!(node.stop().0, Some(0));
    let lines = reading.join().unwrap();
    let told = |line: &String| line.split_once("WARN lines of the log lost here").map(|(_, rest)| rest.to_owned());
    let places: Vec<usize> = (0..lines.len()).filter(|&at| told(&lines[at]).is_some()).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    let lost: usize = told(&lines[places[0]]).unwrap().rsplit_once(": ").unwrap().1.parse().unwrap();
    let fills = |lines: &[String]| lines.iter().filter(|line| line.contains(FILLS)).count();
    // beside those the node has a few of its own to say
    let all = fills(&lines) + lost;
    assert!(lost > 100 && (LINES + 3..LINES + 100).contains(&all), "{lost} lost, {all} in all");
    assert_eq!(fills(&lines[places[0]..]), 3, "what comes after it is there");
    assert!(lines.last().unwrap().ends_with("stopped"), "{lines:?}");
}

#[test]
fn a_log_that_is_never_read_on_lets_the_node_stop() {
    let mut node = Piped::start();
    node.lose_lines();
    let (code, took) = node.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
    let Piped { dir, .. } = node;
    let after = Daemon::start_in(dir, &["--no-public", "--add-peer", ONION, "--proxy", "tor,127.0.0.1:1"]);
    assert_eq!(stash(&after), [TX1]);
}
