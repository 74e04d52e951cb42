//! `anonetd submit --daemon-address`: straight to a monerod, without a running node.

use std::io::{self, Write, stderr, stdout};
use std::time::Duration;

use anonet_core::TxId;
use async_io::Timer;
use bytes::Bytes;
use serde::Serialize;
use smol::future::or;

use super::args::{SubmitArgs, WaitFor};
use super::daemon::{DaemonAddress, Direct, Taken};
use super::exit::Failure;
use super::status::State;
use crate::options::parse_proxy_option;

/// How long to wait for a block if nothing is said of it.
const TIMEOUT: Duration = Duration::from_secs(900);

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Report {
    txid: String,
    size: usize,
    state: State,
    /// The daemon had it before.
    known: bool,
    /// Of the block that it is in, once it was seen.
    height: Option<u64>,
}

/// Hands the transaction in, waits as told, and says how far it has come.
pub(super) fn run(args: &SubmitArgs, address: &str, id: TxId, blob: &Bytes) -> Result<(), Failure> {
    let address = DaemonAddress::parse(address, args.network.into()).map_err(Failure::usage)?;
    let proxy = args.proxy.as_deref().map(parse_proxy_option).transpose().map_err(Failure::usage)?;
    let choice = args.daemon_tls.read().map_err(Failure::usage)?;
    let mut direct = Direct::new(&address, &choice, proxy.as_ref()).map_err(Failure::usage)?;
    let report = smol::block_on(async {
        let known = direct.hand_in(blob).await.map_err(Failure::failed)? == Taken::Known;
        let mut report = Report { txid: id.reveal().to_string(), size: blob.len(), state: State::Handed, known, height: None };
        if args.wait == WaitFor::Seen {
            let timeout = args.timeout.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.into()));
            report.height = seen(&mut direct, id, timeout).await?;
        }
        if report.height.is_some() {
            report.state = State::Seen;
        }
        Ok(report)
    })?;
    print(&report, args.json).map_err(|error| Failure::output(&error))
}

/// The height of the block that it is in, if that comes in time.
async fn seen(direct: &mut Direct, id: TxId, timeout: Duration) -> Result<Option<u64>, Failure> {
    let progress = |height| {
        // whoever closed stderr does not want it
        let _ = writeln!(stderr(), "the daemon has it; waiting for a block, the top one is {height}");
    };
    let mined = async { direct.mined(id, progress).await.map(Some) };
    let late = async {
        Timer::after(timeout).await;
        Ok(None)
    };
    or(mined, late)
        .await
        .map_err(|error| Failure::failed(format_args!("the daemon took the transaction, but then it was lost: {error}")))
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer(&mut out, report)?;
        return writeln!(out);
    }
    writeln!(out, "{}", report.txid)?;
    if report.known {
        writeln!(out, "The daemon had this transaction already.")?;
    }
    match report.height {
        Some(height) => writeln!(out, "seen: it is in block {height}"),
        None => writeln!(
            out,
            "handed: the daemon has it and sends it on; unconfirmed until it is in a block, which --wait seen waits for"
        ),
    }
}
