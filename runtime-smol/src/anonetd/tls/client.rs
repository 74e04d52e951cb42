//! Our side of TLS towards a daemon.

use std::fmt;
use std::sync::Arc;

use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use smol::io::{AsyncRead, AsyncWrite};

use super::fault::TlsFault;
use super::identity::Identity;
use super::trust::Trust;
use super::{provider, verifier};

/// How one daemon is talked to over TLS. Connections have nothing in common that it could see.
#[derive(Clone)]
pub(in super::super) struct DaemonTls {
    config: Arc<ClientConfig>,
    /// What its certificate is for, if that matters.
    name: ServerName<'static>,
}

impl DaemonTls {
    pub(super) fn new(name: ServerName<'static>, trust: Trust, identity: Option<&Identity>) -> Result<Self, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier::of_servers(trust)?);
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified()?))),
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), name })
    }

    /// Greets the daemon at the other end of a stream.
    pub(in super::super) async fn connect<S>(&self, stream: S) -> Result<TlsStream<S>, TlsFault>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(self.config.clone());
        connector.connect(self.name.clone(), stream).await.map_err(|error| TlsFault::beneath(&error).unwrap_or(TlsFault::None))
    }
}

impl fmt::Debug for DaemonTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DaemonTls(…)")
    }
}
