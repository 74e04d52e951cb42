//! A machine's clock that is wrong at the start and set later, or set while the node runs, either way: nothing is given up for
//! it, nothing stalls, and `status` says what looks wrong.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Daemon, ONION, Scratch, TX1, TXS, stderr, tx};
use serde_json::Value;

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

/// A node whose machine's clock a test sets.
struct Machine {
    node: Daemon,
    file: PathBuf,
}

impl Machine {
    fn start(off: i64) -> Self {
        let dir = Scratch::new();
        let file = dir.file("clock", off.to_string());
        let shell = format!("export ANONET_TEST_CLOCK='{}';", file.display());
        let options = ["--no-public", "--add-peer", ONION, "--proxy", "tor,127.0.0.1:1"];
        Self { node: Daemon::start_under(&shell, dir, &options), file }
    }

    /// Sets the clock off by so many seconds.
    fn set(&self, off: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, off.to_string()).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    /// Stops the node without a word, and starts it with the clock off by so much.
    fn restart(&mut self, off: i64) {
        self.node.stop("-KILL");
        self.set(off);
        self.node.restart();
    }

    fn submit(&self, number: usize) {
        let output = self.node.command("submit").args(["--wait", "held"]).arg(tx(number)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }

    /// The own transactions, each with the hours that it is still kept.
    fn kept(&self) -> Vec<(String, u64)> {
        let status = self.node.status();
        let entry = |entry: &Value| {
            let hours = entry["expires_in_seconds"].as_u64().unwrap().div_ceil(3_600);
            (entry["txid"].as_str().unwrap().to_owned(), hours)
        };
        status["stash"].as_array().unwrap().iter().map(entry).collect()
    }

    fn trouble(&self, part: &str) -> Option<String> {
        let status = self.node.status();
        let troubles = status["troubles"].as_array().unwrap().clone();
        let reason = |trouble: Value| trouble["reason"].as_str().unwrap().to_owned();
        troubles.into_iter().find(|trouble| trouble["part"] == part).map(reason)
    }
}

fn whole(id: &str) -> Vec<(String, u64)> {
    vec![(id.to_owned(), 72)]
}

#[test]
fn a_start_with_the_clock_a_year_ahead_gives_nothing_up() {
    let mut machine = Machine::start(0);
    machine.submit(1);
    machine.restart(YEAR);
    machine.node.wait_for("the word of it", |_| machine.trouble("stash").is_some());
    let told = machine.trouble("stash").unwrap();
    assert!(told.starts_with("1 own transaction on disk are older than 72 h by this machine's clock, and wait"), "{told}");
    assert_eq!(machine.kept(), [], "what may be too old is not sent");
    // a network that sets the clock, as after every start of a machine without one of its own
    machine.set(0);
    machine.node.wait_for("the transaction", |_| !machine.kept().is_empty());
    assert_eq!(machine.kept(), whole(TX1));
    assert_eq!(machine.trouble("stash"), None);
    machine.restart(0);
    assert_eq!(machine.kept(), whole(TX1), "it is on disk as before");
    assert!(!machine.node.log().contains("given up:"), "{}", machine.node.log());
}

#[test]
fn who_hands_in_again_what_looks_too_old_has_it_sent() {
    let mut machine = Machine::start(0);
    machine.submit(1);
    machine.restart(4 * DAY);
    machine.node.wait_for("the word of it", |_| machine.trouble("stash").is_some());
    machine.submit(1);
    assert_eq!(machine.kept(), whole(TX1));
    machine.restart(4 * DAY);
    assert_eq!(machine.kept(), whole(TX1), "its new age is on disk");
}

#[test]
fn what_was_taken_while_the_clock_was_behind_is_as_old_as_it_is_once_it_is_set() {
    let mut machine = Machine::start(-YEAR);
    machine.submit(1);
    machine.set(0);
    machine.node.wait_for("the word of it", |machine| machine.log().contains("clock was set ahead"));
    machine.submit(2);
    machine.restart(0);
    let mut ids: Vec<(String, u64)> = machine.kept();
    ids.sort();
    let mut both = [whole(TX1), whole(TXS[1])].concat();
    both.sort();
    assert_eq!(ids, both);
    assert_eq!(machine.trouble("stash"), None);
}

#[test]
fn a_clock_that_is_set_while_the_node_runs_moves_no_timer() {
    let mut machine = Machine::start(0);
    machine.submit(1);
    for off in [YEAR, -YEAR] {
        machine.set(off);
        let way = if off > 0 { "ahead" } else { "back" };
        machine.node.wait_for("the word of it", |node| node.log().contains(&format!("clock was set {way}")));
        assert_eq!(machine.kept(), whole(TX1), "{off}");
    }
    // from the future, by the clock of this start
    machine.restart(-2 * YEAR);
    assert_eq!(machine.kept(), whole(TX1));
    machine.set(-40 * YEAR);
    machine.node.wait_for("the word that this cannot be", |_| machine.trouble("clock").is_some());
    machine.set(0);
    machine.node.wait_for("its end", |_| machine.trouble("clock").is_none());
    assert_eq!(machine.node.stop("-TERM").0, Some(0));
}
