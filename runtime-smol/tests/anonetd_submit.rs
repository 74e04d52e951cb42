//! `anonetd submit` to a node that has no way out.

mod common;

use common::{Daemon, Scratch, TX1, run_with_input, stderr, stdout, tx1, tx1_hex, unhex};
use serde_json::Value;

#[test]
fn a_transaction_without_a_way_out_is_held_and_says_why() {
    let node = Daemon::start(&[]);
    let output = node.command("submit").arg(tx1()).output().unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(said.starts_with(TX1) && said.contains("held") && said.contains("proxy"), "{said}");
    assert!(said.contains("Keep the node running"), "{said}");

    let entry = &node.status()["stash"][0];
    assert_eq!((&entry["txid"], &entry["size"], &entry["state"]), (&TX1.into(), &2166.into(), &"held".into()));
    assert!(entry["why"].as_str().unwrap().contains("proxy"), "{entry}");
    assert_eq!((&entry["zone"], &entry["peers_handed_to"], &entry["peers_proven"]), (&Value::Null, &0.into(), &0.into()));
    assert!(entry["next_action"].as_str().is_some_and(|next| !next.is_empty()));
    let expires = entry["expires_in_seconds"].as_u64().unwrap();
    assert!((71 * 3600..=72 * 3600).contains(&expires), "{expires}");
}

#[test]
fn every_form_of_the_same_transaction_is_one() {
    let node = Daemon::start(&[]);
    let (hex, dir) = (tx1_hex(), Scratch::new());
    let spaced = format!("\n  {}\r\n{}\n\n", &hex[..100], hex[100..].to_uppercase());
    let forms = [dir.file("binary", unhex(&hex)), dir.file("spaced", spaced)];
    let mut known = Vec::new();
    for form in &forms {
        let output = node.command("submit").args(["--json", "--wait", "held"]).arg(form).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &report["txid"]), (Some(0), &TX1.into()));
        assert!(report["advice"].as_str().is_some_and(|advice| !advice.is_empty()));
        known.push(report["known"].clone());
    }
    let piped = run_with_input(node.command("submit").args(["--wait", "held", "-"]), hex.as_bytes());
    assert_eq!(piped.status.code(), Some(0), "{}", stderr(&piped));
    assert!(stdout(&piped).contains("had this transaction already"), "{}", stdout(&piped));
    assert_eq!(known, [false, true]);
    assert_eq!(node.status()["stash"].as_array().unwrap().len(), 1);
}

#[test]
fn malformed_transactions_are_refused_with_a_reason() {
    let node = Daemon::start(&[]);
    let hex = tx1_hex();
    let mut long = unhex(&hex);
    long.push(0);
    let oversize = vec![2; 1_000_001];
    for (input, says) in [
        (Vec::new(), "empty"),
        (b" \n".to_vec(), "empty"),
        (hex.as_bytes()[1..].to_vec(), "odd"),
        (b"not a transaction".to_vec(), "character 1 is no hexadecimal digit"),
        (format!("{}zz", &hex[..10]).into_bytes(), "character 11"),
        (hex.as_bytes()[..hex.len() - 2].to_vec(), "cut off"),
        (unhex(&hex)[..500].to_vec(), "cut off"),
        (format!("{hex}00").into_bytes(), "1 bytes follow"),
        (long, "1 bytes follow"),
        ("02".repeat(1_000_001).into_bytes(), "1000001 bytes"),
        (oversize, "1000001 bytes"),
        (b"\x07\x00\x00".to_vec(), "no Monero transaction"),
    ] {
        let output = run_with_input(node.command("submit").arg("-"), &input);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{} bytes: {said}", input.len());
        assert!(said.starts_with("anonetd: ") && said.contains(says), "{says:?}: {said}");
        assert_eq!(stdout(&output), "");
    }
    assert_eq!(node.status()["stash"], Value::Array(vec![]));
}

#[test]
fn usage_errors_and_an_absent_node_differ() {
    let dir = Scratch::new();
    let mut absent = common::anonetd();
    let output = absent.args(["submit", "absent.hex", "--data-dir"]).arg(dir.path()).current_dir(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("absent.hex"), "{}", stderr(&output));
    let output = common::anonetd().args(["submit"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = common::anonetd().arg("submit").arg(tx1()).arg("--data-dir").arg(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("anonetd run --data-dir"), "{}", stderr(&output));
}
