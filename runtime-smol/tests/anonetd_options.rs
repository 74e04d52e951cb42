//! Bad command lines: exit code 2, and a message that names the option and the fix.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use common::{Scratch, anonetd, stderr, stdout};

const LEGACY: &str = "xmrto2bturnore26.onion";

#[test]
fn bad_options_are_named_with_their_fix() {
    let dir = Scratch::new();
    for (options, names, fix) in [
        (&["--proxy", "tor"][..], "--proxy", "IP:PORT"),
        (&["--proxy", "TOR,127.0.0.1:9050"], "--proxy", "lower case"),
        (&["--tx-proxy", "127.0.0.1:9050"], "--tx-proxy", "tor,127.0.0.1:9050"),
        (&["--proxy", "tor,localhost:9050"], "--proxy", "host names are not resolved"),
        (&["--proxy", "socks4a://127.0.0.1:9050"], "--proxy", "socks5://"),
        (&["--proxy", "tor,127.0.0.1:1", "--tx-proxy", "tor,127.0.0.1:2"], "--proxy", "keep one"),
        (&["--proxy", "tor,127.0.0.1:1", "--add-peer", LEGACY], "--add-peer", "version 3"),
        (&["--add-peer", "node.example"], "--add-peer", "IP"),
        (&["--add-peer", common::ONION], "--add-peer", "--proxy tor,"),
        (&["--add-exclusive-node", "1.2.3.4:0"], "--add-exclusive-node", "port"),
        (&["--anonymous-inbound", common::ONION], "--anonymous-inbound", "local port"),
        (&["--no-public"], "--no-public", "--proxy"),
        (&["--rpc-bind", "0.0.0.0:18091"], "--rpc-bind", "loopback"),
        (&["--rpc-bind", "off"], "--rpc-bind", "IP:PORT"),
        (
            &["--daemon-address", "https://10.0.0.1", "--daemon-proxy", "127.0.0.1:1"],
            "--daemon-proxy",
            "--daemon-ssl-allowed-fingerprints",
        ),
        (&["--daemon-address", "10.0.0.1"], "--daemon-address", ".onion"),
        (&["--daemon-address", common::ONION], "--daemon-address", "--proxy tor,"),
        (&["--relay-policy", "tor=pigeon"], "--relay-policy", "write courier, noise or fluff"),
        (&["--privacy", "none"], "--privacy", "balanced"),
        (&["--courier-every", "60,120"], "--courier-every", "all three"),
        (&["--courier-every", "soon"], "--courier-every", "write seconds"),
        (&["--courier-gap", "0.1,2"], "--courier-gap", "0.5 s"),
        (&["--courier-linger", "1"], "--courier-linger", "at least 3 s"),
        (&["--courier-uptime", "9,3"], "--courier-uptime", "the smaller number first"),
        (&["--proxy", "tor,127.0.0.1:1,disable_noise", "--relay-policy", "noise"], "--relay-policy", "remove one of them"),
        (&["--stash", "tape"], "--stash", "memory"),
        (&["--stash-passphrase-file", "/absent"], "--stash-passphrase-file", "its name or its permissions"),
        (&["--stash", "memory", "--stash-passphrase-file", "/x"], "--stash-passphrase-file", "remove one"),
        (&["--seed-node", "seeds.example"], "--seed-node", "DNS"),
        (&["--seed-node", common::ONION], "--seed-node", "add --proxy tor,"),
        (&["--out-peers", "many"], "--out-peers", "many"),
        (&["--in-peers", "-2"], "--in-peers", "-2"),
        (&["--no-public", "--proxy", "tor,127.0.0.1:1", "--in-peers", "3"], "--in-peers", "remove one of the two"),
        (&["--no-public", "--proxy", "tor,127.0.0.1:1", "--p2p-bind-port", "3"], "--p2p-bind-port", "remove one of the two"),
        (&["--p2p-bind-ip", "localhost"], "--p2p-bind-ip", "0.0.0.0"),
        (&["--p2p-bind-port", "0"], "--p2p-bind-port", "port 0"),
        (&["--p2p-bind-port-ipv6", "5"], "--p2p-bind-port-ipv6", "--p2p-use-ipv6"),
        (&["--weaker-zone", "never"], "--weaker-zone", "only-alone"),
        (&["--log-level", "loud"], "--log-level", "info"),
        (&["--network", "main"], "--network", "mainnet"),
        (&["--netwrok", "mainnet"], "--netwrok", "--network"),
    ] {
        for prefix in [&["run"][..], &[]] {
            // should one be taken after all, nobody is to hear of it
            let output = anonetd().args(prefix).arg("--offline").args(options).env("HOME", dir.path()).output().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{options:?}: {said}");
            assert!(said.contains(names) && said.contains(fix), "{options:?} lacks {fix:?}: {said}");
            assert_eq!(stdout(&output), "", "{options:?}");
        }
    }
}

#[test]
fn help_and_version_are_there() {
    for command in [&["--help"][..], &["run", "--help"], &["submit", "--help"], &["status", "--help"], &["decode", "--help"]] {
        let output = anonetd().args(command).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        assert!(stdout(&output).contains("Exit codes:"), "{command:?}");
    }
    let help = stdout(&anonetd().args(["run", "--help"]).output().unwrap());
    let said: Vec<&str> = help.split_whitespace().collect();
    assert!(said.join(" ").contains("without a passphrase the file stash.redb in the data directory is not encrypted"), "{help}");
    let output = anonetd().arg("--version").output().unwrap();
    assert_eq!(stdout(&output), format!("anonetd {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_bad_configuration_file_stops_the_start() {
    let dir = Scratch::new();
    for (content, says) in [
        ("no-public = true\nproxy = [\"tor\"]\n", "line 2)"),
        ("no-public = 5\n", "line 1: no-public: write true or false"),
        ("network = \"main\"\n", "line 1: invalid value"),
        ("no-publik = true\n", "no-public exists"),
    ] {
        let file = dir.file("anonet.toml", content);
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        for command in [&["run"][..], &[], &["status"]] {
            let output = anonetd().args(command).arg("--config").arg(&file).env("HOME", dir.path()).output().unwrap();
            let said = stderr(&output);
            if command == ["status"] && content.contains("proxy") {
                // whether the proxy makes sense is a matter of running
                continue;
            }
            assert_eq!(output.status.code(), Some(2), "{content:?}: {said}");
            assert!(said.contains(says) && said.contains("anonet.toml"), "{content:?}: {said}");
        }
    }
    let absent = anonetd().args(["--config", "/absent/anonet.toml"]).output().unwrap();
    assert_eq!(absent.status.code(), Some(2));
    assert!(!dir.path().join(".local").exists(), "nothing was started");
}

#[test]
fn every_shell_completes_every_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = anonetd().args(["completions", shell]).output().unwrap();
        let script = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for word in ["anonetd", "anonymous-inbound", "config", "submit"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    let output = anonetd().args(["completions", "cmd"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("bash"), "{}", stderr(&output));
}
