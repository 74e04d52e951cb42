//! What wallets send in bodies.

use anonet_core::epee::{self, EpeeError, Limits};
use anonet_smol::fuzzing;
use serde_json::{Map, Value, json};

/// All that a daemon is told of a wallet's question: not `requested_info`, which would name the pool.
const KNOWN: [&str; 6] = ["block_ids", "block_ids_exclusive", "max_block_count", "no_miner_tx", "prune", "start_height"];

/// The first byte chooses what the rest is the body of: `/getblocks.bin`, `/json_rpc` or `/send_raw_transaction`; or it is the
/// header of a login.
///
/// # Panics
/// If the daemon is asked for the pool, an answer is not for its question, or a transaction is taken for another.
pub fn rpc_bodies(data: &[u8]) {
    let Some((which, body)) = data.split_first() else { return };
    match which % 4 {
        0 => blocks(body),
        1 => json_rpc(body),
        2 => sent(body),
        _ => login(body),
    }
}

/// The names in a document, and whether `block_ids_exclusive` is set.
fn fields(body: &[u8]) -> Result<(Vec<Vec<u8>>, bool), EpeeError> {
    let (mut names, mut exclusive) = (Vec::new(), false);
    epee::read(body, Limits::LEVIN, |name, value| {
        names.push(name.to_vec());
        if name == b"block_ids_exclusive" {
            exclusive = value.bool()?;
        }
        Ok::<_, EpeeError>(())
    })?;
    Ok((names, exclusive))
}

fn blocks(body: &[u8]) {
    let Some(asked) = fuzzing::blocks_without_pool(body) else { return };
    let (names, exclusive) = fields(&asked).expect("what is asked is a document");
    for name in &names {
        let known = KNOWN.iter().any(|known| known.as_bytes() == name);
        assert!(known, "the daemon is asked for {}", name.escape_ascii());
    }
    assert_eq!(Ok(exclusive), fields(body).map(|(_, exclusive)| exclusive));
    assert_eq!(fuzzing::blocks_without_pool(&asked), Some(asked), "asked once more it is another question");
}

fn json_rpc(body: &[u8]) {
    let answer: Value = serde_json::from_slice(&fuzzing::json_rpc(body)).expect("an answer is JSON");
    let asked: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let id = asked.and_then(|asked| asked.get("id").cloned()).unwrap_or("".into());
    // of a fraction the last digits may differ, as of any that is read, written and read
    let id: Value = serde_json::from_str(&id.to_string()).expect("what was written can be read");
    assert_eq!((&answer["id"], &answer["jsonrpc"]), (&id, &"2.0".into()));
    assert!(answer["error"]["code"].is_i64() && answer["result"].is_null());
}

fn login(header: &[u8]) {
    let Some(pairs) = std::str::from_utf8(header).ok().and_then(fuzzing::login_pairs) else { return };
    let quoted = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#);
    let written: Vec<String> = pairs.iter().map(|(name, value)| format!(r#"{name}="{}""#, quoted(value))).collect();
    // a name is all that stands before its value, so one that holds a quote or a comma is read alike
    assert_eq!(fuzzing::login_pairs(&format!("Digest {}", written.join(","))), Some(pairs));
}

fn sent(body: &[u8]) {
    let Some((blob, id)) = fuzzing::sent_transaction(body) else { return };
    let request: Map<String, Value> = serde_json::from_slice(body).expect("it was read");
    assert_ne!(request.get("do_not_relay"), Some(&true.into()), "a transaction that the wallet keeps back");
    // the same bytes in another writing are the same transaction, and any further byte makes them none
    let hex: String = blob.iter().map(|byte| format!("{byte:02X} ")).collect();
    let again = json!({ "tx_as_hex": hex, "client": "another" }).to_string();
    assert_eq!(fuzzing::sent_transaction(again.as_bytes()), Some((blob, id)));
    let longer = json!({ "tx_as_hex": format!("{hex}00") }).to_string();
    assert_eq!(fuzzing::sent_transaction(longer.as_bytes()), None);
}
