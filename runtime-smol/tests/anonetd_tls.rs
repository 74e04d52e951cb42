//! The RPC for wallets over TLS.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use common::tls::{Dates, Made, ask, caller, fingerprint};
use common::{Daemon, Scratch, anonetd, split, stderr};

const REQUEST: &[u8] = b"POST /get_height HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn height(answer: &str) -> u64 {
    split(answer).1["height"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

/// What the log names for wallets to pin.
fn named(node: &Daemon) -> String {
    let log = node.log();
    let line = log.lines().rfind(|line| line.contains("--daemon-ssl-allowed-fingerprints ")).unwrap_or_else(|| panic!("{log}"));
    line.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn who_speaks_tls_is_answered_with_it_and_the_certificate_stays() {
    let mut node = Daemon::start(&[]);
    assert_eq!(height(&node.rpc(REQUEST)), 1);
    let (answer, certificate) = ask(node.rpc_port, caller(None), REQUEST).unwrap();
    assert_eq!((height(&answer), fingerprint(&certificate)), (1, named(&node)));
    for file in ["rpc_ssl.crt", "rpc_ssl.key"] {
        let mode = fs::metadata(node.data_dir().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    node.stop("-TERM");
    node.restart();
    assert_eq!(ask(node.rpc_port, caller(None), REQUEST).unwrap().1, certificate);
    node.stop("-TERM");
    node.restart_with(&["--no-public", "--proxy", "tor,127.0.0.1:9", "--rpc-ssl", "disabled"]);
    assert!(ask(node.rpc_port, caller(None), REQUEST).is_err());
    assert_eq!(height(&node.rpc(REQUEST)), 1);
}

#[test]
fn a_certificate_of_the_users_own_is_shown_and_nothing_is_made() {
    let dir = Scratch::new();
    for (made, name) in [(Made::new("localhost", Dates::Now), "new"), (Made::of_version_1(), "of-monerod")] {
        let (certificate, key) = made.files(dir.path(), name);
        let [certificate, key] = [certificate, key].map(|path| path.to_string_lossy().into_owned());
        let node = Daemon::start(&["--rpc-ssl-certificate", &certificate, "--rpc-ssl-private-key", &key]);
        let shown = ask(node.rpc_port, caller(None), REQUEST).unwrap().1;
        assert_eq!((&shown, named(&node)), (&made.certificate, made.fingerprint()));
        assert!(!node.data_dir().join("rpc_ssl.key").exists());
    }
}

#[test]
fn where_tls_is_needed_others_are_told_so() {
    let node = Daemon::start(&["--rpc-ssl", "enabled"]);
    for request in [REQUEST.to_vec(), [&REQUEST[..20], &[b'x'; 40_000]].concat(), b"\r\n".to_vec()] {
        let (code, answer) = split(&node.rpc(&request));
        assert!(code == 400 && answer["error"].as_str().unwrap().contains("https://"), "{answer}");
    }
    assert_eq!(height(&ask(node.rpc_port, caller(None), REQUEST).unwrap().0), 1);
    node.wait_for("a word of it", |node| node.log().contains("wallets: https://"));
}

#[test]
fn garbage_ends_its_own_connection_and_nothing_else() {
    let node = Daemon::start(&[]);
    let mut patient: Vec<TcpStream> = Vec::new();
    let before = common::memory(node.pid());
    for round in 0..32_u8 {
        let mut stream = TcpStream::connect(("127.0.0.1", node.rpc_port)).unwrap();
        match round % 4 {
            // no record of any kind that there is
            0 => stream.write_all(&[22; 600]).unwrap(),
            // a record that promises more than records may have
            1 => stream.write_all(&[22, 3, 1, 0xff, 0xff, 1, 2, 3]).unwrap(),
            // a greeting that says nothing
            2 => stream.write_all(&[[22, 3, 1, 0, 44, 1, 0, 0, 40].as_slice(), &[round; 40]].concat()).unwrap(),
            // the start of one, and no more
            _ => {
                stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).unwrap();
                patient.push(stream);
                continue;
            }
        }
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = Vec::new();
        // an alert, and the end
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.is_ok() || !answer.is_empty() || round % 4 == 0, "{round}: {ended:?}");
        assert!(answer.first().is_none_or(|kind| *kind == 21), "{answer:?}");
        assert_eq!(height(&ask(node.rpc_port, caller(None), REQUEST).unwrap().0), 1);
    }
    let grown = common::memory(node.pid()).saturating_sub(before);
    assert!(grown < 8 << 10 && patient.len() == 8, "it grew by {grown} KiB");
}

#[test]
fn wallets_that_need_a_certificate_are_known_by_it() {
    let (dir, authority, stranger) = (Scratch::new(), Made::authority(), Made::new("wallet", Dates::Now));
    let (signed, old) = (authority.signs("wallet", Dates::Now), authority.signs("wallet", Dates::Past));
    let (known, of_monero) = (Made::new("wallet", Dates::Past), Made::of_version_1());
    let file = authority.files(dir.path(), "authority").0.to_string_lossy().into_owned();
    let (one, other) = (known.fingerprint(), of_monero.fingerprint().replace(':', ""));
    let pins = ["--rpc-ssl-allowed-fingerprints", &one, "--rpc-ssl-allowed-fingerprints", &other];
    let node = Daemon::start(&[&pins[..], &["--rpc-ssl-ca-certificates", &file]].concat());
    let served = |own: Option<&Made>| ask(node.rpc_port, caller(own), REQUEST).is_ok_and(|(answer, _)| height(&answer) == 1);
    assert!(served(Some(&known)), "pinned, so its dates do not matter");
    assert!(served(Some(&of_monero)) && served(Some(&signed)));
    assert!(!served(None) && !served(Some(&stranger)) && !served(Some(&old)));
    let said = node.rpc(REQUEST);
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("https://"), "{said}");
}

#[test]
fn options_that_cannot_work_are_refused_with_what_to_write() {
    let (dir, made) = (Scratch::new(), Made::new("x", Dates::Now));
    let (certificate, key) = made.files(dir.path(), "x");
    let (_, other) = Made::new("y", Dates::Now).files(dir.path(), "y");
    let [certificate, key, other] = [certificate, key, other].map(|path| path.to_string_lossy().into_owned());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    for (options, says) in [
        (&["--rpc-ssl-certificate", &certificate, "--rpc-ssl-private-key", &key][..], "chmod 600"),
        (&["--rpc-ssl-certificate", &certificate, "--rpc-ssl-private-key", &other], "its own private key"),
        (&["--rpc-ssl-certificate", &other, "--rpc-ssl-private-key", &other], "no certificate"),
        (&["--rpc-ssl-ca-certificates", "/nowhere"], "cannot read /nowhere"),
        (&["--rpc-ssl-allowed-fingerprints", "12"], "64 hex digits"),
        (&["--rpc-ssl-ca-certificates", &certificate, "--rpc-ssl", "autodetect"], "write enabled"),
        (&["--rpc-ssl-certificate", &certificate], "--rpc-ssl-private-key"),
    ] {
        let output = anonetd().arg("run").args(options).output().unwrap();
        assert!(output.status.code() == Some(2) && stderr(&output).contains(says), "{options:?}: {}", stderr(&output));
    }
}
