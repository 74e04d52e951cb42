//! The questions that are asked of a daemon, and its answers. Source: spec `rpc-and-wallet.md` §2 and §3.
//!
//! Nothing is ever asked for by the id of a transaction: whoever sees such a question learns whose it is.

use anonet_core::{MAX_TX_SIZE, TxId};
use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::super::hex;
use super::client::{CallError, HttpClient};

/// Bytes of an answer that holds a few numbers.
pub(super) const SMALL: usize = 64 << 10;

/// Bytes of a list of a pool's ids, of which each takes 72: 466,000 transactions. monerod's pool holds 648 MB, which are
/// about as many.
pub(super) const POOL: usize = 32 << 20;

/// Bytes of a block without its transactions; one of 10,000 transactions has 2 MB.
pub(super) const BLOCK: usize = 8 << 20;

/// monerod closes the connection on a request of more than a MiB, of which a transaction takes twice its size.
pub(super) const MAX_SUBMIT: usize = (1 << 19) - (1 << 10);
const _: () = assert!(MAX_SUBMIT < MAX_TX_SIZE, "larger ones have to be told apart");

/// What a daemon says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Info {
    pub(super) status: String,
    #[serde(default)]
    pub(super) height: u64,
    #[serde(default)]
    pub(super) target_height: u64,
    #[serde(default)]
    pub(super) nettype: String,
    #[serde(default)]
    pub(super) synchronized: bool,
}

/// The top of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Header {
    /// Of this block; the chain's is one more.
    pub(super) height: u64,
    pub(super) hash: Hash,
    pub(super) prev_hash: Hash,
    #[serde(rename = "major_version")]
    pub(super) version: u8,
    cumulative_difficulty: u64,
    #[serde(default)]
    cumulative_difficulty_top64: u64,
}

impl Header {
    pub(super) fn cumulative_difficulty(&self) -> u128 {
        u128::from(self.cumulative_difficulty_top64) << 64 | u128::from(self.cumulative_difficulty)
    }
}

/// A block, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Block {
    #[serde(rename = "block_header")]
    pub(super) header: Header,
    /// Without the miner's.
    #[serde(default)]
    pub(super) tx_hashes: Vec<Hash>,
}

/// 32 bytes in hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash(pub(super) [u8; 32]);

impl Hash {
    pub(super) const fn txid(self) -> TxId {
        TxId::new(self.0)
    }
}

/// It may be a transaction's id.
impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = hex::decode(text.as_bytes()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("no hash of 32 bytes in hex"))
    }
}

/// What a daemon says to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is valid, was new to the daemon or not yet out, and the daemon sends it on.
    Relayed,
    /// It is valid, and out since long: the daemon has nothing more to do.
    Known,
    /// It cannot be in any block; monerod drops the peer who sends such a one.
    Invalid,
    /// It is not taken, and an honest peer may have sent it (spec: messages §7).
    Unwanted,
    /// The daemon cannot say before it is synchronized.
    Busy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SendResponse {
    status: String,
    reason: String,
    not_relayed: bool,
    double_spend: bool,
    fee_too_low: bool,
    tx_extra_too_big: bool,
    nonzero_unlock_time: bool,
    low_mixin: bool,
    invalid_input: bool,
    invalid_output: bool,
    too_big: bool,
    overspend: bool,
    too_few_outputs: bool,
}

impl SendResponse {
    fn answer(&self) -> Result<Answer, CallError> {
        match self.status.as_str() {
            "OK" if self.not_relayed => Ok(Answer::Known),
            "OK" => Ok(Answer::Relayed),
            "BUSY" => Ok(Answer::Busy),
            "Failed" => Ok(if self.is_excusable() || !self.is_invalid() { Answer::Unwanted } else { Answer::Invalid }),
            _ => Err(CallError::Garbage),
        }
    }

    /// What is wrong, as monerod's wallets put it; its own reason if it has one.
    fn words(&self) -> String {
        let flags = [
            (self.low_mixin, "bad ring size"),
            (self.double_spend, "double spend"),
            (self.invalid_input, "invalid input"),
            (self.invalid_output, "invalid output"),
            (self.too_few_outputs, "too few outputs"),
            (self.too_big, "too big"),
            (self.overspend, "overspend"),
            (self.fee_too_low, "fee too low"),
            (self.tx_extra_too_big, "tx-extra too big"),
            (self.nonzero_unlock_time, "tx unlock time is not zero"),
        ];
        let words: Vec<&str> = flags.into_iter().filter(|(set, _)| *set).map(|(_, words)| words).collect();
        match (words.is_empty(), self.reason.is_empty()) {
            (false, _) => words.join(", "),
            (true, false) => self.reason.clone(),
            (true, true) => "it does not say why".into(),
        }
    }

    /// Others may see a fee, a limit or a rival transaction differently.
    const fn is_excusable(&self) -> bool {
        self.double_spend || self.fee_too_low || self.tx_extra_too_big || self.nonzero_unlock_time
    }

    const fn is_invalid(&self) -> bool {
        self.low_mixin || self.invalid_input || self.invalid_output || self.too_big || self.overspend || self.too_few_outputs
    }
}

#[derive(Deserialize)]
struct PoolHashes {
    status: String,
    #[serde(default)]
    tx_hashes: Vec<Hash>,
}

#[derive(Deserialize)]
struct FeeEstimate {
    fee: u64,
}

#[derive(Deserialize)]
struct LastHeader {
    block_header: Header,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    result: Option<T>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i32,
}

/// Its core does not answer before it is synchronized.
const CORE_BUSY: i32 = -9;

impl HttpClient {
    /// Its state.
    pub(super) async fn info(&self) -> Result<Info, CallError> {
        read(&self.post("/get_info", Bytes::new(), SMALL).await?)
    }

    /// The top block's header.
    pub(super) async fn top(&self) -> Result<Header, CallError> {
        let found: LastHeader = self.json_rpc("get_last_block_header", &json!({}), SMALL).await?;
        Ok(found.block_header)
    }

    /// The ids of all that is in its pool.
    pub(super) async fn pool(&self) -> Result<Vec<Hash>, CallError> {
        let body = self.post("/get_transaction_pool_hashes", Bytes::new(), POOL).await?;
        // on a thread where it delays no link
        smol::unblock(move || read_pool(&body)).await
    }

    /// Its lowest fee for each unit of weight, in atomic units.
    pub(super) async fn fee(&self) -> Result<u64, CallError> {
        let found: FeeEstimate = self.json_rpc("get_fee_estimate", &json!({}), SMALL).await?;
        Ok(found.fee)
    }

    /// One block.
    pub(super) async fn block(&self, height: u64) -> Result<Block, CallError> {
        self.json_rpc("get_block", &json!({ "height": height }), BLOCK).await
    }

    /// Has it check and relay a transaction, as a wallet would. `do_not_relay` is never used: the daemon would then know the
    /// transaction and pass it on to nobody (spec: rpc §2). The sanity checks are left out, as no peer makes them.
    pub(super) async fn send(&self, blob: &[u8]) -> Result<Answer, CallError> {
        Ok(self.send_and_explain(blob).await?.0)
    }

    /// The same, with the words for a refusal.
    pub(super) async fn send_and_explain(&self, blob: &[u8]) -> Result<(Answer, String), CallError> {
        let request = json!({ "tx_as_hex": hex::encode(blob), "do_not_relay": false, "do_sanity_checks": false });
        read_sent(&self.post("/send_raw_transaction", request.to_string().into(), SMALL).await?)
    }

    async fn json_rpc<T: DeserializeOwned>(&self, method: &str, params: &serde_json::Value, cap: usize) -> Result<T, CallError> {
        let request = json!({ "jsonrpc": "2.0", "id": "0", "method": method, "params": params });
        read_result(&self.post("/json_rpc", request.to_string().into(), cap).await?)
    }
}

/// The ids of a pool.
pub(super) fn read_pool(body: &[u8]) -> Result<Vec<Hash>, CallError> {
    let answer: PoolHashes = read(body)?;
    match answer.status.as_str() {
        "OK" => Ok(answer.tx_hashes),
        "BUSY" => Err(CallError::Busy),
        _ => Err(CallError::Garbage),
    }
}

/// What is said to a transaction, with the words for a refusal.
pub(super) fn read_sent(body: &[u8]) -> Result<(Answer, String), CallError> {
    let answer: SendResponse = read(body)?;
    Ok((answer.answer()?, answer.words()))
}

/// The result of a call of JSON-RPC.
pub(super) fn read_result<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    let answer: Enveloped<T> = read(body)?;
    match (answer.result, answer.error) {
        (Some(result), _) => Ok(result),
        (None, Some(Refusal { code: CORE_BUSY })) => Err(CallError::Busy),
        // the refusal of this one question
        (None, Some(_)) => Err(CallError::NotServed),
        (None, None) => Err(CallError::Garbage),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|_| CallError::Garbage)
}

#[cfg(test)]
mod tests;
