use core::fmt;

use bytes::BytesMut;

use super::{WireError, read_body};
use crate::epee::{self, Strings};

/// How a transaction travels (`messages.md` §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the message has one bit for it")]
pub enum TxForm {
    /// To one peer at a time, not yet public.
    Stem,
    /// To everybody.
    Fluff,
}

/// Transactions for the pool, command [`NEW_TRANSACTIONS`](super::command::NEW_TRANSACTIONS).
#[derive(Clone)]
pub struct NewTransactions<'a> {
    /// Whether the form is [`TxForm::Fluff`], also when the message does not say so.
    pub fluff: bool,
    /// Filler, in practice blanks; empty when absent.
    pub padding: &'a [u8],
    txs: Strings<'a>,
}

impl<'a> NewTransactions<'a> {
    /// Reads a body. The transactions stay where they are and are not looked into.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit, or a field has the wrong type.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let mut message = Self { fluff: true, padding: &[], txs: Strings::default() };
        read_body(body, |key, value| {
            match key {
                b"_" => message.padding = value.bytes()?,
                b"dandelionpp_fluff" => message.fluff = value.bool()?,
                b"txs" => message.txs = value.strings()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(message)
    }

    /// The transaction blobs, in the order of the message, duplicates and empty ones included.
    #[must_use]
    pub fn txs(&self) -> Strings<'a> {
        self.txs.clone()
    }

    /// How many transactions the message has.
    #[must_use]
    pub fn tx_count(&self) -> usize {
        self.txs.len()
    }

    /// Appends a body with `padding_len` blanks as filler to `out`.
    pub fn encode<'t>(out: &mut BytesMut, form: TxForm, padding_len: usize, txs: impl ExactSizeIterator<Item = &'t [u8]>) {
        epee::write(out, |root| {
            root.repeated("_", b' ', padding_len);
            if form == TxForm::Stem {
                root.bool("dandelionpp_fluff", false);
            }
            root.strings("txs", txs);
        });
    }
}

impl NewTransactions<'_> {
    /// Padded bodies are a multiple of this long, in bytes.
    pub const GRAIN: usize = 1_024;

    /// Appends a body with the least filler that makes its length a multiple of [`GRAIN`](Self::GRAIN), whatever the
    /// sizes of the transactions; monerod's estimate misses some (spec: dandelion-noise §8). Encodes twice.
    pub fn encode_padded<'t>(out: &mut BytesMut, form: TxForm, txs: impl ExactSizeIterator<Item = &'t [u8]> + Clone) {
        let start = out.len();
        Self::encode(out, form, 0, txs.clone());
        let filler = filler(out.len().saturating_sub(start));
        out.truncate(start);
        Self::encode(out, form, filler, txs);
    }
}

/// The least filler that makes a body a multiple of the grain which has `bare` bytes without any. The filler's length
/// takes one byte below 64, else two.
const fn filler(bare: usize) -> usize {
    let short = to_grain(bare);
    if short < 64 {
        return short;
    }
    let long = to_grain(bare.saturating_add(1));
    if long < 64 { long.saturating_add(NewTransactions::GRAIN) } else { long }
}

/// How many bytes are missing to a multiple of the grain.
const fn to_grain(bytes: usize) -> usize {
    match bytes.checked_rem(NewTransactions::GRAIN) {
        None | Some(0) => 0,
        Some(over) => NewTransactions::GRAIN.saturating_sub(over),
    }
}

/// Without the transactions and the padding, which must not end up in a log.
impl fmt::Debug for NewTransactions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTransactions").field("fluff", &self.fluff).field("tx_count", &self.tx_count()).finish_non_exhaustive()
    }
}

/// Asks for the pool's transactions except those listed, command
/// [`TXPOOL_COMPLEMENT`](super::command::TXPOOL_COMPLEMENT).
#[derive(Clone, Debug)]
pub struct TxPoolComplement<'a> {
    hashes: Hashes<'a>,
}

impl<'a> TxPoolComplement<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// If the body breaks the grammar or a limit, or the ids are not 32 bytes each.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let mut rest: &[u8] = &[];
        read_body(body, |key, value| {
            if key == b"hashes" {
                rest = value.bytes()?;
            }
            Ok(())
        })?;
        if rest.len() % Hashes::LENGTH != 0 {
            return Err(WireError::HashesLength(rest.len()));
        }
        Ok(Self { hashes: Hashes { rest } })
    }

    /// Ids of the transactions that the peer has.
    #[must_use]
    pub fn hashes(&self) -> Hashes<'a> {
        self.hashes.clone()
    }

    /// Appends a body to `out`.
    pub fn encode<'h>(out: &mut BytesMut, hashes: impl ExactSizeIterator<Item = &'h [u8; 32]>) {
        epee::write(out, |root| root.blobs("hashes", hashes));
    }
}

/// The transaction ids of a [`TxPoolComplement`].
#[derive(Clone)]
pub struct Hashes<'a> {
    /// A whole number of ids.
    rest: &'a [u8],
}

impl Hashes<'_> {
    const LENGTH: usize = 32;
}

impl<'a> Iterator for Hashes<'a> {
    type Item = &'a [u8; 32];

    fn next(&mut self) -> Option<&'a [u8; 32]> {
        let (hash, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(hash)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rest.len() / Self::LENGTH;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Hashes<'_> {}

impl fmt::Debug for Hashes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashes").field("left", &self.len()).finish_non_exhaustive()
    }
}
