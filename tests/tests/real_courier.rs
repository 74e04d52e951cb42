//! Policy `courier` against real monerods behind a real Tor network, and with a proxy that records what it is asked.

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_tests::lab::{Auth, Chain, FakeSocks, Node, TorPair, Transaction, free_port, onions, wait_for};
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

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_recipient_that_is_full_costs_a_retry_and_not_the_transaction() {
    let (lab, chain) = (TorPair::shared(), Chain::shared());
    let (addresses, socks) = (lab.addresses(), lab.socks_port());
    let (full, open) = (lab.monerod(chain, 0, 1), lab.monerod(chain, 1, 40));
    // somebody else has the one place
    let proxy = format!("tor,127.0.0.1:{socks},1");
    let guest =
        Node::start(&["--no-public", "--relay-policy", "fluff", "--proxy", &proxy, "--add-exclusive-node", &addresses[0]]);
    wait_for("the one place is taken", 2 * MINUTE, || {
        let zone = guest.zone("tor");
        if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
    });
    let peers = ["--no-public", "--proxy", &proxy, "--add-peer", &addresses[0], "--add-peer", &addresses[1]];
    let node = Node::start(&[&OFTEN[..], &peers].concat());
    for number in [2, 3] {
        let transaction = chain.transaction(number);
        hand_in(&node, &transaction);
        wait_for("it is in the pool of the one with room", 3 * MINUTE, || open.holds(&transaction));
        assert!(full.holds(&transaction).is_err(), "nobody could hand it there");
    }
    node.stop();
    guest.stop();
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
    node.stop();
    for recipient in recipients {
        recipient.stop();
    }
}
