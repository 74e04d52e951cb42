//! The client against a scripted proxy on loopback.

use std::time::Duration;

use anonet_core::{Config, Network, Node, Output, PeerRole, ZoneConfig, ZoneKind};
use async_io::Timer;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use smol::future::zip;
use smol::net::{TcpListener, TcpStream};

use super::*;

const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
const ACCEPTED: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// What the proxy does.
enum Step {
    /// Reads exactly these bytes.
    Expect(Vec<u8>),
    /// Reads as many bytes, whatever they are.
    Skip(usize),
    /// Writes these at once.
    Say(Vec<u8>),
    /// Writes these one by one.
    Dribble(Vec<u8>),
}

use Step::{Dribble, Expect, Say, Skip};

/// What a node would have the runtime dial.
fn dials(kind: ZoneKind, addrs: &[&str]) -> Vec<(Addr, Isolation)> {
    let mut zone = ZoneConfig::new(kind);
    zone.peers = addrs.iter().map(|addr| (Addr::parse(addr, 18_083).unwrap(), PeerRole::Priority)).collect();
    let mut config = Config::new(Network::Regtest);
    config.zones.push(zone);
    let now = crate::clock::Clock::start().now();
    let mut node = Node::new(config, Box::new(ChaCha20Rng::from_seed([7; 32])), now).unwrap();
    let outputs = std::iter::from_fn(|| node.poll_output());
    outputs
        .filter_map(|output| if let Output::Dial { addr, isolation, .. } = output { Some((addr, isolation)) } else { None })
        .collect()
}

fn dial(kind: ZoneKind, addr: &str) -> (Addr, Isolation) {
    dials(kind, &[addr]).pop().unwrap()
}

/// Runs the client against the script; the proxy hangs up after its last step.
fn talk(auth: &SocksAuth, (addr, isolation): (Addr, Isolation), script: Vec<Step>) -> Result<Bytes, DialFailure> {
    smol::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut served, _) = listener.accept().await.unwrap();
        let proxy = async move {
            for step in script {
                match step {
                    Expect(wanted) => {
                        let mut read = vec![0; wanted.len()];
                        served.read_exact(&mut read).await.unwrap();
                        assert_eq!(read, wanted);
                    }
                    Skip(count) => served.read_exact(&mut vec![0; count]).await.unwrap(),
                    Say(bytes) => served.write_all(&bytes).await.unwrap(),
                    Dribble(bytes) => {
                        for byte in bytes {
                            served.write_all(&[byte]).await.unwrap();
                            Timer::after(Duration::from_millis(1)).await;
                        }
                    }
                }
            }
        };
        zip(connect(&mut stream, auth, &addr, isolation), proxy).await.0
    })
}

/// A proxy that takes the random credentials and reads the request for the onion.
fn isolating(mut then: Vec<Step>) -> Vec<Step> {
    let mut script = vec![Expect(vec![5, 1, 2]), Say(vec![5, 2]), Skip(35), Say(vec![1, 0]), Skip(69)];
    script.append(&mut then);
    script
}

fn through_tor(then: Vec<Step>) -> Result<Bytes, DialFailure> {
    talk(&SocksAuth::IsolationRequired, dial(ZoneKind::Tor, ONION), isolating(then))
}

#[test]
fn the_requests_are_those_of_the_specification() {
    let (addr, isolation) = dial(ZoneKind::Tor, ONION);
    let hex: Vec<u8> = isolation.as_bytes().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let auth = [&[1, 16], &hex[..], &[16], &hex].concat();
    let request = [&[5, 1, 0, 3, 62], ONION.as_bytes(), &[0x46, 0xa3]].concat();
    let script =
        vec![Expect(vec![5, 1, 2]), Say(vec![5, 2]), Expect(auth), Say(vec![1, 0]), Expect(request), Say(ACCEPTED.to_vec())];
    assert_eq!(talk(&SocksAuth::IsolationRequired, (addr, isolation), script), Ok(Bytes::new()));
}

#[test]
fn addresses_of_the_public_network_go_as_numbers() {
    for (addr, wanted) in [
        ("9.8.7.6:18080", vec![5, 1, 0, 1, 9, 8, 7, 6, 0x46, 0xa0]),
        ("[2001:db8::5]:80", vec![5, 1, 0, 4, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 80]),
    ] {
        let script = vec![Expect(vec![5, 1, 0]), Say(vec![5, 0]), Expect(wanted), Say(ACCEPTED.to_vec())];
        assert_eq!(talk(&SocksAuth::None, dial(ZoneKind::Public, addr), script), Ok(Bytes::new()), "{addr}");
    }
}

#[test]
fn an_i2p_proxy_may_do_without_credentials() {
    let host = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
    let request = [&[5, 1, 0, 3, 60], host.as_bytes(), &[0, 1]].concat();
    let script = vec![Expect(vec![5, 2, 0, 2]), Say(vec![5, 0]), Expect(request), Say(ACCEPTED.to_vec())];
    assert_eq!(talk(&SocksAuth::IsolationOffered, dial(ZoneKind::I2p, host), script), Ok(Bytes::new()));
}

#[test]
fn fixed_credentials_are_sent_as_they_are() {
    let auth = SocksAuth::Fixed { user: "user".to_owned(), password: "pass".to_owned() };
    assert_eq!(format!("{auth:?}"), "Fixed(…)");
    let wanted = b"\x01\x04user\x04pass".to_vec();
    let script =
        vec![Expect(vec![5, 2, 0, 2]), Say(vec![5, 2]), Expect(wanted), Say(vec![1, 0]), Skip(10), Say(ACCEPTED.to_vec())];
    assert_eq!(talk(&auth, dial(ZoneKind::Public, "9.8.7.6:18080"), script), Ok(Bytes::new()));
}

#[test]
fn no_two_dials_share_credentials() {
    let names = [ONION, "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion"];
    let sent: Vec<_> = dials(ZoneKind::Tor, &names)
        .into_iter()
        .map(|(_, isolation)| {
            let credentials = credentials(&SocksAuth::IsolationRequired, isolation);
            assert!(credentials.username.iter().all(u8::is_ascii_hexdigit));
            (credentials.username, credentials.password)
        })
        .collect();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].0 != sent[1].0 && sent[0].1 != sent[1].1);
}

#[test]
fn every_form_of_bound_address_is_taken_and_what_follows_it_survives() {
    let name = [&[5, 0, 0, 3, 255][..], &[b'x'; 255], &[0, 1]].concat();
    let v6 = [&[5, 0, 0, 4][..], &[0; 18]].concat();
    for reply in [ACCEPTED.to_vec(), name, v6] {
        assert_eq!(through_tor(vec![Say(reply.clone())]), Ok(Bytes::new()));
        let glued = [&reply[..], b"first bytes"].concat();
        assert_eq!(through_tor(vec![Say(glued)]), Ok(Bytes::from_static(b"first bytes")));
    }
}

#[test]
fn replies_may_come_byte_by_byte() {
    let script = vec![
        Skip(3),
        Dribble(vec![5, 2]),
        Skip(35),
        Dribble(vec![1, 0]),
        Skip(69),
        Dribble(ACCEPTED[..9].to_vec()),
        Say(vec![0, b'!']),
    ];
    let result = talk(&SocksAuth::IsolationRequired, dial(ZoneKind::Tor, ONION), script);
    assert_eq!(result, Ok(Bytes::from_static(b"!")));
}

#[test]
fn all_replies_may_come_at_once() {
    let script = vec![Skip(3), Say([&[5, 2, 1, 0], ACCEPTED, b"more"].concat()), Skip(104)];
    let result = talk(&SocksAuth::IsolationRequired, dial(ZoneKind::Tor, ONION), script);
    assert_eq!(result, Ok(Bytes::from_static(b"more")));
}

#[test]
fn every_error_code_comes_through_with_or_without_its_address() {
    for code in (1..=8).chain(0xf0..=0xf7).chain([0x42, 0xff]) {
        let failure = Err(DialFailure::Socks(code));
        assert_eq!(through_tor(vec![Say(vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0])]), failure);
        assert_eq!(through_tor(vec![Say(vec![5, code])]), failure);
    }
}

#[test]
fn a_proxy_that_cannot_isolate_is_not_used() {
    for method in [0x00, 0xff] {
        let script = vec![Skip(3), Say(vec![5, method])];
        let result = talk(&SocksAuth::IsolationRequired, dial(ZoneKind::Tor, ONION), script);
        assert_eq!(result, Err(DialFailure::ProxyWithoutIsolation), "{method}");
    }
}

#[test]
fn refused_credentials_are_told_from_a_broken_proxy() {
    let after_auth = |reply: [u8; 2]| {
        let script = vec![Skip(3), Say(vec![5, 2]), Skip(35), Say(reply.to_vec())];
        talk(&SocksAuth::IsolationRequired, dial(ZoneKind::Tor, ONION), script)
    };
    assert_eq!(after_auth([1, 1]), Err(DialFailure::ProxyRejectedCredentials));
    assert_eq!(after_auth([1, 0xff]), Err(DialFailure::ProxyRejectedCredentials));
    assert_eq!(after_auth([5, 0]), Err(DialFailure::ProxyProtocol));
    let neither = talk(&SocksAuth::IsolationOffered, dial(ZoneKind::Tor, ONION), vec![Skip(4), Say(vec![5, 0xff])]);
    assert_eq!(neither, Err(DialFailure::ProxyRejectedCredentials));
}

#[test]
fn what_is_no_socks5_is_called_so() {
    let greeted = |auth: SocksAuth, script| talk(&auth, dial(ZoneKind::Tor, ONION), script);
    let (broken, closed) = (Err(DialFailure::ProxyProtocol), Err(DialFailure::ProxyClosed));
    // hung up: at once, within the first reply, before and within the others
    assert_eq!(greeted(SocksAuth::None, vec![]), closed);
    assert_eq!(greeted(SocksAuth::None, vec![Skip(3), Say(vec![5])]), closed);
    assert_eq!(greeted(SocksAuth::IsolationRequired, vec![Skip(3), Say(vec![5, 2]), Skip(35), Say(vec![1])]), closed);
    assert_eq!(through_tor(vec![]), closed);
    assert_eq!(through_tor(vec![Say(ACCEPTED[..9].to_vec())]), closed);
    // other languages
    assert_eq!(greeted(SocksAuth::None, vec![Skip(3), Say(b"HTTP/1.1 400 Bad Request\r\n".to_vec())]), broken);
    assert_eq!(greeted(SocksAuth::None, vec![Skip(3), Say(vec![4, 90])]), broken);
    assert_eq!(through_tor(vec![Say(vec![4, 0, 0, 1, 0, 0, 0, 0, 0, 0])]), broken);
    assert_eq!(through_tor(vec![Say(vec![5, 0, 0, 9, 0, 0, 0, 0, 0, 0])]), broken);
    // a method that was not offered
    assert_eq!(greeted(SocksAuth::None, vec![Skip(3), Say(vec![5, 2])]), broken);
    assert_eq!(greeted(SocksAuth::IsolationOffered, vec![Skip(4), Say(vec![5, 1])]), broken);
}

#[test]
fn of_what_follows_the_answer_no_more_is_taken_than_fits() {
    for (follows, taken) in
        [(RECEIVED_MAX - ACCEPTED.len(), RECEIVED_MAX - ACCEPTED.len()), (RECEIVED_MAX, RECEIVED_MAX - ACCEPTED.len())]
    {
        let said = [ACCEPTED, &vec![7; follows][..]].concat();
        assert_eq!(through_tor(vec![Say(said)]).unwrap().len(), taken);
    }
}
