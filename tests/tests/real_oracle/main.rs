//! The oracle that says whether anything leaks. Every suite has it, as every node of the lab runs under it (`Node` in
//! `tests/src/lab`); here it looks at the default configuration, at every option, and at every way in which a proxy can
//! fail, on an island from which no packet comes away unseen, and with an own transaction in every node.
//!
//! `ANONET_LONG=1` looks for longer, at every fault apart, and at combinations of options.

mod faults;
mod options;
mod shore;

use std::collections::BTreeSet;
use std::env;
use std::process::Command;
use std::sync::Mutex;
use std::thread::{scope, sleep};
use std::time::Duration;

use anonet_tests::lab::{Chain, anonetd, island, on_island};

use self::options::{cases, combinations};
use self::shore::{Shore, public_seeds};

/// How many nodes start or stop at a time.
const WORKERS: usize = 4;

/// Whether there is time for more than `.ci/run` has.
fn long() -> bool {
    env::var_os("ANONET_LONG").is_some_and(|value| !value.is_empty())
}

/// For how long each node is left to itself.
fn watch() -> Duration {
    Duration::from_secs(if long() { 30 } else { 6 })
}

/// Does something with each, a few at a time, and keeps the order.
fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(items.into_iter().enumerate());
    let mut done: Vec<(usize, R)> = scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            while let Some((number, item)) = { queue.lock().expect("nobody panics here").next() } {
                done.push((number, work(item)));
            }
            done
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        // the reason was printed there
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker failed")).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[test]
#[ignore = "needs the Debian packages iproute2 and python3; run by .ci/run"]
fn an_island_hears_what_leaves_it() {
    let run = |script: &str| {
        let mut python = Command::new("python3");
        python.args(["-c", &format!("import socket\n{script}")]);
        on_island(&["192.0.2.9:1".parse().expect("an address")], &python).code()
    };
    let dial = |addr: &str| format!("s = socket.socket()\ns.settimeout(0.2)\ntry: s.connect({addr})\nexcept OSError: pass");
    let say = |family: &str, host: &str| format!("socket.socket(socket.{family}, socket.SOCK_DGRAM).sendto(b'', ('{host}', 53))");
    assert_eq!(run(""), Some(0));
    assert_eq!(run("raise SystemExit(7)"), Some(7));
    assert_eq!(run(&dial("('192.0.2.9', 1)")), Some(0), "it is allowed");
    for foreign in [dial("('192.0.2.9', 2)"), say("AF_INET", "192.0.2.9"), say("AF_INET6", "2001:db8::9")] {
        assert_eq!(run(&foreign), Some(99), "{foreign}");
    }
}

#[test]
#[ignore = "needs the Debian packages monero, strace and iproute2; run by .ci/run"]
fn no_option_and_no_failure_of_a_proxy_makes_a_node_reach_further() {
    let mut allow = public_seeds();
    allow.push(shore::STRANGER.parse().expect("an address"));
    island("no_option_and_no_failure_of_a_proxy_makes_a_node_reach_further", &allow, || {
        let shore = Shore::start();
        let cases = cases(&shore);
        assert_every_option_is_among(&cases);
        // they have failures to wait for meanwhile
        let unlucky = faults::start(&shore);
        assert_clean(&shore, cases);
        unlucky.assert_kept();
        shore.assert_nothing_of_ours_is_public();
        if long() {
            for batch in combinations(&shore).chunks(12) {
                assert_clean(&shore, batch.to_vec());
            }
        }
        assert_submissions_are_clean(&shore);
    });
}

/// Runs all cases side by side, each with an own transaction.
fn assert_clean(shore: &Shore, cases: Vec<options::Case>) {
    let running = each(cases, |case| case.start());
    sleep(watch());
    let nodes = each(running, |running| running.settle());
    shore.assert_nothing_of_ours_is_public();
    // the end of each is when it is judged
    each(nodes, |node| node.stop());
}

/// `anonetd submit` without a node, whether it succeeds or not.
fn assert_submissions_are_clean(shore: &Shore) {
    let transaction = Chain::shared().transaction(1);
    each(options::submissions(shore, &transaction.file.to_string_lossy()), anonetd);
    shore.assert_nothing_of_ours_is_public();
}

/// Every option of every command is in a case, or in the list of those that have no use for one.
fn assert_every_option_is_among(cases: &[options::Case]) {
    let told = |text: &str| text.trim_start().split([' ', '=']).find_map(|word| word.strip_prefix("--").map(str::to_owned));
    let mut known = BTreeSet::new();
    for command in ["run", "check", "submit", "abandon", "status", "decode"] {
        let help = anonetd([command, "--help"]);
        let text = String::from_utf8(help.stdout).expect("text");
        let lines = text.lines().filter(|line| line.trim_start().starts_with('-'));
        known.extend(lines.filter_map(|line| told(line.trim_start().trim_start_matches("-h, "))));
    }
    assert!(known.len() > 50, "{known:?}");
    let mut covered: BTreeSet<String> = cases.iter().flat_map(options::Case::names).collect();
    for (option, why) in options::WITHOUT_CASE {
        assert!(!why.is_empty() && !covered.contains(*option), "--{option} is in a case and needs no excuse");
        covered.insert((*option).to_owned());
    }
    let missing: Vec<_> = known.difference(&covered).collect();
    assert!(missing.is_empty(), "these options are in no case of real_oracle, and in no list that says why: {missing:?}");
    let gone: Vec<_> = covered.difference(&known).collect();
    assert!(gone.is_empty(), "anonetd has no such options: {gone:?}");
}
