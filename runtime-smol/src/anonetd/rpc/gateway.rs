//! The way to the daemon for what wallets ask of it.

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Response, StatusCode, Uri};
use serde_json::{Map, Value};

use super::super::daemon::{CallError, Flow, HttpClient};
use super::super::http::{Answer, Call, Cut, Reply};
use super::client_key::without_client;
use super::hidden::Hidden;

/// Bytes of an answer in JSON that has to be read to be completed.
const MERGED: usize = 32 << 20;

/// What goes on to the daemon. Of the caller's headers nothing does.
#[derive(Debug)]
pub(super) struct Gateway(HttpClient);

impl Gateway {
    pub(super) const fn new(client: HttpClient) -> Self {
        Self(client)
    }

    /// Passes a request on as it is, and the answer as it arrives; unless it names what is not out.
    pub(super) async fn pass(&self, call: &Call, hidden: &Hidden) -> Result<Reply, Answer> {
        Ok(reply(self.stream(call, call.body.clone(), hidden).await?))
    }

    /// Passes a request on with another body, and gives the answer to be looked into.
    pub(super) async fn stream(&self, call: &Call, body: Bytes, hidden: &Hidden) -> Result<Response<Flow>, Answer> {
        let uri = target(call)?;
        let body = without_client(uri.path(), body);
        check(&uri, &body, hidden)?;
        self.0.forward(&uri, body).await.map_err(failed)
    }

    /// The same in JSON, with the whole answer.
    pub(super) async fn json(&self, call: &Call, request: &Value, hidden: &Hidden) -> Result<Map<String, Value>, Answer> {
        let answer = self.ask(call, Bytes::from(request.to_string()), hidden).await?;
        smol::unblock(move || serde_json::from_slice(&answer)).await.map_err(|_| failed(CallError::Garbage))
    }

    /// Passes a request on as it is, and gives the whole answer.
    pub(super) async fn whole(&self, call: &Call, hidden: &Hidden) -> Result<Bytes, Answer> {
        self.ask(call, call.body.clone(), hidden).await
    }

    async fn ask(&self, call: &Call, body: Bytes, hidden: &Hidden) -> Result<Bytes, Answer> {
        let uri = target(call)?;
        let body = without_client(uri.path(), body);
        check(&uri, &body, hidden)?;
        self.0.post_to(&uri, body, MERGED).await.map_err(failed)
    }

    /// The daemon's state, if it tells.
    pub(super) async fn info(&self) -> Option<Map<String, Value>> {
        let answer = self.0.post("/get_info", Bytes::new(), MERGED).await.ok()?;
        serde_json::from_slice(&answer).ok()
    }
}

/// The path and query alone, whatever form the caller gave it.
fn target(call: &Call) -> Result<Uri, Answer> {
    let path = call.head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    path.parse().map_err(|_| Answer::not_found())
}

/// The last look at what leaves for the daemon: whatever way of asking was overlooked, an id does not go out.
fn check(uri: &Uri, body: &[u8], hidden: &Hidden) -> Result<(), Answer> {
    let path = uri.path_and_query().map_or("", PathAndQuery::as_str);
    if hidden.is_named_in(body) || hidden.is_named_in(path.as_bytes()) {
        let error = "this names an own transaction that is not out yet, which the daemon must not learn";
        return Err(Answer::error(StatusCode::FORBIDDEN, error));
    }
    Ok(())
}

fn failed(error: CallError) -> Answer {
    let status = if error == CallError::Late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
    Answer::error(status, format_args!("the daemon: {error}"))
}

/// An answer on its way through.
pub(super) fn reply(response: Response<Flow>) -> Reply {
    let (head, body) = response.into_parts();
    let mut reply = Response::new(UnsyncBoxBody::new(body.map_err(|_| Cut)));
    *reply.status_mut() = head.status;
    let kind = head.headers.get(CONTENT_TYPE).cloned();
    reply.headers_mut().insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/json")));
    reply
}
