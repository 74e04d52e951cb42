//! The lab itself: each peer starts, works, and leaves nothing behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anonet_tests::lab::{
    Auth, Chain, FakeSocks, I2pNet, Monerod, Tap, Target, TorNet, Trace, WorkDir, contains_part, free_port, onions, wait_for,
};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

/// Whether a process runs; one that ended and was not collected yet does not.
fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with('Z'))
}

#[track_caller]
fn assert_all_run(pids: &[u64]) {
    assert!(!pids.is_empty());
    assert!(pids.iter().all(|&pid| runs(pid)), "{pids:?}");
}

#[track_caller]
fn assert_none_runs(pids: &[u64]) {
    let left: Vec<_> = pids.iter().filter(|&&pid| runs(pid)).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}

/// A SOCKS5 CONNECT by name; returns the stream and the answer's code.
fn socks5(proxy: u16, login: Option<(&str, &str)>, name: &str, port: u16) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy)).expect("the proxy listens");
    stream.set_read_timeout(Some(MINUTE)).expect("a timeout can be set");
    let mut answer = [0; 2];
    match login {
        None => stream.write_all(&[5, 1, 0]).expect("hello"),
        Some((user, password)) => {
            stream.write_all(&[5, 1, 2]).expect("hello");
            stream.read_exact(&mut answer).expect("the method");
            let mut message = vec![1];
            for part in [user, password] {
                message.push(part.len() as u8);
                message.extend_from_slice(part.as_bytes());
            }
            stream.write_all(&message).expect("the login");
        }
    }
    stream.read_exact(&mut answer).expect("method or verdict");
    assert_eq!(answer[1], 0, "method or verdict");
    let mut request = vec![5, 1, 0, 3, name.len() as u8];
    request.extend_from_slice(name.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).expect("the request");
    let mut reply = [0; 10];
    stream.read_exact(&mut reply).expect("the reply");
    (stream, reply[1])
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn tor_net_reaches_its_service_and_stops() {
    let local = free_port();
    let net = TorNet::start(&[("b", 18083, local)]);
    let pids = net.pids();
    assert_all_run(&pids);
    let onion = net.onion("b");
    assert!(onion.len() == 62 && onion.ends_with(".onion"), "{onion}");

    let listener = std::net::TcpListener::bind(("127.0.0.1", local)).expect("the port is free");
    let (mut stream, code) = socks5(net.socks_port(), Some(("u", "p")), onion, 18083);
    assert_eq!(code, 0);
    let (mut served, _) = listener.accept().expect("tor connects");
    served.write_all(b"through tor").expect("the stream is up");
    let mut heard = [0; 11];
    stream.read_exact(&mut heard).expect("the bytes come out");
    assert_eq!(&heard, b"through tor");

    let (_, code) = socks5(net.extended_port(), Some(("u", "q")), &onions(1)[0], 18083);
    assert_eq!(code, 0xF0, "tor's code for a descriptor that nobody has");

    drop(net);
    assert_none_runs(&pids);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn i2p_net_reaches_its_tunnel_and_stops() {
    let local = free_port();
    let listener = std::net::TcpListener::bind(("127.0.0.1", local)).expect("the port is free");
    let net = I2pNet::start(&[("b", local)]);
    let pids = net.pids();
    assert_all_run(&pids);
    let (mut stream, code) = socks5(net.socks_port(), None, net.b32("b"), 18083);
    assert_eq!(code, 0);
    stream.write_all(b"through i2p").expect("the stream is up");
    // the tool's own check that the tunnel is up came first
    let heard = wait_for("the bytes come out", MINUTE, || {
        let (mut served, _) = listener.accept().expect("i2pd connects");
        let mut heard = [0; 11];
        served.read_exact(&mut heard).map(|()| heard)
    });
    assert_eq!(&heard, b"through i2p");
    drop(net);
    assert_none_runs(&pids);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerods_hand_each_other_a_transaction() {
    let chain = Chain::shared();
    let sizes: Vec<usize> = (1..=4).map(|n| chain.transaction(n).bytes.len()).collect();
    assert!(sizes.is_sorted() && sizes[0] > 1000, "{sizes:?}");

    let b = Monerod::start(chain, &["--synced"]);
    let tap = Tap::start(b.p2p_port());
    let a = Monerod::start(chain, &["--add-exclusive-node", &format!("127.0.0.1:{}", tap.port())]);
    let pids = [a.pids(), b.pids()].concat();
    assert_all_run(&pids);
    wait_for("a dials b", MINUTE, || match b.connections().len() {
        0 => Err("b has no connection"),
        _ => Ok(()),
    });
    a.sync_peer();

    let transaction = chain.transaction(1);
    a.submit(&transaction);
    a.holds(&transaction).expect("a took it");
    wait_for("it is in b's pool", 3 * MINUTE, || b.holds(&transaction));
    let sent = tap.sent();
    assert!(sent.iter().any(|(_, bytes)| contains_part(bytes, &transaction.bytes)), "the tap saw it pass");
    let other = chain.transaction(2);
    assert!(!sent.iter().any(|(_, bytes)| contains_part(bytes, &other.bytes)));

    drop((a, b));
    assert_none_runs(&pids);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_hidden_monerod_listens_for_its_streams() {
    let chain = Chain::shared();
    let [onion, ..] = &onions(1)[..] else { panic!("no onion") };
    let bind = free_port();
    let hidden = Monerod::hidden(chain, "tor", 9, &format!("{onion}:18083"), bind);
    drop(TcpStream::connect(("127.0.0.1", bind)).expect("it listens for the hidden service"));
    assert_eq!(hidden.pool(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn the_false_proxy_obeys_its_map_and_logs_logins() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let target = listener.local_addr().expect("its address").port();
    let proxy = FakeSocks::start(&json!({"a.onion": target, "b.onion": {"refuse": 240}}), Auth::Any);
    let (mut stream, code) = socks5(proxy.port(), Some(("user 1", "word 1")), "a.onion", 1);
    assert_eq!(code, 0);
    stream.write_all(b"recorded").expect("the stream is up");
    let (mut served, _) = listener.accept().expect("the proxy connects");
    let mut heard = [0; 8];
    served.read_exact(&mut heard).expect("the bytes come out");
    assert_eq!(proxy.sent(), [(1, b"recorded".to_vec())]);

    assert_eq!(socks5(proxy.port(), None, "b.onion", 2).1, 240);
    assert_eq!(socks5(proxy.port(), None, "c.onion", 3).1, 4);
    proxy.set_map(&json!({"*": {"refuse": 6}}));
    assert_eq!(socks5(proxy.port(), None, "a.onion", 4).1, 6);

    let connects = proxy.connects();
    let results: Vec<&str> = connects.iter().map(|c| c.result.as_str()).collect();
    assert_eq!(results, ["ok", "code 240", "code 4", "code 6"]);
    assert_eq!(connects[0].name.as_deref(), Some("a.onion"));
    assert_eq!(connects[0].user.as_deref(), Some("user 1"));
    assert_eq!(connects[0].password.as_deref(), Some("word 1"));
    assert_eq!((connects[3].port, connects[3].user.as_deref()), (Some(4), None));

    let pids = [proxy.pid()];
    assert_all_run(&pids);
    drop(proxy);
    assert_none_runs(&pids);
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_panic_stops_everything_too() {
    let mut pids = Vec::new();
    let mut paths: Vec<PathBuf> = Vec::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let proxy = FakeSocks::start(&json!({}), Auth::Any);
        let monerod = Monerod::start(Chain::shared(), &[]);
        let dir = WorkDir::new("panic");
        pids.push(proxy.pid());
        pids.extend(monerod.pids());
        paths.push(dir.path().to_owned());
        panic!("on purpose");
    }));
    assert!(outcome.is_err());
    assert_eq!(pids.len(), 2);
    assert_none_runs(&pids);
    if std::env::var_os("ANONET_KEEP").is_none() {
        assert!(!paths[0].exists());
    }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn strace_sees_every_thread() {
    let port = free_port();
    let script = format!(
        "import socket, threading\n\
         def dial():\n  socket.socket().connect_ex(('127.0.0.1', {port}))\n\
         thread = threading.Thread(target=dial)\nthread.start()\nthread.join()\n\
         socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.2', 9))\n"
    );
    // not through the shell script that some Python managers put in its place
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().expect("python3 runs");
    let mut program = Command::new(String::from_utf8_lossy(&python.stdout).trim());
    program.args(["-c", &script]);
    let dir = WorkDir::new("strace");
    let trace = Trace::of(&program, &Path::new(dir.path()).join("trace"));
    let expected: Vec<Target> = [format!("127.0.0.1:{port}"), "127.0.0.2:9".to_owned()]
        .map(|addr| Target::Inet(addr.parse().expect("an address")))
        .into();
    assert_eq!(trace.targets(), expected);
    assert_eq!(trace.bound(), []);
}
