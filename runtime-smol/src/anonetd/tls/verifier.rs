//! Holds the other end to what is trusted, and to the key of its certificate.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::provider;
use super::public_key::public_key;
use super::trust::{Named, Trust};

/// Whom the other end may be. `None` of the two is anybody.
struct Verifier<V: ?Sized> {
    named: Option<Named>,
    /// Looks at chains that lead to an authority.
    chains: Option<Arc<V>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl<V: ?Sized> fmt::Debug for Verifier<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("named", &self.named).finish_non_exhaustive()
    }
}

impl<V: ?Sized> Verifier<V> {
    fn new(named: Option<Named>, chains: Option<Arc<V>>) -> Self {
        Self { named, chains, algorithms: provider().signature_verification_algorithms }
    }

    /// Whether nothing of the certificate but its key matters.
    fn is_settled(&self, certificate: &CertificateDer<'_>) -> bool {
        match &self.named {
            Some(named) => named.has(certificate),
            None => self.chains.is_none(),
        }
    }

    fn verify(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Verified {
        match public_key(certificate) {
            Some(key) if self.is_settled(certificate) => {
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            _ => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }
}

type Verified = Result<HandshakeSignatureValid, Error>;

fn unknown() -> Error {
    Error::InvalidCertificate(CertificateError::UnknownIssuer)
}

/// Looks at daemons.
pub(super) fn of_servers(trust: Trust) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let chains = |roots: Arc<RootCertStore>| -> Result<Option<Arc<dyn ServerCertVerifier>>, Error> {
        if roots.is_empty() {
            return Ok(None);
        }
        let built = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
        built.map(|built| Some(built as _)).map_err(|error| Error::General(error.to_string()))
    };
    let verifier: Verifier<dyn ServerCertVerifier> = match trust {
        Trust::Anybody => Verifier::new(None, None),
        Trust::System(roots) => Verifier::new(Some(Named::default()), chains(roots)?),
        Trust::Named(named) => {
            let roots = chains(Arc::new(named.authorities()))?;
            Verifier::new(Some(named), roots)
        }
    };
    Ok(Arc::new(verifier))
}

/// Looks at wallets.
pub(super) fn of_clients(named: Named) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let roots = named.authorities();
    let chains: Option<Arc<dyn ClientCertVerifier>> = if roots.is_empty() {
        None
    } else {
        let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Some(built.map_err(|error| Error::General(error.to_string()))?)
    };
    Ok(Arc::new(Verifier::new(Some(named), chains)))
}

impl ServerCertVerifier for Verifier<dyn ServerCertVerifier> {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.chains {
            _ if self.is_settled(certificate) => Ok(ServerCertVerified::assertion()),
            Some(chains) => chains.verify_server_cert(certificate, further, name, ocsp, now),
            None => Err(unknown()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        self.verify(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier<dyn ClientCertVerifier> {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match &self.chains {
            _ if self.is_settled(certificate) => Ok(ClientCertVerified::assertion()),
            Some(chains) => chains.verify_client_cert(certificate, further, now),
            None => Err(unknown()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        self.verify(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
