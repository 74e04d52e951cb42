//! The public key inside a certificate whose format rustls does not read: what monerod makes for itself is of X.509
//! version 1, and webpki knows version 3 alone.
//!
//! This is no reading of a certificate: it is used for those that were pinned byte by byte, whose key has to be found.

use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

// tags of DER
const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// The version, which version 1 leaves out.
const VERSION: u8 = 0xa0;

/// Its `SubjectPublicKeyInfo`. `None` if it is no certificate.
pub(super) fn public_key<'c>(certificate: &'c CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'c>> {
    let outer = Element::read(certificate)?.inside(SEQUENCE)?;
    let mut rest = Element::read(outer)?.inside(SEQUENCE)?;
    if *rest.first()? == VERSION {
        rest = Element::read(rest)?.rest;
    }
    // serial number, algorithm, issuer, validity, subject
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        let element = Element::read(rest)?;
        element.inside(tag)?;
        rest = element.rest;
    }
    let key = Element::read(rest)?;
    key.inside(SEQUENCE)?;
    Some(SubjectPublicKeyInfoDer::from(key.whole))
}

/// One element of DER, and what follows it.
#[derive(Clone, Copy, Debug)]
struct Element<'d> {
    whole: &'d [u8],
    content: &'d [u8],
    rest: &'d [u8],
}

impl<'d> Element<'d> {
    fn read(data: &'d [u8]) -> Option<Self> {
        let (length, start) = match *data.get(1)? {
            short @ ..=0x7f => (usize::from(short), 2),
            0x81 => (usize::from(*data.get(2)?), 3),
            0x82 => (usize::from(u16::from_be_bytes([*data.get(2)?, *data.get(3)?])), 4),
            _ => return None,
        };
        let (whole, rest) = data.split_at_checked(start + length)?;
        Some(Self { whole, content: &whole[start..], rest })
    }

    fn inside(self, tag: u8) -> Option<&'d [u8]> {
        (self.whole.first() == Some(&tag)).then_some(self.content)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PublicKeyData};

    use super::*;

    #[test]
    fn the_key_is_found_in_what_is_a_certificate_and_in_nothing_else() {
        let key = KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        assert_eq!(public_key(made.der()).unwrap().as_ref(), key.subject_public_key_info());
        let der = made.der().to_vec();
        for length in 0..der.len() {
            let _ = public_key(&der[..length].to_vec().into());
        }
        for at in 0..40 {
            let mut changed = der.clone();
            changed[at] ^= 0xff;
            let _ = public_key(&changed.into());
        }
        assert!(public_key(&der[..200].to_vec().into()).is_none());
        assert!(public_key(&Vec::new().into()).is_none());
    }
}
