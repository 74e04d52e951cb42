//! What every runtime needs besides its loop: a node to drive, a clock, and the bytes of SOCKS5.
#![allow(dead_code, reason = "each example uses a part of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::{Instant as Monotonic, UNIX_EPOCH};
use std::{env, fs};

use anonet_core::{
    Addr, Config, DialFailure, Event, Instant, LocalTx, Network, Node, PeerRole, RelayPolicy, TxId, ZoneConfig, ZoneKind,
};
use bytes::Bytes;
use rand_core::{CryptoRng, SeedableRng};

pub const USAGE: &str = "arguments: PROXY_IP:PORT NAME.onion:PORT TX_ID FILE";

/// One transaction to send to one hidden service.
pub struct Errand {
    pub proxy: SocketAddr,
    pub peer: Addr,
    pub id: TxId,
    pub tx: Vec<u8>,
}

impl Errand {
    /// From the command line.
    pub fn read() -> Self {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let [proxy, peer, id, file] = &arguments[..] else { panic!("{USAGE}") };
        let id: Vec<u8> = (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect(USAGE)).collect();
        Self {
            proxy: proxy.parse().expect(USAGE),
            peer: Addr::parse(peer, 18_083).expect(USAGE),
            id: TxId::new(id.try_into().expect(USAGE)),
            tx: fs::read(file).expect("the transaction can be read"),
        }
    }

    /// A node that dials the peer and holds the transaction for it.
    pub fn node(&self) -> Node {
        let mut zone = ZoneConfig::new(ZoneKind::Tor);
        // the policy that does not wait: with one peer and one transaction there is nothing to hide among
        zone.relay = RelayPolicy::Fluff;
        zone.peers.push((self.peer.clone(), PeerRole::Exclusive));
        let mut config = Config::new(Network::Regtest);
        config.zones.push(zone);
        let mut node = Node::new(config, rng(), clock()).expect("one zone with a peer of its own");
        let tx = LocalTx::new(Bytes::from(self.tx.clone())).expect("a transaction is neither empty nor too large");
        node.submit_tx(clock(), self.id, tx).expect("the stash is empty");
        node
    }
}

/// The application's part of a driver.
pub type App = fn(&mut Node, Instant, &Event);

/// What this application does about events: it stops the node as soon as the transaction is handed over.
pub fn on_event(node: &mut Node, now: Instant, event: &Event) {
    if let Event::Handed { recipients, .. } = event {
        println!("handed over to {recipients}");
        node.shutdown(now);
    }
}

/// Unix time, read once; from then on the monotonic clock goes on from there.
#[expect(clippy::disallowed_methods, reason = "the one clock of this program")]
pub fn clock() -> Instant {
    static START: OnceLock<(Monotonic, u128)> = OnceLock::new();
    let (start, unix) = START.get_or_init(|| (Monotonic::now(), UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros())));
    Instant::from_micros((unix + start.elapsed().as_micros()) as u64)
}

fn rng() -> Box<dyn CryptoRng + Send> {
    Box::new(chacha20::ChaCha20Rng::from_seed(seed()))
}

/// 32 bytes from the system.
pub fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    let mut source = fs::File::open("/dev/urandom").expect("the system has random numbers");
    source.read_exact(&mut seed).expect("the system gives random numbers");
    seed
}

/// Bytes of an answer from a proxy that names an IPv4 address in it, as Tor does.
pub const SOCKS_ANSWER: usize = 14;

/// All that a SOCKS5 proxy is asked, in one go: user and password, which give the stream a circuit of its own, and CONNECT
/// to a name with its port.
pub fn socks_request(target: &str, isolation: &[u8]) -> Vec<u8> {
    let (host, port) = target.rsplit_once(':').expect("a target has a port");
    let port: u16 = port.parse().expect("a port is a number");
    let key: String = isolation.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = [&[key.len() as u8], key.as_bytes()].concat();
    let head = [5, 1, 0, 3, host.len() as u8];
    [&[5, 1, 2, 1], &key[..], &key, &head, host.as_bytes(), &port.to_be_bytes()].concat()
}

/// Asks the proxy for a stream, and waits for it.
pub fn dial(proxy: SocketAddr, target: &str, isolation: &[u8]) -> Result<TcpStream, DialFailure> {
    let mut stream = TcpStream::connect(proxy).map_err(|_| DialFailure::ProxyUnreachable)?;
    let mut answer = [0; SOCKS_ANSWER];
    let asked = stream.write_all(&socks_request(target, isolation)).and_then(|()| stream.read_exact(&mut answer));
    asked.map_err(|_| DialFailure::ProxyClosed)?;
    socks_answered(&answer).map(|()| stream)
}

/// What the proxy said.
pub fn socks_answered(answer: &[u8; SOCKS_ANSWER]) -> Result<(), DialFailure> {
    match answer {
        [5, 2, 1, 0, 5, 0, 0, 1, ..] => Ok(()),
        [5, 2, 1, 0, 5, code, ..] if *code > 0 => Err(DialFailure::Socks(*code)),
        [5, 2, 1, refused, ..] if *refused > 0 => Err(DialFailure::ProxyRejectedCredentials),
        [5, 0xff, ..] => Err(DialFailure::ProxyWithoutIsolation),
        _ => Err(DialFailure::ProxyProtocol),
    }
}
