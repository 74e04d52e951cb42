//! SHA-256 of a certificate, by which it is known without any authority.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use thiserror::Error;

use super::super::hex;

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Fingerprint([u8; 32]);

/// The text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint is the SHA-256 of a certificate: 64 hex digits, with or without colons")]
pub(in super::super) struct NoFingerprint;

impl Fingerprint {
    /// That of a certificate.
    pub(in super::super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// Colons are left out, as monerod does.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let digits: Vec<u8> = text.bytes().filter(|letter| *letter != b':').collect();
        let bytes = hex::decode(&digits).map_err(|_| NoFingerprint)?;
        bytes.try_into().map(Self).map_err(|_| NoFingerprint)
    }
}

/// In pairs, as tools print it.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_tools_are_read() {
        let found = Fingerprint::of(&CertificateDer::from(b"abc".to_vec()));
        let text = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        assert_eq!(found.to_string(), text, "the example of FIPS 180");
        for form in [text.to_owned(), text.to_lowercase(), text.replace(':', "")] {
            assert_eq!(form.parse(), Ok(found), "{form}");
        }
        for form in ["", "BA:78", &text[..94], &format!("{text}:00"), &text.replace("BA", "BX")] {
            assert_eq!(form.parse::<Fingerprint>(), Err(NoFingerprint), "{form}");
        }
    }
}
