//! The state for human eyes.

use std::fmt::Write;

use super::super::args::StashStore;
use super::super::daemon::{DaemonEntry, Standing};
use super::super::relay_policy;
use super::document::{CourierEntry, Proxy, StashEntry, State, Status, ZoneEntry};

/// The state as lines of text; ends with a line break.
pub(super) fn render(status: &Status) -> String {
    let mut text = String::new();
    // a String takes everything
    let _ = write_all(&mut text, status);
    text
}

fn write_all(out: &mut String, status: &Status) -> std::fmt::Result {
    writeln!(out, "anonetd {} on {}", status.version, status.network)?;
    write_policies(out, status)?;
    for trouble in &status.troubles {
        writeln!(out, "TROUBLE {}: {}", trouble.part, trouble.reason)?;
    }
    writeln!(out)?;
    write_zones(out, &status.zones)?;
    write_daemon(out, status.daemon.as_ref())?;
    writeln!(out)?;
    write_stash(out, status)?;
    write_received(out, status)
}

/// The policy or policies by which own transactions leave, each with what it means.
fn write_policies(out: &mut String, status: &Status) -> std::fmt::Result {
    let mut told = Vec::new();
    for zone in &status.zones {
        let Some(policy) = zone.relay_policy.as_deref().filter(|policy| !told.contains(policy)) else { continue };
        told.push(policy);
        let zones = status.zones.iter().filter(|other| other.relay_policy.as_deref() == Some(policy));
        let zones: Vec<&str> = zones.map(|zone| zone.name.as_str()).collect();
        writeln!(out, "relay policy {policy} ({}): {}", zones.join(", "), relay_policy::describe_name(policy))?;
    }
    Ok(())
}

fn write_zones(out: &mut String, zones: &[ZoneEntry]) -> std::fmt::Result {
    writeln!(
        out,
        "{:<8}{:<23}{:<9}{:>9}{:>9}{:>9}{:>7}{:>7}",
        "ZONE", "PROXY", "STATE", "OUT", "IN", "DIALING", "WHITE", "GRAY"
    )?;
    for zone in zones {
        let proxy = match (&zone.proxy, zone.max_outgoing) {
            (Some(proxy), _) => proxy,
            (None, 0) => "none",
            (None, _) => "direct",
        };
        let state = match zone.proxy_state {
            Proxy::Untried => "untried",
            Proxy::Up => "up",
            Proxy::Down => "down",
        };
        let links = |there, most| format!("{there}/{most}");
        writeln!(
            out,
            "{:<8}{:<23}{:<9}{:>9}{:>9}{:>9}{:>7}{:>7}",
            zone.name,
            proxy,
            state,
            links(zone.outgoing, zone.max_outgoing),
            links(zone.incoming, zone.max_incoming),
            zone.dialing,
            zone.white,
            zone.gray
        )?;
    }
    for zone in zones {
        if let Some(couriers) = &zone.couriers {
            write_couriers(out, &zone.name, couriers)?;
        }
        if zone.name != "public" && !zone.isolates && zone.max_outgoing > 0 {
            writeln!(
                out,
                "{}: no stream isolation: all connections share one circuit or destination, so that peers who compare notes \
                 can tell that your transactions have one sender",
                zone.name
            )?;
        }
    }
    Ok(())
}

fn write_couriers(out: &mut String, zone: &str, couriers: &CourierEntry) -> std::fmt::Result {
    match couriers.next_in_seconds {
        Some(seconds) => write!(out, "{zone}: the next courier leaves in {}", span(seconds))?,
        None => write!(out, "{zone}: no courier leaves")?,
    }
    writeln!(
        out,
        "; {} sent, {} answered, {} under way; about {} a day, {} MB",
        couriers.sent, couriers.answered, couriers.under_way, couriers.per_day, couriers.megabytes_per_day
    )?;
    match couriers.carriers {
        0 => writeln!(
            out,
            "{zone}: no peer may carry a transaction yet: name one that you trust with --add-peer; others may after a day or two"
        ),
        1..4 => writeln!(
            out,
            "{zone}: only {} peers may carry transactions, so the same ones carry several a day: name more with --add-peer",
            couriers.carriers
        ),
        carriers => writeln!(out, "{zone}: {carriers} peers may carry transactions, each one a day"),
    }
}

fn write_daemon(out: &mut String, daemon: Option<&DaemonEntry>) -> std::fmt::Result {
    let Some(daemon) = daemon else { return writeln!(out, "daemon: none") };
    write!(out, "daemon: {} is {}", daemon.address, daemon.state.name())?;
    match (&daemon.reason, daemon.state) {
        (Some(reason), _) => writeln!(out, ": {reason}"),
        (None, Standing::Up | Standing::Syncing) => writeln!(out, " at height {}", daemon.height),
        (None, _) => writeln!(out),
    }
}

fn write_stash(out: &mut String, status: &Status) -> std::fmt::Result {
    let kept = match status.stash_store {
        StashStore::Disk => "kept on disk",
        StashStore::Memory => "kept in memory only, a stop loses them",
    };
    if status.stash.is_empty() {
        return writeln!(out, "own transactions: none ({kept})");
    }
    writeln!(out, "own transactions: {} ({kept})", status.stash.len())?;
    for entry in &status.stash {
        write!(out, "  {} ({} bytes) {}", entry.txid, entry.size, entry.state.name())?;
        if let Some(zone) = &entry.zone {
            write!(out, " over {zone}")?;
        }
        if entry.state == State::Seen {
            let by = if entry.witness.as_deref() == Some("daemon") { "by the daemon" } else { "on two public links" };
            writeln!(out, " {by}")?;
            writeln!(out, "    next: {}; shown for {}", entry.next_action, span(entry.expires_in_seconds))?;
            continue;
        }
        if entry.state == State::Handed {
            write!(out, " to {}, {} of whom have surely read it", entry.peers_handed_to, entry.peers_proven)?;
        }
        match &entry.why {
            Some(why) => writeln!(out, ": {why}")?,
            None => writeln!(out)?,
        }
        writeln!(out, "    next: {}; kept for {}", entry.next_action, span(entry.expires_in_seconds))?;
    }
    let handed = |entry: &&StashEntry| entry.state == State::Handed;
    match status.stash.iter().find(handed).map(|entry| &entry.witness) {
        Some(None) => writeln!(out, "  handed is no proof that the network has it; a wallet or block explorer can tell")?,
        Some(Some(_)) => writeln!(out, "  handed is no proof that the network has it; it turns to seen once there is one")?,
        None => {}
    }
    Ok(())
}

fn write_received(out: &mut String, status: &Status) -> std::fmt::Result {
    if status.received.is_empty() {
        return Ok(());
    }
    let none = if status.daemon.is_none() { " (not relayed, as no daemon says whether they are valid)" } else { "" };
    let counts = status.received_counts;
    writeln!(
        out,
        "from peers: {}{none}: {} pending, {} delayed, {} accepted, {} known, {} refused, {} rejected, {} dropped",
        status.received.len(),
        counts.pending,
        counts.delayed,
        counts.accepted,
        counts.known,
        counts.refused,
        counts.rejected,
        counts.dropped
    )?;
    for entry in &status.received {
        let txid = entry.txid.as_deref().unwrap_or("no transaction");
        writeln!(out, "  {txid} over {}: {}", entry.zone, entry.verdict)?;
    }
    Ok(())
}

/// A time span in its largest fitting unit.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status() -> Status {
        let zone = |name: &str, proxy: Option<&str>, isolates: bool| {
            json!({"name": name, "proxy": proxy, "proxy_state": "down", "proxy_reason": "it sleeps", "isolates": isolates, "relay_policy": (name != "public").then_some("fluff"),
                   "outgoing": 1, "incoming": 0, "dialing": 2, "max_outgoing": 12, "max_incoming": 0, "white": 3, "gray": 4,
                   "couriers": isolates.then(|| json!({"next_in_seconds": 40, "under_way": 1, "sent": 9, "answered": 8, "carriers": 2,
                                                       "per_day": 832, "megabytes_per_day": 17}))})
        };
        let entry = |state: &str, why: Option<&str>, zone: Option<&str>| {
            json!({"txid": "ab", "size": 5, "state": state, "why": why, "zone": zone, "peers_handed_to": 2,
                   "peers_proven": 1, "witness": "daemon", "next_action": "waits", "expires_in_seconds": 259_000})
        };
        serde_json::from_value(json!({
            "version": "1", "network": "testnet", "relay_policy": "fluff",
            "troubles": [{"part": "stash", "reason": "its disk is full"}, {"part": "tor", "reason": "it sleeps"}],
            "zones": [zone("tor", Some("127.0.0.1:9050"), true), zone("i2p", None, false), zone("public", None, false)],
            "stash_store": "disk",
            "daemon": {"address": "127.0.0.1:1", "state": "down", "reason": "it sleeps too", "height": 7, "target_height": 0,
                       "synchronized": false, "pool": "untried"},
            "stash": [entry("held", Some("no peer"), None), entry("handed", None, Some("tor")), entry("seen", None, None)],
            "received_counts": {"pending": 1, "delayed": 2, "accepted": 3, "known": 4, "refused": 5, "rejected": 6, "dropped": 7},
            "received": [{"txid": "cd", "zone": "tor", "verdict": "pending"}, {"txid": null, "zone": "i2p", "verdict": "rejected"}],
        }))
        .unwrap()
    }

    #[test]
    fn everything_is_said() {
        let text = render(&status());
        for expected in [
            "on testnet",
            "relay policy fluff (tor, i2p): own transactions go to every outgoing link",
            "127.0.0.1:9050",
            "direct",
            "1/12",
            "\nTROUBLE stash: its disk is full\nTROUBLE tor: it sleeps\n",
            "tor: the next courier leaves in 40 s; 9 sent, 8 answered, 1 under way; about 832 a day, 17 MB\n",
            "tor: only 2 peers may carry transactions",
            "i2p: no stream isolation",
            "own transactions: 3 (kept on disk)",
            "ab (5 bytes) held: no peer\n",
            "ab (5 bytes) handed over tor to 2, 1 of whom have surely read it\n",
            "next: waits; kept for 71 h",
            "no proof",
            "daemon: 127.0.0.1:1 is down: it sleeps too\n",
            "ab (5 bytes) seen by the daemon\n",
            "1 pending, 2 delayed, 3 accepted, 4 known, 5 refused, 6 rejected, 7 dropped\n",
            "cd over tor: pending",
            "no transaction over i2p: rejected",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing:\n{text}");
        }
        assert!(!text.contains("tor: no stream isolation") && !text.contains("public: no stream isolation"), "{text}");
    }

    #[test]
    fn an_idle_node_is_described_briefly() {
        let text =
            render(&Status { zones: vec![], stash_store: StashStore::Memory, stash: vec![], received: vec![], ..status() });
        assert!(text.ends_with("own transactions: none (kept in memory only, a stop loses them)\n"), "{text}");
    }

    #[test]
    fn spans_have_fitting_units() {
        assert_eq!([0, 119, 120, 7_199, 7_200].map(span), ["0 s", "119 s", "2 min", "119 min", "2 h"]);
    }
}
