//! `anonetd submit` straight to a daemon.

mod common;

use std::net::TcpListener;
use std::process::Output;

use common::monerod::Monerod;
use common::{TX1, anonetd, free_port, stderr, stdout, tx1, tx1_hex};
use serde_json::{Value, json};

const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:18089";

fn submit(daemon: &str, options: &[&str]) -> Output {
    anonetd().arg("submit").arg(tx1()).args(["--daemon-address", daemon]).args(options).output().unwrap()
}

#[test]
fn a_daemon_takes_it_or_says_why_not() {
    for (answer, code, says) in [
        (json!({ "status": "OK" }), 0, "handed: the daemon has it"),
        (json!({ "status": "OK", "not_relayed": true }), 0, "had this transaction already"),
        (json!({ "status": "Failed", "fee_too_low": true, "low_mixin": true }), 1, "bad ring size, fee too low"),
        (json!({ "status": "Failed", "reason": "It sleeps" }), 1, "It sleeps"),
        (json!({ "status": "BUSY" }), 1, "not synchronized"),
    ] {
        let monerod = Monerod::start();
        monerod.answer_with(answer);
        let output = submit(&monerod.option(), &[]);
        let said = stdout(&output) + &stderr(&output);
        assert!(output.status.code() == Some(code) && said.contains(says), "{said}");
        let sent = monerod.sent();
        assert_eq!((sent.len(), &sent[0]["tx_as_hex"], &sent[0]["do_not_relay"]), (1, &tx1_hex().into(), &false.into()));
    }
}

#[test]
fn evidence_is_a_block_and_not_the_pool() {
    let monerod = Monerod::start();
    monerod.says.lock().unwrap().pool.push(TX1.into());
    let output = submit(&monerod.option(), &["--wait", "seen", "--timeout", "1", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["txid"], &report["state"], &report["height"]), (&TX1.into(), &"handed".into(), &Value::Null));
    assert!(stderr(&output).contains("waiting for a block, the top one is 2"), "{}", stderr(&output));
    monerod.says.lock().unwrap().mined.push(TX1.into());
    let output = submit(&monerod.option(), &["--wait", "seen", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["state"], &report["height"]), (&"seen".into(), &2.into()));
    let asked = monerod.says.lock().unwrap().asked.clone();
    assert!(!asked.iter().any(|(_, body)| String::from_utf8_lossy(body).contains(TX1)), "never asked about by its id");
}

#[test]
fn what_would_tell_who_sends_it_is_refused() {
    let proxy = format!("127.0.0.1:{}", free_port());
    for (daemon, options, code, says) in [
        ("8.8.8.8:18081", &[][..], 2, "would see where"),
        ("8.8.8.8:18081", &["--proxy", &proxy], 2, "in the clear"),
        (ONION, &[], 2, "127.0.0.1:9050"),
        ("test.i2p", &[], 2, "127.0.0.1:4447"),
        ("127.0.0.1:18081", &["--proxy", &proxy], 2, "without one"),
        (ONION, &["--proxy", &proxy], 1, "proxy"),
    ] {
        let output = submit(daemon, options);
        assert!(output.status.code() == Some(code) && stderr(&output).contains(says), "{daemon}: {}", stderr(&output));
    }
    // a proxy that does not keep streams apart is not used for Tor
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap().to_string();
    let asked = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 3];
        stream.read_exact(&mut hello).unwrap();
        stream.write_all(&[5, 0xff]).unwrap();
        hello
    });
    let output = submit(ONION, &["--proxy", &proxy]);
    assert_eq!((output.status.code(), asked.join().unwrap()), (Some(1), [5, 1, 2]), "{}", stderr(&output));
}
