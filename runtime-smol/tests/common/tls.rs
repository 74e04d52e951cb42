//! Certificates, and both ends of TLS, for tests.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SigningKey, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme, StreamOwned,
};

pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate and its key.
pub struct Made {
    pub certificate: CertificateDer<'static>,
    pub key: KeyPair,
}

/// When certificates are good.
#[derive(Clone, Copy)]
pub enum Dates {
    Now,
    Past,
}

fn params(name: &str, dates: Dates) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2015, 1, 1);
    params.not_after = date_time_ymd(if matches!(dates, Dates::Now) { 2115 } else { 2016 }, 1, 1);
    params
}

fn authority_params() -> CertificateParams {
    let mut params = params("authority", Dates::Now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Made {
    /// Signed by itself.
    pub fn new(name: &str, dates: Dates) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, dates).self_signed(&key).unwrap().der().clone();
        Self { certificate, key }
    }

    /// One that may sign others.
    pub fn authority() -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: authority_params().self_signed(&key).unwrap().der().clone(), key }
    }

    /// One that this one has signed.
    pub fn signs(&self, name: &str, dates: Dates) -> Self {
        let key = KeyPair::generate().unwrap();
        let authority = authority_params();
        let issuer = Issuer::from_params(&authority, &self.key);
        Self { certificate: params(name, dates).signed_by(&key, &issuer).unwrap().der().clone(), key }
    }

    /// As monerod makes its own: of version 1, which has no extensions.
    pub fn of_version_1() -> Self {
        let made = Self::new("x", Dates::Now);
        let der = &made.certificate[..];
        let [outer] = elements(der)[..] else { panic!() };
        let [signed, algorithm, _] = elements(content(outer))[..] else { panic!() };
        let fields = elements(content(signed));
        // without the version in front and the extensions behind
        let signed = sequence(0x30, &fields[1..7].concat());
        let signature = [&[0][..], &made.key.sign(&signed).unwrap()].concat();
        let der = sequence(0x30, &[&signed[..], algorithm, &sequence(0x03, &signature)].concat());
        Self { certificate: der.into(), key: made.key }
    }

    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        self.key.serialize_der().try_into().unwrap()
    }

    pub fn fingerprint(&self) -> String {
        fingerprint(&self.certificate)
    }

    /// Files that hold them in PEM.
    pub fn files(&self, dir: &Path, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
        fs::write(&certificate, pem("CERTIFICATE", &self.certificate)).unwrap();
        fs::write(&key, self.key.serialize_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        (certificate, key)
    }

    /// A server that shows it.
    pub fn server(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_no_client_auth().with_cert_resolver(self.resolver()))
    }

    /// The same, for callers with a certificate that `authority` has signed.
    pub fn server_for(&self, authority: &Self) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_client_cert_verifier(callers).with_cert_resolver(self.resolver()))
    }

    fn resolver(&self) -> Arc<SingleCertAndKey> {
        let key = provider().key_provider.load_private_key(self.key_der()).unwrap();
        Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![self.certificate.clone()], key)))
    }
}

pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn pem(label: &str, der: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for group in der.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63] as char;
            text.push(if place > group.len() { '=' } else { letter });
        }
    }
    text + &format!("\n-----END {label}-----\n")
}

/// The elements of DER that follow each other.
fn elements(mut data: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !data.is_empty() {
        let (element, rest) = data.split_at(header(data) + length(data));
        found.push(element);
        data = rest;
    }
    found
}

fn header(element: &[u8]) -> usize {
    2 + if element[1] & 0x80 == 0 { 0 } else { usize::from(element[1] & 0x7f) }
}

fn length(element: &[u8]) -> usize {
    if element[1] & 0x80 == 0 {
        return element[1].into();
    }
    element[2..header(element)].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
}

fn content(element: &[u8]) -> &[u8] {
    &element[header(element)..]
}

fn sequence(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len() as u16;
    let head = if length < 128 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [&head, content].concat()
}

/// A caller that takes any certificate, and may show one.
pub fn caller(own: Option<&Made>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate));
    Arc::new(match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_cert_resolver(own.resolver()),
    })
}

/// Writes a request over TLS, and returns what comes back and the server's certificate.
pub fn ask(port: u16, config: Arc<ClientConfig>, request: &[u8]) -> std::io::Result<(String, CertificateDer<'static>)> {
    let connection = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", port))?);
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let certificate = stream.conn.peer_certificates().unwrap()[0].clone().into_owned();
    Ok((String::from_utf8(answer).unwrap(), certificate))
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
