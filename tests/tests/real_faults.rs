//! A proxy that fails in every way a proxy can, between our node and a real monerod: each
//! fault is named in the log, costs nothing, and is overcome once it is gone.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use anonet_tests::lab::{
    Auth, Chain, FakeSocks, Monerod, Node, Transaction, contains_part, free_port, onions, throughout, wait_for,
};
use serde_json::{Map, Value, json};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;
/// Words for a stream that the other side ended, and for one that made us wait too long.
const ENDED: &[&str] = &["closed", "reset", "ended", "lost"];
const LATE: &[&str] = &["timed out", "timeout", "no answer", "in time"];
const ENDED_OR_LATE: &[&str] = &["closed", "reset", "ended", "timed out", "timeout", "in time"];

/// The node under test, its onion peer's name, and what its proxy does to that name.
struct Patient {
    node: Node,
    name: String,
}

impl Patient {
    fn new(proxy_port: u16, name: &str) -> Self {
        let proxy = format!("tor,127.0.0.1:{proxy_port},4");
        let peer = format!("{name}:{VIRTUAL_PORT}");
        let node = Node::start(&["--no-public", "--proxy", &proxy, "--add-peer", &peer]);
        Self { node, name: name.to_owned() }
    }

    /// What it sent through the proxy to its peer, stream by stream.
    fn sent(&self, proxy: &FakeSocks) -> Vec<Vec<u8>> {
        let connects = proxy.connects().into_iter();
        let own: BTreeSet<u64> =
            connects.filter(|connect| connect.name.as_ref() == Some(&self.name)).map(|connect| connect.id).collect();
        let streams = proxy.sent().into_iter();
        streams.filter(|(id, _)| own.contains(id)).map(|(_, bytes)| bytes).collect()
    }

    fn delivered(&self, proxy: &FakeSocks, transaction: &Transaction) -> bool {
        let streams = self.sent(proxy);
        streams.iter().any(|sent| contains_all(sent, &transaction.bytes))
    }

    /// Not lost and not handed: it waits, and says why.
    fn assert_kept(&self, transaction: &Transaction) {
        let entry = self.node.stashed(transaction).expect("it is in the stash");
        match entry["state"].as_str() {
            Some("held") => assert!(entry["why"].as_str().is_some_and(|why| !why.is_empty()), "{entry}"),
            Some("queued") => {}
            _ => panic!("neither held nor queued: {entry}"),
        }
        assert_eq!(entry["peers_handed_to"], 0, "{entry}");
    }
}

fn contains_all(stream: &[u8], secret: &[u8]) -> bool {
    stream.windows(secret.len()).any(|window| window == secret)
}

/// A monerod that takes streams on a loopback port, in the name of whichever onion.
fn monerod_behind(name: &str, bind_port: u16) -> Monerod {
    let address = format!("{name}:{VIRTUAL_PORT}");
    // it must be given a proxy and never needs it
    Monerod::hidden(Chain::shared(), "tor", 9, &address, bind_port)
}

/// A rule of the proxy, and the words of which the log must use one.
struct Fault {
    rule: Value,
    causes: &'static [&'static str],
    within: Duration,
}

fn fault(rule: Value, causes: &'static [&'static str]) -> Fault {
    Fault { rule, causes, within: MINUTE }
}

/// One node per fault, all at once: the fault is named and nothing is lost; when the faults
/// end, each node delivers.
fn assert_overcome(faults: &[Fault], target: u16) {
    let names = onions(faults.len());
    let monerod = monerod_behind(&names[0], target);
    let rules = names.iter().zip(faults);
    let map: Map<String, Value> = rules.map(|(name, fault)| (name.clone(), fault.rule.clone())).collect();
    let proxy = FakeSocks::start(&Value::Object(map), Auth::Any);
    let transaction = Chain::shared().transaction(1);
    let patients: Vec<Patient> = names.iter().map(|name| Patient::new(proxy.port(), name)).collect();
    for patient in &patients {
        patient.node.submit_ok(&transaction);
    }
    for (patient, fault) in patients.iter().zip(faults) {
        eprintln!("fault {}", fault.rule);
        let line = patient.node.wait_for_problem(fault.causes, fault.within);
        assert!(!line.contains(&patient.name), "no peer's address: {line}");
        patient.assert_kept(&transaction);
        assert!(!patient.delivered(&proxy, &transaction));
    }
    assert_eq!(monerod.pool(), Vec::<String>::new());

    proxy.set_map(&json!({"*": target}));
    for (patient, fault) in patients.iter().zip(faults) {
        wait_for(&format!("delivery after {}", fault.rule), 3 * MINUTE, || {
            if patient.delivered(&proxy, &transaction) {
                return Ok(());
            }
            Err(patient.node.status())
        });
        wait_for("status says handed", 10 * SECOND, || patient.node.stashed_as(&transaction, "handed"));
    }
    wait_for("it is in monerod's pool", MINUTE, || monerod.holds(&transaction));
    for patient in patients {
        patient.node.stop();
    }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn every_refusal_is_named_and_overcome() {
    let causes: [(u8, &'static [&'static str]); 16] = [
        (1, &["general"]),
        (2, &["not allowed", "ruleset", "rules"]),
        (3, &["network unreachable", "network is unreachable"]),
        (4, &["host unreachable", "host is unreachable"]),
        (5, &["refused"]),
        (6, &["ttl", "timed out"]),
        (7, &["command"]),
        (8, &["address type"]),
        (240, &["descriptor"]),
        (241, &["descriptor"]),
        (242, &["introduction"]),
        (243, &["rendezvous"]),
        (244, &["authorization", "authorisation"]),
        (245, &["authorization", "authorisation"]),
        (246, &["address"]),
        (247, &["introduction"]),
    ];
    let faults = causes.map(|(code, causes)| fault(json!({"refuse": code}), causes));
    assert_overcome(&faults, free_port());
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn every_broken_stream_is_named_and_overcome() {
    let target = free_port();
    // takes connections, as the kernel does that, and never says a word
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent_port = silent.local_addr().expect("its address").port();
    let faults = [
        // a web server's answer, then nothing, then half an answer
        fault(json!({"reply": "485454502f312e3120343030"}), &["socks"]),
        fault(json!({"reply": ""}), ENDED),
        fault(json!({"reply": "050000"}), ENDED),
        // the stream is there, and ends inside either side's handshake
        fault(json!({"target": target, "drop_after_up": 40}), ENDED),
        fault(json!({"target": target, "drop_after_down": 40}), ENDED),
        fault(json!({"target": target, "drop_after_down": 40, "reset": true}), ENDED),
        Fault { within: 3 * MINUTE, ..fault(json!({"hang": true}), LATE) },
        fault(json!({"target": silent_port}), LATE),
        Fault { within: 3 * MINUTE, ..fault(json!({"target": target, "trickle": 1}), ENDED_OR_LATE) },
    ];
    assert_overcome(&faults, target);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_stream_cut_inside_the_transaction_loses_nothing() {
    // beyond the handshake, which takes about 300 bytes, and before the end
    const CUT: usize = 1000;
    let target = free_port();
    let name = &onions(1)[0];
    let monerod = monerod_behind(name, target);
    let proxy = FakeSocks::start(&json!({"*": {"target": target, "drop_after_up": CUT}}), Auth::Any);
    let transaction = Chain::shared().transaction(1);
    let patient = Patient::new(proxy.port(), name);
    patient.node.submit_ok(&transaction);
    wait_for("a stream is cut inside the transaction", MINUTE, || {
        let streams = patient.sent(&proxy);
        let cut = |sent: &Vec<u8>| sent.len() == CUT && contains_part(sent, &transaction.bytes);
        if streams.iter().any(cut) {
            return Ok(());
        }
        Err(format!("{:?}", streams.iter().map(Vec::len).collect::<Vec<_>>()))
    });
    patient.node.wait_for_problem(ENDED, MINUTE);
    let entry = patient.node.stashed(&transaction).expect("it is kept");
    assert!(entry["state"] != "expired" && entry["state"] != "abandoned", "{entry}");
    assert!(!patient.delivered(&proxy, &transaction));
    assert_eq!(monerod.pool(), Vec::<String>::new());

    proxy.set_map(&json!({"*": target}));
    wait_for("it is in monerod's pool", 3 * MINUTE, || monerod.holds(&transaction));
    patient.node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn odd_but_correct_answers_do_no_harm() {
    let target = free_port();
    let rules = [
        json!({"target": target, "reply_atyp": 3}),
        json!({"target": target, "reply_atyp": 4}),
        json!({"target": target, "trickle": 0.002}),
        json!({"target": target, "delay": 10}),
    ];
    let names = onions(rules.len());
    let monerod = monerod_behind(&names[0], target);
    let map: Map<String, Value> = names.iter().cloned().zip(rules).collect();
    let proxy = FakeSocks::start(&Value::Object(map.clone()), Auth::Any);
    let transaction = Chain::shared().transaction(1);
    for name in &names {
        let patient = Patient::new(proxy.port(), name);
        patient.node.submit_ok(&transaction);
        wait_for(&format!("delivery in spite of {}", map[name]), MINUTE, || {
            if patient.delivered(&proxy, &transaction) {
                return Ok(());
            }
            Err(patient.node.status())
        });
        patient.node.stop();
    }
    wait_for("it is in monerod's pool", MINUTE, || monerod.holds(&transaction));
}

/// A proxy that gives no isolation must not carry own transactions of the tor zone.
fn assert_refused_without_isolation(auth: Auth) {
    let (port, target) = (free_port(), free_port());
    let name = &onions(1)[0];
    let monerod = monerod_behind(name, target);
    let proxy = FakeSocks::start_on(port, &json!({"*": target}), auth);
    let transaction = Chain::shared().transaction(1);
    let patient = Patient::new(port, name);
    patient.node.submit_ok(&transaction);
    let line = patient.node.wait_for_problem(&["isolat"], MINUTE);
    assert!(line.contains("ERROR"), "{line}");
    throughout(10 * SECOND, || {
        assert_eq!(proxy.sent(), [], "nothing is sent");
        patient.assert_kept(&transaction);
    });
    assert!(!proxy.connects().is_empty(), "it did try");
    let zone = patient.node.zone("tor");
    let reason = zone["proxy_reason"].as_str().unwrap_or_default();
    assert!(reason.contains("isolat"), "{zone}");

    drop(proxy);
    let _proxy = FakeSocks::start_on(port, &json!({"*": target}), Auth::Require);
    wait_for("it is in monerod's pool", 3 * MINUTE, || monerod.holds(&transaction));
    patient.node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_proxy_without_authentication_carries_nothing() {
    assert_refused_without_isolation(Auth::None);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_proxy_that_rejects_us_carries_nothing() {
    assert_refused_without_isolation(Auth::Reject);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn no_two_streams_share_a_login() {
    const PEERS: usize = 12;
    let target = free_port();
    let names = onions(PEERS);
    let _monerod = monerod_behind(&names[0], target);
    let proxy = FakeSocks::start(&json!({"*": target}), Auth::Any);
    let mut options = vec!["--no-public".to_owned(), "--proxy".to_owned()];
    options.push(format!("tor,127.0.0.1:{},{PEERS}", proxy.port()));
    for name in &names {
        options.extend(["--add-peer".to_owned(), format!("{name}:{VIRTUAL_PORT}")]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let node = Node::start(&options);
    let connects = wait_for("ten dials", 2 * MINUTE, || {
        let connects = proxy.connects();
        if connects.len() >= 10 {
            return Ok(connects);
        }
        Err(format!("{connects:?}"))
    });
    let logins: [BTreeSet<&str>; 2] = [
        connects.iter().filter_map(|c| c.user.as_deref()).collect(),
        connects.iter().filter_map(|c| c.password.as_deref()).collect(),
    ];
    for parts in logins {
        assert_eq!(parts.len(), connects.len(), "{connects:?}");
        assert!(!parts.contains(""), "{connects:?}");
        // tor gives names that begin so a meaning of its own
        assert!(!parts.iter().any(|part| part.starts_with("<torS0X>")));
    }
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn held_means_held_until_there_is_a_way() {
    let (port, target) = (free_port(), free_port());
    let name = &onions(1)[0];
    let transaction = Chain::shared().transaction(1);
    let mut patient = Patient::new(port, name);
    let said = patient.node.submit_ok(&transaction);
    assert!(said.contains("held"), "{said}");
    assert!(said.contains("proxy") || said.contains("peer"), "it says why: {said}");
    let line = patient.node.wait_for_problem(&["held"], 10 * SECOND);
    assert!(line.contains("ERROR"), "{line}");
    patient.node.stashed_as(&transaction, "held").expect("held");
    patient.assert_kept(&transaction);
    assert_eq!(patient.node.zone("tor")["proxy_state"], "down");

    patient.node.restart();
    patient.node.stashed_as(&transaction, "held").expect("held");
    patient.assert_kept(&transaction);

    let proxy = FakeSocks::start_on(port, &json!({"*": target}), Auth::Any);
    let monerod = monerod_behind(name, target);
    wait_for("it is in monerod's pool", 30 * SECOND, || monerod.holds(&transaction));
    wait_for("status says handed", 10 * SECOND, || patient.node.stashed_as(&transaction, "handed"));
    assert!(patient.delivered(&proxy, &transaction));
    patient.node.stop();
}
