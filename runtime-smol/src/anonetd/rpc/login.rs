//! Digest authentication as monerod and its wallets speak it: RFC 2617 and 7616 with MD5 and `qop="auth"`.
//!
//! Source: spec `rpc-and-wallet.md` §1. The password never crosses the line, and no request can be sent twice: each has a
//! number that has to grow. Unlike monerod's, a nonce is not bound to a connection, as wallets open new ones at will.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};
use md5::{Digest, Md5};

use super::super::hex;
use super::super::http::Answer;
use super::super::rpc_login::RpcLogin;

/// What wallets show when they ask for the password.
const REALM: &str = "monero-rpc";

/// Nonces that are known at once; the oldest make room, and their owners are given new ones.
const NONCES: usize = 4_096;

/// The two forms that wallets know.
const ALGORITHMS: [&str; 2] = ["MD5", "MD5-sess"];

/// Admits those who know the login.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    login: RpcLogin,
    nonces: Mutex<Nonces>,
}

/// For each nonce the number of its last request.
#[derive(Debug, Default)]
struct Nonces {
    used: BTreeMap<String, u32>,
    by_age: VecDeque<String>,
}

/// What is wrong with an answer to a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// There is none, or one of somebody who does not know the login.
    Unknown,
    /// It is right, but for its nonce, which is not known any more or was used with this number: a program tries again with
    /// a new one and does not ask its user.
    Stale,
}

impl Doorkeeper {
    pub(super) fn new(login: RpcLogin) -> Self {
        Self { login, nonces: Mutex::default() }
    }

    /// Refuses a request that does not prove that its sender knows the login.
    pub(super) fn admit(&self, head: &Parts) -> Result<(), Answer> {
        let uri = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let given = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match given.and_then(Given::read).ok_or(Wrong::Unknown).and_then(|given| self.check(&head.method, uri, &given)) {
            Ok(()) => Ok(()),
            Err(wrong) => Err(self.challenge(wrong)),
        }
    }

    fn check(&self, method: &Method, uri: &str, given: &Given) -> Result<(), Wrong> {
        let form = given.value("algorithm").unwrap_or(ALGORITHMS[0]);
        let get = |name| given.value(name).ok_or(Wrong::Unknown);
        // monero's wallets leave theirs out and count it as empty
        let (nonce, number, client_nonce) = (get("nonce")?, get("nc")?, given.value("cnonce").unwrap_or_default());
        let is_ours = get("username")? == self.login.user() && get("realm")? == REALM && get("qop")? == "auth";
        if !is_ours || get("uri")? != uri || !ALGORITHMS.contains(&form) || number.len() != 8 {
            return Err(Wrong::Unknown);
        }
        let mut secret = md5(&format!("{}:{REALM}:{}", self.login.user(), self.login.password()));
        if form == ALGORITHMS[1] {
            secret = md5(&format!("{secret}:{nonce}:{client_nonce}"));
        }
        let asked = md5(&format!("{method}:{uri}"));
        let expected = md5(&format!("{secret}:{nonce}:{number}:{client_nonce}:auth:{asked}"));
        if !is_same(expected.as_bytes(), get("response")?.as_bytes()) {
            return Err(Wrong::Unknown);
        }
        let number = u32::from_str_radix(number, 16).map_err(|_| Wrong::Unknown)?;
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let last = nonces.used.get_mut(nonce).ok_or(Wrong::Stale)?;
        if number <= *last {
            return Err(Wrong::Stale);
        }
        *last = number;
        Ok(())
    }

    fn challenge(&self, wrong: Wrong) -> Answer {
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "the system gives no random numbers");
        }
        let nonce = hex::encode(&random);
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).add(nonce.clone());
        let stale = wrong == Wrong::Stale;
        let mut answer = Answer::error(StatusCode::UNAUTHORIZED, "this needs the login of --rpc-login");
        for form in ALGORITHMS {
            let text = format!(r#"Digest qop="auth",algorithm={form},realm="{REALM}",nonce="{nonce}",stale={stale}"#);
            if let Ok(value) = HeaderValue::from_str(&text) {
                answer = answer.with(WWW_AUTHENTICATE, value);
            }
        }
        answer
    }
}

impl Nonces {
    fn add(&mut self, nonce: String) {
        if self.by_age.len() >= NONCES
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.used.remove(&oldest);
        }
        self.used.insert(nonce.clone(), 0);
        self.by_age.push_back(nonce);
    }
}

/// The pairs of an `Authorization: Digest` header.
#[derive(Debug)]
struct Given(Vec<(String, String)>);

impl Given {
    fn read(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut pairs = Vec::new();
        loop {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => {
                    let end = after.find(',').unwrap_or(after.len());
                    (after[..end].trim_end().to_owned(), &after[end..])
                }
            };
            pairs.push((name.trim().to_ascii_lowercase(), value));
            match after.trim_start().strip_prefix(',') {
                Some(more) => rest = more,
                None => return after.trim().is_empty().then_some(Self(pairs)),
            }
        }
    }

    /// The value of a name that is there once.
    fn value(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(there, _)| there == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }
}

/// The pairs of a header.
pub(super) fn pairs(header: &str) -> Option<Vec<(String, String)>> {
    Given::read(header).map(|given| given.0)
}

/// What stands up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut value, mut characters) = (String::new(), text.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn md5(text: &str) -> String {
    hex::encode(&Md5::digest(text.as_bytes()))
}

/// Takes the same time wherever they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(uri: &str, authorization: Option<&str>) -> Parts {
        let mut request = Request::post(uri);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn keeper() -> Doorkeeper {
        Doorkeeper::new(RpcLogin::parse("Mufasa:Circle: Of Life").unwrap())
    }

    fn nonce(keeper: &Doorkeeper) -> String {
        let _ = keeper.admit(&head("/", None)).unwrap_err();
        keeper.nonces.lock().unwrap().by_age.back().unwrap().clone()
    }

    fn answer(nonce: &str, number: &str, form: &str, password: &str) -> String {
        let mut secret = md5(&format!("Mufasa:{REALM}:{password}"));
        if form == "MD5-sess" {
            secret = md5(&format!("{secret}:{nonce}:abc"));
        }
        let response = md5(&format!("{secret}:{nonce}:{number}:abc:auth:{}", md5("POST:/get_info")));
        format!(
            r#"Digest username="Mu\fasa", realm="{REALM}", nonce="{nonce}",uri="/get_info", algorithm={form},
               nc={number}, cnonce="abc", qop=auth, response="{response}""#
        )
        .replace('\n', " ")
    }

    /// The example of RFC 2617 §3.5, whose answer is known from elsewhere.
    #[test]
    fn the_digest_is_that_of_the_rfc() {
        let secret = md5("Mufasa:testrealm@host.com:Circle Of Life");
        let asked = md5("GET:/dir/index.html");
        let text = format!("{secret}:dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth:{asked}");
        assert_eq!(md5(&text), "6629fae49393a05397450978507c4ef1");
    }

    /// What monero-wallet-rpc 0.18.0.0 answered to a challenge with this nonce.
    #[test]
    fn a_real_wallet_is_admitted() {
        let keeper = Doorkeeper::new(RpcLogin::parse("alice:open sesame").unwrap());
        let sent = r#"Digest algorithm=MD5,nonce="267a992c09946492ddd40bc1e79debac",realm="monero-rpc",response="05802f44c20106a8e7520e7231decd4d",uri="/getheight",username="alice",qop=auth,nc=00000001"#;
        let admit = || keeper.admit(&head("/getheight", Some(sent))).is_ok();
        assert!(!admit(), "its nonce is not known here");
        keeper.nonces.lock().unwrap().add("267a992c09946492ddd40bc1e79debac".into());
        assert!(admit() && !admit());
    }

    #[test]
    fn the_login_opens_once_for_each_number() {
        for form in ALGORITHMS {
            let keeper = keeper();
            let nonce = nonce(&keeper);
            let admit = |number: &str, password: &str| {
                keeper.admit(&head("/get_info", Some(&answer(&nonce, number, form, password)))).is_ok()
            };
            let right = "Circle: Of Life";
            assert!(!admit("00000001", "Circle Of Life"));
            assert!(admit("00000001", right) && !admit("00000001", right), "a replay");
            assert!(admit("00000003", right) && !admit("00000002", right) && admit("0000000a", right));
            let elsewhere = head("/json_rpc", Some(&answer(&nonce, "0000000b", form, right)));
            assert!(keeper.admit(&elsewhere).is_err(), "for another address");
        }
    }

    #[test]
    fn a_nonce_that_is_not_known_any_more_is_stale() {
        let keeper = keeper();
        let first = nonce(&keeper);
        (0..NONCES).for_each(|_| drop(nonce(&keeper)));
        assert_eq!(keeper.nonces.lock().unwrap().used.len(), NONCES);
        let given = |password| Given::read(&answer(&first, "00000001", "MD5", password)).unwrap();
        let check = |password| keeper.check(&Method::POST, "/get_info", &given(password));
        assert_eq!((check("Circle: Of Life"), check("x")), (Err(Wrong::Stale), Err(Wrong::Unknown)));
    }

    #[test]
    fn nonsense_is_nobody() {
        let keeper = keeper();
        let good = answer(&nonce(&keeper), "00000001", "MD5", "Circle: Of Life");
        for text in [
            "",
            "Digest",
            "Digest ",
            "Digest username",
            "Digest username=\"",
            "Digest username=\"x\\",
            "Digest username=\"x\" y",
            "Basic TXVmYXNhOkNpcmNsZQ==",
            &good.replace("qop=auth", "qop=auth-int"),
            &good.replace("qop=auth, ", ""),
            &good.replace("00000001", "1"),
            &good.replace("MD5", "SHA-256"),
            &format!("{good}, username=\"Mufasa\""),
        ] {
            assert!(keeper.admit(&head("/get_info", Some(text))).is_err(), "{text}");
        }
        assert!(keeper.admit(&head("/get_info", Some(&good))).is_ok());
    }
}
