//! What a caller is answered.

use std::fmt::Display;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use thiserror::Error;

/// An answer in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Answer {
    pub(super) status: StatusCode,
    body: Vec<u8>,
    /// Further headers.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the connection ends with it.
    last: bool,
}

impl Answer {
    pub(in super::super) fn into_body(self) -> Vec<u8> {
        self.body
    }

    pub(in super::super) fn json(status: StatusCode, document: &impl Serialize) -> Self {
        // maps with text keys, as all are here, can be written
        let body = serde_json::to_vec(document).unwrap_or_default();
        Self { status, body, headers: Vec::new(), last: false }
    }

    pub(in super::super) fn ok(document: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, document)
    }

    pub(in super::super) fn error(status: StatusCode, error: impl Display) -> Self {
        Self::json(status, &serde_json::json!({ "error": error.to_string() }))
    }

    pub(in super::super) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not found")
    }

    pub(in super::super) fn wrong_method(allow: &'static str) -> Self {
        let error = format!("this address takes {allow} only");
        Self::error(StatusCode::METHOD_NOT_ALLOWED, error).with(ALLOW, HeaderValue::from_static(allow))
    }

    /// The same with one more header.
    pub(in super::super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The rest of the request is not read.
    pub(super) fn last(self) -> Self {
        Self { last: true, ..self }
    }

    pub(in super::super) fn into_reply(self) -> Reply {
        let mut response = whole(Bytes::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        if self.last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What goes back to a caller.
pub(in super::super) type Reply = Response<UnsyncBoxBody<Bytes, Cut>>;

/// A body ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the answer ended early")]
pub(in super::super) struct Cut;

/// A reply that is there as a whole.
pub(in super::super) fn whole(body: Bytes) -> Reply {
    Response::new(UnsyncBoxBody::new(Full::new(body).map_err(|never| match never {})))
}
