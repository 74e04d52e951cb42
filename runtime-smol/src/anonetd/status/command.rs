//! The command.

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use super::super::args::StatusArgs;
use super::super::client::ControlClient;
use super::super::data_dir::DataDir;
use super::super::exit::Failure;
use super::document::Status;
use super::table::render;

/// Between two looks of `--watch`.
const PAUSE: Duration = Duration::from_secs(1);

/// Clears a terminal.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Asks the running node for its state and prints it; with `--watch` until interrupted.
pub(crate) fn run(args: StatusArgs) -> Result<(), Failure> {
    let client = ControlClient::new(DataDir::new(args.data.data_dir).map_err(Failure::usage)?);
    smol::block_on(async {
        loop {
            let status: Status = client.status().await.map_err(Failure::failed)?;
            print(&status, args.json, args.watch).map_err(|error| Failure::output(&error))?;
            if !args.watch {
                return Ok(());
            }
            async_io::Timer::after(PAUSE).await;
        }
    })
}

fn print(status: &Status, json: bool, watch: bool) -> std::io::Result<()> {
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer(&mut out, status)?;
        return writeln!(out);
    }
    if watch && out.is_terminal() {
        write!(out, "{CLEAR}")?;
    }
    write!(out, "{}", render(status))?;
    out.flush()
}
