//! What the daemon says of its pool as a whole, with own transactions that are not out counted in.

use anonet_core::Instant;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

use super::super::http::{Answer, Call, Reply, whole};
use super::gateway::Gateway;
use super::hidden::Hidden;
use super::pool::escape;

/// Answers `/get_transaction_pool_stats`.
pub(super) async fn stats(gateway: &Gateway, call: &Call, hidden: &Hidden) -> Result<Reply, Answer> {
    if hidden.txs().len() == 0 {
        return gateway.pass(call, hidden).await;
    }
    let mut answer = gateway.json(call, &json!({}), hidden).await?;
    if let Some(stats) = answer.get_mut("pool_stats").and_then(Value::as_object_mut) {
        count_in(stats, hidden);
    }
    Ok(Answer::ok(&answer).into_reply())
}

fn count_in(stats: &mut Map<String, Value>, hidden: &Hidden) {
    let number = |stats: &Map<String, Value>, key: &str| stats.get(key).and_then(Value::as_u64).unwrap_or(0);
    let was_empty = number(stats, "txs_total") == 0;
    for pending in hidden.txs() {
        let (size, since) = (pending.tx.blob.len() as u64, pending.since.as_micros() / 1_000_000);
        for (key, more) in [("txs_total", 1), ("bytes_total", size), ("fee_total", pending.tx.fee)] {
            let total = number(stats, key).saturating_add(more);
            stats.insert(key.into(), total.into());
        }
        let most = number(stats, "bytes_max").max(size);
        stats.insert("bytes_max".into(), most.into());
        for (key, value) in [("bytes_min", size), ("oldest", since)] {
            let least = match number(stats, key) {
                0 => value,
                least => least.min(value),
            };
            stats.insert(key.into(), least.into());
        }
        if was_empty {
            stats.insert("bytes_med".into(), size.into());
        }
    }
}

/// Answers `get_txpool_backlog`, which is JSON with a string of any bytes: 24 for each transaction.
pub(super) async fn backlog(gateway: &Gateway, call: &Call, hidden: &Hidden, now: Instant) -> Result<Reply, Answer> {
    if hidden.txs().len() == 0 {
        return gateway.pass(call, hidden).await;
    }
    let theirs = gateway.whole(call, hidden).await?;
    let mut mine = Vec::new();
    for pending in hidden.txs() {
        let seconds = now.saturating_since(pending.since).as_secs();
        let entry = [pending.tx.weight as u64, pending.tx.fee, seconds].map(u64::to_le_bytes);
        entry.iter().flatten().for_each(|&byte| escape(byte, &mut mine));
    }
    let mut reply = whole(put_in(&theirs, &mine).map_or(theirs, Bytes::from));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(reply)
}

/// In front of what the list holds, or in a list of its own, which monerod leaves out when it is empty.
fn put_in(theirs: &[u8], mine: &[u8]) -> Option<Vec<u8>> {
    const LIST: &[u8] = b"\"backlog\": \"";
    const RESULT: &[u8] = b"\"result\": {";
    let after = |part: &[u8]| theirs.windows(part.len()).position(|window| window == part).map(|at| at + part.len());
    let whole = |at: usize, parts: &[&[u8]]| Some([&[&theirs[..at]], parts, &[&theirs[at..]]].concat().concat());
    match (after(LIST), after(RESULT)) {
        (Some(at), _) => whole(at, &[mine]),
        (None, Some(at)) => whole(at, &[LIST, mine, b"\","]),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::hidden::tests::tx1;
    use super::*;

    #[test]
    fn own_ones_are_counted() {
        let own = tx1();
        let (size, fee) = (own.tx.blob.len() as u64, own.tx.fee);
        let hidden = Hidden::new(vec![own]);
        let count = |stats: Value| {
            let Value::Object(mut stats) = stats else { unreachable!() };
            count_in(&mut stats, &hidden);
            ["txs_total", "bytes_total", "fee_total", "bytes_min", "bytes_max", "bytes_med", "oldest"]
                .map(|key| stats.get(key).and_then(Value::as_u64).unwrap_or(0))
        };
        let none = json!({ "txs_total": 0, "bytes_total": 0, "bytes_min": 0, "bytes_max": 0, "oldest": 0 });
        assert_eq!(count(none), [1, size, fee, size, size, size, 7]);
        let some = json!({ "txs_total": 2, "bytes_total": 9_000, "fee_total": 5, "bytes_min": 1_000, "bytes_max": 8_000,
                           "bytes_med": 4_500, "oldest": 3 });
        assert_eq!(count(some), [3, 9_000 + size, 5 + fee, 1_000, 8_000, 4_500, 3]);
    }

    #[test]
    fn the_backlog_is_a_string_of_bytes() {
        let put = |theirs: &[u8]| put_in(theirs, b"\xff\\n").unwrap();
        assert_eq!(
            put(b"{\"result\": {\"backlog\": \"\xfe\",\"x\": 1}}"),
            b"{\"result\": {\"backlog\": \"\xff\\n\xfe\",\"x\": 1}}"
        );
        assert_eq!(put(b"{\"result\": {\"x\": 1}}"), b"{\"result\": {\"backlog\": \"\xff\\n\",\"x\": 1}}");
        assert_eq!(put_in(b"{\"error\": 1}", b"x"), None);
    }
}
