//! The program `anonetd`: command line, log, control socket, and the RPC for wallets.
//!
//! Nothing here decides where a transaction may go; the core does. This module turns options into its configuration and
//! its events into words.

mod app;
mod args;
mod client;
mod control;
mod data_dir;
mod decode;
mod exit;
pub(crate) mod hex;
mod http;
mod keeper;
mod local_node;
mod logging;
mod received;
mod relay_policy;
mod restore;
mod rpc;
mod run;
#[cfg(test)]
pub(crate) mod scratch;
mod settings;
mod status;
mod submit;
pub(crate) mod tx;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};

/// Runs the program with the arguments of this process, and says its exit code: 0 done, 1 failed, 2 wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => run::run(cli.run),
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Submit(args)) => submit::run(args),
        Some(Command::Status(args)) => status::run(args),
        Some(Command::Decode(args)) => decode::run(args),
        Some(Command::Demo) => return crate::demo::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
