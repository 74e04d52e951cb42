//! Transactions that differ in a mark that is found in any stream of bytes.

use monero_oxide::transaction::{NotPruned, Transaction};

use super::Draw;
use crate::common::{tx1_hex, unhex};

/// Stands in front of the number of each.
const MARK: &[u8; 16] = b"anonet, crash no";

/// One of a user's transactions.
#[derive(Clone)]
pub(crate) struct Minted {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) blob: Vec<u8>,
}

impl Minted {
    /// The wallet-made one with another `extra`: of the usual size, or so large that a courier needs two records.
    pub(crate) fn new(number: u64, draw: &mut Draw) -> Self {
        let whole = unhex(&tx1_hex());
        let mut tx = Transaction::<NotPruned>::read(&mut whole.as_slice()).unwrap();
        let Transaction::V2 { prefix, .. } = &mut tx else { panic!("an old one") };
        let padding = if draw.once_in(4) { 1_000 } else { 20 };
        // a key of the transaction is what these bytes pretend to be
        let mark = [&[1], &MARK[..], &number.to_le_bytes()].concat();
        prefix.extra = mark.into_iter().chain(number.to_le_bytes().into_iter().cycle().take(padding)).collect();
        let id = tx.hash().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { number, id, blob: tx.serialize() }
    }

    pub(crate) fn hex(&self) -> String {
        self.blob.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The number of each transaction whose mark stands in these bytes, as often as it does.
pub(crate) fn numbers_in(bytes: &[u8]) -> Vec<u64> {
    let marked = bytes.windows(MARK.len() + 8).filter(|window| window.starts_with(MARK));
    marked.map(|window| u64::from_le_bytes(window[MARK.len()..].try_into().unwrap())).collect()
}
