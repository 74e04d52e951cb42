//! `/json_rpc`: what is answered here, and the envelope. Source: spec `rpc-and-wallet.md` §1.

use serde_json::{Map, Value, json};

use super::super::http::Answer;

/// What a request wants.
#[derive(Debug)]
pub(super) struct Request {
    id: Value,
    pub(super) method: String,
}

/// Codes of JSON-RPC and of monerod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Parse = -32_700,
    Invalid = -32_600,
    UnknownMethod = -32_601,
    Internal = -32_603,
    /// monerod's, of a core that does not know its chain yet.
    Busy = -9,
}

impl Request {
    pub(super) fn read(body: &[u8]) -> Result<Self, Answer> {
        let nobody = Self { id: "".into(), method: String::new() };
        let Ok(mut request) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return Err(nobody.fails(Fault::Parse, "Parse error"));
        };
        let id = request.remove("id").unwrap_or("".into());
        match request.remove("method") {
            Some(Value::String(method)) => Ok(Self { id, method }),
            _ => Err(Self { id, ..nobody }.fails(Fault::Invalid, "Invalid Request")),
        }
    }

    pub(super) fn succeeds(self, result: Value) -> Answer {
        Answer::ok(&json!({ "id": self.id, "jsonrpc": "2.0", "result": result }))
    }

    pub(super) fn fails(self, fault: Fault, message: &str) -> Answer {
        let error = json!({ "code": fault as i32, "message": message });
        Answer::ok(&json!({ "error": error, "id": self.id, "jsonrpc": "2.0" }))
    }
}
