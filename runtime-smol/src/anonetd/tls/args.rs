//! The options of TLS, under monerod's names and those of its wallets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use thiserror::Error;

use super::client::DaemonTls;
use super::files::{self, FileError};
use super::fingerprint::NoFingerprint;
use super::identity::Identity;
use super::server::RpcTls;
use super::trust::{Named, Trust};

/// Whether TLS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum TlsMode {
    Enabled,
    Disabled,
    Autodetect,
}

/// TLS of the RPC.
#[derive(Debug, Args)]
pub(in super::super) struct RpcTlsArgs {
    /// Whether the RPC speaks TLS: `autodetect` to those who do, `enabled` with nobody else [default: autodetect, or enabled
    /// where wallets need a certificate]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "enabled|disabled|autodetect")]
    rpc_ssl: Option<TlsMode>,
    /// The private key of --rpc-ssl-certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "rpc_ssl_certificate")]
    rpc_ssl_private_key: Option<PathBuf>,
    /// The certificate that the RPC shows, in PEM, with what leads to an authority behind it; without one it makes its own and
    /// keeps it in the data directory. Wallets pin it by the fingerprint that is logged at the start
    #[arg(long, value_name = "FILE", requires = "rpc_ssl_private_key")]
    rpc_ssl_certificate: Option<PathBuf>,
    /// Serve wallets that show one of these certificates, or one that such a one has signed, and nobody else
    #[arg(long, value_name = "FILE")]
    rpc_ssl_ca_certificates: Option<PathBuf>,
    /// Serve wallets that show a certificate with one of these fingerprints (SHA-256), and nobody else
    #[arg(long, value_name = "FINGERPRINT")]
    rpc_ssl_allowed_fingerprints: Vec<String>,
    /// For command lines of monerod: wallets need no certificate unless others of these options name some
    #[arg(long, conflicts_with_all = ["rpc_ssl_ca_certificates", "rpc_ssl_allowed_fingerprints"])]
    rpc_ssl_allow_any_cert: bool,
}

/// TLS towards the daemon.
#[derive(Debug, Args)]
pub(in super::super) struct DaemonTlsArgs {
    /// Whether the daemon is asked over TLS; `autodetect` as its address says, and with TLS where these options name a
    /// certificate [default: autodetect]
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        value_name = "enabled|disabled|autodetect",
        requires = "daemon_address"
    )]
    daemon_ssl: Option<TlsMode>,
    /// Talk to the daemon if its certificate is in this file (PEM), or signed by one that is; the authorities of the system
    /// are not asked then
    #[arg(long, value_name = "FILE", alias = "daemon-cert-file", requires = "daemon_address")]
    daemon_ssl_ca_certificates: Option<PathBuf>,
    /// Talk to the daemon if its certificate has one of these fingerprints (SHA-256)
    #[arg(long, value_name = "FINGERPRINT", requires = "daemon_address")]
    daemon_ssl_allowed_fingerprints: Vec<String>,
    /// Whatever certificate it has; for a daemon on this machine or behind a hidden service alone
    #[arg(long, requires = "daemon_address", conflicts_with_all = ["daemon_ssl_ca_certificates", "daemon_ssl_allowed_fingerprints"])]
    daemon_ssl_allow_any_cert: bool,
    /// The private key of --daemon-ssl-certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "daemon_ssl_certificate")]
    daemon_ssl_private_key: Option<PathBuf>,
    /// What the daemon is shown if it wants a certificate of its callers, in PEM
    #[arg(long, value_name = "FILE", requires = "daemon_ssl_private_key")]
    daemon_ssl_certificate: Option<PathBuf>,
}

/// Why the options cannot be used.
#[derive(Debug, Error)]
pub(in super::super) enum TlsOptionError {
    #[error("--{option}: {error}")]
    File { option: &'static str, error: FileError },
    #[error("--{option}: {error}")]
    Fingerprint { option: &'static str, error: NoFingerprint },
    #[error("--{option}: {error}: name a certificate and its own private key")]
    Unfit { option: &'static str, error: rustls::Error },
    #[error("--rpc-ssl: wallets cannot show a certificate without TLS: write enabled, or remove --rpc-ssl-{0}")]
    WalletsWithoutTls(&'static str),
    #[error(
        "--daemon-ssl: the certificate of the daemon matters with TLS alone: write enabled and https://, or remove what names it"
    )]
    NamedWithoutTls,
    #[error(
        "--daemon-ssl and --daemon-address contradict each other: write https:// for TLS and http:// without, or leave it out"
    )]
    Contradiction,
    #[error(
        "--daemon-address: this system has no list of authorities: name the daemon's certificate with --daemon-ssl-allowed-fingerprints"
    )]
    NoAuthorities,
}

impl RpcTlsArgs {
    /// What they say. Files are read.
    pub(in super::super) fn read(&self) -> Result<RpcTls, TlsOptionError> {
        let named = named(
            ("rpc-ssl-ca-certificates", self.rpc_ssl_ca_certificates.as_deref()),
            ("rpc-ssl-allowed-fingerprints", &self.rpc_ssl_allowed_fingerprints),
        )?;
        let mode = match (self.rpc_ssl, named.is_empty()) {
            (None, true) => TlsMode::Autodetect,
            (None, false) => TlsMode::Enabled,
            (Some(TlsMode::Disabled | TlsMode::Autodetect), false) => {
                let file = self.rpc_ssl_ca_certificates.is_some();
                return Err(TlsOptionError::WalletsWithoutTls(if file { "ca-certificates" } else { "allowed-fingerprints" }));
            }
            (Some(mode), _) => mode,
        };
        let (certificate, key) = (self.rpc_ssl_certificate.as_deref(), self.rpc_ssl_private_key.as_deref());
        let identity = identity("rpc-ssl-certificate", certificate, key)?;
        Ok(RpcTls { mode, identity, wallets: named })
    }
}

/// What the options say of a daemon's TLS, before its address is looked at.
#[derive(Debug)]
pub(in super::super) struct DaemonTlsChoice {
    mode: TlsMode,
    named: Named,
    any: bool,
    identity: Option<Identity>,
}

impl DaemonTlsArgs {
    /// What they say. Files are read.
    pub(in super::super) fn read(&self) -> Result<DaemonTlsChoice, TlsOptionError> {
        let named = named(
            ("daemon-ssl-ca-certificates", self.daemon_ssl_ca_certificates.as_deref()),
            ("daemon-ssl-allowed-fingerprints", &self.daemon_ssl_allowed_fingerprints),
        )?;
        let (certificate, key) = (self.daemon_ssl_certificate.as_deref(), self.daemon_ssl_private_key.as_deref());
        let identity = identity("daemon-ssl-certificate", certificate, key)?;
        let mode = self.daemon_ssl.unwrap_or(TlsMode::Autodetect);
        Ok(DaemonTlsChoice { mode, named, any: self.daemon_ssl_allow_any_cert, identity })
    }
}

impl DaemonTlsChoice {
    /// Whether TLS is spoken with an address that begins with `https://` or `http://`, or with neither.
    pub(in super::super) fn is_on(&self, https: Option<bool>) -> Result<bool, TlsOptionError> {
        let needed = self.any || !self.named.is_empty() || self.identity.is_some();
        match (self.mode, https) {
            (TlsMode::Enabled, Some(false)) | (TlsMode::Disabled, Some(true)) => Err(TlsOptionError::Contradiction),
            (TlsMode::Disabled, _) | (_, Some(false)) if needed => Err(TlsOptionError::NamedWithoutTls),
            (TlsMode::Enabled, _) | (_, Some(true)) => Ok(true),
            (TlsMode::Autodetect, None) => Ok(needed),
            (TlsMode::Disabled, _) | (_, Some(false)) => Ok(false),
        }
    }

    /// Whether the user says which certificate the daemon has.
    pub(in super::super) fn is_pinned(&self) -> bool {
        !self.named.is_empty()
    }

    /// Whether any certificate will do.
    pub(in super::super) const fn takes_any(&self) -> bool {
        self.any
    }

    /// TLS with the daemon of this name. `vouched` is whether the network itself says that it is the one of this name, as those
    /// of hidden services do.
    pub(in super::super) fn tls(&self, name: ServerName<'static>, vouched: bool) -> Result<DaemonTls, TlsOptionError> {
        let trust = match &self.named {
            named if !named.is_empty() => Trust::Named(named.clone()),
            _ if self.any || vouched => Trust::Anybody,
            _ => Trust::System(system()?),
        };
        let unfit = |error| TlsOptionError::Unfit { option: "daemon-ssl-certificate", error };
        DaemonTls::new(name, trust, self.identity.as_ref()).map_err(unfit)
    }
}

/// The authorities that the system trusts.
fn system() -> Result<Arc<RootCertStore>, TlsOptionError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsOptionError::NoAuthorities) } else { Ok(Arc::new(roots)) }
}

fn named(
    (file_option, file): (&'static str, Option<&Path>),
    (option, texts): (&'static str, &[String]),
) -> Result<Named, TlsOptionError> {
    let certificates = file.map_or(Ok(Vec::new()), files::certificates);
    let certificates = certificates.map_err(|error| TlsOptionError::File { option: file_option, error })?;
    let fingerprints: Result<_, NoFingerprint> = texts.iter().map(|text| text.parse()).collect();
    Ok(Named { fingerprints: fingerprints.map_err(|error| TlsOptionError::Fingerprint { option, error })?, certificates })
}

fn identity(option: &'static str, certificate: Option<&Path>, key: Option<&Path>) -> Result<Option<Identity>, TlsOptionError> {
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    let identity = Identity::read(certificate, key).map_err(|error| TlsOptionError::File { option, error })?;
    identity.certified().map_err(|error| TlsOptionError::Unfit { option, error })?;
    Ok(Some(identity))
}
