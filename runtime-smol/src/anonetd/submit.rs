//! `anonetd submit`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write, stderr, stdin, stdout};
use std::path::Path;
use std::time::Duration;

use anonet_core::MAX_TX_SIZE;
use async_io::Timer;
use bytes::Bytes;
use serde::Serialize;

use super::args::{StashStore, SubmitArgs, WaitFor};
use super::client::ControlClient;
use super::data_dir::DataDir;
use super::exit::Failure;
use super::local_node::Accepted;
use super::status::{StashEntry, State, Status};
use super::{submit_direct, tx};

/// The longest file that is read: the largest transaction as hex, with room for white space. One byte more shows that
/// there is more.
const MAX_FILE: u64 = 3 * MAX_TX_SIZE as u64;

/// Between two looks at the node.
const PAUSE: Duration = Duration::from_millis(250);

/// A held transaction is waited for no longer once the node has been dialling nobody for so long: then it is the user's
/// turn.
const IDLE: Duration = Duration::from_secs(3);

/// How long to wait if nothing is said of it: for a way out of what is held, and for a courier, or evidence, which takes a few
/// blocks where the pool shows none.
const TIMEOUT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(900));

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    accepted: &'a Accepted,
    advice: &'a str,
}

/// Hands a transaction to the running node, waits as told, and says how far it has come.
pub(super) fn run(args: SubmitArgs) -> Result<(), Failure> {
    let data = read(&args.file).map_err(|error| {
        let file = args.file.display();
        Failure::usage(format_args!("cannot read {file} ({error}): give a file that holds a transaction, or - for stdin"))
    })?;
    let blob = tx::from_text_or_binary(&data).map_err(|error| Failure::failed(tx::TxError::from(error)))?;
    // the node would say the same; this also works without one
    let (own, _) = tx::parse(&blob).map_err(Failure::failed)?;
    if let Some(address) = &args.daemon_address {
        return submit_direct::run(&args, address, own.id, &own.blob);
    }
    let client = ControlClient::new(DataDir::new(args.data.data_dir).map_err(Failure::usage)?);
    let accepted = smol::block_on(async {
        let mut accepted = client.submit(Bytes::from(blob.into_owned())).await.map_err(Failure::failed)?;
        let timeout = args.timeout.map(|seconds| Duration::from_secs(seconds.into()));
        match args.wait {
            WaitFor::Held => {}
            WaitFor::Handed => wait(&client, &mut accepted.entry, State::Handed, timeout).await?,
            WaitFor::Seen => wait(&client, &mut accepted.entry, State::Seen, timeout.or(Some(TIMEOUT.1))).await?,
        }
        Ok(accepted)
    })?;
    print(&accepted, args.json).map_err(|error| Failure::output(&error))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    let mut source: Box<dyn Read> = if file == Path::new("-") { Box::new(stdin().lock()) } else { Box::new(File::open(file)?) };
    source.by_ref().take(MAX_FILE + 1).read_to_end(&mut data)?;
    if data.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than any transaction"));
    }
    Ok(data)
}

/// Follows one transaction until it has come so far, the time is up, or nothing is going on.
async fn wait(client: &ControlClient, entry: &mut StashEntry, until: State, timeout: Option<Duration>) -> Result<(), Failure> {
    let (mut waited, mut idle) = (Duration::ZERO, Duration::ZERO);
    let mut progress = Progress::start();
    let patience = |entry: &StashEntry| timeout.unwrap_or(if entry.state == State::Held { TIMEOUT.0 } else { TIMEOUT.1 });
    let done = |entry: &StashEntry| entry.state == State::Seen || entry.state == until || has_no_more_to_come(entry);
    while !done(entry) && waited < patience(entry) && idle < IDLE {
        progress.show(entry);
        Timer::after(PAUSE).await;
        waited += PAUSE;
        let status = client.status().await.map_err(|error| {
            Failure::failed(format_args!("the transaction was accepted, but then the node was lost: {error}"))
        })?;
        idle = if is_idle(&status, entry) { idle + PAUSE } else { Duration::ZERO };
        match status.stash.into_iter().find(|found| found.txid == entry.txid) {
            Some(found) => *entry = found,
            None => return Err(Failure::failed("the transaction was accepted, but the node has it no more: submit it again")),
        }
    }
    Ok(())
}

/// One line on a terminal that says what is waited for.
struct Progress {
    shown: bool,
}

impl Progress {
    fn start() -> Self {
        Self { shown: false }
    }

    fn show(&mut self, entry: &StashEntry) {
        if stderr().is_terminal() {
            self.shown = true;
            // a terminal that is gone is no reason to stop
            let _ = write!(stderr(), "\r\x1b[K{}: {}", entry.state.name(), entry.next_action);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// It was handed over, and nobody can ever show what became of it.
fn has_no_more_to_come(entry: &StashEntry) -> bool {
    entry.state == State::Handed && entry.witness.is_none()
}

fn is_idle(status: &Status, entry: &StashEntry) -> bool {
    entry.state == State::Held && status.zones.iter().all(|zone| zone.dialing == 0)
}

fn print(accepted: &Accepted, json: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    let advice = advice(&accepted.entry, accepted.stash_store);
    if json {
        serde_json::to_writer(&mut out, &Report { accepted, advice: &advice })?;
        return writeln!(out);
    }
    writeln!(out, "{}", accepted.entry.txid)?;
    if accepted.known {
        writeln!(out, "The node had this transaction already.")?;
    }
    writeln!(out, "{}", describe(&accepted.entry))?;
    writeln!(out, "{advice}")
}

fn describe(entry: &StashEntry) -> String {
    let zone = entry.zone.as_deref().unwrap_or("the network");
    match (entry.state, entry.why.as_deref()) {
        (State::Held, why) => format!("held: the node keeps it and sends it when it can; {}", why.unwrap_or("it waits")),
        (State::Seen, _) => format!("seen {}: the network has it", seen_by(entry)),
        (State::Queued, _) => format!("queued for peers of {zone}: it {}", entry.next_action),
        (State::Handed, _) => {
            let who = match entry.peers_handed_to {
                1 => format!("1 peer of {zone} was given it"),
                count => format!("{count} peers of {zone} were given it"),
            };
            let unconfirmed = match entry.witness {
                Some(_) => "",
                None => "; unconfirmed, as only a daemon or the public network could show that it spread",
            };
            format!("handed: {who}{unconfirmed}")
        }
    }
}

fn seen_by(entry: &StashEntry) -> &'static str {
    if entry.witness.as_deref() == Some("daemon") { "by the daemon" } else { "on two public links of different networks" }
}

/// How long the node should go on running.
fn advice(entry: &StashEntry, stash_store: StashStore) -> String {
    match entry.state {
        State::Held | State::Queued => {
            let stop = match stash_store {
                StashStore::Disk => "it is on disk, so a stop only delays it",
                StashStore::Memory => "it is in memory only, so a stop loses it",
            };
            format!("Keep the node running until `anonetd status` says handed; {stop}.")
        }
        State::Seen => "It is done: the node may stop. Should the chain be reorganised, your wallet will notice.".into(),
        State::Handed if entry.peers_proven == 0 => "Keep the node running for 2 more minutes at least, until \
             `anonetd status` says that a peer has surely read it; better for 20, so that it is sent again in case that \
             peer drops it."
            .into(),
        State::Handed => "A peer has surely read it. Keep the node running for 20 more minutes if you can, so that it is \
             sent again in case that peer drops it."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(state: &str, handed: u32, proven: u32) -> StashEntry {
        serde_json::from_value(json!({
            "txid": "ab", "size": 5, "state": state, "why": (state == "held").then_some("no peer is connected"),
            "zone": (state != "held").then_some("tor"), "peers_handed_to": handed, "peers_proven": proven,
            "next_action": "takes the next courier", "expires_in_seconds": 9,
        }))
        .unwrap()
    }

    #[test]
    fn the_state_is_told_with_its_consequence() {
        for (entry, says, advises) in [
            (entry("held", 0, 0), "no peer is connected", "until `anonetd status` says handed"),
            (entry("queued", 0, 0), "peers of tor: it takes the next courier", "until `anonetd status` says handed"),
            (entry("handed", 1, 0), "1 peer of tor was", "2 more minutes"),
            (entry("handed", 3, 1), "3 peers of tor were given it; unconfirmed", "surely read"),
            (StashEntry { witness: Some("daemon".into()), ..entry("seen", 1, 0) }, "by the daemon", "may stop"),
            (StashEntry { witness: Some("public".into()), ..entry("seen", 1, 0) }, "two public links", "may stop"),
        ] {
            assert!(describe(&entry).starts_with(entry.state.name()));
            assert!(describe(&entry).contains(says), "{}", describe(&entry));
            let advice = advice(&entry, StashStore::Disk);
            assert!(advice.contains(advises), "{advice}");
        }
        assert!(advice(&entry("held", 0, 0), StashStore::Disk).contains("a stop only delays it"));
        assert!(advice(&entry("queued", 0, 0), StashStore::Memory).contains("a stop loses it"));
    }

    #[test]
    fn files_are_read_up_to_a_limit() {
        let scratch = super::super::scratch::Scratch::new();
        let path = scratch.path().join("tx");
        for (size, fits) in [(MAX_FILE, true), (MAX_FILE + 1, false)] {
            std::fs::write(&path, vec![b'0'; usize::try_from(size).unwrap()]).unwrap();
            assert_eq!(read(&path).is_ok(), fits, "{size}");
        }
        assert!(read(&scratch.path().join("absent")).is_err());
    }
}
