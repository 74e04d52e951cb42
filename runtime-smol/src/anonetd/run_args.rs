//! The options of a node.

use std::path::PathBuf;

use clap::Args;

use super::args::{DataArgs, NetworkName, StashStore, WeakerZoneName};
use super::config_file::ConfigFile;
use super::courier_args::CourierArgs;
use super::retry_pause::RetryPause;
use super::tls::{DaemonTlsArgs, RpcTlsArgs};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Proxy of an anonymity network, such as tor,127.0.0.1:9050 or i2p,127.0.0.1:4447; without a network name, the
    /// proxy of all public connections
    #[arg(long, value_name = "[tor|i2p,]IP:PORT[,MAX][,disable_noise]")]
    pub(super) proxy: Vec<String>,
    /// The same for an anonymity network, under monerod's present name
    #[arg(long, value_name = "tor|i2p,IP:PORT[,MAX][,disable_noise]")]
    pub(super) tx_proxy: Vec<String>,
    /// Hidden service of this node and where it forwards to; without MAX 128 peers are accepted. With `haproxy`, torrc must
    /// have `HiddenServiceExportCircuitID haproxy` for it: then one circuit of Tor brings at most 4 of them
    #[arg(long, value_name = "ADDRESS:PORT,[IP:]PORT[,MAX][,haproxy]")]
    pub(super) anonymous_inbound: Vec<String>,
    /// One more peer to connect to
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub(super) add_peer: Vec<String>,
    /// A peer that is dialled before others
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub(super) add_priority_node: Vec<String>,
    /// Connect to such peers only, in every network
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub(super) add_exclusive_node: Vec<String>,
    /// A peer that is asked for others, and left, when nobody else is known; before the built-in ones
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub(super) seed_node: Vec<String>,
    /// Connections to public peers [default: 12]; anonymity networks have theirs in --proxy
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(-1..=4_294_967_295), allow_negative_numbers = true)]
    pub(super) out_peers: Option<i64>,
    /// Most connections from public peers [default: 128]; hidden services have theirs in --anonymous-inbound
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(-1..=4_294_967_295), allow_negative_numbers = true)]
    pub(super) in_peers: Option<i64>,
    /// Tell nobody on which port this node listens for public peers; they then find it by nobody's word but yours
    #[arg(long)]
    pub(super) hide_my_port: bool,
    /// Most connections from one IPv4 address, or from one /64 of IPv6
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_connections_per_ip: u32,
    /// Listen for public peers on this IPv4 address; without this and --p2p-bind-port nobody can connect over IPv4
    #[arg(long, value_name = "IP")]
    pub(super) p2p_bind_ip: Option<String>,
    /// Listen for public peers on this port, on all addresses unless --p2p-bind-ip names one
    #[arg(long, value_name = "PORT")]
    pub(super) p2p_bind_port: Option<u16>,
    /// Listen for public peers on IPv6
    #[arg(long)]
    pub(super) p2p_use_ipv6: bool,
    /// The IPv6 address for that [default: all]
    #[arg(long, value_name = "IP")]
    pub(super) p2p_bind_ipv6_address: Option<String>,
    /// The port for that [default: that of the Monero network]
    #[arg(long, value_name = "PORT")]
    pub(super) p2p_bind_port_ipv6: Option<u16>,
    /// Hosts and subnets that the node has nothing to do with: an IP address, IP/BITS, onion or I2P name a line, # before
    /// comments
    #[arg(long, value_name = "FILE")]
    pub(super) ban_list: Option<PathBuf>,
    /// Pad messages with transactions to multiples of 1,024 bytes
    #[arg(long)]
    pub(super) pad_transactions: bool,
    /// Whether an I2P proxy, which cannot keep transactions apart, sends only where no Tor proxy is configured, or also while
    /// Tor has no peer
    #[arg(long, value_enum, default_value = "only-alone", value_name = "only-alone|as-fallback", hide_possible_values = true)]
    pub(super) weaker_zone: WeakerZoneName,
    /// Connect to nobody and accept nobody; own transactions are taken and kept
    #[arg(long)]
    pub(super) offline: bool,
    /// For command lines of monerod: anonetd never synchronizes a chain
    #[arg(long)]
    pub(super) no_sync: bool,
    /// For command lines of monerod: anonetd never asks DNS for anything
    #[arg(long)]
    pub(super) proxy_allow_dns_leaks: bool,
    /// Do not use the public network (IPv4 and IPv6) at all
    #[arg(long)]
    pub(super) no_public: bool,
    /// Which Monero network
    #[arg(long, value_enum, default_value = "mainnet")]
    pub(super) network: NetworkName,
    /// How own transactions are sent over an anonymity network: `courier`, each on a short stream and circuit of its own,
    /// which leaves on a clock whether there is anything to send or not; `noise` in units of one size that leave on a clock,
    /// on two links at a time; `fluff` to every link within seconds [default: courier]
    #[arg(long, value_name = "[tor=|i2p=]NAME")]
    pub(super) relay_policy: Vec<String>,
    /// How long an own transaction that was not seen yet waits before it is sent to further peers, in seconds: drawn from this
    /// range for each, and doubled with each time. After a restart one that may have left waits as long, too
    #[arg(long, value_name = "MIN,MAX", default_value = "300,600")]
    pub(super) retry_pause: RetryPause,
    #[command(flatten)]
    pub(super) courier: CourierArgs,
    /// Accept a Tor proxy that refuses user/password authentication; all connections may then share one circuit
    #[arg(long)]
    pub(super) allow_no_isolation: bool,
    /// Where wallets reach this node as their daemon, or `none`; beyond this machine only with --rpc-login and
    /// --confirm-external-bind
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:18091")]
    pub(super) rpc_bind: String,
    /// Who may use the RPC, and with what password: digest authentication as monerod's, `--daemon-login` of wallets. Others
    /// can read a command line: a --config file, or the environment variable RPC_LOGIN, keeps it from them
    #[arg(long, value_name = "USER:PASSWORD")]
    pub(super) rpc_login: Option<String>,
    /// Let --rpc-bind name an address beyond this machine: what wallets ask then crosses the network, unencrypted unless they
    /// or --rpc-ssl enabled want TLS
    #[arg(long)]
    pub(super) confirm_external_bind: bool,
    /// Answer what wallets need and nothing else: for an RPC that others use, or behind a hidden service
    #[arg(long)]
    pub(super) restricted_rpc: bool,
    #[command(flatten)]
    pub(super) rpc_tls: RpcTlsArgs,
    /// The monerod that says what transactions of peers are worth and whether own ones have spread, and that wallets are
    /// passed on to: on this machine, behind an .onion or .b32.i2p name, which is reached by the proxy of its network, or
    /// another one over TLS; without a port that of the network's RPC. Without a daemon nothing of peers is relayed
    #[arg(long, value_name = "[http://|https://]HOST[:PORT]")]
    pub(super) daemon_address: Option<String>,
    /// The SOCKS5 proxy to --daemon-address, if it is not that of its network; a daemon that is no hidden service is reached
    /// through one only by a certificate that you name
    #[arg(long, value_name = "[tor,|i2p,][USER:PASSWORD@]IP:PORT", requires = "daemon_address")]
    pub(super) daemon_proxy: Option<String>,
    #[command(flatten)]
    pub(super) daemon_tls: DaemonTlsArgs,
    /// Where own transactions are kept until they are out. `disk` outlives stops and crashes; without a passphrase the file
    /// stash.redb in the data directory is not encrypted: who reads it sees your transactions, some time after they are
    /// done, too. `memory` writes nothing, and a stop or crash loses them
    #[arg(long, value_enum, default_value = "disk", hide_possible_values = true, value_name = "disk|memory")]
    pub(super) stash: StashStore,
    /// Seal the stash on disk with the first line of this file, which only you may read. A stash that is not sealed yet
    /// becomes so, and there is no way back. The environment variable ANONET_STASH_PASSPHRASE does the same
    #[arg(long, value_name = "FILE")]
    pub(super) stash_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// error, warn, info, debug or trace, or a filter such as `info,anonet_smol=debug`; from debug on the log names
    /// peers and transactions
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: String,
    /// What of all this comes from a file.
    #[arg(skip)]
    pub(super) file: ConfigFile,
}
