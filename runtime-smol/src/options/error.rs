//! What can be wrong with options.

use std::fmt;

use anonet_core::addr::{AddrError, ZoneKind};

use super::EndpointFault;

/// The name of an option, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptionName {
    /// `--proxy`
    Proxy,
    /// `--tx-proxy`
    TxProxy,
    /// `--daemon-proxy`.
    DaemonProxy,
    /// `--anonymous-inbound`
    AnonymousInbound,
    /// `--add-peer`
    AddPeer,
    /// `--add-priority-node`
    AddPriorityNode,
    /// `--add-exclusive-node`
    AddExclusiveNode,
    /// `--no-public`
    NoPublic,
    /// `--rpc-bind`
    RpcBind,
    /// `--seed-node`
    SeedNode,
    /// `--out-peers`
    OutPeers,
    /// `--in-peers`
    InPeers,
    /// `--p2p-bind-ip`
    P2pBindIp,
    /// `--p2p-bind-port`
    P2pBindPort,
    /// `--p2p-use-ipv6`
    P2pUseIpv6,
    /// `--p2p-bind-ipv6-address`
    P2pBindIpv6Address,
    /// `--p2p-bind-port-ipv6`
    P2pBindPortIpv6,
}

impl OptionName {
    /// The name in a configuration file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::TxProxy => "tx-proxy",
            Self::DaemonProxy => "daemon-proxy",
            Self::AnonymousInbound => "anonymous-inbound",
            Self::AddPeer => "add-peer",
            Self::AddPriorityNode => "add-priority-node",
            Self::AddExclusiveNode => "add-exclusive-node",
            Self::NoPublic => "no-public",
            Self::RpcBind => "rpc-bind",
            Self::SeedNode => "seed-node",
            Self::OutPeers => "out-peers",
            Self::InPeers => "in-peers",
            Self::P2pBindIp => "p2p-bind-ip",
            Self::P2pBindPort => "p2p-bind-port",
            Self::P2pUseIpv6 => "p2p-use-ipv6",
            Self::P2pBindIpv6Address => "p2p-bind-ipv6-address",
            Self::P2pBindPortIpv6 => "p2p-bind-port-ipv6",
        }
    }
}

/// As on the command line.
impl fmt::Display for OptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.name())
    }
}

/// Why an option, or a set of options, cannot be used.
///
/// No message repeats a password or an address; the caller may show the whole option beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// A zone proxy without its network.
    #[error("{0}: the network is missing; write it first, as in {0} tor,127.0.0.1:9050")]
    MissingNetwork(OptionName),
    /// A network that has no zone proxy.
    #[error("{0}: the network before the first comma must be tor or i2p, in lower case")]
    UnknownNetwork(OptionName),
    /// A zone proxy without its address.
    #[error("{option}: the proxy is missing; write its IP:PORT behind the network, as in {option} {}", example(*zone))]
    MissingProxy {
        /// The option.
        option: OptionName,
        /// The network that was given.
        zone: ZoneKind,
    },
    /// More items than the option has.
    #[error("{option}: too many commas; the form is {form}")]
    TooManyCommas {
        /// The option.
        option: OptionName,
        /// What the option looks like.
        form: &'static str,
    },
    /// An item that is not a maximum of connections.
    #[error("{option}: the maximum of connections must be a number of 1 to 4294967295{hint}; leave it out for the default")]
    InvalidMax {
        /// The option.
        option: OptionName,
        /// What else could stand there.
        hint: &'static str,
    },
    /// The same kind of item twice.
    #[error("{0}: the maximum of connections or another item is given twice; keep one")]
    RepeatedItem(OptionName),
    /// A proxy, listener or bind address that is not `IP:PORT`.
    #[error("{option}: {fault}")]
    Endpoint {
        /// The option.
        option: OptionName,
        /// What is wrong.
        fault: EndpointFault,
    },
    /// SOCKS4 cannot carry credentials of one connection.
    #[error(
        "{0}: anonet needs SOCKS5, as only SOCKS5 lets it ask for a separate circuit for each connection; write socks5:// (Tor and i2pd speak it on the same port)"
    )]
    Socks4(OptionName),
    /// A scheme that is not a SOCKS version.
    #[error("{0}: the scheme of a proxy must be socks5://, or be left out")]
    UnknownScheme(OptionName),
    /// A percent sign in the user name or password that is no escape, or no UTF-8 behind the escapes.
    #[error(
        "{0}: in the user name and password a percent sign starts two hexadecimal digits of UTF-8 text; write %25 for the sign itself"
    )]
    InvalidEncoding(OptionName),
    /// SOCKS5 has one byte for each length.
    #[error("{0}: the user name and the password may have 255 bytes each; shorten them")]
    CredentialsTooLong(OptionName),
    /// Fixed credentials for a proxy of an anonymity network.
    #[error(
        "{0}: remove USER:PASS@; towards the proxy of an anonymity network anonet uses fresh credentials for every connection, so that no two share a circuit"
    )]
    FixedCredentials(OptionName),
    /// An address of a peer, or the advertised address, is wrong.
    #[error("{option}: {fault}")]
    Addr {
        /// The option.
        option: OptionName,
        /// What is wrong.
        fault: AddrError,
    },
    /// An IP address is advertised to an anonymity network.
    #[error("{0}: the first item must be your .onion or .i2p address, an IP address would be told to strangers")]
    AdvertisedIp(OptionName),
    /// An inbound option without the local listener.
    #[error(
        "{0}: the local port is missing; write ADDRESS:PORT,[IP:]PORT, the second being where the hidden service forwards to"
    )]
    MissingBind(OptionName),
    /// Circuits are asked of a network that does not say them.
    #[error("{0}: only Tor says the circuit of a stream; remove haproxy from the service of the other network")]
    CircuitsOutsideTor(OptionName),
    /// A hidden service's listener that others can reach.
    #[error(
        "{0}: listen on a loopback address such as 127.0.0.1; the hidden-service daemon connects from this machine, and a listener elsewhere can be reached without the anonymity network"
    )]
    ExposedInbound(OptionName),
    /// A listener that is no IPv4 address.
    #[error("{0}: write an IPv4 address of this machine, or 0.0.0.0 for all of them; the port has an option of its own")]
    NotIpv4(OptionName),
    /// A listener that is no IPv6 address.
    #[error("{0}: write an IPv6 address of this machine, or :: for all of them; the port has an option of its own")]
    NotIpv6(OptionName),
    /// IPv6 is described, but not switched on.
    #[error("{0}: add --p2p-use-ipv6, without which nothing listens on IPv6, or remove this")]
    Ipv6Unused(OptionName),
    /// An RPC listener that others can reach.
    #[error(
        "{0}: listen on a loopback address such as 127.0.0.1; the RPC is not encrypted and who reaches it can submit transactions; from elsewhere use an SSH tunnel or a hidden service, or add --confirm-external-bind and --rpc-login"
    )]
    ExposedRpc(OptionName),

    /// Two proxies for one network.
    #[error("--proxy and --tx-proxy: {0} has two proxies; keep one")]
    TwoProxies(ZoneKind),
    /// Two hidden services for one network.
    #[error("--anonymous-inbound: {0} has two of them; keep one, two names of one node could be linked")]
    TwoInbounds(ZoneKind),
    /// Two hidden services that forward to one listener.
    #[error(
        "--anonymous-inbound: two networks forward to the same local port; give each its own, the port is what tells them apart"
    )]
    SameBind,
    /// A peer in a network that has no proxy.
    #[error("{option}: a peer in {zone} needs a proxy to reach it; add --proxy {}", example(*zone))]
    PeerWithoutProxy {
        /// The option that names the peer.
        option: OptionName,
        /// The network.
        zone: ZoneKind,
    },
    /// A hidden service, but no way out.
    #[error("--anonymous-inbound: without a proxy own transactions could not leave over an anonymity network; add --proxy {}", example(*.0))]
    InboundWithoutProxy(ZoneKind),
    /// The public network is off, but an option needs it.
    #[error("{0}: this needs the public network, which --no-public switches off; remove one of the two")]
    PublicIsOff(OptionName),
    /// Nothing is left to connect to.
    #[error("--no-public: no network is left; add --proxy tor,127.0.0.1:9050 or remove --no-public")]
    NoNetwork,
}

/// The usual zone proxy of a network.
const fn example(zone: ZoneKind) -> &'static str {
    match zone {
        ZoneKind::I2p => "i2p,127.0.0.1:4447",
        _ => "tor,127.0.0.1:9050",
    }
}
