//! Certificates and keys in files, in PEM.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// The longest file; the certificates of all authorities of a system have a quarter of a MB.
const MAX_LEN: u64 = 4 << 20;

/// Why a file is not used.
#[derive(Debug, Error)]
pub(in super::super) enum FileError {
    #[error("cannot read {path} ({error}): correct its name or its permissions", path = path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("others can read {path}, which holds a private key: run chmod 600 on it", path = path.display())]
    Exposed { path: PathBuf },
    #[error("{path} has more than 4 MiB: name one with what is needed and nothing else", path = path.display())]
    TooLong { path: PathBuf },
    #[error("{path} holds no certificate: name a file in PEM, with a line BEGIN CERTIFICATE", path = path.display())]
    NoCertificate { path: PathBuf },
    #[error("{path} holds no private key: name a file in PEM, unencrypted, with a line BEGIN PRIVATE KEY", path = path.display())]
    NoKey { path: PathBuf },
}

/// All certificates of a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let bytes = read(path, |_| Ok(()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| FileError::NoCertificate { path: path.to_owned() })
}

/// The key of a file that only its owner and their group can read.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let bytes = read(path, |file| match file.metadata()?.permissions().mode() & 0o007 {
        0 => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    })?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| FileError::NoKey { path: path.to_owned() })
}

fn read(path: &Path, look: impl Fn(&File) -> io::Result<()>) -> Result<Vec<u8>, FileError> {
    let unreadable = |error| FileError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(unreadable)?;
    look(&file).map_err(|_| FileError::Exposed { path: path.to_owned() })?;
    let mut bytes = Vec::new();
    file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(FileError::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::super::scratch::Scratch;
    use super::*;

    #[test]
    fn a_file_has_four_mebibytes_at_most() {
        let scratch = Scratch::new();
        let path = scratch.path().join("certificates");
        for (size, long) in [(MAX_LEN, false), (MAX_LEN + 1, true)] {
            std::fs::write(&path, vec![b'x'; size as usize]).unwrap();
            let error = certificates(&path).unwrap_err();
            assert_eq!(matches!(error, FileError::TooLong { .. }), long, "{error}");
        }
    }
}
