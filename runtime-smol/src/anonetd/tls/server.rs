//! The RPC's side of TLS.

use std::sync::Arc;

use futures_rustls::TlsAcceptor;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;

use super::super::data_dir::DataDir;
use super::args::TlsMode;
use super::fingerprint::Fingerprint;
use super::identity::{Identity, IdentityError};
use super::provider;
use super::trust::Named;
use super::verifier;

/// What the options say of it.
#[derive(Debug)]
pub(in super::super) struct RpcTls {
    pub(super) mode: TlsMode,
    /// The user's own; otherwise one is made.
    pub(super) identity: Option<Identity>,
    /// Whose certificates wallets have to have; they need none if it is empty.
    pub(super) wallets: Named,
}

/// How callers may come in.
#[derive(Clone)]
pub(in super::super) enum Door {
    /// Without TLS.
    Plain,
    /// As they like.
    Either(TlsAcceptor),
    /// With it alone.
    Encrypted(TlsAcceptor),
}

impl RpcTls {
    /// What addresses of the RPC may begin with.
    pub(in super::super) const fn schemes(&self) -> &'static str {
        match self.mode {
            TlsMode::Enabled => "https",
            TlsMode::Disabled => "http",
            TlsMode::Autodetect => "http or https",
        }
    }

    /// Makes it ready, and says by which fingerprint wallets know it.
    pub(in super::super) fn open(&self, dir: &DataDir) -> Result<(Door, Option<Fingerprint>), IdentityError> {
        if self.mode == TlsMode::Disabled {
            return Ok((Door::Plain, None));
        }
        let own = match &self.identity {
            Some(_) => None,
            None => Some(Identity::own(dir)?),
        };
        let Some(identity) = self.identity.as_ref().or(own.as_ref()) else { return Ok((Door::Plain, None)) };
        let acceptor = TlsAcceptor::from(Arc::new(self.config(identity).map_err(IdentityError::Unfit)?));
        let door = if self.mode == TlsMode::Enabled { Door::Encrypted(acceptor) } else { Door::Either(acceptor) };
        Ok((door, identity.fingerprint()))
    }

    fn config(&self, identity: &Identity) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = match self.wallets.is_empty() {
            true => builder.with_no_client_auth(),
            false => builder.with_client_cert_verifier(verifier::of_clients(self.wallets.clone())?),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified()?)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}
