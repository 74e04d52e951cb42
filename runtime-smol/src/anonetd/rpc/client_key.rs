//! `client`, with which wallets of 0.18 sign what they ask: it is for daemons that want to be paid, and would tell the daemon
//! which requests come from one wallet.

use anonet_core::epee::{self, EpeeError, Limits};
use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value};

/// Its name.
const KEY: &str = "client";

/// Its name in epee, with the type of a string behind.
const FIELD: &[u8] = b"\x06client\x0a";

/// Signatures and version of an epee document, before the number of its fields.
const HEADER: usize = 9;

/// The same request without it. What cannot be read stays as it is: the daemon will not read it either.
pub(super) fn without_client(path: &str, body: Bytes) -> Bytes {
    if !body.windows(KEY.len()).any(|window| window == KEY.as_bytes()) {
        return body;
    }
    let shorter = if path.ends_with(".bin") { without_field(&body) } else { without_key(&body) };
    shorter.unwrap_or(body)
}

fn without_key(body: &[u8]) -> Option<Bytes> {
    let mut document: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let outer = document.remove(KEY).is_some();
    let inner = document.get_mut("params").and_then(Value::as_object_mut).is_some_and(|params| params.remove(KEY).is_some());
    (outer || inner).then(|| Value::Object(document).to_string().into())
}

fn without_field(body: &[u8]) -> Option<Bytes> {
    let mut value = None;
    epee::read(body, Limits::LEVIN, |key, field| {
        if key == KEY.as_bytes() {
            value = Some(field.bytes()?);
        }
        Ok::<_, EpeeError>(())
    })
    .ok()?;
    let value = value?;
    let at = (value.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let (before, after) = (body.get(..at)?, body.get(at + value.len()..)?);
    let start =
        before.len().checked_sub(width_of(value.len()) + FIELD.len()).filter(|start| before[*start..].starts_with(FIELD))?;
    let mut shorter = BytesMut::from(&before[..start]);
    shorter.extend_from_slice(after);
    // the number of fields, which keeps its width
    let width = 1 << (*shorter.get(HEADER)? & 3);
    let count = shorter.get_mut(HEADER..HEADER + width)?;
    let mut number = [0; 8];
    number[..width].copy_from_slice(count);
    let fewer = u64::from_le_bytes(number).checked_sub(1 << 2)?;
    count.copy_from_slice(&fewer.to_le_bytes()[..width]);
    Some(shorter.freeze())
}

/// Bytes of a length in epee.
const fn width_of(length: usize) -> usize {
    match length {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..0x4000_0000 => 4,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(client: Option<&[u8]>) -> Bytes {
        let mut body = BytesMut::new();
        epee::write(&mut body, |root| {
            root.bytes("block_ids", b"\x06client\x0a");
            if let Some(client) = client {
                root.bytes("client", client);
            }
            root.u64("start_height", 5);
        });
        body.freeze()
    }

    #[test]
    fn it_is_cut_out_of_binary_requests() {
        for client in [&b""[..], b"who", &[7; 63], &[7; 64], &[7; 20_000]] {
            assert_eq!(without_client("/gethashes.bin", document(Some(client))), document(None), "{}", client.len());
        }
        for body in [document(None), Bytes::from_static(b"no epee but client"), document(Some(b"x")).slice(..30)] {
            assert_eq!(without_client("/gethashes.bin", body.clone()), body);
        }
    }

    #[test]
    fn it_is_cut_out_of_json() {
        let cut = |text: &'static str| String::from_utf8(without_client("/json_rpc", text.into()).to_vec()).unwrap();
        assert_eq!(cut(r#"{"client":"ab","height":1}"#), r#"{"height":1}"#);
        assert_eq!(cut(r#"{"method":"m","params":{"client":"","x":[1]}}"#), r#"{"method":"m","params":{"x":[1]}}"#);
        for same in ["", "client", r#"{"clients": 1}"#, r#"{"x": "client"}"#, r#"[{"client": 1}]"#] {
            assert_eq!(cut(same), same);
        }
    }
}
