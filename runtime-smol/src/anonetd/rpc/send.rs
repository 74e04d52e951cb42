//! `/send_raw_transaction`. Source: spec `rpc-and-wallet.md` §2.

use anonet_core::{BlobRefused, SubmitError};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::fitness::Flaw;
use super::super::hex;
use super::super::http::Answer;
use super::super::local_node::{Accepted, LocalNode, NotAccepted};
use super::super::status::State;
use super::super::tx::TxError;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SendRequest {
    tx_as_hex: String,
    do_not_relay: bool,
    do_sanity_checks: Option<bool>,
}

/// The answer: monerod's keys, and ours, which wallets pass over.
#[derive(Debug, Default, Serialize)]
struct SendResponse {
    status: &'static str,
    reason: String,
    not_relayed: bool,
    low_mixin: bool,
    double_spend: bool,
    invalid_input: bool,
    invalid_output: bool,
    too_big: bool,
    overspend: bool,
    fee_too_low: bool,
    too_few_outputs: bool,
    sanity_check_failed: bool,
    tx_extra_too_big: bool,
    nonzero_unlock_time: bool,
    credits: u64,
    top_hash: &'static str,
    untrusted: bool,
    /// How far the transaction has come, if it was accepted.
    anonet_state: Option<State>,
    /// Why it is held, if it is.
    anonet_why: Option<String>,
}

/// The bytes that a body has; `None` if it is refused.
pub(super) fn blob(body: &[u8]) -> Option<Vec<u8>> {
    let request: SendRequest = serde_json::from_slice(body).ok()?;
    hex::decode(request.tx_as_hex.as_bytes()).ok().filter(|_| !request.do_not_relay)
}

/// Takes a transaction of a wallet. An answer of `OK` says that the node keeps it and sends it as soon as it can.
pub(super) async fn answer(node: &LocalNode, body: &[u8]) -> Answer {
    // monerod takes an empty body for an empty document
    let body = if body.is_empty() { b"{}" } else { body };
    let Ok(request) = serde_json::from_slice::<SendRequest>(body) else {
        return Answer::error(StatusCode::BAD_REQUEST, "Bad request");
    };
    if request.do_not_relay {
        let reason = "do_not_relay is refused: this node has no pool to keep a transaction in, it can only send it";
        return Answer::ok(&SendResponse::failed(reason));
    }
    let Ok(blob) = hex::decode(request.tx_as_hex.as_bytes()) else {
        return Answer::ok(&SendResponse::failed("Hex decoding failed"));
    };
    Answer::ok(&match node.submit(blob).await {
        Ok(accepted) => SendResponse::accepted(accepted),
        Err(error) => SendResponse::not_accepted(&error, request.do_sanity_checks.unwrap_or(true)),
    })
}

impl SendResponse {
    fn accepted(accepted: Accepted) -> Self {
        let Accepted { entry, .. } = accepted;
        Self { status: "OK", anonet_state: Some(entry.state), anonet_why: entry.why, ..Self::default() }
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self { status: "Failed", reason: reason.into(), ..Self::default() }
    }

    /// monerod's sanity checks, on unless switched off, refuse what is no transaction of a wallet.
    fn not_accepted(error: &NotAccepted, sanity_checks: bool) -> Self {
        let failed = Self::failed(error.to_string());
        match error {
            NotAccepted::Tx(TxError::Size(BlobRefused::TooLarge { .. })) | NotAccepted::Node(SubmitError::TooLarge { .. }) => {
                Self { too_big: true, ..failed }
            }
            NotAccepted::Unfit(flaws) => Self {
                low_mixin: flaws.has(Flaw::RingSize),
                invalid_input: flaws.has(Flaw::InvalidInput),
                invalid_output: flaws.has(Flaw::InvalidOutput),
                too_big: flaws.has(Flaw::TooBig),
                fee_too_low: flaws.has(Flaw::FeeTooLow),
                too_few_outputs: flaws.has(Flaw::TooFewOutputs),
                tx_extra_too_big: flaws.has(Flaw::ExtraTooBig),
                nonzero_unlock_time: flaws.has(Flaw::UnlockTime),
                ..failed
            },
            NotAccepted::Tx(_) => Self { sanity_check_failed: sanity_checks, ..failed },
            // a wallet tries again later
            NotAccepted::Stopped(_) | NotAccepted::Node(SubmitError::Stopping) => Self { status: "BUSY", ..failed },
            _ => failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_flags_that_wallets_read() {
        let too_large = TxError::Size(BlobRefused::TooLarge { size: 1_000_001 });
        for (error, checks, status, too_big, insane) in [
            (NotAccepted::Tx(TxError::Malformed), true, "Failed", false, true),
            (NotAccepted::Tx(TxError::Coinbase), false, "Failed", false, false),
            (NotAccepted::Tx(too_large), true, "Failed", true, false),
            (NotAccepted::Node(SubmitError::TooLarge { size: 2, most: 1 }), true, "Failed", true, false),
            (NotAccepted::Node(SubmitError::StashFull { entries: 1, bytes: 2 }), true, "Failed", false, false),
            (NotAccepted::Node(SubmitError::Stopping), true, "BUSY", false, false),
            (NotAccepted::Stopped(crate::handle::Stopped), true, "BUSY", false, false),
        ] {
            let found = SendResponse::not_accepted(&error, checks);
            assert_eq!((found.status, found.too_big, found.sanity_check_failed), (status, too_big, insane), "{error}");
            assert_eq!(found.reason, error.to_string());
        }
    }

    #[test]
    fn requests_may_leave_out_everything_but_have_the_right_types() {
        let read = |text: &str| serde_json::from_str::<SendRequest>(text);
        assert!(read("{}").is_ok_and(|request| request.tx_as_hex.is_empty() && !request.do_not_relay));
        assert!(read(r#"{"tx_as_hex":"00","do_not_relay":true,"client":"x","do_sanity_checks":false}"#).is_ok());
        assert!(read(r#"{"tx_as_hex":5}"#).is_err());
    }
}
