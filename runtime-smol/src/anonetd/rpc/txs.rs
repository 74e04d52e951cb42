//! `/get_transactions` and `/is_key_image_spent`: own transactions that are not out are answered here, and the daemon is
//! asked for the rest.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::hex;
use super::super::http::{Answer, Call, Reply};
use super::super::own::Pending;
use super::gateway::Gateway;
use super::hidden::Hidden;
use super::restricted::{MOST_KEY_IMAGES, MOST_TXS};
use super::{Access, bad_request, status_ok};

// what is known of a key image
const UNSPENT: u8 = 0;
const IN_POOL: u8 = 2;

/// In which parts a transaction is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    Whole,
    Split,
    Pruned,
}

/// Answers `/get_transactions`.
pub(super) async fn transactions(
    gateway: Option<&Gateway>,
    call: &Call,
    hidden: &Hidden,
    access: Access,
) -> Result<Reply, Answer> {
    let (mut request, ids) = read(&call.body, "txs_hashes")?;
    if access == Access::Restricted && ids.len() > MOST_TXS {
        return Ok(too_many("Too many transactions requested in restricted mode"));
    }
    let rest: Vec<&String> = ids.iter().filter(|id| hidden.tx(id).is_none()).collect();
    if let (Some(gateway), true) = (gateway, rest.len() == ids.len()) {
        return gateway.pass(call, hidden).await;
    }
    let flag = |name| request.get(name).and_then(Value::as_bool).unwrap_or(false);
    let parts = match (flag("prune"), flag("split")) {
        (true, _) => Parts::Pruned,
        (false, true) => Parts::Split,
        (false, false) => Parts::Whole,
    };
    let mut answer = match gateway {
        Some(gateway) if !rest.is_empty() => {
            request.insert("txs_hashes".into(), json!(rest));
            gateway.json(call, &Value::Object(request), hidden).await?
        }
        Some(_) => status_ok(),
        None => {
            let mut answer = status_ok();
            if !rest.is_empty() {
                answer.insert("missed_tx".into(), json!(rest));
            }
            answer
        }
    };
    if answer.get("status").is_some_and(|status| status == "OK") {
        merge(&mut answer, &ids, parts, hidden);
    }
    Ok(Answer::ok(&answer).into_reply())
}

/// Puts what is answered here where it was asked for, between what the daemon found.
fn merge(answer: &mut Map<String, Value>, ids: &[String], parts: Parts, hidden: &Hidden) {
    let mut found = BTreeMap::new();
    let mut lists = ["txs", "txs_as_hex", "txs_as_json"].map(|key| match answer.remove(key) {
        Some(Value::Array(list)) => list.into_iter(),
        _ => Vec::new().into_iter(),
    });
    let with_json = lists[2].len() > 0;
    while let [Some(entry), hex, json] = lists.each_mut().map(Iterator::next) {
        let id = entry["tx_hash"].as_str().unwrap_or_default().to_owned();
        found.insert(id, [entry, hex.unwrap_or("".into()), json.unwrap_or("".into())]);
    }
    let [mut entries, mut hexes, mut jsons] = [Vec::new(), Vec::new(), Vec::new()];
    for id in ids {
        let [entry, hex, json] = match (hidden.tx(id), found.remove(&id.to_ascii_lowercase())) {
            (Some(pending), _) => {
                let entry = entry(pending, parts);
                let hex = entry["as_hex"].clone();
                [entry, hex, "".into()]
            }
            (None, Some(found)) => found,
            (None, None) => continue,
        };
        entries.push(entry);
        hexes.push(hex);
        jsons.push(json);
    }
    answer.insert("txs".into(), entries.into());
    answer.insert("txs_as_hex".into(), hexes.into());
    if with_json {
        answer.insert("txs_as_json".into(), jsons.into());
    }
}

fn entry(Pending { tx, since, entry }: &Pending, parts: Parts) -> Value {
    let (pruned, prunable) = tx.blob.split_at(tx.pruned);
    let [whole, first, second] = match parts {
        Parts::Whole => [&tx.blob[..], &[], &[]],
        Parts::Split => [&[][..], pruned, prunable],
        Parts::Pruned => [&[][..], pruned, &[]],
    };
    json!({
        "anonet_next": entry.next_action,
        "anonet_state": entry.state,
        "anonet_why": entry.why,
        "as_hex": hex::encode(whole),
        "as_json": "",
        "double_spend_seen": false,
        "in_pool": true,
        "prunable_as_hex": hex::encode(second),
        "prunable_hash": hex::encode(&tx.prunable_hash),
        "pruned_as_hex": hex::encode(first),
        "received_timestamp": since.as_micros() / 1_000_000,
        "relayed": true,
        "tx_hash": entry.txid,
    })
}

/// Answers `/is_key_image_spent`.
pub(super) async fn key_images(gateway: Option<&Gateway>, call: &Call, hidden: &Hidden, access: Access) -> Result<Reply, Answer> {
    let (mut request, images) = read(&call.body, "key_images")?;
    if access == Access::Restricted && images.len() > MOST_KEY_IMAGES {
        return Ok(too_many("Too many key images queried in restricted mode"));
    }
    let rest: Vec<&String> = images.iter().filter(|image| !hidden.spends(image)).collect();
    let mut answer = match gateway {
        Some(gateway) if rest.len() == images.len() => return gateway.pass(call, hidden).await,
        Some(gateway) if !rest.is_empty() => {
            request.insert("key_images".into(), json!(rest));
            gateway.json(call, &Value::Object(request), hidden).await?
        }
        _ => status_ok(),
    };
    if answer.get("status").is_some_and(|status| status == "OK") {
        let theirs = match answer.remove("spent_status") {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let mut theirs = theirs.into_iter();
        let all = images.iter().map(|image| match hidden.spends(image) {
            true => IN_POOL.into(),
            false => theirs.next().unwrap_or(UNSPENT.into()),
        });
        let all: Vec<Value> = all.collect();
        answer.insert("spent_status".into(), all.into());
    }
    Ok(Answer::ok(&answer).into_reply())
}

/// As monerod says it.
fn too_many(status: &str) -> Reply {
    let mut answer = status_ok();
    answer.insert("status".into(), status.into());
    Answer::ok(&answer).into_reply()
}

/// The document, and the texts in one of its lists.
fn read(body: &[u8], list: &str) -> Result<(Map<String, Value>, Vec<String>), Answer> {
    // monerod takes an empty body for an empty document
    let body = if body.is_empty() { b"{}" } else { body };
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| bad_request())?;
    let texts = match request.get(list) {
        None => Some(Vec::new()),
        Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    Ok((request, texts.ok_or_else(bad_request)?))
}

#[cfg(test)]
mod tests {
    use super::super::hidden::tests::tx1;
    use super::*;

    #[test]
    fn strangers_may_name_100_transactions_or_5000_key_images_in_one_question() {
        let ask = |list: &str, count: usize, access| {
            let body = json!({ list: vec![hex::encode(&[7; 32]); count] }).to_string();
            let call = Call::of("/", body.into());
            let hidden = Hidden::new(Vec::new());
            let reply = smol::block_on(async {
                match list {
                    "txs_hashes" => transactions(None, &call, &hidden, access).await,
                    _ => key_images(None, &call, &hidden, access).await,
                }
            });
            let body = reply.map(|reply| smol::block_on(http_body_util::BodyExt::collect(reply.into_body())).unwrap().to_bytes());
            String::from_utf8(body.unwrap().to_vec()).unwrap()
        };
        for (list, most) in [("txs_hashes", MOST_TXS), ("key_images", MOST_KEY_IMAGES)] {
            let refused = |count, access| ask(list, count, access).contains("restricted mode");
            assert!(!refused(most, Access::Restricted) && refused(most + 1, Access::Restricted), "{list}");
            assert!(!refused(most + 1, Access::Full), "{list}");
        }
    }

    #[test]
    fn own_ones_stand_where_they_were_asked_for() {
        let (own, [other, missing]) = (tx1(), [1, 2].map(|byte: u8| hex::encode(&[byte; 32])));
        let (id, hidden) = (own.entry.txid.clone(), Hidden::new(vec![own.clone()]));
        let answer = json!({
            "status": "OK", "txs": [{"tx_hash": other}], "txs_as_hex": ["ab"], "txs_as_json": ["{}"], "missed_tx": [missing]
        });
        for (parts, lengths) in [
            (Parts::Whole, [2 * own.tx.blob.len(), 0, 0]),
            (Parts::Split, [0, 2 * own.tx.pruned, 2 * (own.tx.blob.len() - own.tx.pruned)]),
            (Parts::Pruned, [0, 2 * own.tx.pruned, 0]),
        ] {
            let Value::Object(mut answer) = answer.clone() else { unreachable!() };
            merge(&mut answer, &[id.clone(), missing.clone(), other.clone()], parts, &hidden);
            let entries = answer["txs"].as_array().unwrap();
            assert_eq!((entries.len(), &entries[0]["tx_hash"], &entries[1]["tx_hash"]), (2, &json!(id), &json!(other)));
            let found = ["as_hex", "pruned_as_hex", "prunable_as_hex"].map(|key| entries[0][key].as_str().unwrap().len());
            assert_eq!(found, lengths, "{parts:?}");
            assert_eq!((&answer["txs_as_hex"][1], &answer["txs_as_json"][1]), (&json!("ab"), &json!("{}")));
            assert_eq!((&entries[0]["in_pool"], &entries[0]["received_timestamp"]), (&json!(true), &json!(7)));
        }
    }
}
