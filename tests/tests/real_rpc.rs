//! Our RPC and a real monerod's, side by side; and a monerod's behind a hidden service, as `anonetd submit` uses it.

use std::time::Duration;

use anonet_tests::lab::{Chain, Monerod, Node, TorNet, anonetd, free_port, post, wait_for};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);

/// Whether `ours` has all that `theirs` has, of the same types; the path to the first difference.
fn differs(theirs: &Value, ours: &Value, at: &str) -> Option<String> {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => theirs.iter().find_map(|(key, value)| {
            let at = format!("{at}.{key}");
            ours.get(key).map_or_else(|| Some(format!("{at} is missing")), |ours| differs(value, ours, &at))
        }),
        (Value::Array(theirs), Value::Array(ours)) => match (theirs.first(), ours.first()) {
            (Some(theirs), Some(ours)) => differs(theirs, ours, &format!("{at}[0]")),
            (None, None) => None,
            _ => Some(format!("{at} is empty for one of them")),
        },
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => None,
        (Value::Number(theirs), Value::Number(ours)) if theirs.is_f64() == ours.is_f64() => None,
        _ => Some(format!("{at}: {theirs} and {ours}")),
    }
}

#[test]
#[ignore = "needs the Debian package monero; run by .ci/run"]
fn wallets_get_the_same_answers_from_us_as_from_a_monerod() {
    let chain = Chain::shared();
    // one has the transaction in its pool; the other is our daemon and has not
    let (theirs, daemon) = (Monerod::start(chain, &["--synced"]), Monerod::start(chain, &["--synced"]));
    let upstream = format!("127.0.0.1:{}", daemon.rpc_port());
    let node = Node::start(&["--no-public", "--proxy", "tor,127.0.0.1:9", "--daemon-address", &upstream]);
    wait_for("the daemon is up", MINUTE, || {
        let entry = node.status()["daemon"].clone();
        if entry["state"] == "up" { Ok(()) } else { Err(entry) }
    });
    let transaction = chain.transaction(1);
    let hex: String = transaction.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let send = json!({ "tx_as_hex": hex, "do_not_relay": false });
    let ask = |port, path: &str, body: &Value| post(port, path, body, MINUTE).unwrap_or_else(|error| panic!("{error}"));
    let method =
        |name: &str, params: Value| ("/json_rpc", json!({ "jsonrpc": "2.0", "id": "7", "method": name, "params": params }));
    let image = {
        let sent = ask(theirs.rpc_port(), "/sendrawtransaction", &send);
        assert_eq!(sent["status"], "OK", "{sent}");
        ask(theirs.rpc_port(), "/get_transaction_pool", &json!({}))["spent_key_images"][0]["id_hash"].clone()
    };
    let (id, unknown) = (&transaction.id, "ab".repeat(32));
    let ours = ask(node.rpc_port(), "/sendrawtransaction", &send);
    assert_eq!(ours["status"], "OK", "{ours}");
    for (path, body) in [
        ("/sendrawtransaction", json!({ "tx_as_hex": "00" })),
        ("/sendrawtransaction", json!({ "tx_as_hex": "xx" })),
        ("/getinfo", json!({})),
        ("/get_info", json!({})),
        ("/getheight", json!({})),
        ("/get_height", json!({})),
        ("/get_transaction_pool_hashes", json!({})),
        ("/get_transaction_pool", json!({})),
        ("/gettransactions", json!({ "txs_hashes": [id] })),
        ("/gettransactions", json!({ "txs_hashes": [id, unknown], "prune": true })),
        ("/get_transactions", json!({ "txs_hashes": [unknown, id], "split": true })),
        ("/get_transactions", json!({ "txs_hashes": ["zz"] })),
        ("/get_transactions", json!({})),
        ("/is_key_image_spent", json!({ "key_images": [image, unknown] })),
        ("/is_key_image_spent", json!({ "key_images": ["zz"] })),
        method("get_version", json!({})),
        method("get_info", json!({})),
        method("hard_fork_info", json!({})),
        method("get_fee_estimate", json!({ "grace_blocks": 10 })),
        method("getblockheaderbyheight", json!({ "height": 5 })),
        method("getblockheadersrange", json!({ "start_height": 1, "end_height": 3 })),
        method("get_output_histogram", json!({ "amounts": [0] })),
        method("no_such_method", json!({})),
    ] {
        let (theirs, ours) = (ask(theirs.rpc_port(), path, &body), ask(node.rpc_port(), path, &body));
        assert_eq!(differs(&theirs, &ours, path), None, "{body}\ntheirs: {theirs}\nours: {ours}");
        for key in ["status", "error", "spent_status", "missed_tx", "tx_hashes", "id"] {
            // bad hex has no reason there, and one here; an error's words are its own
            let same = if key == "error" { theirs[key]["code"] == ours[key]["code"] } else { theirs[key] == ours[key] };
            assert!(same, "{path} {body}: {key}\ntheirs: {theirs}\nours: {ours}");
        }
        for key in ["as_hex", "pruned_as_hex", "prunable_as_hex", "prunable_hash", "in_pool", "tx_hash"] {
            assert_eq!(theirs["txs"][0][key], ours["txs"][0][key], "{path} {body}: {key}");
        }
        for key in ["fee", "weight", "blob_size", "tx_blob", "id_hash"] {
            assert_eq!(theirs["transactions"][0][key], ours["transactions"][0][key], "{path}: {key}");
        }
    }
    assert_eq!(daemon.pool(), Vec::<String>::new(), "our daemon was told nothing");
    node.stop();
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn submit_hands_a_transaction_to_a_daemon_behind_an_onion() {
    let (chain, port) = (Chain::shared(), free_port());
    let net = TorNet::start(&[("daemon", 18_089, port)]);
    let restricted = format!("--extra=--rpc-restricted-bind-port={port}");
    let daemon = Monerod::start(chain, &["--synced", "--extra=--rpc-restricted-bind-ip=127.0.0.1", &restricted]);
    let transaction = chain.transaction(2);
    let (address, proxy) = (format!("{}:18089", net.onion("daemon")), format!("127.0.0.1:{}", net.socks_port()));
    let file = transaction.file.to_string_lossy().into_owned();
    let submit = |further: &[&str]| {
        let usual = ["submit", &file, "--daemon-address", &address, "--proxy", &proxy, "--json"];
        let output = anonetd([&usual[..], further].concat());
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let report = submit(&[]);
    assert_eq!((&report["txid"], &report["state"]), (&transaction.id.as_str().into(), &"handed".into()), "{report}");
    wait_for("it is in the daemon's pool", MINUTE, || daemon.holds(&transaction));
    daemon.mine(1);
    let report = submit(&["--wait", "seen", "--timeout", "40"]);
    assert_eq!((&report["state"], &report["known"]), (&"seen".into(), &true.into()), "{report}");
}

#[test]
#[ignore = "needs the Debian package monero; run by .ci/run"]
fn a_monerod_is_known_by_the_certificate_that_it_made_for_itself() {
    let chain = Chain::shared();
    let daemon = Monerod::start(chain, &["--synced", "--extra=--rpc-ssl=autodetect"]);
    let transaction = chain.transaction(3);
    let (file, address) = (transaction.file.to_string_lossy().into_owned(), format!("https://127.0.0.1:{}", daemon.rpc_port()));
    let certificate = daemon.certificate().to_string_lossy().into_owned();
    let submit = |further: &[&str]| anonetd([&["submit", &file, "--daemon-address", &address][..], further].concat());
    for stranger in [&[][..], &["--daemon-ssl-allowed-fingerprints", &"00".repeat(32)]] {
        let output = submit(stranger);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("--daemon-ssl-allowed-fingerprints"), "{said}");
    }
    assert_eq!(daemon.pool(), Vec::<String>::new());
    let output = submit(&["--daemon-ssl-ca-certificates", &certificate]);
    assert!(output.status.success(), "{output:?}");
    wait_for("it is in the daemon's pool", MINUTE, || daemon.holds(&transaction));

    let node = Node::start(
        &[
            &["--no-public", "--proxy", "tor,127.0.0.1:9", "--daemon-address", &address][..],
            &["--daemon-ssl-ca-certificates", &certificate],
        ]
        .concat(),
    );
    wait_for("the daemon is up", MINUTE, || {
        let entry = node.status()["daemon"].clone();
        if entry["state"] == "up" { Ok(()) } else { Err(entry) }
    });
    let height = node.rpc("/get_height", &json!({}))["height"].clone();
    assert_eq!(height, chain.tip().0, "through the gateway");
    node.stop();
}
