//! Policy `courier` against real monerods behind a real Tor network, and with a proxy that records what it is asked.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_tests::lab::{
    Auth, Chain, Crowd, FakeSocks, Monerod, Node, TorPair, Transaction, contains_part, free_port, onions, wait_for,
};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;

/// Couriers so often that a test need not wait, and otherwise as they are.
const OFTEN: [&str; 8] =
    ["--relay-policy", "courier", "--privacy", "fast", "--courier-every", "2,8,20", "--courier-first-record", "1,2"];

/// As a wallet does, which does not wait for what becomes of it.
fn hand_in(node: &Node, transaction: &Transaction) {
    let hex: String = transaction.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let answer = node.rpc("/send_raw_transaction", &json!({"tx_as_hex": hex}));
    assert_eq!(answer["status"], "OK", "{answer}");
}

fn couriers(node: &Node) -> Value {
    node.zone("tor")["couriers"].clone()
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerods_get_transactions_of_every_size_from_couriers_over_tor() {
    let (lab, chain) = (TorPair::shared(), Chain::shared());
    let (addresses, socks) = (lab.addresses(), lab.socks_port());
    let monerods = [0, 1].map(|place| lab.monerod(chain, place, 40));
    let proxy = format!("tor,127.0.0.1:{socks},1");
    let peers = ["--no-public", "--proxy", &proxy, "--add-peer", &addresses[0], "--add-peer", &addresses[1]];
    let node = Node::start(&[&OFTEN[..], &peers].concat());
    assert_eq!(node.zone("tor")["relay_policy"], "courier");
    wait_for("couriers are answered with nothing to send", 2 * MINUTE, || {
        let couriers = couriers(&node);
        if couriers["answered"].as_u64() >= Some(3) { Ok(()) } else { Err(couriers) }
    });
    assert_eq!(couriers(&node)["carriers"], 2);
    // one that fits into a record, and one that takes three
    for number in [1, 4] {
        let transaction = chain.transaction(number);
        hand_in(&node, &transaction);
        let holds =
            || if monerods.iter().any(|monerod| monerod.holds(&transaction).is_ok()) { Ok(()) } else { Err(couriers(&node)) };
        wait_for("a courier has brought it to a pool", 3 * MINUTE, holds);
        let entry = wait_for("status says handed", MINUTE, || node.stashed_as(&transaction, "handed"));
        assert_eq!((entry["peers_handed_to"].as_u64(), entry["zone"].as_str()), (Some(1), Some("tor")), "{entry}");
    }
    node.stop();
}

/// Hands in these transactions where one of two recipients, at service 0, is of no use, and returns the node once all are with
/// the other.
fn all_reach_the_other(lab: &TorPair, numbers: [usize; 2], open: &Monerod, options: &[&str]) -> Node {
    let (addresses, proxy) = (lab.addresses(), format!("tor,127.0.0.1:{},1", lab.socks_port()));
    let peers = ["--no-public", "--proxy", &proxy, "--add-peer", &addresses[0], "--add-peer", &addresses[1]];
    let node = Node::start(&[&OFTEN[..6], options, &peers].concat());
    for number in numbers {
        let transaction = Chain::shared().transaction(number);
        hand_in(&node, &transaction);
        wait_for("it is in the pool of the one with room", 3 * MINUTE, || open.holds(&transaction));
    }
    node
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_recipient_that_is_full_costs_a_retry_and_not_the_transaction() {
    let (lab, chain) = (TorPair::shared(), Chain::shared());
    let (full, open) = (lab.monerod(chain, 0, 1), lab.monerod(chain, 1, 40));
    // somebody else has the one place
    let (proxy, place) = (format!("tor,127.0.0.1:{},1", lab.socks_port()), &lab.addresses()[0]);
    let guest = Node::start(&["--no-public", "--relay-policy", "fluff", "--proxy", &proxy, "--add-exclusive-node", place]);
    let has_the_place = || match guest.zone("tor") {
        zone if zone["outgoing"] == 1 => Ok(()),
        zone => Err(zone),
    };
    wait_for("the one place is taken", 2 * MINUTE, has_the_place);
    let node = all_reach_the_other(lab, [2, 3], &open, &OFTEN[6..]);
    wait_for("couriers came to nothing", 2 * MINUTE, || {
        let couriers = couriers(&node);
        let [sent, flying, answered] = ["sent", "under_way", "answered"].map(|key| couriers[key].as_u64().expect("a count"));
        if sent - flying > answered { Ok(()) } else { Err(couriers) }
    });
    assert_eq!(full.pool(), Vec::<String>::new(), "nobody could hand it anything");
    assert_eq!(has_the_place(), Ok(()), "it was full all the time");
    node.stop();
    guest.stop();
}

/// With more than 120 sockets open monerod closes those from one host, and to it all hidden callers are one, after 1.2 s of
/// silence: before the first record that comes later, and else before the end.
#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_recipient_with_130_open_sockets_costs_a_retry_and_not_the_transaction() {
    let (lab, chain) = (TorPair::shared(), Chain::shared());
    let (crowded, open) = (lab.monerod(chain, 0, 200), lab.monerod(chain, 1, 40));
    let crowd = Crowd::at(lab.port(0), 130);
    all_reach_the_other(lab, [1, 2], &open, &["--courier-first-record", "2,3"]).stop();
    assert_eq!(crowded.pool(), Vec::<String>::new(), "no record came in time");
    // each of two recipients is the one that has rested, once
    let node = all_reach_the_other(lab, [3, 4], &open, &["--courier-first-record", "0.4,0.6"]);
    node.wait_for_problem(&["a link ended before its peer had surely read an own transaction"], MINUTE);
    assert!(crowd.thrown_out() > 0);
    node.stop();
}

#[test]
#[ignore = "needs the Debian package monero; run by .ci/run"]
fn ten_transactions_take_ten_recipients_and_credentials_of_their_own() {
    let names = onions(10);
    let ports: Vec<u16> = names.iter().map(|_| free_port()).collect();
    let map = names.iter().zip(&ports).map(|(name, port)| (name.clone(), json!({"target": port}))).collect();
    let proxy = FakeSocks::start(&Value::Object(map), Auth::Require);
    let at = format!("tor,127.0.0.1:{},1", proxy.port());
    let recipients: Vec<Node> = names
        .iter()
        .zip(&ports)
        .map(|(name, port)| {
            let inbound = format!("{name}:{VIRTUAL_PORT},127.0.0.1:{port}");
            Node::start(&["--no-public", "--proxy", &at, "--anonymous-inbound", &inbound])
        })
        .collect();
    let mut options: Vec<String> =
        ["--no-public", "--proxy", &at].iter().chain(&OFTEN).map(|&option| option.to_owned()).collect();
    for name in &names {
        options.extend(["--add-peer".to_owned(), format!("{name}:{VIRTUAL_PORT}")]);
    }
    let node = Node::start(&options.iter().map(String::as_str).collect::<Vec<_>>());
    let chain = Chain::with_transactions(10);
    let transactions: Vec<_> = (1..=10).map(|number| chain.transaction(number)).collect();
    transactions.iter().for_each(|transaction| hand_in(&node, transaction));
    let got = |transaction| (0..10).find(|&place: &usize| recipients[place].received(transaction).is_some());
    wait_for("each has arrived somewhere", 5 * MINUTE, || {
        let missing = transactions.iter().filter(|transaction| got(transaction).is_none()).count();
        if missing == 0 { Ok(()) } else { Err(json!({"missing": missing, "couriers": couriers(&node)})) }
    });
    let places: BTreeSet<usize> = transactions.iter().filter_map(got).collect();
    assert_eq!(places.len(), 10, "nobody got two");
    let connects = proxy.connects();
    let users: BTreeSet<_> = connects.iter().map(|connect| (&connect.user, &connect.password)).collect();
    assert_eq!(users.len(), connects.len(), "credentials are never used twice");
    let streams = proxy.sent();
    let carried = |transaction: &Transaction| -> Vec<u64> {
        let parts = |(_, bytes): &&(u64, Vec<u8>)| contains_part(bytes, &transaction.bytes);
        streams.iter().filter(parts).map(|(id, _)| *id).collect()
    };
    let on: Vec<Vec<u64>> = transactions.iter().map(carried).collect();
    assert!(on.iter().all(|streams| streams.len() == 1), "each on one stream: {on:?}");
    assert_eq!(on.iter().flatten().collect::<BTreeSet<_>>().len(), 10, "and on one of its own: {on:?}");
    node.stop();
    for recipient in recipients {
        recipient.stop();
    }
}
