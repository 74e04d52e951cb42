//! `anonetd abandon`.

use std::io::{self, Write, stdout};

use anonet_core::TxId;

use super::args::AbandonArgs;
use super::client::ControlClient;
use super::data_dir::DataDir;
use super::exit::Failure;
use super::hex;
use super::local_node::Abandoned;

/// Has the running node forget an own transaction, and says what that cannot undo.
pub(super) fn run(args: AbandonArgs) -> Result<(), Failure> {
    let id = parse(&args.txid)
        .ok_or_else(|| Failure::usage("a transaction's id has 64 hexadecimal digits: copy it from `anonetd status`"))?;
    let client = ControlClient::new(DataDir::new(args.data.data_dir).map_err(Failure::usage)?);
    let abandoned = smol::block_on(client.abandon(&id)).map_err(Failure::failed)?;
    print(&abandoned, args.json).map_err(|error| Failure::output(&error))
}

/// Reads the id of a transaction.
pub(super) fn parse(text: &str) -> Option<TxId> {
    hex::decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).map(TxId::new)
}

fn print(abandoned: &Abandoned, json: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer(&mut out, abandoned)?;
        return writeln!(out);
    }
    writeln!(out, "abandoned: the node has forgotten it and sends it no more")?;
    writeln!(out, "{}", consequence(abandoned.peers_handed_to))
}

/// What is out is out.
fn consequence(peers_handed_to: u32) -> String {
    let keys = "to make sure that it never comes to be, spend one of its inputs in another transaction";
    match peers_handed_to {
        0 => format!("No peer was given it in this run of the node. If one was earlier, it can still spread; {keys}."),
        1 => format!("1 peer was given it and cannot be asked to forget: it can still spread; {keys}."),
        count => format!("{count} peers were given it and cannot be asked to forget: it can still spread; {keys}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_64_digits() {
        assert_eq!(parse(&"0A".repeat(32)), Some(TxId::new([10; 32])));
        for text in ["", "0a", &"0a".repeat(31), &"0a".repeat(33), &"zz".repeat(32)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_undone_is_said() {
        assert!(consequence(0).starts_with("No peer"));
        assert!(consequence(1).starts_with("1 peer ") && consequence(2).starts_with("2 peers "));
        assert!((0..3).all(|count| consequence(count).contains("spend one of its inputs")));
    }
}
