//! Errors by fault: what a caller did wrong is an `Err`; what a peer did wrong is a [`CloseReason`].

use thiserror::Error;

use crate::levin::LevinError;
use crate::wire::WireError;

/// The link is gone, or never was: an ordinary race. Drop the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no such link; it was closed")]
pub struct UnknownConn;

/// Why an incoming stream was not taken. Drop the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The zone has as many incoming links as it may have.
    #[error("the zone has all the incoming links it may have")]
    Full,
    /// Too many incoming links of the zone have not finished their handshake.
    #[error("too many incoming links of the zone have not finished their handshake")]
    Unfinished,
    /// The host has as many links to the zone as it may have.
    #[error("the host has all the incoming links it may have")]
    FromOneHost,
    /// The host is banned.
    #[error("the host is banned")]
    Banned,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// There is no such zone, or it accepts nobody.
    #[error("the zone accepts no incoming links")]
    NotListening,
}

/// Why a transaction was not taken. Nothing was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The stash is full.
    #[error("the stash is full ({entries} transactions, {bytes} bytes): wait until some are done, or abandon them")]
    StashFull {
        /// Entries kept.
        entries: usize,
        /// Bytes kept.
        bytes: usize,
    },
    /// The policy of an anonymity zone cannot carry it.
    #[error(
        "the transaction has {size} bytes, more than the {most} that the relay policy carries: start with --relay-policy fluff to send it"
    )]
    TooLarge {
        /// Bytes of the transaction.
        size: usize,
        /// Bytes that can be carried.
        most: usize,
    },
    /// The node is stopping.
    #[error("the node is stopping: submit again after the restart")]
    Stopping,
}

/// The ticket was answered before, or has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the ticket was answered before or has expired")]
pub struct StaleTicket;

/// Who is to blame for the end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The peer broke a rule.
    Peer,
    /// The stream or the proxy failed; nobody broke a rule.
    Network,
    /// This node wanted it.
    Own,
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer sent bytes that are no Levin frame, or one over a limit.
    #[error("the peer sent a bad frame: {0}")]
    Frame(LevinError),
    /// The peer sent a message that does not decode.
    #[error("the peer sent a bad message ({command}): {error}")]
    Message {
        /// Command id.
        command: u32,
        /// What is wrong with it.
        error: WireError,
    },
    /// The peer is on another network.
    #[error("the peer is on another Monero network")]
    WrongNetwork,
    /// The peer sent something else before the handshake.
    #[error("the peer sent command {0} before the handshake")]
    BeforeHandshake(u32),
    /// The peer repeated the handshake, or began one on a link that we dialled.
    #[error("the peer sent a handshake out of turn")]
    HandshakeOutOfTurn,
    /// The peer answered what was not asked.
    #[error("the peer answered command {0}, which was not asked")]
    Unasked(u32),
    /// The peer answered a request with an error code.
    #[error("the peer refused command {command} with code {code}")]
    Declined {
        /// Command id.
        command: u32,
        /// Levin return code, at most 0.
        code: i32,
    },
    /// The handshake did not finish in time.
    #[error("the handshake did not finish in time")]
    HandshakeTimeout,
    /// A timed sync stayed unanswered.
    #[error("the peer did not answer a timed sync in time")]
    SyncTimeout,
    /// The peer sent more frames than a link may.
    #[error("the peer sends too many messages")]
    Flood,
    /// The peer does not read what it is sent.
    #[error("the peer reads too slowly")]
    SlowReader,
    /// The peer sent an empty, over-long or repeated transaction.
    #[error("the peer sent an impossible transaction")]
    ImpossibleTx,
    /// The embedder found a transaction of this peer invalid.
    #[error("the peer sent an invalid transaction")]
    InvalidTx,
    /// The peer is this node.
    #[error("the peer is this node")]
    OwnAddress,
    /// The stream ended at the far side.
    #[error("the stream was closed by the far side")]
    Ended,
    /// The dial did not succeed in time.
    #[error("the dial did not succeed in time")]
    DialTimeout,
    /// The dial failed.
    #[error(transparent)]
    Dial(DialFailure),
    /// This node has heard all that it wanted of the peer.
    #[error("this node wanted no more of the peer")]
    Done,
    /// Its host is banned.
    #[error("its host is banned")]
    Banned,
    /// All links together hold more of unfinished messages than they may
    /// ([`Limits::receive_bytes`](crate::Limits::receive_bytes)), and this one's was large and under way for longest.
    #[error("this node has no room left for the peer's unfinished message")]
    OutOfRoom,
    /// The node is stopping.
    #[error("this node is stopping")]
    Shutdown,
}

impl CloseReason {
    /// Whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Ended | Self::DialTimeout | Self::Dial(_) | Self::HandshakeTimeout | Self::SyncTimeout => Fault::Network,
            Self::Banned | Self::Done | Self::OutOfRoom | Self::Shutdown => Fault::Own,
            _ => Fault::Peer,
        }
    }
}

/// Why a dial failed, as far as the proxy or the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DialFailure {
    /// No TCP connection to the proxy.
    #[error("the proxy cannot be reached: start it, or correct its address")]
    ProxyUnreachable,
    /// The proxy hung up in the middle of its answer.
    #[error("the proxy closed the connection without an answer: check that it is running well and that its port is a SOCKS port")]
    ProxyClosed,
    /// The proxy wrote something that is not SOCKS5.
    #[error("the proxy does not speak SOCKS5: check that the address is a SOCKS port")]
    ProxyProtocol,
    /// The proxy offers no user/password authentication, so streams would share circuits.
    #[error(
        "the proxy refuses user/password authentication (SOCKS5 method 02), so streams cannot be isolated from each other: \
         use a Tor SocksPort with IsolateSOCKSAuth"
    )]
    ProxyWithoutIsolation,
    /// The proxy refused the random credentials.
    #[error("the proxy rejected the random stream-isolation credentials: use a Tor SocksPort, which accepts any")]
    ProxyRejectedCredentials,
    /// The proxy answered CONNECT with an error code.
    #[error("the proxy answered: {}", socks_reply(*.0))]
    Socks(u8),
    /// The host refused the connection (no proxy involved).
    #[error("the host refused the connection")]
    HostRefused,
    /// The host cannot be reached (no proxy involved).
    #[error("the host cannot be reached")]
    HostUnreachable,
    /// This process may open no further file, and a connection is one.
    #[error("file descriptors run out: raise the limit of open files (ulimit -n, or LimitNOFILE of its service)")]
    NoDescriptor,
}

impl DialFailure {
    /// Whether the proxy itself failed, or this machine before it, so that the peer's address is none the worse for it.
    #[must_use]
    pub const fn blames_proxy(self) -> bool {
        matches!(
            self,
            Self::ProxyUnreachable
                | Self::ProxyClosed
                | Self::ProxyProtocol
                | Self::ProxyWithoutIsolation
                | Self::ProxyRejectedCredentials
                | Self::NoDescriptor
        )
    }

    /// Whether somebody was there and said no, so that the same address may soon say yes.
    pub(crate) const fn is_refusal(self) -> bool {
        matches!(self, Self::HostRefused | Self::Socks(SOCKS_REFUSED))
    }

    /// Whether no host can be reached, so that this one is none the worse for it.
    pub(crate) const fn blames_network(self) -> bool {
        matches!(self, Self::Socks(SOCKS_NETWORK_UNREACHABLE))
    }
}

/// SOCKS5 reply codes that say more than "not now" (RFC 1928 §6).
const SOCKS_NETWORK_UNREACHABLE: u8 = 3;
const SOCKS_REFUSED: u8 = 5;

/// SOCKS5 reply codes in words: RFC 1928 §6 and Tor's extended errors (spec: socks §5).
const fn socks_reply(code: u8) -> &'static str {
    match code {
        0x01 => "general failure (01)",
        0x02 => "not allowed by its rules (02)",
        0x03 => "network unreachable (03)",
        0x04 => "host unreachable (04)",
        0x05 => "connection refused (05)",
        0x06 => "timed out (06)",
        0x07 => "command not supported (07)",
        0x08 => "address type not supported (08)",
        0xf0 => "onion service descriptor not found (F0): the service is down or does not exist",
        0xf1 => "onion service descriptor is invalid (F1)",
        0xf2 => "onion service introduction failed (F2)",
        0xf3 => "onion service rendezvous failed (F3)",
        0xf4 => "onion service needs client authorization (F4)",
        0xf5 => "onion service rejects our client authorization (F5)",
        0xf6 => "onion address is invalid (F6)",
        0xf7 => "onion service introduction timed out (F7)",
        _ => "an unknown error code",
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_socks_code_has_words_of_its_own() {
        let mut texts = alloc::collections::BTreeSet::new();
        for code in (1..=8).chain(0xf0..=0xf7) {
            let text = DialFailure::Socks(code).to_string();
            assert!(!text.contains("unknown"), "{code}");
            assert!(texts.insert(text), "{code}");
        }
        assert!(DialFailure::Socks(0x42).to_string().contains("unknown error code"));
    }
}
