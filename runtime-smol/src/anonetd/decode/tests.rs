use std::fs;
use std::path::Path;

use super::super::hex;
use super::*;

const PING: &str = "0121010101010101 0a00000000000000 01 eb030000 00000000 01000000 01000000 01110101010102010100";
const NOTIFY: &str = "0121010101010101 1700000000000000 00 d2070000 00000000 01000000 01000000 \
                      011101010101020101 08 015f 0a 00 03747873 8a 04 08aabb";

/// Exit and output.
fn decode_text(text: &str, json: bool) -> (Result<(), String>, String) {
    let mut out = Vec::new();
    let result = decode(&mut text.as_bytes(), &mut out, json).map_err(|failure| format!("{failure:?}"));
    (result, String::from_utf8(out).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    let (result, out) = decode_text(text, true);
    assert_eq!(result, Ok(()), "{out}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn examples_of_the_specification() {
    let found = lines(&format!("{PING}\n\n  {NOTIFY}\n"));
    let ping = json!({"offset": 0, "kind": "request", "bytes": 10, "command": 1003, "name": "PING", "code": null,
                      "fragments": 0, "fields": {}});
    let notify = json!({"offset": 43, "kind": "notify", "bytes": 23, "command": 2002, "name": "NEW_TRANSACTIONS", "code": null,
                        "fragments": 0, "fields": {"fluff": true, "padding": 0, "txs": ["aabb"]}});
    assert_eq!(found, [ping, notify]);
    let (_, text) = decode_text(NOTIFY, false);
    assert_eq!(text, "       0  notify    NEW_TRANSACTIONS (2002)  23 bytes  fluff=true padding=0 txs=[aabb]\n");
}

#[test]
fn refusals_have_no_fields() {
    let found = lines("0121010101010101 0000000000000000 00 eb030000 faffffff 02000000 01000000");
    assert_eq!(found[0]["code"], -6);
    assert_eq!(found[0].get("fields"), None);
}

#[test]
fn bad_frames_are_named_by_their_place() {
    for (text, says) in [
        (format!("{PING} 0221"), "bad frame at byte 43: frame does not begin with the Levin signature"),
        (format!("{PING} 0121010101010101 ffffffffffffff7f 00 d2070000 00000000 01000000 01000000"), "at byte 43"),
        (
            format!("{PING} 0121010101010101 0000000000000000 00 00000000 00000000 08000000 01000000"),
            "at byte 43: fragment without",
        ),
        (format!("{PING} 01210101"), "ends inside the frame at byte 43: 29 bytes"),
        (format!("{PING} {}", &NOTIFY[..NOTIFY.len() - 4]), "ends inside the frame at byte 43: 2 bytes"),
        (format!("{PING} 0121010101010101 0100000000000000 00 00000000 00000000 04000000 01000000 01"), "begins at byte 43"),
        (format!("{PING} 0"), "odd"),
        (format!("{PING} xyz"), "no hexadecimal digit"),
    ] {
        let (result, out) = decode_text(&text, false);
        let error = result.unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
        assert!(out.contains("PING (1003)"), "what came before is shown: {out}");
    }
}

#[test]
fn a_bad_message_does_not_end_the_stream() {
    let bad = "0121010101010101 0100000000000000 01 e9030000 00000000 01000000 01000000 00";
    let (result, out) = decode_text(&format!("{bad} {PING}"), false);
    assert!(result.is_err());
    assert!(out.contains("BAD MESSAGE") && out.contains("PING (1003)"), "{out}");
}

#[test]
fn every_vector_is_understood_as_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let mut count = 0;
    for set in ["tor", "i2p"] {
        let index: Value = serde_json::from_slice(&fs::read(root.join(set).join("index.json")).unwrap()).unwrap();
        for vector in index["vectors"].as_array().unwrap() {
            let name = vector["file"].as_str().unwrap();
            let found = lines(&fs::read_to_string(root.join(set).join(name)).unwrap());
            let frames = vector["frames"].as_array().unwrap();
            let outer: Vec<&Value> = found.iter().filter(|line| line["fragments"].as_u64().unwrap_or(0) == 0).collect();
            assert_eq!(outer.len(), frames.len(), "{name}");
            for (line, listed) in outer.iter().zip(frames) {
                assert_eq!(line["bytes"], listed["payload_bytes"], "{name}");
                if listed["command"] != 0 {
                    assert_eq!(line["command"], listed["command"], "{name}");
                    assert!(line["fields"].is_object() && line.get("error").is_none(), "{name}: {line}");
                }
            }
            check_content(vector, found.last().unwrap(), name);
            count += 1;
        }
    }
    assert_eq!(count, 40);
}

/// Compares transactions, peers and chain state with what another decoder saw.
fn check_content(vector: &Value, line: &Value, name: &str) {
    let listed = &vector["decoded"];
    if let Some(txs) = listed["txs"].as_array() {
        let expected: Vec<&Value> = txs.iter().map(|tx| &tx["hex"]).collect();
        let found: Vec<&Value> = line["fields"]["txs"].as_array().unwrap().iter().collect();
        assert_eq!(found, expected, "{name}");
    }
    if let Some(peers) = listed["local_peerlist_new"].as_array() {
        assert_eq!(line["fields"]["peers"].as_array().unwrap().len(), peers.len(), "{name}");
    }
    if let Some(height) = listed["payload_data"].get("current_height") {
        assert_eq!(&line["fields"]["sync"]["current_height"], height, "{name}");
        assert_eq!(line["fields"]["sync"]["top_id"], listed["payload_data"]["top_id"]["hex"], "{name}");
    }
}

#[test]
fn pieces_make_no_difference() {
    let text = format!("{PING}{NOTIFY}");
    let bytes = hex::decode(text.as_bytes()).unwrap();
    let offsets = |size: usize| {
        let (mut reader, mut offsets) = (FrameReader::default(), Vec::new());
        for piece in bytes.chunks(size) {
            let walked = reader.walk(piece, |found| {
                offsets.push(found.offset);
                Ok(())
            });
            assert_eq!(walked.unwrap(), Ok(()));
        }
        assert_eq!(reader.finish(), Ok(()));
        offsets
    };
    for size in [1, 2, 33, 43, 44, 1000] {
        assert_eq!(offsets(size), [0, 43], "{size}");
    }
}
