//! Our hidden service behind a real tor that names the circuit of each stream.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anonet_tests::lab::{Node, TorNet, free_port, throughout, wait_for};

const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;
/// Streams that the node takes from one circuit.
const PER_CIRCUIT: usize = 4;

/// A stream to the service through tor; equal users share a circuit.
fn dial(socks_port: u16, onion: &str, user: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", socks_port)).expect("tor's port is open");
    stream.set_read_timeout(Some(MINUTE)).expect("a timeout can be set");
    let mut ask = |request: &[u8], len: usize| {
        stream.write_all(request).expect("tor takes the request");
        let mut answer = vec![0; len];
        stream.read_exact(&mut answer).expect("tor answers");
        answer
    };
    assert_eq!(ask(&[5, 1, 2], 2), [5, 2]);
    let len = u8::try_from(user.len()).expect("a short name");
    assert_eq!(ask(&[&[1, len], user.as_bytes(), &[len], user.as_bytes()].concat(), 2), [1, 0]);
    let host = u8::try_from(onion.len()).expect("an onion name");
    let connect = [&[5, 1, 0, 3, host], onion.as_bytes(), &VIRTUAL_PORT.to_be_bytes()].concat();
    assert_eq!(ask(&connect, 10)[..2], [5, 0]);
    stream
}

/// Whether the node has closed the stream.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout can be set");
    match stream.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

#[test]
#[ignore = "needs the Debian package tor; run by .ci/run"]
fn links_come_through_and_one_circuit_brings_a_few_streams() {
    let port = free_port();
    let net = TorNet::start_with(&[("us", VIRTUAL_PORT, port)], &["us"]);
    let proxy = format!("tor,127.0.0.1:{},4", net.socks_port());
    let address = format!("{}:{VIRTUAL_PORT}", net.onion("us"));
    let inbound = format!("{address},127.0.0.1:{port},25,haproxy");
    let node = Node::start(&["--no-public", "--proxy", &proxy, "--anonymous-inbound", &inbound]);

    // a whole link: tor's line is taken off and the handshake behind it is read
    let other = Node::start(&["--no-public", "--proxy", &proxy, "--add-peer", &address]);
    wait_for("the other node has a link", MINUTE, || {
        let zone = other.zone("tor");
        if zone["outgoing"] == 1 { Ok(()) } else { Err(zone) }
    });
    assert_eq!(node.zone("tor")["incoming"], 1);
    other.stop();

    let mut streams: Vec<TcpStream> = (0..PER_CIRCUIT).map(|_| dial(net.socks_port(), net.onion("us"), "one")).collect();
    let mut fifth = dial(net.socks_port(), net.onion("us"), "one");
    wait_for("the fifth stream of a circuit is closed", MINUTE, || if is_closed(&mut fifth) { Ok(()) } else { Err("open") });
    let mut elsewhere = dial(net.socks_port(), net.onion("us"), "two");
    throughout(Duration::from_secs(1), || {
        assert!(!is_closed(&mut elsewhere), "another circuit has its own count");
        assert!(!streams.iter_mut().any(is_closed), "the first four stay");
    });
    drop(streams);
    wait_for("the circuit has places again", MINUTE, || {
        let mut again = dial(net.socks_port(), net.onion("us"), "one");
        let closed = (0..5).any(|_| is_closed(&mut again));
        if closed { Err("closed") } else { Ok(()) }
    });

    // who comes past tor does not know the line
    let mut local = TcpStream::connect(("127.0.0.1", port)).expect("the listener is there");
    local.write_all(&[1, 0x21, 1, 1, 1, 1, 1, 1]).expect("bytes can be written");
    wait_for("a stream without the line is closed", MINUTE, || if is_closed(&mut local) { Ok(()) } else { Err("open") });
    node.stop();
}
