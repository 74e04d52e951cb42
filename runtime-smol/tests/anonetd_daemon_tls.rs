//! A daemon that is reached over TLS.

mod common;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::thread;

use common::monerod::Monerod;
use common::tls::{Dates, Made};
use common::{Daemon, Scratch, anonetd, free_port, stderr, stdout, tx1};

fn submit(daemon: &str, options: &[&str]) -> Output {
    anonetd().arg("submit").arg(tx1()).args(["--daemon-address", daemon]).args(options).output().unwrap()
}

#[test]
fn a_transaction_goes_to_the_daemon_that_was_meant_or_to_nobody() {
    let (dir, authority) = (Scratch::new(), Made::authority());
    let file = authority.files(dir.path(), "authority").0.to_string_lossy().into_owned();
    let stranger = Made::new("127.0.0.1", Dates::Now).fingerprint();
    let by_file = ["--daemon-ssl-ca-certificates", &file];
    for (made, options, says) in [
        (authority.signs("127.0.0.1", Dates::Now), &by_file[..], "handed: the daemon has it"),
        (authority.signs("127.0.0.1", Dates::Past), &by_file, "out of date"),
        (authority.signs("node.example", Dates::Now), &by_file, "for another name"),
        (Made::new("127.0.0.1", Dates::Now), &by_file, "not one that you named"),
        (Made::new("127.0.0.1", Dates::Now), &[], "not one that you named"),
        (Made::new("127.0.0.1", Dates::Now), &["--daemon-ssl-allowed-fingerprints", &stranger], "not one that you named"),
        (Made::new("x", Dates::Past), &["--daemon-ssl-allow-any-cert"], "handed: the daemon has it"),
        (Made::of_version_1(), &["--daemon-ssl-allow-any-cert"], "handed: the daemon has it"),
        (Made::of_version_1(), &by_file, "not one that you named"),
    ] {
        let monerod = Monerod::start_with_tls(made.server());
        let output = submit(&format!("https://127.0.0.1:{}", monerod.port), options);
        let said = stdout(&output) + &stderr(&output);
        assert!(said.contains(says) && monerod.sent().len() == usize::from(says.starts_with("handed")), "{options:?}: {said}");
    }
}

#[test]
fn a_pinned_certificate_is_good_whatever_it_says_of_itself() {
    let dir = Scratch::new();
    for (name, made) in [("old", Made::new("x", Dates::Past)), ("of-monerod", Made::of_version_1())] {
        let monerod = Monerod::start_with_tls(made.server());
        let file = made.files(dir.path(), name).0.to_string_lossy().into_owned();
        for option in [["--daemon-ssl-allowed-fingerprints", &made.fingerprint()], ["--daemon-cert-file", &file]] {
            let output = submit(&monerod.option(), &option);
            assert!(output.status.success(), "{option:?}: {}", stderr(&output));
        }
        assert_eq!(monerod.sent().len(), 2);
    }
}

#[test]
fn each_failure_says_what_to_do() {
    let (dir, authority, made) = (Scratch::new(), Made::authority(), Made::new("x", Dates::Now));
    let pin = ["--daemon-ssl-allowed-fingerprints", &made.fingerprint()];
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new())
    });
    let output = submit(&format!("127.0.0.1:{port}"), &pin);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("does not speak TLS"), "{}", stderr(&output));

    let choosy = Monerod::start_with_tls(made.server_for(&authority));
    let output = submit(&choosy.option(), &pin);
    assert!(stderr(&output).contains("--daemon-ssl-private-key"), "{}", stderr(&output));
    let (certificate, key) = authority.signs("me", Dates::Now).files(dir.path(), "me");
    let [certificate, key] = [certificate, key].map(|path| path.to_string_lossy().into_owned());
    let own = ["--daemon-ssl-certificate", &certificate, "--daemon-ssl-private-key", &key];
    let output = submit(&choosy.option(), &[&pin[..], &own].concat());
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn wallets_are_served_from_a_daemon_behind_tls() {
    let made = Made::of_version_1();
    let monerod = Monerod::start_with_tls(made.server());
    let address = format!("https://127.0.0.1:{}", monerod.port);
    let node = Daemon::start(&["--daemon-address", &address, "--daemon-ssl-allowed-fingerprints", &made.fingerprint()]);
    node.wait_for("the pool", |node| node.status()["daemon"]["pool"] == "watched");
    monerod.reply("/gethashes.bin", vec![7; 3 << 20]);
    assert!(node.post_bytes("/gethashes.bin", b"x") == vec![7; 3 << 20]);

    let stranger = Made::new("x", Dates::Now).fingerprint();
    let node = Daemon::start(&["--daemon-address", &address, "--daemon-ssl-allowed-fingerprints", &stranger]);
    let asked = monerod.says.lock().unwrap().asked.len();
    let (code, answer) = node.post("/gethashes.bin", "x");
    assert!(code == 502 && answer["error"].as_str().unwrap().contains("not one that you named"), "{answer}");
    assert_eq!(monerod.says.lock().unwrap().asked.len(), asked, "a stranger is asked nothing");
}

/// A SOCKS5 proxy that knows one host, and says whom it was asked for.
fn proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<String>>>::default());
    let kept = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let kept = kept.clone();
            thread::spawn(move || pass(stream, to, &kept));
        }
    });
    (port, asked)
}

fn pass(mut stream: TcpStream, to: u16, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let read = |stream: &mut TcpStream, count: usize| {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).map(|()| bytes)
    };
    let methods = read(&mut stream, 2)?[1];
    read(&mut stream, methods.into())?;
    stream.write_all(&[5, 2])?;
    for _ in 0..2 {
        let length = read(&mut stream, 1)?[0];
        let length = if length == 1 { read(&mut stream, 1)?[0] } else { length };
        read(&mut stream, length.into())?;
    }
    stream.write_all(&[1, 0])?;
    let length = read(&mut stream, 5)?[4];
    let name = read(&mut stream, usize::from(length) + 2)?;
    asked.lock().unwrap().push(String::from_utf8_lossy(&name[..length.into()]).into_owned());
    let mut peer = TcpStream::connect(("127.0.0.1", to))?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut back, mut from) = (stream.try_clone()?, peer.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut back));
    io::copy(&mut stream, &mut peer).map(drop)
}

#[test]
fn a_daemon_elsewhere_is_reached_through_a_proxy_by_its_certificate_alone() {
    let made = Made::new("x", Dates::Now);
    let monerod = Monerod::start_with_tls(made.server());
    let (port, asked) = proxy(monerod.port);
    let proxy = format!("127.0.0.1:{port}");
    let pin = ["--daemon-ssl-allowed-fingerprints", &made.fingerprint()];
    let output = submit("https://node.example", &["--proxy", &proxy]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("anybody could pretend"), "{}", stderr(&output));
    let output = submit("https://node.example", &pin);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("where the transaction comes"), "{}", stderr(&output));
    let output = submit("https://node.example", &[&pin[..], &["--proxy", &proxy]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let node = Daemon::start(&[&pin[..], &["--daemon-address", "node.example:9", "--daemon-proxy", &proxy]].concat());
    node.wait_for("the pool", |node| node.status()["daemon"]["pool"] == "watched");
    node.wait_for("a word of it", |node| node.log().contains("another machine, over TLS"));
    let asked = asked.lock().unwrap();
    assert!(asked.len() >= 2 && asked.iter().all(|name| name == "node.example"), "{asked:?}");

    let nobody = format!("127.0.0.1:{}", free_port());
    let output = submit("https://node.example", &[&pin[..], &["--proxy", &nobody]].concat());
    assert!(output.status.code() == Some(1) && stderr(&output).contains("proxy"), "{}", stderr(&output));
}
