//! The RPC for wallets with a daemon behind it: what goes through, and what the daemon never hears of.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use anonet_core::epee::{self, EpeeError, Limits};
use bytes::BytesMut;
use common::monerod::Monerod;
use common::{Daemon, TX1, TXS, tx1_hex, unhex};
use serde_json::{Value, json};

/// A key image of `tor/tx-1.hex`, which follows the offsets of its first ring.
fn key_image() -> String {
    let hex = tx1_hex();
    // version, unlock time, number of inputs, type, amount, number of ring members and their offsets
    let blob = unhex(&hex);
    let mut at = 6;
    for _ in 0..16 {
        while blob[at] & 0x80 != 0 {
            at += 1;
        }
        at += 1;
    }
    hex[2 * at..2 * at + 64].to_owned()
}

fn with_daemon() -> (Monerod, Daemon) {
    let monerod = Monerod::start();
    let node = Daemon::start(&["--daemon-address", &monerod.option()]);
    node.wait_for("the pool", |node| node.status()["daemon"]["pool"] == "watched");
    (monerod, node)
}

fn submit(node: &Daemon) {
    let (_, answer) = node.post("/sendrawtransaction", &json!({ "tx_as_hex": tx1_hex() }).to_string());
    assert_eq!(answer["status"], "OK", "{answer}");
}

/// Asks all that a wallet may ask, with what is asked of the daemon watched.
#[test]
fn the_daemon_hears_nothing_of_what_is_not_out() {
    let (monerod, node) = with_daemon();
    submit(&node);
    let (image, other) = (key_image(), "ab".repeat(32));
    monerod.reply("/gettransactions", json!({ "status": "OK", "missed_tx": [other] }).to_string());
    monerod.reply("/is_key_image_spent", json!({ "status": "OK", "spent_status": [1] }).to_string());
    monerod.reply("/get_o_indexes.bin", "no");
    monerod.reply("/getblocks.bin", "no");
    monerod.reply("/get_transaction_pool", json!({ "status": "OK" }).to_string());

    let (_, answer) = node.post("/gettransactions", &json!({ "txs_hashes": [other, TX1.to_uppercase()] }).to_string());
    assert_eq!((&answer["txs"][0]["tx_hash"], &answer["txs"][0]["as_hex"]), (&TX1.into(), &tx1_hex().into()));
    assert_eq!((&answer["missed_tx"], &answer["txs"][0]["in_pool"]), (&json!([other]), &true.into()));
    let (_, answer) = node.post("/is_key_image_spent", &json!({ "key_images": [image, other] }).to_string());
    assert_eq!(answer["spent_status"], json!([2, 1]));
    let (_, answer) = node.post("/get_transactions", &json!({ "txs_hashes": [TX1] }).to_string());
    assert_eq!(answer["txs"][0]["anonet_state"], "held", "{answer}");

    // ways of asking that no wallet has
    let id = unhex(TX1);
    for (path, body) in [
        ("/get_o_indexes.bin", id.clone()),
        ("/getblocks.bin", id),
        ("/json_rpc", json!({ "method": "relay_tx", "params": { "txids": [TX1] } }).to_string().into_bytes()),
        ("/json_rpc", json!({ "method": "get_txids_loose", "params": { "txid_template": TX1[..8] } }).to_string().into_bytes()),
        ("/json_rpc", json!({ "method": "flush_txpool", "params": { "txids": [TX1.to_uppercase()] } }).to_string().into_bytes()),
        ("/get_transactions", json!({ "txs_hashes": [], "more": TX1 }).to_string().into_bytes()),
        (&format!("/is_key_image_spent?{image}"), b"{}".to_vec()),
        (&format!("/whatever/{TX1}"), Vec::new()),
    ] {
        let said = String::from_utf8(node.post_bytes(path, &body)).unwrap();
        assert!(said.contains("is not out yet") || said.contains("Bad request") || said.contains("not found"), "{path}: {said}");
    }
    let pool = node.post("/get_transaction_pool", "{}").1;
    assert_eq!((&pool["transactions"][0]["id_hash"], &pool["transactions"][0]["tx_blob"]), (&TX1.into(), &tx1_hex().into()));
    assert!(pool["spent_key_images"].to_string().contains(&image), "{pool}");

    let asked = &monerod.says.lock().unwrap().asked;
    assert!(asked.iter().any(|(path, body)| path == "/gettransactions" && !body.is_empty()));
    for (path, body) in asked {
        let text = format!("{path}\n{}", String::from_utf8_lossy(body)).to_lowercase();
        let binary = |hex: &str| body.windows(32).any(|window| window == unhex(hex));
        assert!(!text.contains(TX1) && !text.contains(&image) && !text.contains(&tx1_hex()[..200]), "{text}");
        assert!(!binary(TX1) && !binary(&image), "{path}");
        assert!(path != "/send_raw_transaction" && !text.contains(&TX1[..8]), "{text}");
    }
}

#[test]
fn a_wallet_sees_its_own_transaction_until_there_is_evidence() {
    let (monerod, node) = with_daemon();
    let hashes = || node.post("/get_transaction_pool_hashes", "").1["tx_hashes"].clone();
    assert_eq!(hashes(), Value::Null);
    submit(&node);
    assert_eq!(hashes(), json!([TX1]));
    let raw = node.post_bytes("/get_transaction_pool_hashes.bin", b"");
    assert!(raw.starts_with(br#"{"credits": 0,"status": "OK","top_hash": "","tx_hashes": ""#), "{raw:?}");

    monerod.says.lock().unwrap().pool = vec![TXS[1].into()];
    node.wait_for("the daemon's pool", |_| hashes() == json!([TX1, TXS[1]]));
    monerod.says.lock().unwrap().pool.push(TX1.into());
    node.wait_for("evidence", |node| node.status()["stash"][0]["state"] == "seen");
    assert_eq!(hashes(), json!([TXS[1], TX1]), "from now on the daemon speaks of it");
    monerod.reply("/gettransactions", json!({ "status": "OK", "txs": [{ "tx_hash": TX1 }] }).to_string());
    let (_, answer) = node.post("/gettransactions", &json!({ "txs_hashes": [TX1] }).to_string());
    assert_eq!(answer["txs"][0], json!({ "tx_hash": TX1 }));
    assert_eq!(monerod.asked("/gettransactions").len(), 1);
}

#[test]
fn what_is_said_of_the_pool_as_a_whole_counts_it_in() {
    let (monerod, node) = with_daemon();
    let stats =
        json!({ "status": "OK", "pool_stats": { "txs_total": 2, "bytes_total": 5_000, "bytes_max": 3_000, "bytes_min": 2_000 } });
    monerod.reply("/get_transaction_pool_stats", stats.to_string());
    assert_eq!(node.post("/get_transaction_pool_stats", "{}").1, stats);
    submit(&node);
    let size = tx1_hex().len() as u64 / 2;
    let answer = node.post("/get_transaction_pool_stats", "{}").1;
    assert_eq!((&answer["pool_stats"]["txs_total"], &answer["pool_stats"]["bytes_total"]), (&3.into(), &(5_000 + size).into()));
    assert_eq!(monerod.asked("/get_transaction_pool_stats")[1], b"{}");

    monerod.says.lock().unwrap().backlog = b"\"backlog\": \"theirs\",".to_vec();
    let call = json!({ "id": "0", "method": "get_txpool_backlog", "params": {} }).to_string();
    let answer = node.post_bytes("/json_rpc", call.as_bytes());
    let (start, end) = (b"{\"id\": \"0\",\"result\": {\"backlog\": \"", b"theirs\",\"status\": \"OK\"}}");
    assert!(answer.starts_with(start) && answer.ends_with(end) && answer.len() >= start.len() + 24 + end.len(), "{answer:?}");
}

#[test]
fn what_no_peer_would_take_is_refused_before_ok_and_the_daemon_hears_nothing_of_it() {
    let (monerod, node) = with_daemon();
    let send = |hex: String| node.post("/sendrawtransaction", &json!({ "tx_as_hex": hex }).to_string()).1;
    // the second byte is the unlock time
    let locked = format!("0205{}", &tx1_hex()[4..]);
    let answer = send(locked);
    assert_eq!((&answer["status"], &answer["nonzero_unlock_time"]), (&"Failed".into(), &true.into()));
    assert!(answer["reason"].as_str().unwrap().starts_with("tx unlock time is not zero"), "{answer}");
    assert_eq!(answer["fee_too_low"], false);

    monerod.says.lock().unwrap().fee = 1 << 40;
    // it is asked for with each look, a few seconds apart
    node.wait_for("the new fee", |_| monerod.says.lock().unwrap().fees_told.last() == Some(&(1 << 40)));
    node.wait_for("the refusal", |_| send(tx1_hex())["fee_too_low"] == true);
    let output = node.command("submit").arg(common::tx1()).output().unwrap();
    assert!(common::stderr(&output).contains("fee too low"), "{}", common::stderr(&output));
    let asked = monerod.says.lock().unwrap().asked.clone();
    assert!(asked.iter().all(|(path, body)| path != "/send_raw_transaction" && !String::from_utf8_lossy(body).contains(TX1)));
}

#[test]
fn after_a_restart_it_is_still_shown() {
    let (_monerod, mut node) = with_daemon();
    submit(&node);
    node.stop("-TERM");
    node.restart();
    assert_eq!(node.post("/get_transaction_pool_hashes", "").1["tx_hashes"], json!([TX1]));
    let (_, answer) = node.post("/gettransactions", &json!({ "txs_hashes": [TX1], "prune": true }).to_string());
    let pruned = answer["txs"][0]["pruned_as_hex"].as_str().unwrap();
    assert!(!pruned.is_empty() && tx1_hex().starts_with(pruned), "{answer}");
    node.command("abandon").arg(TX1).stdout(Stdio::null()).status().unwrap();
    assert_eq!(node.post("/get_transaction_pool_hashes", "").1["tx_hashes"], Value::Null);
}

/// What a wallet since 0.18.3.0 sends, from the spec.
fn blocks_request(requested_info: u8) -> BytesMut {
    blocks_request_of(Some(b"who"), requested_info)
}

fn blocks_request_of(client: Option<&[u8]>, requested_info: u8) -> BytesMut {
    let mut body = BytesMut::new();
    epee::write(&mut body, |root| {
        root.bytes("block_ids", &[7; 64]);
        if let Some(client) = client {
            root.bytes("client", client);
        }
        root.bool("no_miner_tx", false);
        root.u64("pool_info_since", 1_700_000_000);
        root.bool("prune", true);
        root.u8("requested_info", requested_info);
        root.u64("start_height", 5);
    });
    body
}

#[derive(Debug, Default)]
struct Blocks {
    status: Vec<u8>,
    extent: u8,
    added: Vec<(Vec<u8>, Vec<u8>)>,
    remaining: Vec<u8>,
    blocks: usize,
    seconds: u64,
}

fn read_blocks(body: &[u8]) -> Blocks {
    let mut found = Blocks::default();
    epee::read(body, Limits::LEVIN, |key, value| {
        match key {
            b"status" => found.status = value.bytes()?.to_vec(),
            b"pool_info_extent" => found.extent = value.integer()?,
            b"remaining_added_pool_txids" => found.remaining = value.bytes()?.to_vec(),
            b"blocks" => found.blocks = value.bytes()?.len(),
            b"daemon_time" => found.seconds = value.integer()?,
            b"added_pool_txs" => {
                let mut objects = value.objects()?;
                while objects.left() > 0 {
                    let (mut id, mut blob) = (Vec::new(), Vec::new());
                    objects.read_next(|key, value| {
                        match key {
                            b"tx_hash" => id = value.bytes()?.to_vec(),
                            b"tx_blob" => blob = value.bytes()?.to_vec(),
                            _ => {}
                        }
                        Ok::<_, EpeeError>(())
                    });
                    found.added.push((id, blob));
                }
            }
            _ => {}
        }
        Ok::<_, EpeeError>(())
    })
    .unwrap();
    found
}

#[test]
fn wallets_since_0_18_3_get_the_pool_with_the_blocks_and_the_daemon_is_asked_for_blocks_alone() {
    let (monerod, node) = with_daemon();
    monerod.says.lock().unwrap().pool = vec![TXS[2].into()];
    node.wait_for("the pool", |node| node.post("/get_transaction_pool_hashes", "").1["tx_hashes"] == json!([TXS[2]]));
    submit(&node);
    let mut answer = BytesMut::new();
    epee::write(&mut answer, |root| {
        root.repeated("blocks", 9, 5 << 20);
        root.u64("current_height", 3);
        root.bytes("status", b"OK");
    });
    monerod.reply("/getblocks.bin", answer.to_vec());

    for requested in [1, 2] {
        let found = read_blocks(&node.post_bytes("/getblocks.bin", &blocks_request(requested)));
        assert_eq!((found.status, found.extent), (b"OK".to_vec(), 2));
        assert_eq!(found.added, [(unhex(TX1), unhex(&tx1_hex()))]);
        assert_eq!(found.remaining, unhex(TXS[2]));
        assert_eq!(found.blocks, if requested == 1 { 5 << 20 } else { 0 });
        assert_eq!(found.seconds > 1_700_000_000, requested == 2);
    }
    let asked = monerod.asked("/getblocks.bin");
    assert_eq!(asked.len(), 1, "the pool alone is answered here");
    let has = |name: &[u8]| asked[0].windows(name.len()).any(|window| window == name);
    assert!(has(b"block_ids") && has(b"start_height") && has(b"prune"));
    assert!(!has(b"requested_info") && !has(b"pool_info_since") && !has(b"client"));

    // those of older wallets go through as they are, answer and all, but for what tells one wallet from another
    assert_eq!(node.post_bytes("/getblocks.bin", &blocks_request(0)), answer);
    assert_eq!(monerod.asked("/getblocks.bin")[1], blocks_request_of(None, 0));
    monerod.reply("/get_outs", "{}");
    node.post_bytes("/get_outs", br#"{"client":"who","outputs":[]}"#);
    assert_eq!(monerod.asked("/get_outs"), [br#"{"outputs":[]}"#]);
    assert_eq!(node.post_bytes("/getblocks.bin", b"\x01\x11nonsense"), br#"{"error":"Bad request"}"#);
}

#[test]
fn everything_else_goes_through_with_any_bytes_and_on_one_connection() {
    let (monerod, node) = with_daemon();
    let large: Vec<u8> = (0..40_u32 << 20).map(|number| (number % 251) as u8).collect();
    monerod.reply("/get_outs.bin", large.clone());
    let before = common::memory(node.pid());
    let mut stream = TcpStream::connect(("127.0.0.1", node.rpc_port)).unwrap();
    for body in [&b"\x00\xff"[..], b"", b"more"] {
        // by pieces, which monerod itself does not take
        write!(stream, "POST /get_outs.bin HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        body.chunks(1).for_each(|piece| {
            stream.write_all(&[b"1\r\n", piece, b"\r\n"].concat()).unwrap();
        });
        stream.write_all(b"0\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 200") && head.contains(&format!("content-length: {}", large.len())), "{head}");
        let mut answer = vec![0; large.len()];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer == large);
    }
    assert_eq!(monerod.asked("/get_outs.bin"), [&b"\x00\xff"[..], b"", b"more"]);
    let grown = common::memory(node.pid()).saturating_sub(before);
    assert!(grown < 20 << 10, "it grew by {grown} KiB for answers of 40 MiB");
}

#[test]
fn a_daemon_that_is_gone_is_a_bad_gateway_and_own_transactions_are_still_answered() {
    let node = Daemon::start(&["--daemon-address", &format!("127.0.0.1:{}", common::free_port())]);
    submit(&node);
    let (code, answer) = node.post("/getheight", "");
    assert_eq!((code, answer["error"].as_str().unwrap().contains("cannot be reached")), (502, true), "{answer}");
    assert_eq!(node.post("/gettransactions", &json!({ "txs_hashes": [TX1, TXS[1]] }).to_string()).0, 502);
    let (code, answer) = node.post("/gettransactions", &json!({ "txs_hashes": [TX1] }).to_string());
    assert_eq!((code, &answer["txs"][0]["tx_hash"]), (200, &TX1.into()));
}

#[test]
fn without_a_daemon_a_wallet_is_told_what_a_node_without_a_chain_knows() {
    let node = Daemon::start(&[]);
    let call = |method: &str| node.post("/json_rpc", &json!({ "id": 5, "method": method }).to_string()).1;
    assert_eq!(call("get_version")["result"]["version"], 3 << 16 | 10);
    assert_eq!((&call("get_info")["result"]["nettype"], &call("get_info")["id"]), (&"fakechain".into(), &5.into()));
    assert_eq!(call("hard_fork_info")["error"]["code"], -9);
    assert_eq!(call("get_block")["error"]["code"], -32_601);
    assert_eq!(node.post("/json_rpc", "{").1["error"]["code"], -32_700);
    assert_eq!(
        node.post("/json_rpc", "{}").1,
        json!({"error": {"code": -32_600, "message": "Invalid Request"}, "id": "", "jsonrpc": "2.0"})
    );
    assert_eq!(node.post("/get_height", "").1["height"], 1);
    submit(&node);
    let (_, answer) = node.post("/get_transactions", &json!({ "txs_hashes": [TX1, TXS[1]] }).to_string());
    assert_eq!((&answer["txs"][0]["tx_hash"], &answer["missed_tx"]), (&TX1.into(), &json!([TXS[1]])));
    assert_eq!(
        node.post("/is_key_image_spent", &json!({ "key_images": ["00".repeat(32), key_image()] }).to_string()).1["spent_status"],
        json!([0, 2])
    );
    assert_eq!(node.post("/get_transaction_pool", "").1["transactions"][0]["id_hash"], TX1);
}
