//! Streams to a hidden service whose daemon names their circuit.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anonet_core::{ZoneConfig, ZoneKind};
use anonet_smol::driver::{Preface, Transport};
use smol::Timer;
use smol::future::or;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;
use support::{TestNode, config, run};

const LINE: &[u8] = b"PROXY TCP6 fc00:dead:beef:4dad::1:2c ::1 65535 42\r\n";
const OTHER_LINE: &[u8] = b"PROXY TCP6 fc00:dead:beef:4dad::1:2d ::1 65535 42\r\n";

/// As monerod sends it to a hidden service.
fn handshake() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tor/tor_handshake_request.hex");
    let hex = fs::read_to_string(file).unwrap();
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.trim().len()).step_by(2).map(digit).collect()
}

fn service(executor: &smol::Executor<'static>, preface: Preface) -> TestNode {
    let mut zone = ZoneConfig::new(ZoneKind::Tor);
    zone.max_outgoing = 0;
    zone.max_incoming = 100;
    TestNode::start_behind(executor, config(zone), Transport::None, preface)
}

async fn open(node: &TestNode, chunks: &[&[u8]]) -> TcpStream {
    let mut stream = TcpStream::connect(node.handle.listening()[0]).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for chunk in chunks {
        stream.write_all(chunk).await.unwrap();
    }
    stream
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0]).await, Ok(1))
}

/// Opens streams until one stays, as a place becomes free a moment after its stream was closed.
async fn stays(node: &TestNode, line: &[u8]) -> TcpStream {
    loop {
        let mut stream = open(node, &[line, &handshake()]).await;
        if !is_closed(&mut stream).await {
            return stream;
        }
    }
}

#[test]
fn the_line_is_taken_off_wherever_it_is_cut() {
    run(async |executor| {
        let node = service(executor, Preface::TorCircuit);
        let whole = [LINE, &handshake()].concat();
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        for (number, chunks) in
            [&[&whole[..]][..], &bytes, &[LINE, &handshake()], &[&whole[..60], &whole[60..]]].iter().enumerate()
        {
            let mut stream = open(&node, chunks).await;
            assert!(!is_closed(&mut stream).await, "way {number}");
            node.up().await;
        }
    });
}

#[test]
fn a_stream_without_its_line_is_dropped() {
    run(async |executor| {
        let node = service(executor, Preface::TorCircuit);
        for first in [&handshake()[..], b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", &[b'P'; 200]] {
            assert!(is_closed(&mut open(&node, &[first]).await).await);
        }
        assert_eq!(node.txs_so_far(), 0);
    });
}

#[test]
fn where_no_line_is_expected_it_is_a_bad_frame() {
    run(async |executor| {
        let node = service(executor, Preface::None);
        assert!(is_closed(&mut open(&node, &[LINE, &handshake()]).await).await);
        assert!(!is_closed(&mut open(&node, &[&handshake()]).await).await);
    });
}

#[test]
fn one_circuit_has_four_streams_and_gets_their_places_back() {
    run(async |executor| {
        let node = service(executor, Preface::TorCircuit);
        let mut streams = Vec::new();
        for _ in 0..4 {
            let mut stream = open(&node, &[LINE, &handshake()]).await;
            assert!(!is_closed(&mut stream).await);
            streams.push(stream);
        }
        assert!(is_closed(&mut open(&node, &[LINE, &handshake()]).await).await, "the fifth");
        assert!(!is_closed(&mut open(&node, &[OTHER_LINE, &handshake()]).await).await, "another circuit");
        streams.pop();
        streams.push(stays(&node, LINE).await);
        assert!(is_closed(&mut open(&node, &[LINE, &handshake()]).await).await, "the fifth again");
    });
}

#[test]
fn streams_that_say_nothing_hold_no_others_up() {
    run(async |executor| {
        let node = service(executor, Preface::TorCircuit);
        let mut silent = Vec::new();
        for _ in 0..40 {
            silent.push(open(&node, &[&LINE[..LINE.len() - 1]]).await);
        }
        let mut stream = open(&node, &[LINE, &handshake()]).await;
        assert!(!is_closed(&mut stream).await);
        let late = async {
            Timer::after(Duration::from_secs(10)).await;
            false
        };
        assert!(or(is_closed(&mut silent[0]), late).await, "and do not stay");
    });
}
