//! The RPC for wallets with a login, and for strangers.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::monerod::Monerod;
use common::{Daemon, Scratch, TX1, anonetd, free_port, split, stderr, tx1_hex};
use md5::{Digest, Md5};
use serde_json::json;

const LOGIN: [&str; 2] = ["--rpc-login", "alice:open: sesame"];

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request(path: &str, further: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: wallet.onion\r\nConnection: close\r\n{further}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Asks without a login, and returns the nonce of the challenge.
fn nonce(node: &Daemon, path: &str) -> String {
    let answer = node.rpc(request(path, "", "{}").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let challenges: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("www-authenticate: Digest ")).collect();
    assert!(matches!(challenges[..], [one, two] if one.contains("algorithm=MD5,") && two.contains("algorithm=MD5-sess,")));
    challenges[0].split_once("nonce=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

fn authorization(nonce: &str, number: u32, path: &str, password: &str) -> String {
    let secret = md5(&format!("alice:monero-rpc:{password}"));
    let response = md5(&format!("{secret}:{nonce}:{number:08x}:xyz:auth:{}", md5(&format!("POST:{path}"))));
    format!(
        "Authorization: Digest username=\"alice\",realm=\"monero-rpc\",nonce=\"{nonce}\",uri=\"{path}\",qop=auth,algorithm=MD5,\
         nc={number:08x},cnonce=\"xyz\",response=\"{response}\"\r\n"
    )
}

#[test]
fn nothing_is_answered_without_the_login_and_no_answer_is_given_twice() {
    let node = Daemon::start(&LOGIN);
    let nonce = nonce(&node, "/sendrawtransaction");
    let body = json!({ "tx_as_hex": tx1_hex() }).to_string();
    let ask = |number, password: &str| {
        let proof = authorization(&nonce, number, "/sendrawtransaction", password);
        node.rpc(request("/sendrawtransaction", &proof, &body).as_bytes())
    };
    assert!(ask(1, "open sesame").starts_with("HTTP/1.1 401 "));
    assert_eq!(node.status()["stash"], json!([]), "the control socket has its own guard");
    let (code, answer) = split(&ask(1, "open: sesame"));
    assert_eq!((code, &answer["status"]), (200, &"OK".into()), "{answer}");
    let replayed = ask(1, "open: sesame");
    assert!(replayed.starts_with("HTTP/1.1 401 ") && replayed.contains("stale=true"), "{replayed}");
    assert_eq!(split(&ask(2, "open: sesame")).0, 200);
    for path in ["/get_transaction_pool_hashes", "/gettransactions", "/json_rpc", "/nothing"] {
        let answer = node.rpc(request(path, "", &json!({ "txs_hashes": [TX1] }).to_string()).as_bytes());
        assert!(answer.starts_with("HTTP/1.1 401 ") && !answer.contains(TX1), "{answer}");
    }
    let log = node.log();
    assert!(log.contains("with a login") && !log.contains("alice") && !log.contains("sesame"), "{log}");
}

#[test]
fn an_address_beyond_this_machine_needs_a_login_and_a_confirmation() {
    let bind = format!("0.0.0.0:{}", free_port());
    let start = |options: &[&str]| {
        let output = anonetd().args(["run", "--rpc-bind", &bind]).args(options).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    for options in [&[][..], &LOGIN, &["--confirm-external-bind"]] {
        let (code, said) = start(options);
        assert!(code == Some(2) && said.contains("--rpc-login") && !said.contains("sesame"), "{said}");
    }
    let output = anonetd().args(["run", "--confirm-external-bind", "--rpc-bind", "127.0.0.1:1"]).output().unwrap();
    assert!(stderr(&output).contains("--confirm-external-bind: it is for"), "{}", stderr(&output));

    let dir = Scratch::new();
    let mut child = anonetd()
        .args(["run", "--offline", "--no-public", "--proxy", "tor,127.0.0.1:9", "--confirm-external-bind", "--rpc-bind", &bind])
        .args(LOGIN)
        .arg("--data-dir")
        .arg(dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let port = bind.split_once(':').unwrap().1;
    let answer = (0..100).find_map(|_| {
        sleep(Duration::from_millis(100));
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).ok()?;
        stream.write_all(request("/get_info", "", "").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        Some(answer)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.unwrap().starts_with("HTTP/1.1 401 "));
}

#[test]
fn a_restricted_rpc_serves_wallets_and_says_nothing_of_the_daemon() {
    let monerod = Monerod::start();
    let node = Daemon::start(&["--restricted-rpc", "--daemon-address", &monerod.option()]);
    node.wait_for("the pool", |node| node.status()["daemon"]["pool"] == "watched");
    monerod.reply("/gethashes.bin", "hashes");
    monerod.reply("/stop_daemon", "stopped");
    assert_eq!(node.post_bytes("/gethashes.bin", b"x"), b"hashes");
    for path in ["/stop_daemon", "/get_peer_list", "/get_limit/", "/set_log_level"] {
        assert_eq!(node.post(path, "{}").0, 404, "{path}");
    }
    let call = |method: &str| node.post("/json_rpc", &json!({ "method": method }).to_string()).1;
    for method in ["get_connections", "relay_tx", "generateblocks", "flush_txpool"] {
        assert_eq!(call(method)["error"]["code"], -32_601, "{method}");
    }
    let info = node.post("/get_info", "").1;
    assert_eq!((&info["restricted"], &info["start_time"], &info["version"]), (&true.into(), &0.into(), &"".into()));
    assert!(info.get("anonet_zones").is_none() && info["height"] == 3, "{info}");
    assert_eq!(call("get_info")["result"], info);
    assert!(monerod.asked("/stop_daemon").is_empty());
    monerod.reply("/gettransactions", json!({ "status": "OK" }).to_string());
    monerod.reply("/is_key_image_spent", json!({ "status": "OK" }).to_string());
    for (path, list, most) in [("/gettransactions", "txs_hashes", 100), ("/is_key_image_spent", "key_images", 5_000)] {
        let ask = |count| node.post(path, &json!({ list: vec!["ab".repeat(32); count] }).to_string()).1["status"].clone();
        assert_eq!(ask(most), "OK", "{path}");
        assert!(ask(most + 1).as_str().unwrap().ends_with("in restricted mode"), "{path}");
        assert_eq!(monerod.asked(path).len(), 1);
    }
    assert_eq!(node.post("/sendrawtransaction", &json!({ "tx_as_hex": tx1_hex() }).to_string()).1["status"], "OK");
    assert_eq!(node.post("/get_transaction_pool_hashes", "").1["tx_hashes"], json!([TX1]));
}

#[test]
fn a_hidden_service_is_not_served_without_a_login() {
    let node = Daemon::start(&[]);
    let answer = node.rpc(request("/get_info", "", "{}").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("--rpc-login"), "{answer}");
}
