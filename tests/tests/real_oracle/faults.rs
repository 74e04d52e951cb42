//! Every way in which a proxy can fail, with an own transaction in each node.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::spawn;
use std::time::Duration;

use anonet_tests::lab::{Auth, Chain, FakeSocks, Node, anonetd, wait_for};
use serde_json::{Map, Value, json};

use super::shore::{Shore, VIRTUAL_PORT};
use super::{each, long};

/// What a proxy that grants everything answers a CONNECT with.
const GRANTED: &str = "05000001000000000000";
/// How many faulty peers one node has, where there is no time to take them apart.
const TOGETHER: usize = 5;

/// What becomes of a CONNECT, in the words of `tests/lab/fakesocks`.
fn rules(shore: &Shore) -> Vec<Value> {
    let target = shore.hidden_port;
    let codes = (1..=9).chain([90, 91]).chain(240..=248).chain([255]);
    let refused = codes.map(|code| json!({"refuse": code}));
    // the answer cut at each byte
    let cut = (0..GRANTED.len() / 2).map(|end| json!({"reply": GRANTED[..2 * end]}));
    let odd = [
        "485454502f312e3120343030",
        "04000001000000000000",
        "005a000000000000",
        // no such type of address; a name that is longer than what follows; of no length
        "05000009000000000000",
        "05000003ff616263",
        "05000003000000",
        // another address than was asked for, which is not to be followed
        "0500000109090909 46a0",
        "050000030b6578616d706c652e6f7267 0050",
        "0500000420010db8000000000000000000000001 46a0",
    ];
    let odd = odd.iter().map(|reply| json!({"reply": reply.replace(' ', "")}));
    let streams = [
        json!({"hang": true}),
        json!({"target": target, "delay": 3, "drop_after_down": 0}),
        json!({"target": target, "trickle": 1}),
        json!({"target": 9}),
    ];
    // the stream ends inside either side's handshake, which takes about 300 bytes; beyond that a transaction may be handed over
    let handshake = if long() { (0..=200).step_by(8).collect() } else { vec![0, 1, 8, 33, 40, 200] };
    let ends = handshake.into_iter().flat_map(|end| {
        [
            json!({"target": target, "drop_after_up": end}),
            json!({"target": target, "drop_after_down": end}),
            json!({"target": target, "drop_after_down": end, "reset": true}),
        ]
    });
    refused.chain(cut).chain(odd).chain(streams).chain(ends).collect()
}

/// What a proxy says to the greeting and to the login, each after it has heard something; it hangs up then, or waits.
const GREETINGS: [(&[&[u8]], bool); 14] = [
    (&[], true),
    (&[], false),
    (&[b"\x05"], true),
    (&[b"\x05"], false),
    // no method; one that was not offered; of another protocol
    (&[b"\x05\xff"], true),
    (&[b"\x05\x01"], true),
    (&[b"\x05\x80"], false),
    (&[b"\x04\x02"], true),
    (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], true),
    // the login is refused, cut, of another version, or never answered
    (&[b"\x05\x02", b"\x01\x01"], true),
    (&[b"\x05\x02", b"\x01"], true),
    (&[b"\x05\x02", b"\x05\x00"], true),
    (&[b"\x05\x02"], true),
    (&[b"\x05\x02"], false),
];

/// A proxy that says this to everybody, for as long as this program runs.
fn rude(answers: &'static [&'static [u8]], hangs_up: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let talk = move |mut stream: TcpStream| {
        let mut heard = [0; 600];
        for answer in answers {
            if !matches!(stream.read(&mut heard), Ok(1..)) || stream.write_all(answer).is_err() {
                return;
            }
        }
        // it hears what comes, and waits for the other side to give up
        while !hangs_up && matches!(stream.read(&mut heard), Ok(1..)) {}
    };
    spawn(move || listener.incoming().flatten().for_each(|stream| drop(spawn(move || talk(stream)))));
    port
}

/// A node whose tor has this proxy, and that knows these onions and a public peer.
fn start_node(shore: &Shore, proxy: u16, names: &[String]) -> Node {
    let tor = format!("tor,127.0.0.1:{proxy},{TOGETHER}");
    let public = format!("127.0.0.1:{}", shore.tap.port());
    let mut options = vec!["--proxy".to_owned(), tor, "--add-peer".to_owned(), public];
    options.extend(names.iter().flat_map(|name| ["--add-peer".to_owned(), format!("{name}:{VIRTUAL_PORT}")]));
    let node = Node::start(&options.iter().map(String::as_str).collect::<Vec<_>>());
    let (transaction, data_dir) = (Chain::shared().transaction(1), node.data_dir());
    node.knows(&transaction);
    let [file, data_dir] = [&transaction.file, &data_dir].map(|path| path.to_string_lossy().into_owned());
    let output = anonetd(["submit", &file, "--wait", "held", "--data-dir", &data_dir]);
    assert!(output.status.success(), "{output:?}");
    node
}

/// Nodes whose proxies fail.
pub(super) struct Unlucky {
    nodes: Vec<Node>,
    /// Fails for each of these names in a way of its own.
    faulty: FakeSocks,
    names: Vec<String>,
    _reject: FakeSocks,
}

/// Starts a node for each few failures.
pub(super) fn start(shore: &Shore) -> Unlucky {
    let rules = rules(shore);
    let names = shore.names[shore.names.len() - rules.len()..].to_vec();
    let map: Map<String, Value> = names.iter().cloned().zip(rules).collect();
    let faulty = FakeSocks::start(&Value::Object(map), Auth::Any);
    let reject = FakeSocks::start(&json!({}), Auth::Reject);
    let mut proxies: Vec<(u16, Vec<String>)> =
        names.chunks(if long() { 1 } else { TOGETHER }).map(|names| (faulty.port(), names.to_vec())).collect();
    let one = vec![shore.names[0].clone()];
    proxies.extend(GREETINGS.map(|(answers, hangs_up)| (rude(answers, hangs_up), one.clone())));
    proxies.extend([9, reject.port()].map(|port| (port, one.clone())));
    let nodes = each(proxies, |(proxy, names)| start_node(shore, proxy, &names));
    Unlucky { nodes, faulty, names, _reject: reject }
}

impl Unlucky {
    /// Whatever the proxy did, the transaction waits for it.
    pub(super) fn assert_kept(self) {
        wait_for("each fault has happened", Duration::from_secs(60), || {
            let asked = self.faulty.connects();
            let missing = |name: &&String| !asked.iter().any(|connect| connect.name.as_ref() == Some(name));
            let missing: Vec<_> = self.names.iter().filter(missing).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
        });
        let transaction = Chain::shared().transaction(1);
        each(self.nodes, |node| {
            let entry = node.stashed(&transaction).expect("it is in the stash");
            assert!(entry["state"] == "held" || entry["state"] == "queued", "{entry}");
            assert_eq!(entry["peers_handed_to"], 0, "{entry}");
            node.stop();
        });
    }
}
