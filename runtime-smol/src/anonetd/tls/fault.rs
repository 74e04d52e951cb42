//! What goes wrong with TLS, for who has to mend it.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use thiserror::Error;

/// Why a daemon is not talked to over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum TlsFault {
    #[error("it does not speak TLS there: write http://, or name the port where it does")]
    None,
    #[error(
        "its certificate is not one that you named, and nobody you named vouches for it: ask its owner for the fingerprint, and see \
         --daemon-ssl-allowed-fingerprints"
    )]
    Stranger,
    #[error("its certificate is out of date: tell its owner, or name its fingerprint with --daemon-ssl-allowed-fingerprints")]
    Expired,
    #[error("its certificate is for another name: use that name, or name its fingerprint with --daemon-ssl-allowed-fingerprints")]
    OtherName,
    #[error("it wants a certificate of yours: name one that it knows with --daemon-ssl-certificate and --daemon-ssl-private-key")]
    WantsOurs,
    #[error("the handshake of TLS fails: is a monerod there?")]
    Other,
}

impl TlsFault {
    /// That of TLS which lies beneath another error, if it does.
    pub(in super::super) fn beneath(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<TlsError>() {
                return Some(Self::of(error));
            }
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match wrapped {
                Some(wrapped) => Some(wrapped),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidMessage(_) => Self::None,
            TlsError::InvalidCertificate(why) => match why {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::Expired,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::OtherName,
                _ => Self::Stranger,
            },
            TlsError::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA,
            ) => Self::WantsOurs,
            _ => Self::Other,
        }
    }
}
