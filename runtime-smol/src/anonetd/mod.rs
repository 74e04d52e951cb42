//! The program `anonetd`: command line, log, control socket, and the RPC for wallets.
//!
//! Nothing here decides where a transaction may go; the core does. This module turns options into its configuration and
//! its events into words.

mod abandon;
mod app;
mod archive;
mod args;
mod ban_list;
mod chain_clock;
mod check;
mod client;
mod config_file;
mod control;
mod core_dump;
mod courier_args;
pub(crate) mod daemon;
mod data_dir;
mod decode;
mod exit;
pub(crate) mod fitness;
mod health;
pub(crate) mod hex;
mod http;
mod keeper;
mod late;
mod local_node;
mod logging;
pub(crate) mod own;
mod passphrase;
mod received;
mod relay_policy;
mod restore;
mod retry_pause;
pub(crate) mod rpc;
mod rpc_login;
mod run;
mod run_args;
#[cfg(test)]
pub(crate) mod scratch;
mod seen;
mod settings;
mod signals;
mod stall;
mod status;
mod submit;
mod submit_direct;
mod tls;
mod troubles;
pub(crate) mod tx;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use self::args::{Cli, Command};
use self::config_file::CommandLineError;
use self::exit::Failure;

/// Runs the program with the arguments of this process, and says its exit code: 0 done, 1 failed, 2 wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    core_dump::forbid();
    let _ending = logging::Ending::prepare();
    let cli = match config_file::parse(env::args_os()) {
        Ok(cli) => cli,
        // help and version are such errors, too
        Err(CommandLineError::Arguments(error)) => error.exit(),
        Err(CommandLineError::File(error)) => return Failure::usage(error).report(),
    };
    let result = match cli.command {
        None => run::run(cli.run),
        Some(Command::Run(args)) => run::run(*args),
        Some(Command::Submit(args)) => submit::run(args),
        Some(Command::Abandon(args)) => abandon::run(args),
        Some(Command::Status(args)) => status::run(args),
        Some(Command::Decode(args)) => decode::run(args),
        Some(Command::Check(args)) => check::run(*args),
        Some(Command::Completions { shell }) => completions(shell),
        Some(Command::Demo) => return crate::demo::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "anonetd", &mut script);
    io::stdout().write_all(&script).map_err(|error| Failure::output(&error))
}
