//! `--rpc-login`: who may use the RPC.

use std::ffi::OsStr;
use std::fmt;

use thiserror::Error;

/// Names the login itself, where the command line can be read by others; monerod's name for it.
pub(super) const VARIABLE: &str = "RPC_LOGIN";

/// A user name and a password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RpcLogin {
    user: String,
    password: String,
}

/// Why there is no login although one is meant to be there. Repeats nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum RpcLoginError {
    #[error("--rpc-login: write USER:PASSWORD; the user name is what stands before the first colon")]
    NoPassword,
    #[error("--rpc-login: the user name is empty: write USER:PASSWORD")]
    NoUser,
    #[error("--rpc-login: control characters cannot be in a login: leave them out")]
    Control,
    #[error("{VARIABLE}: it is not text: write USER:PASSWORD")]
    NoText,
    #[error(
        "--rpc-bind: beyond this machine anybody could submit transactions and see yours: add --rpc-login USER:PASSWORD \
         to --confirm-external-bind"
    )]
    Needed,
    #[error("--confirm-external-bind: it is for an --rpc-bind beyond this machine; remove one, or name such an address")]
    NothingToConfirm,
}

impl RpcLogin {
    /// Reads `USER:PASSWORD`.
    pub(super) fn parse(text: &str) -> Result<Self, RpcLoginError> {
        let (user, password) = text.split_once(':').ok_or(RpcLoginError::NoPassword)?;
        match (user, password) {
            ("", _) => Err(RpcLoginError::NoUser),
            (_, "") => Err(RpcLoginError::NoPassword),
            _ if text.chars().any(char::is_control) => Err(RpcLoginError::Control),
            _ => Ok(Self { user: user.to_owned(), password: password.to_owned() }),
        }
    }

    /// That of the option, or else of the variable.
    pub(super) fn find(option: Option<&str>, variable: Option<&OsStr>) -> Result<Option<Self>, RpcLoginError> {
        let text = match (option, variable) {
            (Some(text), _) => text,
            (None, Some(text)) => text.to_str().ok_or(RpcLoginError::NoText)?,
            (None, None) => return Ok(None),
        };
        Self::parse(text).map(Some)
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for RpcLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RpcLogin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins() {
        let found = RpcLogin::parse("me:a:b").unwrap();
        assert_eq!((found.user(), found.password()), ("me", "a:b"));
        assert_eq!(format!("{found:?}"), "RpcLogin(…)");
        for (text, error) in [
            ("me", RpcLoginError::NoPassword),
            ("me:", RpcLoginError::NoPassword),
            (":secret", RpcLoginError::NoUser),
            ("me:\u{7}secret", RpcLoginError::Control),
        ] {
            assert_eq!(RpcLogin::parse(text), Err(error));
            assert!(!error.to_string().contains("secret"));
        }
        let variable = Some(OsStr::new("you:b"));
        let user = |option| RpcLogin::find(option, variable).unwrap().map(|login| login.user().to_owned());
        assert_eq!((user(Some("me:a")), user(None)), (Some("me".into()), Some("you".into())));
        assert_eq!(RpcLogin::find(None, None), Ok(None));
    }
}
