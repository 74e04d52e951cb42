//! Who reads the log of `anonetd` at its default level learns neither whether nor when something was sent.

mod common;

use std::net::TcpListener;

use common::monerod::Peer;
use common::{Daemon, Scratch, stderr, tx};

/// What a node logs, from its start to its stop, that is linked to one peer and sends so many transactions; without times, and
/// without numbers, which ports and directories have.
fn log(sends: usize) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let mut node = Daemon::start_in(Scratch::new(), &["--add-exclusive-node", &peer]);
    let _peer = Peer::listen(&listener);
    node.wait_for("a link", |node| node.status()["zones"][0]["outgoing"] == 1);
    for number in 1..=sends {
        let output = node.command("submit").args(["--wait", "held"]).arg(tx(number)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    node.wait_for("all to be on their way", |node| {
        let stash = node.status()["stash"].as_array().unwrap().clone();
        stash.len() == sends && stash.iter().all(|entry| entry["state"] != "held")
    });
    node.stop("-TERM");
    let line = |line: &str| {
        let (_, said) = line.split_once("Z ").unwrap_or(("", line));
        let word = |word: &str| if word.contains(|letter: char| letter.is_ascii_digit()) { "#".into() } else { word.to_owned() };
        said.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
    };
    node.log().lines().map(line).collect()
}

#[test]
fn with_a_way_out_the_log_is_the_same_whether_something_was_sent_or_not() {
    let quiet = log(0);
    assert!(quiet.len() > 3, "{quiet:?}");
    assert_eq!(quiet, log(2));
}
