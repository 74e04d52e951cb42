//! Restarts between a node and two real monerods behind a real Tor network: an accepted transaction is delivered
//! after every way to end, no recipient gets it twice, and it becomes public only when it is certain that it never left.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use anonet_tests::lab::{Chain, Monerod, Node, Tap, TorNet, Transaction, contains_part, free_port, throughout, wait_for};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;
/// Shorter than the least pause before a further round, 5 minutes: what comes twice within it was sent twice by mistake.
const WATCH: Duration = Duration::from_secs(30);
/// redb's page.
const PAGE: usize = 4_096;

/// One network for the whole program. What tor brings to each monerod is recorded.
struct Lab {
    net: TorNet,
    recipients: [(Monerod, Tap); 2],
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let ports = [free_port(), free_port()];
        let taps = ports.map(Tap::start);
        let net = TorNet::start(&[("first", VIRTUAL_PORT, taps[0].port()), ("second", VIRTUAL_PORT, taps[1].port())]);
        let [first, second] = taps;
        let start = |service: &str, port, tap| {
            let address = format!("{}:{VIRTUAL_PORT}", net.onion(service));
            (Monerod::hidden(Chain::shared(), "tor", net.socks_port(), &address, port), tap)
        };
        let recipients = [start("first", ports[0], first), start("second", ports[1], second)];
        Lab { net, recipients }
    })
}

impl Lab {
    /// How often each recipient was sent the transaction, on all its streams.
    fn arrivals(&self, transaction: &Transaction) -> [usize; 2] {
        let copies =
            |stream: &[u8]| stream.windows(transaction.bytes.len()).filter(|window| *window == transaction.bytes).count();
        [0, 1].map(|index| self.recipients[index].1.sent().iter().map(|(_, stream)| copies(stream)).sum())
    }

    /// Waits until a monerod has the transaction, and makes sure for a while that none is sent it twice.
    fn assert_delivered_once(&self, transaction: &Transaction) {
        wait_for("it is in a monerod's pool", 2 * MINUTE, || {
            let seen: Vec<_> = self.recipients.iter().map(|(monerod, _)| monerod.holds(transaction)).collect();
            if seen.iter().any(Result::is_ok) { Ok(()) } else { Err(format!("{seen:?}")) }
        });
        throughout(WATCH, || {
            let arrivals = self.arrivals(transaction);
            assert!(arrivals.iter().all(|&count| count <= 1), "{arrivals:?}");
        });
    }

    /// A node whose way to tor is `port`, and which knows both services.
    fn node(&self, port: u16) -> Node {
        let address = |service: &str| format!("{}:{VIRTUAL_PORT}", self.net.onion(service));
        let (first, second) = (address("first"), address("second"));
        let proxy = format!("tor,127.0.0.1:{port},4");
        Node::start(&["--no-public", "--proxy", &proxy, "--add-peer", &first, "--add-peer", &second])
    }

    /// Brings up a node's way to tor.
    fn open(&self, port: u16) -> Tap {
        Tap::start_on(port, self.net.socks_port())
    }
}

/// Submitted while tor is down, ended by `end`, started again with tor up.
fn assert_survives(number: usize, end: impl FnOnce(&mut Node)) {
    let (lab, port, transaction) = (lab(), free_port(), Chain::shared().transaction(number));
    let mut node = lab.node(port);
    let said = node.submit_ok(&transaction);
    assert!(said.contains("held"), "{said}");
    end(&mut node);
    let _way = lab.open(port);
    node.start_again();
    lab.assert_delivered_once(&transaction);
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_clean_stop_loses_nothing_and_sends_nothing_twice() {
    assert_survives(1, Node::halt);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_kill_loses_nothing_and_sends_nothing_twice() {
    assert_survives(2, Node::kill);
}

fn store(node: &Node) -> PathBuf {
    node.data_dir().join("stash.redb")
}

/// What a power cut leaves of a write: of the pages that differ, some are new and some old.
fn torn(old: &[u8], new: &[u8], is_new: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut torn = old.to_vec();
    torn.resize(old.len().max(new.len()), 0);
    for (page, content) in new.chunks(PAGE).enumerate() {
        if is_new(page) {
            torn[page * PAGE..][..content.len()].copy_from_slice(content);
        }
    }
    torn
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_power_cut_within_a_write_loses_nothing_and_sends_nothing_twice() {
    let second = Chain::shared().transaction(4);
    assert_survives(3, |node| {
        let before = fs::read(store(node)).expect("the store can be read");
        node.submit_ok(&second);
        let after = fs::read(store(node)).expect("the store can be read");
        assert_ne!(before, after);
        node.kill();
        // the second one's write, cut at every kind of place: the first, accepted before, is there each time
        let page = |file: &[u8], number: usize| file.chunks(PAGE).nth(number).map(<[u8]>::to_vec);
        let pages = 0..after.len().div_ceil(PAGE);
        let changed: Vec<usize> = pages.filter(|&number| page(&before, number) != page(&after, number)).collect();
        let middle = changed[changed.len() / 2];
        let cuts: [Box<dyn Fn(usize) -> bool>; 4] = [
            Box::new(|page| page == 0),
            Box::new(|page| page != 0),
            Box::new(move |page| page <= middle),
            Box::new(move |page| page > middle),
        ];
        for is_new in &cuts {
            fs::write(store(node), torn(&before, &after, is_new)).expect("the store can be written");
            node.start_again();
            let first = Chain::shared().transaction(3);
            node.stashed_as(&first, "held").expect("it survives the cut");
            node.kill();
        }
        fs::write(store(node), torn(&before, &after, &cuts[2])).expect("the store can be written");
    });
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_kill_right_after_the_hand_over_sends_nothing_twice() {
    let (lab, port, transaction) = (lab(), free_port(), Chain::shared().transaction(4));
    let _way = lab.open(port);
    let mut node = lab.node(port);
    node.submit_ok(&transaction);
    wait_for("it is sent", 2 * MINUTE, || match lab.arrivals(&transaction) {
        [0, 0] => Err(node.status()),
        _ => Ok(()),
    });
    node.kill();
    node.start_again();
    lab.assert_delivered_once(&transaction);
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn after_a_kill_its_recipient_never_gets_it_again_and_another_one_does() {
    let (lab, port, transaction) = (lab(), free_port(), Chain::shared().transaction(2));
    let _way = lab.open(port);
    let proxy = format!("tor,127.0.0.1:{port},4");
    let [first, second] = ["first", "second"].map(|service| format!("{}:{VIRTUAL_PORT}", lab.net.onion(service)));
    // exclusive, as the first may have heard of the second from the nodes of other tests, and tell of it
    let options = ["--no-public", "--retry-pause", "3,6", "--proxy", &proxy, "--add-exclusive-node", &first];
    let before = lab.arrivals(&transaction);
    let since = || [0, 1].map(|index| lab.arrivals(&transaction)[index] - before[index]);
    let mut node = Node::start(&options);
    node.submit_ok(&transaction);
    wait_for("it is sent", 2 * MINUTE, || if since() == [1, 0] { Ok(()) } else { Err(node.status()) });
    for _ in 0..2 {
        node.kill();
        node.start_again();
        let entry = wait_for("it is held for want of another peer", MINUTE, || {
            let entry = node.stashed_as(&transaction, "held")?;
            if entry.to_string().contains("may have it already") { Ok(entry) } else { Err(entry.to_string()) }
        });
        assert_eq!(node.zone("tor")["outgoing"], 1, "the recipient is linked again: {entry}");
        throughout(WATCH, || assert_eq!(since(), [1, 0]));
    }
    node.halt();
    node.set_options(&[&options[..], &["--add-exclusive-node", &second]].concat());
    node.start_again();
    wait_for("the other one is sent it", 2 * MINUTE, || if since() == [1, 1] { Ok(()) } else { Err(node.status()) });
    throughout(WATCH, || assert_eq!(since(), [1, 1]));
    node.stop();
}

/// A monerod of the public network whose line is tapped.
fn public_peer() -> (Monerod, Tap) {
    let peer = Monerod::start(Chain::shared(), &["--synced"]);
    let tap = Tap::start(peer.p2p_port());
    (peer, tap)
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn restarted_with_the_public_network_only_what_never_left_is_sent_after_a_warning_that_counts() {
    let (peer, tap) = public_peer();
    let transactions = [1, 2].map(|number| Chain::shared().transaction(number));
    let mut node = lab().node(free_port());
    for transaction in &transactions {
        node.submit_ok(transaction);
    }
    node.halt();
    node.set_options(&["--add-peer", &format!("127.0.0.1:{}", tap.port())]);
    node.start_again();
    let line = node.wait_for_problem(&["2 own transactions of earlier runs never left"], 10 * SECOND);
    assert!(line.contains("WARN") && line.contains("public network"), "{line}");
    for transaction in &transactions {
        wait_for("it is in the public peer's pool", 3 * MINUTE, || peer.holds(transaction));
    }
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn restarted_with_the_public_network_only_what_anonymity_peers_may_know_stays() {
    let (lab, port, transaction) = (lab(), free_port(), Chain::shared().transaction(3));
    let (peer, tap) = public_peer();
    let way = lab.open(port);
    let mut node = lab.node(port);
    node.submit_ok(&transaction);
    wait_for("status says handed", 2 * MINUTE, || node.stashed_as(&transaction, "handed"));
    node.halt();
    drop(way);
    node.set_options(&["--add-peer", &format!("127.0.0.1:{}", tap.port())]);
    node.start_again();
    let line = node.wait_for_problem(&["1 own transaction of earlier runs may be known"], 10 * SECOND);
    assert!(line.contains("WARN") && line.contains("stay held"), "{line}");
    wait_for("the public link is up", MINUTE, || match peer.connections().len() {
        0 => Err(node.status()),
        _ => Ok(()),
    });
    throughout(WATCH, || {
        assert_eq!(peer.pool(), Vec::<String>::new());
        for (number, bytes) in tap.sent() {
            assert!(!contains_part(&bytes, &transaction.bytes), "connection {number} carried a part of the transaction");
        }
        node.stashed_as(&transaction, "held").expect("it is held");
    });
    node.stop();
}
