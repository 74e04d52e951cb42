//! What a daemon answers.

use anonet_core::TxId;
use anonet_smol::fuzzing;
use serde_json::Value;

/// What says that an honest peer may have sent a transaction that is not taken.
const EXCUSES: [&str; 4] = ["double_spend", "fee_too_low", "tx_extra_too_big", "nonzero_unlock_time"];
/// What no honest peer sends.
const FAULTS: [&str; 6] = ["low_mixin", "invalid_input", "invalid_output", "too_big", "overspend", "too_few_outputs"];

/// The first byte chooses what is answered (the pool, a block, a transaction), the rest is the body.
///
/// # Panics
/// If a list is not the one that stands there, or a peer is blamed without cause.
pub fn daemon_answers(data: &[u8]) {
    let Some((which, body)) = data.split_first() else { return };
    match which % 3 {
        0 => ids(fuzzing::pool_ids(body), body, |said| &said["tx_hashes"]),
        1 => ids(fuzzing::block_ids(body), body, |said| &said["result"]["tx_hashes"]),
        _ => judge(body),
    }
}

fn ids(read: Option<Vec<TxId>>, body: &[u8], list: impl Fn(&Value) -> &Value) {
    let Some(read) = read else { return };
    // fields that nobody asks for may hold what is no text
    let Ok(said) = serde_json::from_slice(body) else { return };
    // daemons leave an empty list out
    let listed = list(&said).as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(read.len(), listed.len());
    for (id, text) in read.iter().zip(listed) {
        let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // written in whatever case, and with blanks between
        let text: String = text.as_str().expect("an id is text").split_ascii_whitespace().collect();
        assert_eq!(hex, text.to_ascii_lowercase());
    }
}

fn judge(body: &[u8]) {
    let Some(blames) = fuzzing::blames(body) else { return };
    // a list in the order of the fields is read as well, and has no names
    let Ok(Value::Object(said)) = serde_json::from_slice(body) else { return };
    let any = |names: &[&str]| names.iter().any(|name| said.get(*name) == Some(&true.into()));
    assert_eq!(blames, said.get("status") == Some(&"Failed".into()) && any(&FAULTS) && !any(&EXCUSES));
}
