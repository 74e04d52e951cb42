//! TLS, of the RPC for wallets and towards the daemon.
//!
//! `identity` is a certificate of ours with its key, `trust` whose certificates are accepted and why, `verifier` holds
//! the other end to that, `front` is a caller's stream that may be encrypted or not, `client` opens one to a daemon,
//! `args` has the options, under monerod's names. Nothing is resumed: what let a handshake be left out would also let a
//! daemon put connections together that came over different circuits.

mod args;
mod client;
mod fault;
mod files;
mod fingerprint;
mod front;
mod identity;
mod public_key;
mod server;
mod trust;
mod verifier;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub(super) use self::args::{DaemonTlsArgs, DaemonTlsChoice, RpcTlsArgs, TlsOptionError};
pub(super) use self::client::DaemonTls;
pub(super) use self::fault::TlsFault;
pub(super) use self::front::Front;
pub(super) use self::server::{Door, RpcTls};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
