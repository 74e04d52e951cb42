//! A certificate of ours and its key.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use thiserror::Error;

use super::super::data_dir::DataDir;
use super::files::{self, FileError};
use super::fingerprint::Fingerprint;
use super::provider;
use super::public_key::public_key;

/// What a self-made certificate is good for. Both names lead to this machine; whoever pins it looks at none.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// The certificate first, then what leads to an authority.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Why there is no self-made certificate.
#[derive(Debug, Error)]
pub(in super::super) enum IdentityError {
    #[error("the certificate of the RPC: {0}; or remove rpc_ssl.crt and rpc_ssl.key, and a new one is made")]
    File(#[from] FileError),
    #[error("cannot write {path} ({error}): correct the permissions of the data directory, or write --rpc-ssl disabled", path = path.display())]
    Unwritable { path: PathBuf, error: io::Error },
    #[error("a certificate for the RPC cannot be made: {0}")]
    Unmade(rcgen::Error),
    #[error(
        "the RPC's rpc_ssl.crt and rpc_ssl.key do not belong together ({0}): remove both, and new ones are made, or name yours with --rpc-ssl-certificate and --rpc-ssl-private-key"
    )]
    Unfit(TlsError),
}

impl Identity {
    /// That of files that the user names.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, FileError> {
        Ok(Self { chain: files::certificates(certificate)?, key: files::private_key(key)? })
    }

    /// The one that was made at an earlier start, so that wallets can pin it, or else a new one.
    pub(super) fn own(dir: &DataDir) -> Result<Self, IdentityError> {
        let (certificate, key) = (dir.path().join("rpc_ssl.crt"), dir.path().join("rpc_ssl.key"));
        if certificate.exists() && key.exists() {
            return Ok(Self::read(&certificate, &key)?);
        }
        let (made, pem_certificate, pem_key) = make().map_err(IdentityError::Unmade)?;
        // the certificate last: it is there only together with its key
        for (path, text) in [(&key, pem_key), (&certificate, pem_certificate)] {
            write(path, &text).map_err(|error| IdentityError::Unwritable { path: path.clone(), error })?;
        }
        Ok(made)
    }

    /// In the form that serves a connection. Without a look at more of the certificate than its key, as those that monerod's
    /// own tool makes are of a version that rustls does not read.
    pub(super) fn certified(&self) -> Result<CertifiedKey, TlsError> {
        let key = provider().key_provider.load_private_key(self.key.clone_key())?;
        let certified = self.chain.first().and_then(public_key);
        if key.public_key().is_some_and(|key| certified.is_none_or(|certified| *certified != *key)) {
            return Err(InconsistentKeys::KeyMismatch.into());
        }
        Ok(CertifiedKey::new(self.chain.clone(), key))
    }

    /// That of the certificate itself.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.chain.first().map(Fingerprint::of)
    }
}

/// A certificate that says nothing of its owner, not even when it was made.
fn make() -> Result<(Identity, String, String), rcgen::Error> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name = DistinguishedName::new();
    (params.not_before, params.not_after) = (date_time_ymd(2014, 4, 18), date_time_ymd(2114, 4, 18));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let (pem, pem_key) = (certificate.pem(), key.serialize_pem());
    let key = PrivateKeyDer::from_pem_slice(pem_key.as_bytes()).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    Ok((Identity { chain: vec![certificate.der().clone()], key }, pem, pem_key))
}

/// Under another name first, so that a crash leaves nothing that is half written.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}
