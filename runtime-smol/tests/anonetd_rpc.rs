//! The RPC for wallets, by raw HTTP.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{Daemon, TX1, split, tx1_hex};
use serde_json::{Value, json};

const SEND_KEYS: [&str; 17] = [
    "status",
    "reason",
    "not_relayed",
    "low_mixin",
    "double_spend",
    "invalid_input",
    "invalid_output",
    "too_big",
    "overspend",
    "fee_too_low",
    "too_few_outputs",
    "sanity_check_failed",
    "tx_extra_too_big",
    "nonzero_unlock_time",
    "credits",
    "top_hash",
    "untrusted",
];

#[test]
fn a_wallet_can_submit() {
    let node = Daemon::start(&[]);
    let request = json!({"tx_as_hex": tx1_hex(), "do_not_relay": false, "do_sanity_checks": true, "client": "x"}).to_string();
    for path in ["/send_raw_transaction", "/sendrawtransaction"] {
        let (code, answer) = node.post(path, &request);
        assert_eq!((code, &answer["status"], &answer["reason"]), (200, &"OK".into(), &"".into()), "{answer}");
        for key in SEND_KEYS {
            assert!(answer.get(key).is_some(), "{key} is missing: {answer}");
        }
        assert_eq!((&answer["anonet_state"], &answer["not_relayed"]), (&"held".into(), &false.into()));
        assert!(answer["anonet_why"].as_str().is_some_and(|why| !why.is_empty()), "{answer}");
    }
    let stash = &node.status()["stash"];
    assert_eq!((stash.as_array().unwrap().len(), &stash[0]["txid"]), (1, &TX1.into()));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let node = Daemon::start(&[]);
    let hex = tx1_hex();
    for (request, reason, flag) in [
        (json!({"tx_as_hex": "xyz"}), "Hex decoding failed", ""),
        (json!({"tx_as_hex": "000"}), "Hex decoding failed", ""),
        (json!({"tx_as_hex": &hex[..100]}), "cut off", "sanity_check_failed"),
        (json!({"tx_as_hex": format!("{hex}00")}), "follow the end", "sanity_check_failed"),
        (json!({"tx_as_hex": ""}), "empty", "sanity_check_failed"),
        (json!({"tx_as_hex": "02".repeat(1_000_001)}), "1000001 bytes", "too_big"),
        (json!({"tx_as_hex": hex, "do_not_relay": true}), "do_not_relay", ""),
    ] {
        let (code, answer) = node.post("/send_raw_transaction", &request.to_string());
        assert_eq!((code, &answer["status"]), (200, &"Failed".into()), "{reason}: {answer}");
        assert!(answer["reason"].as_str().unwrap().contains(reason), "{reason}: {answer}");
        assert!(flag.is_empty() || answer[flag] == true, "{flag}: {answer}");
    }
    assert_eq!(node.post("/send_raw_transaction", "{").0, 400);
    assert_eq!(node.status()["stash"], Value::Array(vec![]));
}

#[test]
fn the_node_describes_itself() {
    let node = Daemon::start(&[]);
    let (code, mut info) = node.post("/get_info", "");
    assert_eq!(code, 200);
    assert_eq!((&info["height"], &info["nettype"], &info["offline"]), (&1.into(), &"fakechain".into(), &false.into()));
    assert_eq!((&info["status"], &info["synchronized"]), (&"OK".into(), &false.into()));
    // the zones go on dialling between the two questions
    assert_eq!(info["anonet_zones"].take()[0]["name"], "tor");
    let request = "GET /getinfo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut other = split(&node.rpc(request.as_bytes())).1;
    other["anonet_zones"].take();
    assert_eq!(other, info);
}

#[test]
fn other_requests_are_refused() {
    let node = Daemon::start(&[]);
    let hosts = "Host: 127.0.0.1\r\nConnection: close\r\n";
    for (head, code) in [
        (format!("POST /getblocks.bin HTTP/1.1\r\n{hosts}"), 404),
        (format!("OPTIONS /json_rpc HTTP/1.1\r\n{hosts}"), 405),
        (format!("POST /status HTTP/1.1\r\n{hosts}"), 404),
        (format!("GET /send_raw_transaction HTTP/1.1\r\n{hosts}"), 405),
        (format!("POST /get_info HTTP/1.1\r\n{hosts}Origin: http://evil.example\r\n"), 403),
        (format!("POST /get_info HTTP/1.1\r\n{hosts}Origin: null\r\n"), 403),
        ("POST /get_info HTTP/1.1\r\nHost: evil.example:18091\r\nConnection: close\r\n".into(), 403),
        (format!("POST /get_info HTTP/1.1\r\n{hosts}Origin: http://localhost:3000\r\n"), 200),
        // refused on its headers, before a body is sent
        (format!("POST /send_raw_transaction HTTP/1.1\r\n{hosts}Content-Length: 2621441\r\n"), 413),
    ] {
        let answer = node.rpc(format!("{head}\r\n").as_bytes());
        assert_eq!(split(&answer).0, code, "{head}");
    }
}

#[test]
fn a_body_without_a_length_is_limited_too() {
    let node = Daemon::start(&[]);
    let mut request = b"POST /send_raw_transaction HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    request.extend_from_slice(b"280001\r\n");
    request.resize(request.len() + 0x28_0001, b' ');
    let mut stream = TcpStream::connect(("127.0.0.1", node.rpc_port)).unwrap();
    // the node may hang up before it was given everything
    let _ = stream.write_all(&request);
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

/// monero-wallet-rpc 0.18 refreshes every 20 s, on one connection, and fails if that was closed meanwhile.
#[test]
fn a_connection_may_rest_between_requests_but_not_within_one() {
    let node = Daemon::start(&[]);
    let mut stream = TcpStream::connect(("127.0.0.1", node.rpc_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut ask = |rest: Duration| {
        std::thread::sleep(rest);
        stream.write_all(b"POST /get_height HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
    };
    ask(Duration::ZERO);
    ask(Duration::from_secs(13));
    ask(Duration::ZERO);
    let begin = Instant::now();
    stream.write_all(b"POST /get_height HTTP/1.1\r\nHost").unwrap();
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert!(begin.elapsed() > Duration::from_secs(8) && begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn idle_and_surplus_connections_are_closed() {
    let node = Daemon::start(&[]);
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", node.rpc_port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    };
    let begin = Instant::now();
    let idle: Vec<TcpStream> = (0..128).map(|_| connect()).collect();
    let closed = |mut stream: &TcpStream| matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_));
    assert!(closed(&connect()), "there are 128 already");
    assert!(begin.elapsed() < Duration::from_secs(5));
    (&idle[0]).write_all(b"POST /get_info HTTP/1.1\r\nHost").unwrap();
    for stream in &idle {
        let mut rest = Vec::new();
        let _ = (&mut &*stream).read_to_end(&mut rest);
    }
    let took = begin.elapsed();
    assert!(took >= Duration::from_secs(8) && took < Duration::from_secs(20), "{took:?}");
    assert_eq!(node.post("/get_info", "").0, 200, "their places are free again");
}
