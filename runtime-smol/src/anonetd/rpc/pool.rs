//! The pool, as wallets see it: the daemon's, and own transactions that are not out.

use std::sync::Arc;

use anonet_core::TxId;
use serde_json::{Value, json};

use super::super::hex;
use super::super::http::{Answer, Call, Reply, whole};
use super::super::own::Pending;
use super::gateway::Gateway;
use super::hidden::Hidden;
use super::status_ok;

/// The ids of both, own ones first. What own ones the daemon has by now stand once.
pub(super) fn ids(theirs: &Arc<[TxId]>, hidden: &Hidden) -> Vec<[u8; 32]> {
    let own = hidden.txs().map(|pending| *pending.tx.id.as_bytes());
    let theirs = theirs.iter().map(|id| *id.as_bytes()).filter(|id| !hidden.has(id));
    own.chain(theirs).collect()
}

/// Answers `/get_transaction_pool_hashes`.
pub(super) fn hashes(ids: &[[u8; 32]]) -> Reply {
    let mut answer = status_ok();
    if !ids.is_empty() {
        let texts: Vec<String> = ids.iter().map(|id| hex::encode(id)).collect();
        answer.insert("tx_hashes".into(), json!(texts));
    }
    Answer::ok(&answer).into_reply()
}

/// Answers `/get_transaction_pool_hashes.bin`, which is JSON with a string of any bytes.
pub(super) fn binary_hashes(ids: &[[u8; 32]]) -> Reply {
    let mut body = br#"{"credits": 0,"status": "OK","top_hash": "","#.to_vec();
    if !ids.is_empty() {
        body.extend_from_slice(br#""tx_hashes": ""#);
        ids.iter().flatten().for_each(|&byte| escape(byte, &mut body));
        body.extend_from_slice(br#"","#);
    }
    body.extend_from_slice(br#""untrusted": false}"#);
    let mut reply = whole(body.into());
    reply.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    reply
}

/// As monerod writes it; everything else it writes as it is.
pub(super) fn escape(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        8 => b'b',
        9 => b't',
        10 => b'n',
        11 => b'v',
        12 => b'f',
        13 => b'r',
        b'"' | b'\\' | b'/' => byte,
        _ => return out.push(byte),
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Answers `/get_transaction_pool`.
pub(super) async fn pool(gateway: Option<&Gateway>, call: &Call, hidden: &Hidden) -> Result<Reply, Answer> {
    let mut answer = match gateway {
        Some(gateway) if hidden.txs().len() == 0 => return gateway.pass(call, hidden).await,
        Some(gateway) => gateway.json(call, &json!({}), hidden).await?,
        None => status_ok(),
    };
    for (key, mine) in [
        ("transactions", hidden.txs().map(entry).collect::<Vec<_>>()),
        ("spent_key_images", hidden.txs().flat_map(spent).collect()),
    ] {
        let theirs = match answer.remove(key) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let is_theirs = |entry: &Value| {
            let id = entry["id_hash"].as_str().unwrap_or_default();
            hidden.tx(id).is_none() && !hidden.spends(id)
        };
        let all: Vec<Value> = mine.into_iter().chain(theirs.into_iter().filter(is_theirs)).collect();
        if !all.is_empty() {
            answer.insert(key.into(), all.into());
        }
    }
    Ok(Answer::ok(&answer).into_reply())
}

fn entry(Pending { tx, since, entry }: &Pending) -> Value {
    let since = since.as_micros() / 1_000_000;
    let nowhere = hex::encode(&[0; 32]);
    json!({
        "anonet_next": entry.next_action,
        "anonet_state": entry.state,
        "anonet_why": entry.why,
        "blob_size": tx.blob.len(),
        "do_not_relay": false,
        "double_spend_seen": false,
        "fee": tx.fee,
        "id_hash": entry.txid,
        "kept_by_block": false,
        "last_failed_height": 0,
        "last_failed_id_hash": nowhere,
        "last_relayed_time": since,
        "max_used_block_height": 0,
        "max_used_block_id_hash": nowhere,
        "receive_time": since,
        "relayed": true,
        "tx_blob": hex::encode(&tx.blob),
        "tx_json": "",
        "weight": tx.weight,
    })
}

fn spent(pending: &Pending) -> impl Iterator<Item = Value> {
    let id = &pending.entry.txid;
    pending.tx.key_images.iter().map(move |image| json!({ "id_hash": hex::encode(image), "txs_hashes": [id] }))
}

#[cfg(test)]
mod tests {
    use super::super::hidden::tests::tx1;
    use super::*;

    #[test]
    fn own_ones_come_first_and_once() {
        let own = tx1();
        let theirs: Arc<[TxId]> = [TxId::new([1; 32]), own.tx.id].into();
        let id = *own.tx.id.as_bytes();
        assert_eq!(ids(&theirs, &Hidden::new(vec![own])), [id, [1; 32]]);
        assert_eq!(ids(&theirs, &Hidden::default()), [[1; 32], id]);
    }

    #[test]
    fn bytes_are_written_as_monerod_writes_them() {
        let mut out = Vec::new();
        (0..=255).for_each(|byte| escape(byte, &mut out));
        // monerod 0.18.0.0's answer: "…\ti…q\f…" and raw control characters
        assert!(out.starts_with(b"\x00\x01\x02\x03\x04\x05\x06\x07\\b\\t\\n\\v\\f\\r\x0e\x0f"));
        assert!(out.windows(2).any(|pair| pair == b"\\/") && out.ends_with(b"\xfe\xff"));
        assert_eq!(out.len(), 256 + 9);
    }
}
