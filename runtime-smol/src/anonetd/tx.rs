//! Transactions as bytes: what they are, and their ids.

use std::borrow::Cow;
use std::io;

use anonet_core::{BlobRefused, LocalTx, MAX_TX_SIZE, TxId};
use bytes::Bytes;
use monero_oxide::transaction::{Input, NotPruned, Transaction};
use thiserror::Error;

use super::fitness::{Flaws, Rules};
use super::hex::{self, HexError};
use super::own::OwnTx;

/// Why bytes are not taken as a transaction of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TxError {
    #[error(transparent)]
    Size(#[from] BlobRefused),
    #[error("the transaction is neither binary nor hex: {0}")]
    Hex(#[from] HexError),
    #[error("the transaction is cut off: it goes on after its {size} bytes; hand over all of it")]
    Truncated { size: usize },
    #[error("this is no Monero transaction: hand over a signed one, as `transfer` with do-not-relay writes it, in hex or binary")]
    Malformed,
    #[error("{count} bytes follow the end of the transaction: hand over one transaction and nothing else")]
    Trailing { count: usize },
    #[error("this is a miner's transaction, which exists in a block only: hand over one of a wallet")]
    Coinbase,
}

/// The bytes in a file or message that holds a transaction in binary or hex. Binary ones begin with their version
/// number, which is no printable character.
pub(crate) fn from_text_or_binary(data: &[u8]) -> Result<Cow<'_, [u8]>, HexError> {
    match data.first() {
        Some(first) if first.is_ascii_control() && !first.is_ascii_whitespace() => Ok(Cow::Borrowed(data)),
        _ => hex::decode(data).map(Cow::Owned),
    }
}

/// Reads one whole transaction, and computes its id. Checks its form, not its signatures.
pub(crate) fn parse(blob: &[u8]) -> Result<(OwnTx, LocalTx), TxError> {
    let (own, tx, _) = examine(blob, Rules::default())?;
    Ok((own, tx))
}

/// The same, and what the network's rules have against it.
pub(crate) fn examine(blob: &[u8], rules: Rules) -> Result<(OwnTx, LocalTx, Flaws), TxError> {
    // the size first: what is too large is not looked into
    let bytes = Bytes::copy_from_slice(&blob[..blob.len().min(MAX_TX_SIZE + 1)]);
    let local = LocalTx::new(bytes.clone())
        .map_err(|refused| if blob.len() > MAX_TX_SIZE { BlobRefused::TooLarge { size: blob.len() } } else { refused })?;
    let tx = read(&bytes)?;
    let flaws = rules.flaws(&tx);
    Ok((own_of(tx, bytes), local, flaws))
}

/// What wallets may ask of the transaction that `blob` is.
pub(crate) fn own(blob: Bytes) -> Result<OwnTx, TxError> {
    Ok(own_of(read(&blob)?, blob))
}

fn own_of(tx: Transaction, blob: Bytes) -> OwnTx {
    let key_image = |input: &Input| match input {
        Input::ToKey { key_image, .. } => Some(key_image.to_bytes()),
        Input::Gen(_) => None,
    };
    let fee = match &tx {
        Transaction::V2 { proofs: Some(proofs), .. } => proofs.base.fee,
        _ => 0,
    };
    let key_images = tx.prefix().inputs.iter().filter_map(key_image).collect();
    let (id, weight) = (TxId::new(tx.hash()), tx.weight());
    let prunable_hash = tx.prunable_hash().unwrap_or_default();
    let (_, prunable) = tx.pruned_with_prunable();
    OwnTx { id, pruned: blob.len() - prunable.len(), blob, prunable_hash, key_images, fee, weight }
}

/// The id of the transaction that `blob` is.
pub(crate) fn id_of(blob: &[u8]) -> Result<TxId, TxError> {
    Ok(TxId::new(read(blob)?.hash()))
}

fn read(blob: &[u8]) -> Result<Transaction, TxError> {
    let mut rest = blob;
    let tx = Transaction::<NotPruned>::read(&mut rest).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => TxError::Truncated { size: blob.len() },
        _ => TxError::Malformed,
    })?;
    if !rest.is_empty() {
        return Err(TxError::Trailing { count: rest.len() });
    }
    if tx.prefix().inputs.iter().any(|input| matches!(input, Input::Gen(_))) {
        return Err(TxError::Coinbase);
    }
    // the rest is computed from what was understood, so that has to be all of it
    if tx.serialize() != blob {
        return Err(TxError::Malformed);
    }
    Ok(tx)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn vector(name: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name);
        hex::decode(&fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn ids_are_those_that_monerod_gave() {
        for set in ["tor", "i2p"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(set).join("index.json");
            let index: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let txs = index["txs"].as_array().unwrap();
            assert_eq!(txs.len(), 3);
            for listed in txs {
                let blob = vector(&format!("{set}/{}", listed["file"].as_str().unwrap()));
                let (own, tx) = parse(&blob).unwrap();
                assert_eq!(own.id.reveal().to_string(), listed["hash"].as_str().unwrap());
                assert_eq!((tx.size(), &own.blob[..]), (blob.len(), &blob[..]));
                assert!(own.fee > 0 && own.weight >= blob.len() && !own.key_images.is_empty());
                assert!(own.key_images.iter().all(|image| blob[..own.pruned].windows(32).any(|part| part == image)));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = vector("tor/tx-1.hex");
        let mut long = good.clone();
        long.push(0);
        let cut = &good[..good.len() - 1];
        // version 2, unlock time 60, one input of kind "gen" at height 1, no outputs, no extra, no signatures
        let coinbase = [2, 60, 1, 0xff, 1, 0, 0, 0];
        for (blob, expected) in [
            (&[][..], TxError::Size(BlobRefused::Empty)),
            (&[2], TxError::Truncated { size: 1 }),
            (cut, TxError::Truncated { size: cut.len() }),
            (&long, TxError::Trailing { count: 1 }),
            (b"\x03\x00\x00\x00", TxError::Malformed),
            (&coinbase, TxError::Coinbase),
            (&vec![2; MAX_TX_SIZE + 1], TxError::Size(BlobRefused::TooLarge { size: MAX_TX_SIZE + 1 })),
            (&vec![2; MAX_TX_SIZE + 9], TxError::Size(BlobRefused::TooLarge { size: MAX_TX_SIZE + 9 })),
        ] {
            let found = parse(blob).unwrap_err();
            assert_eq!(found, expected, "{} bytes", blob.len());
            assert!(found.to_string().contains("hand over") || found.to_string().contains("consensus"), "{found}");
        }
    }

    #[test]
    fn the_form_is_detected() {
        let good = vector("tor/tx-1.hex");
        let text = format!(" \n{}\r\n", hex::encode(&good).to_uppercase());
        assert_eq!(from_text_or_binary(&good).unwrap(), good);
        assert_eq!(from_text_or_binary(text.as_bytes()).unwrap(), good);
        assert_eq!(from_text_or_binary(b"").unwrap(), b"".as_slice());
        assert_eq!(from_text_or_binary(b"hello"), Err(HexError::NotADigit { position: 1 }));
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0usize..2166, value: u8) {
            let mut blob = vector("tor/tx-1.hex");
            let same = blob[at] == value;
            blob[at] = value;
            let original = vector("tor/tx-1.hex");
            if let Ok((own, _)) = parse(&blob) {
                prop_assert_eq!(own.id == parse(&original).unwrap().0.id, same);
            }
        }
    }
}
