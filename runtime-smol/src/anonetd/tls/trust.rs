//! Whose certificates are accepted.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::fingerprint::Fingerprint;

/// Whom to believe.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// Whoever has a key: what is encrypted is not looked at by others, but may end anywhere.
    Anybody,
    /// Those that the user names.
    Named(Named),
    /// Those that the authorities of the system vouch for.
    System(Arc<RootCertStore>),
}

/// What the user names, each good on its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) fingerprints: Vec<Fingerprint>,
    /// Certificates of daemons or wallets themselves, or of who signed theirs.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

impl Named {
    pub(super) fn is_empty(&self) -> bool {
        self.fingerprints.is_empty() && self.certificates.is_empty()
    }

    /// Whether it is exactly one of these. Its dates and names do not matter then, as monerod and its wallets have it: who
    /// names it has seen it.
    pub(super) fn has(&self, certificate: &CertificateDer<'_>) -> bool {
        self.fingerprints.contains(&Fingerprint::of(certificate)) || self.certificates.iter().any(|one| one == certificate)
    }

    /// Those that may have signed others.
    pub(super) fn authorities(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }
}
