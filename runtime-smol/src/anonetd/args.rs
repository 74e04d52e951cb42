//! The command line.

use std::path::PathBuf;

use anonet_core::Network;
use anonet_core::route::WeakerZone;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::{Deserialize, Serialize};

use super::exit;
use super::run_args::RunArgs;
use super::tls::DaemonTlsArgs;

const ABOUT: &str = "Sends Monero transactions over Tor and I2P so that nobody can tell who sent them";

/// The whole command line; without a subcommand the options are those of `run`.
#[derive(Debug, Parser)]
#[command(name = "anonetd", version, about = ABOUT, after_help = exit::HELP, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the node (what happens without a command, too)
    #[command(after_help = exit::HELP)]
    Run(Box<RunArgs>),
    /// Hand a signed transaction to the running node
    #[command(after_help = exit::HELP)]
    Submit(SubmitArgs),
    /// Give up an own transaction: the node forgets it and sends it no more
    #[command(after_help = exit::HELP)]
    Abandon(AbandonArgs),
    /// Show zones, proxies, links and own transactions of the running node
    #[command(after_help = exit::HELP)]
    Status(StatusArgs),
    /// Read Levin frames (hex on stdin) and print one line for each
    #[command(after_help = exit::HELP)]
    Decode(DecodeArgs),
    /// Look whether the node would work with these options: proxies, addresses, peers, directory and ports
    #[command(after_help = exit::CHECK_HELP)]
    Check(Box<CheckArgs>),
    /// A tour of a minute on loopback, without Tor: a little network in one process
    #[command(after_help = exit::HELP)]
    Demo,
    /// Print a script that completes this command line in a shell
    #[command(after_help = exit::HELP)]
    Completions {
        /// For which shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// Directory of the node's own files [default: anonet in the data directory of the platform]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// More options, from a TOML file: `option = value`, with `true` for an option without value and a list for one that
    /// can be repeated. The command line overrides the file, but lists of both are added up
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    /// The transaction, hex or binary, at most 1,000,000 bytes; `-` reads it from stdin
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Hand it straight to this monerod, without a node of yours: behind an .onion or .b32.i2p name with --proxy, another
    /// one with --proxy and its certificate, or on this machine. The daemon sends it on at once; `--wait seen` then waits
    /// for a block
    #[arg(long, value_name = "[http://|https://]HOST[:PORT]", conflicts_with = "data_dir")]
    pub(super) daemon_address: Option<String>,
    /// The SOCKS5 proxy of Tor or I2P that leads to --daemon-address
    #[arg(long, value_name = "[tor,|i2p,][USER:PASSWORD@]IP:PORT", requires = "daemon_address")]
    pub(super) proxy: Option<String>,
    #[command(flatten)]
    pub(super) daemon_tls: DaemonTlsArgs,
    /// Which Monero network --daemon-address is of, for its usual port
    #[arg(long, value_enum, default_value = "mainnet", requires = "daemon_address")]
    pub(super) network: NetworkName,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Until when to wait
    #[arg(long, value_enum, default_value = "handed")]
    pub(super) wait: WaitFor,
    /// Seconds to wait at most [default: 900, or 30 while it is held]; it is shorter when the node has nobody to try
    #[arg(long, value_name = "SECONDS")]
    pub(super) timeout: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct AbandonArgs {
    /// The transaction's id, as `submit` and `status` print it
    #[arg(value_name = "TXID")]
    pub(super) txid: String,
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What `submit` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WaitFor {
    /// Return once the node has taken the transaction
    Held,
    /// Wait until a peer was given the transaction
    Handed,
    /// Wait for evidence that the network has it, from the daemon or from the public network
    Seen,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print again every second until interrupted
    #[arg(long)]
    pub(super) watch: bool,
}

#[derive(Debug, Args)]
pub(super) struct DecodeArgs {
    /// Print one JSON document for each line
    #[arg(long)]
    pub(super) json: bool,
}

/// `--stash`: what keeps own transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StashStore {
    /// A file in the data directory
    Disk,
    /// Nothing but this process
    Memory,
}

/// `--weaker-zone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WeakerZoneName {
    /// It may
    AsFallback,
    /// Transactions wait for Tor; I2P serves where Tor is not configured
    OnlyAlone,
}

impl From<WeakerZoneName> for WeakerZone {
    fn from(name: WeakerZoneName) -> Self {
        match name {
            WeakerZoneName::AsFallback => Self::AsFallback,
            WeakerZoneName::OnlyAlone => Self::OnlyAlone,
        }
    }
}

/// `--network`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NetworkName {
    /// The network that has value
    Mainnet,
    /// For trying the protocol
    Testnet,
    /// For trying wallets
    Stagenet,
    /// A private chain for tests
    Regtest,
}

impl From<NetworkName> for Network {
    fn from(name: NetworkName) -> Self {
        match name {
            NetworkName::Mainnet => Self::Mainnet,
            NetworkName::Testnet => Self::Testnet,
            NetworkName::Stagenet => Self::Stagenet,
            NetworkName::Regtest => Self::Regtest,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_is_the_default_command() {
        let cli = Cli::try_parse_from(["anonetd", "--proxy", "tor,127.0.0.1:9050", "--no-public"]).unwrap();
        assert!(cli.command.is_none() && cli.run.no_public);
        assert_eq!(cli.run.proxy, ["tor,127.0.0.1:9050"]);
        let cli = Cli::try_parse_from(["anonetd", "run", "--proxy", "a", "--proxy", "b"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Run(args)) if args.proxy == ["a", "b"]));
    }

    #[test]
    fn options_of_run_do_not_mix_with_other_commands() {
        assert!(Cli::try_parse_from(["anonetd", "--no-public", "status"]).is_err());
    }
}
