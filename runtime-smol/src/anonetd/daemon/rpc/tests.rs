use super::super::fake::{FakeDaemon, Reply, run};
use super::*;

fn hash(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

#[test]
fn every_answer_to_a_transaction_has_its_meaning() {
    use Answer::{Busy, Invalid, Known, Relayed, Unwanted};
    for (answer, expected) in [
        (json!({ "status": "OK" }), Ok(Relayed)),
        (json!({ "status": "OK", "not_relayed": false, "credits": 0, "untrusted": false }), Ok(Relayed)),
        (json!({ "status": "OK", "not_relayed": true, "reason": "Not relayed" }), Ok(Known)),
        (json!({ "status": "BUSY" }), Ok(Busy)),
        (json!({ "status": "Failed", "low_mixin": true }), Ok(Invalid)),
        (json!({ "status": "Failed", "invalid_input": true }), Ok(Invalid)),
        (json!({ "status": "Failed", "invalid_output": true }), Ok(Invalid)),
        (json!({ "status": "Failed", "too_big": true }), Ok(Invalid)),
        (json!({ "status": "Failed", "overspend": true }), Ok(Invalid)),
        (json!({ "status": "Failed", "too_few_outputs": true }), Ok(Invalid)),
        (json!({ "status": "Failed", "double_spend": true }), Ok(Unwanted)),
        (json!({ "status": "Failed", "double_spend": true, "invalid_input": true }), Ok(Unwanted)),
        (json!({ "status": "Failed", "fee_too_low": true }), Ok(Unwanted)),
        (json!({ "status": "Failed", "tx_extra_too_big": true }), Ok(Unwanted)),
        (json!({ "status": "Failed", "nonzero_unlock_time": true }), Ok(Unwanted)),
        (json!({ "status": "Failed", "sanity_check_failed": true }), Ok(Unwanted)),
        (json!({ "status": "Failed", "reason": "" }), Ok(Unwanted)),
        (json!({ "status": "PAYMENT REQUIRED" }), Err(CallError::Garbage)),
        (json!({ "status": 5 }), Err(CallError::Garbage)),
        (json!({}), Err(CallError::Garbage)),
        (json!([1, 2]), Err(CallError::Garbage)),
    ] {
        run(async |executor| {
            let fake = FakeDaemon::start(executor, [Reply::json(&answer)]).await;
            assert_eq!(fake.client().send(&[0xab, 0xcd]).await, expected, "{answer}");
            let [(path, body)] = &fake.questions()[..] else { panic!("one question") };
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            assert_eq!(path, "/send_raw_transaction");
            assert_eq!(body, json!({ "tx_as_hex": "abcd", "do_not_relay": false, "do_sanity_checks": false }));
        });
    }
}

#[test]
fn answers_are_read_and_everything_else_is_garbage() {
    run(async |executor| {
        let header = json!({ "height": 9, "hash": hash(1), "prev_hash": hash(2), "major_version": 16,
            "cumulative_difficulty": 5, "cumulative_difficulty_top64": 1, "more": {} });
        let replies = [
            json!({ "status": "OK", "height": 10, "target_height": 0, "nettype": "fakechain", "synchronized": true }),
            json!({ "id": "0", "result": { "block_header": header } }),
            json!({ "status": "OK", "tx_hashes": [hash(3), hash(4)] }),
            json!({ "status": "OK" }),
            json!({ "result": { "block_header": header, "tx_hashes": [hash(3)], "blob": "00" } }),
            json!({ "result": { "block_header": header } }),
            json!({ "error": { "code": -2, "message": "too high" } }),
            json!({ "error": { "code": -9, "message": "Core is busy" } }),
            json!({}),
            json!({ "status": "BUSY", "tx_hashes": [] }),
            json!({ "status": "OK", "tx_hashes": ["3"] }),
        ];
        let client = FakeDaemon::start(executor, replies.iter().map(Reply::json)).await.client();
        assert!(client.info().await.is_ok_and(|info| info.synchronized && info.height == 10));
        let top = client.top().await.unwrap();
        assert_eq!((top.height, top.hash, top.cumulative_difficulty()), (9, Hash([1; 32]), (1 << 64) + 5));
        assert_eq!(client.pool().await, Ok(vec![Hash([3; 32]), Hash([4; 32])]));
        assert_eq!(client.pool().await, Ok(vec![]), "an empty list is left out");
        assert_eq!(client.block(9).await.map(|block| block.tx_hashes), Ok(vec![Hash([3; 32])]));
        assert_eq!(client.block(9).await.map(|block| block.tx_hashes), Ok(vec![]));
        assert_eq!(client.block(9).await, Err(CallError::NotServed));
        assert_eq!(client.block(9).await, Err(CallError::Busy));
        assert_eq!(client.block(9).await, Err(CallError::Garbage));
        assert_eq!(client.pool().await, Err(CallError::Busy));
        assert_eq!(client.pool().await, Err(CallError::Garbage));
    });
}

#[test]
fn a_pool_of_many_mebibytes_is_read_up_to_its_cap() {
    let list = |bytes: usize| {
        let mut body = format!("{{\"status\":\"OK\",\"tx_hashes\":[\"{}\"", hash(7));
        let more = format!(",\n\"{}\"", hash(8));
        body.push_str(&more.repeat((bytes - body.len() - 2) / more.len()));
        body.push_str(&" ".repeat(bytes - body.len() - 2));
        body + "]}"
    };
    // 68 bytes each
    for (bytes, expected) in [(POOL, Ok(493_447)), (POOL + 1, Err(CallError::TooLarge { cap: POOL }))] {
        run(async |executor| {
            let body = list(bytes);
            assert_eq!(body.len(), bytes);
            let fake = FakeDaemon::start(executor, [Reply::Body(200, body.into())]).await;
            assert_eq!(fake.client().pool().await.map(|hashes| hashes.len()), expected);
        });
    }
}

#[test]
fn answers_of_numbers_and_blocks_are_read_up_to_their_caps() {
    let header = json!({ "height": 9, "hash": hash(1), "prev_hash": hash(2), "major_version": 16, "cumulative_difficulty": 5 });
    let info = json!({ "status": "OK", "height": 10 });
    let top = json!({ "result": { "block_header": header } });
    let block = json!({ "result": { "block_header": header, "tx_hashes": [] } });
    let sent = json!({ "status": "OK" });
    for (cap, answer, question) in [(SMALL, info, "info"), (SMALL, top, "top"), (BLOCK, block, "block"), (SMALL, sent, "send")] {
        for (bytes, is_read) in [(cap, true), (cap + 1, false)] {
            run(async |executor| {
                let mut body = answer.to_string().into_bytes();
                body.resize(bytes, b' ');
                let client = FakeDaemon::start(executor, [Reply::Body(200, body)]).await.client();
                let found = match question {
                    "info" => client.info().await.map(|_| ()),
                    "top" => client.top().await.map(|_| ()),
                    "block" => client.block(9).await.map(|_| ()),
                    _ => client.send(&[1]).await.map(|_| ()),
                };
                assert_eq!(found, if is_read { Ok(()) } else { Err(CallError::TooLarge { cap }) }, "{question}");
            });
        }
    }
}
