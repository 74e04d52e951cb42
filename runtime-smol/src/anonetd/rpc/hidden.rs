//! What a daemon must not be asked about: the own transactions that there is no evidence of yet.

use std::collections::{BTreeMap, BTreeSet};

use super::super::hex;
use super::super::own::Pending;

/// A moment's view of them.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    txs: BTreeMap<[u8; 32], Pending>,
    images: BTreeSet<[u8; 32]>,
}

impl Hidden {
    pub(super) fn new(pending: Vec<Pending>) -> Self {
        let images = pending.iter().flat_map(|pending| pending.tx.key_images.iter().copied()).collect();
        let txs = pending.into_iter().map(|pending| (*pending.tx.id.as_bytes(), pending)).collect();
        Self { txs, images }
    }

    /// The one whose id this is, in hex.
    pub(super) fn tx(&self, id: &str) -> Option<&Pending> {
        self.txs.get(&hash(id)?)
    }

    /// Whether one spends this key image, given in hex.
    pub(super) fn spends(&self, image: &str) -> bool {
        hash(image).is_some_and(|image| self.images.contains(&image))
    }

    pub(super) fn has(&self, id: &[u8; 32]) -> bool {
        self.txs.contains_key(id)
    }

    pub(super) fn txs(&self) -> impl ExactSizeIterator<Item = &Pending> {
        self.txs.values()
    }

    /// Whether an id or key image stands in the bytes, as it is or in hex.
    pub(super) fn is_named_in(&self, bytes: &[u8]) -> bool {
        if self.txs.is_empty() {
            return false;
        }
        let is_one = |hash: &[u8; 32]| self.txs.contains_key(hash) || self.images.contains(hash);
        bytes.windows(32).any(|window| window.try_into().is_ok_and(is_one)) || hex_hashes(bytes).any(|hash| is_one(&hash))
    }
}

/// The 32 bytes that each 64 digits in a row stand for.
fn hex_hashes(bytes: &[u8]) -> impl Iterator<Item = [u8; 32]> {
    let runs = bytes.split(|byte| !byte.is_ascii_hexdigit());
    runs.flat_map(|run| run.windows(64)).filter_map(|digits| hex::decode(digits).ok()?.try_into().ok())
}

fn hash(text: &str) -> Option<[u8; 32]> {
    // monerod takes no white space here
    (text.len() == 64).then(|| hex::decode(text.as_bytes()).ok()?.try_into().ok()).flatten()
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use anonet_core::Instant;
    use serde_json::json;

    use super::super::super::tx;
    use super::*;

    /// The first transaction of the vectors, held.
    pub(in super::super) fn tx1() -> Pending {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tor/tx-1.hex");
        let (own, _) = tx::parse(&hex::decode(&std::fs::read(path).unwrap()).unwrap()).unwrap();
        let entry = json!({
            "txid": own.id.reveal().to_string(), "size": own.blob.len(), "state": "held", "why": "no peer", "zone": null,
            "peers_handed_to": 0, "peers_proven": 0, "witness": "daemon", "next_action": "waits", "expires_in_seconds": 9
        });
        let entry = serde_json::from_value(entry).unwrap();
        Pending { tx: Arc::new(own), since: Instant::from_micros(7_000_000), entry }
    }

    #[test]
    fn names_are_found_in_every_form() {
        let pending = tx1();
        let (id, image) = (*pending.tx.id.as_bytes(), pending.tx.key_images[0]);
        let hidden = Hidden::new(vec![pending.clone()]);
        for named in [id, image, *pending.tx.key_images.last().unwrap()] {
            let text = hex::encode(&named);
            for bytes in [named.to_vec(), text.clone().into_bytes(), text.to_uppercase().into_bytes()] {
                assert!(hidden.is_named_in(&bytes) && hidden.is_named_in(&[b"f00", &bytes[..], b"ff"].concat()));
                assert!(!hidden.is_named_in(&bytes[1..]));
            }
        }
        assert!(hidden.is_named_in(&pending.tx.blob) && !Hidden::default().is_named_in(&pending.tx.blob));
        assert!(hidden.tx(&hex::encode(&id)).is_some() && hidden.tx(&hex::encode(&image)).is_none());
        assert!(hidden.spends(&hex::encode(&image)) && !hidden.spends(&hex::encode(&id)) && !hidden.spends("zz"));
    }
}
