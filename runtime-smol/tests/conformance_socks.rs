//! Proxies, statement by statement (spec: socks): a real runtime against a scripted proxy on loopback, and the core's
//! deadlines in virtual time.

use std::time::Duration;

use anonet_core::{Addr, CloseReason, Config, Event, Instant, Network, Node, PeerRole, ZoneConfig, ZoneKind};
use anonet_smol::clock::Clock;
use anonet_smol::driver::{App, Service, SocksAuth, SocksProxy, Transport, start};
use anonet_smol::handle::Handle;
use anonet_smol::options::{ProxyOption, parse_proxy_option};
use anonet_tests::conformance::{Dialogue, Peer, Row, Sections, after, assert_covered, check, dialogue, differs, same};
use anonet_tests::world::World;
use anonet_tests::world::cast::{addr, config, handshake_request, zone};
use smol::channel::{Sender, bounded};
use smol::future::or;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpListener;
use smol::{Executor, Timer};

const SECTIONS: [&str; 8] = ["socks §1", "socks §2", "socks §3", "socks §4", "socks §5", "socks §6", "socks §7", "socks §8"];

const NOT_APPLICABLE: [(&str, &str, &str); 7] = [
    ("socks §2", "unknown hosts are never dialled", "a placeholder never becomes an address here: addresses §1.2"),
    ("socks §3", "wire format and replies of SOCKS4 and 4a", "only SOCKS5 carries credentials, so only it is spoken"),
    ("socks §3", "RESOLVE", "nothing is ever resolved, not through a proxy either"),
    ("socks §5", "circuits and timeouts of tor itself", "the lab's suites run against a real tor"),
    ("socks §6", "lease sets and versions of i2pd", "the lab's suites run against a real i2pd"),
    ("socks §7", "hidden-service configuration", "the user's; the lab's suites have one"),
    ("socks §8", "proxies on Unix sockets", "not offered: a proxy's address is IP:PORT"),
];

const ONION: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion";
const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
/// The first bytes of a link: the stream is ours.
const LEVIN: [u8; 8] = [1, 0x21, 1, 1, 1, 1, 1, 1];
/// A bound address of nothing, as i2pd gives it.
const BOUND: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// What the proxy does.
#[derive(Clone)]
enum Step {
    /// Reads exactly these bytes.
    Expect(Vec<u8>),
    /// Reads as many bytes, whatever they are.
    Skip(usize),
    /// Finds that nothing comes before it speaks.
    Quiet,
    /// Writes these.
    Say(Vec<u8>),
}

use Step::{Expect, Quiet, Say, Skip};

/// Whom to reach, with what authentication, and the proxy's part.
type Script = (&'static str, SocksAuth, Vec<Step>);

struct Reasons(Sender<CloseReason>);

impl App for Reasons {
    fn event(&mut self, _node: &mut Node, _now: Instant, event: Event, _handle: &Handle) {
        if let Event::Down { reason, .. } = event {
            let _ = self.0.try_send(reason);
        }
    }
}

/// Runs a node against the script: `open` if a link's first bytes came through, else why the dial failed.
fn dialled((target, auth, script): &Script) -> String {
    let executor = Executor::new();
    let hang = async {
        Timer::after(Duration::from_secs(20)).await;
        panic!("the dial to {target} hangs");
    };
    let test = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let addr = Addr::parse(target, 18_083).expect("an address");
        let mut zone = ZoneConfig::new(addr.zone());
        zone.peers.push((addr, PeerRole::Priority));
        let mut config = Config::new(Network::Regtest);
        config.zones.push(zone);
        let proxy = SocksProxy { addr: listener.local_addr().expect("bound"), auth: auth.clone() };
        let (sender, reasons) = bounded(64);
        let service = Service { config, transports: vec![Transport::Socks(proxy)], listeners: vec![] };
        let node = start(&executor, Clock::start(), service, Reasons(sender)).expect("it starts");
        let proxy = async {
            let (mut stream, _) = listener.accept().await.expect("it dials");
            play(&mut stream, script).await;
            let mut first = [0; 8];
            let read = stream.read_exact(&mut first).await;
            if read.is_ok() && first == LEVIN {
                return "open".to_owned();
            }
            drop(stream);
            std::future::pending().await
        };
        let failed = async {
            match reasons.recv().await.expect("the node runs") {
                CloseReason::Dial(failure) => format!("{failure:?}"),
                other => format!("{other:?}"),
            }
        };
        let told = or(proxy, failed).await;
        node.shutdown().await;
        told
    };
    smol::block_on(executor.run(or(test, hang)))
}

async fn play(stream: &mut smol::net::TcpStream, script: &[Step]) {
    for step in script {
        match step {
            Expect(wanted) => {
                let mut read = vec![0; wanted.len()];
                stream.read_exact(&mut read).await.expect("the client asks");
                assert_eq!(read, *wanted);
            }
            Skip(count) => stream.read_exact(&mut vec![0; *count]).await.expect("the client asks"),
            Quiet => {
                Timer::after(Duration::from_millis(20)).await;
                let more = smol::future::poll_once(stream.read(&mut [0; 1])).await;
                assert!(more.is_none(), "the client waits for its answer");
            }
            Say(bytes) => stream.write_all(bytes).await.expect("the client listens"),
        }
    }
}

fn domain(host: &str, port: [u8; 2]) -> Vec<u8> {
    [&[5, 1, 0, 3, u8::try_from(host.len()).expect("short")], host.as_bytes(), &port].concat()
}

/// Without authentication, up to the answer to CONNECT.
fn plain(request: Vec<u8>, reply: Vec<u8>) -> Vec<Step> {
    vec![Expect(vec![5, 1, 0]), Quiet, Say(vec![5, 0]), Expect(request), Quiet, Say(reply)]
}

fn row(
    section: &'static str,
    what: &'static str,
    target: &'static str,
    auth: SocksAuth,
    script: Vec<Step>,
    told: &str,
) -> Row<Script, String> {
    same(section, what, (target, auth, script), told.to_owned())
}

/// §2: which form the target takes, and the requests of §3.
fn request_rows() -> Vec<Row<Script, String>> {
    let v6 = vec![5, 1, 0, 4, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x46, 0xa0];
    let login = || SocksAuth::Fixed { user: "user".to_owned(), password: "pass".to_owned() };
    let onion = domain(ONION, [0x46, 0xa3]);
    let with_login = vec![
        Expect(vec![5, 2, 0, 2]),
        Say(vec![5, 2]),
        Expect(b"\x01\x04user\x04pass".to_vec()),
        Quiet,
        Say(vec![1, 0]),
        Expect(vec![5, 1, 0, 1, 1, 2, 3, 4, 0x46, 0xa0]),
        Say(BOUND.to_vec()),
    ];
    vec![
        row(
            "socks §2",
            "IPv4 goes as a number",
            "1.2.3.4:18080",
            SocksAuth::None,
            plain(vec![5, 1, 0, 1, 1, 2, 3, 4, 0x46, 0xa0], BOUND.to_vec()),
            "open",
        ),
        row("socks §2", "IPv6 goes as a number", "[2001:db8::1]:18080", SocksAuth::None, plain(v6, BOUND.to_vec()), "open"),
        row(
            "socks §2",
            "an onion goes as a name with its port",
            ONION,
            SocksAuth::None,
            plain(onion.clone(), BOUND.to_vec()),
            "open",
        ),
        row("socks §2", "an I2P name goes with port 1", B32, SocksAuth::None, plain(domain(B32, [0, 1]), BOUND.to_vec()), "open"),
        row(
            "socks §3",
            "with credentials both methods are offered, and each step waits",
            "1.2.3.4:18080",
            login(),
            with_login,
            "open",
        ),
        row(
            "socks §3",
            "a proxy may do without the credentials",
            "1.2.3.4:18080",
            login(),
            vec![Skip(4), Say(vec![5, 0]), Skip(10), Say(BOUND.to_vec())],
            "open",
        ),
        differs(
            "socks §8",
            "all streams use one set of credentials, or none",
            "fresh random ones for each dial, and no other method: each onion stream has its own circuit",
            (
                ONION,
                SocksAuth::IsolationRequired,
                vec![Expect(vec![5, 1, 2]), Say(vec![5, 2]), Skip(35), Say(vec![1, 0]), Expect(onion), Say(BOUND.to_vec())],
            ),
            "open".to_owned(),
        ),
        differs(
            "socks §6",
            "i2pd 2.45 takes no credentials, newer ones ignore them",
            "they are offered beside none: some later router may isolate",
            (
                B32,
                SocksAuth::IsolationOffered,
                vec![Expect(vec![5, 2, 0, 2]), Say(vec![5, 0]), Expect(domain(B32, [0, 1])), Say(BOUND.to_vec())],
            ),
            "open".to_owned(),
        ),
    ]
}

/// What becomes of a proxy's answers (§3), and of Tor's own codes (§5).
fn reply_rows() -> Vec<Row<Script, String>> {
    let answer = |reply: &[u8]| vec![Skip(3), Say(vec![5, 0]), Skip(69), Say(reply.to_vec())];
    let reply = |section, what, bytes: &[u8], told: &str| row(section, what, ONION, SocksAuth::None, answer(bytes), told);
    let method =
        |what, bytes: &[u8], told: &str| row("socks §3", what, ONION, SocksAuth::None, vec![Skip(3), Say(bytes.to_vec())], told);
    let named = [&[5, 0, 0, 3, 3][..], b"abc", &[0, 1]].concat();
    let mut rows = vec![
        reply("socks §3", "a bound IPv4 address is skipped", &BOUND, "open"),
        reply("socks §3", "a bound IPv6 address is skipped", &[&[5, 0, 0, 4][..], &[9; 18]].concat(), "open"),
        differs(
            "socks §3",
            "a bound name is refused",
            "older i2pd sends one, and nothing hangs on it (§8)",
            (ONION, SocksAuth::None, answer(&named)),
            "open".to_owned(),
        ),
        reply("socks §3", "another version in a reply", &[4, 0, 0, 1], "ProxyProtocol"),
        method("another version in the choice of a method", &[4, 0], "ProxyProtocol"),
        method("no acceptable method", &[5, 0xff], "ProxyRejectedCredentials"),
        method("credentials wanted that do not exist", &[5, 2], "ProxyProtocol"),
    ];
    for (what, status) in [("credentials refused", [1, 1]), ("another version of the sub-negotiation", [5, 0])] {
        let script = vec![Skip(3), Say(vec![5, 2]), Skip(35), Say(status.to_vec())];
        let told = if status[0] == 1 { "ProxyRejectedCredentials" } else { "ProxyProtocol" };
        rows.push(row("socks §3", what, ONION, SocksAuth::IsolationRequired, script, told));
    }
    let codes = [
        "general failure",
        "not allowed",
        "network unreachable",
        "host unreachable",
        "connection refused",
        "TTL expired",
        "command not supported",
        "address type not supported",
    ];
    for (what, code) in codes.into_iter().zip(1_u8..) {
        // the reply's head alone: the rest is not waited for
        rows.push(reply("socks §3", what, &[5, code], &format!("Socks({code})")));
    }
    let extended = [
        "descriptor not found",
        "descriptor invalid",
        "introduction failed",
        "rendezvous failed",
        "client authorization missing",
        "client authorization wrong",
        "address invalid",
        "introduction timed out",
    ];
    for (what, code) in extended.into_iter().zip(0xf0_u8..) {
        rows.push(reply("socks §5", what, &[5, code, 0, 1], &format!("Socks({code})")));
    }
    rows
}

/// §1: the value of `--proxy`.
fn grammar_rows() -> Vec<Row<&'static str, String>> {
    let row = |text: &'static str, told: &str| same("socks §1", text, text, told.to_owned());
    let other = |text: &'static str, why, told: &str| differs("socks §1", text, why, text, told.to_owned());
    let socks5 = "SOCKS5 is meant: only that isolates";
    vec![
        other("127.0.0.1:9050", socks5, "127.0.0.1:9050 -"),
        other("socks://127.0.0.1:9050", socks5, "127.0.0.1:9050 -"),
        other("socks4a://127.0.0.1:9050", "SOCKS4 cannot isolate, and says so", "Socks4"),
        other("socks4://127.0.0.1:9050", "SOCKS4 cannot isolate, and says so", "Socks4"),
        row("[::1]:9050", "[::1]:9050 -"),
        row("socks5://user:%70ass@[::ffff]:8080/path", "[::ffff]:8080 user:pass"),
        row("socks5://%75@192.168.0.1:1", "192.168.0.1:1 u:"),
        row("socks5://:@1.2.3.4:1", "1.2.3.4:1 -"),
        row("192.168.0.1/path", "Endpoint"),
        row("::ffff", "Endpoint"),
        row("host:1", "Endpoint"),
        row("socks://host:1", "Endpoint"),
        row("", "Endpoint"),
        row("socks://", "Endpoint"),
        row("socks:/", "Endpoint"),
        row("urn:isbn:x", "Endpoint"),
        row("192.168.0.1:80://", "Endpoint"),
        row("::ffff:443", "Endpoint"),
        row("1.2.3.4:0", "Endpoint"),
        row("SOCKS5://1.2.3.4:1", "UnknownScheme"),
        row("socks5://user%@127.0.0.1:1", "InvalidEncoding"),
        row("socks5://user:%3pass@127.0.0.1:1", "InvalidEncoding"),
        row("socks5://user%3T@127.0.0.1:1", "InvalidEncoding"),
        other("socks://user:pass@[::ffff]:8080", socks5, "[::ffff]:8080 user:pass"),
    ]
}

fn parsed(text: &str) -> String {
    match parse_proxy_option(text) {
        Ok(ProxyOption::Public(proxy)) => {
            let login = proxy.credentials.map_or_else(|| "-".to_owned(), |(user, password)| format!("{user}:{password}"));
            format!("{} {login}", proxy.addr)
        }
        Ok(_) => "a zone's proxy".to_owned(),
        Err(error) => format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect(),
    }
}

/// Seconds after which a node gives up a dial that nobody answers.
fn patience(kind: ZoneKind) -> u64 {
    let mut world = World::new(5);
    world.faults.silent.insert(addr(kind, 1));
    let node = world.add(config([zone(kind, 0, &[1])]));
    let began = world.now();
    let gave_up =
        |world: &World| world.events(node).any(|event| matches!(event, Event::Down { reason: CloseReason::DialTimeout, .. }));
    assert!(world.run_until(Duration::from_secs(600), gave_up));
    world.now().saturating_since(began).as_secs()
}

/// Deadlines (§4), what i2pd's early success asks for (§6), and the inbound side (§7).
fn dialogues() -> Vec<Dialogue> {
    let slow = "a first contact with an onion or a lease set takes tens of seconds (§8)";
    vec![
        differs(
            "socks §4",
            "45 s for the proxy to connect to an onion",
            slow,
            || patience(ZoneKind::Tor).to_string(),
            "90".to_owned(),
        ),
        differs(
            "socks §4",
            "45 s for the proxy to connect to an I2P name",
            slow,
            || patience(ZoneKind::I2p).to_string(),
            "120".to_owned(),
        ),
        differs(
            "socks §4",
            "any failure marks the host for an hour",
            "a proxy that is down says nothing of the host: it is dialled as soon as the proxy is back",
            || {
                let mut world = World::new(6);
                let node = world.add(config([zone(ZoneKind::Tor, 0, &[1])]));
                let zone_id = world.node(node).zones().next().expect("a zone").id;
                world.faults.proxies_down.insert((node, zone_id));
                world.add(config([zone(ZoneKind::Tor, 1, &[])]));
                world.run_for(Duration::from_secs(300));
                world.faults.proxies_down.clear();
                let up = |world: &World| world.node(node).zones().any(|zone| zone.outgoing == 1);
                world.run_until(Duration::from_secs(10), up).to_string()
            },
            "true".to_owned(),
        ),
        dialogue(
            "socks §6",
            "success before the peer is reached: the handshake's timer is the check",
            || {
                let mut peer = Peer::dialled(ZoneKind::I2p);
                peer.run(46);
                peer.told()
            },
            "request 1001 243, close HandshakeTimeout",
        ),
        dialogue(
            "socks §7",
            "a PROXY header where none is expected closes",
            || {
                let header = b"PROXY TCP6 fc00:dead:beef:4dad::0:29 ::1 41 18083\r\n";
                after(Peer::dialling(ZoneKind::Tor), &[&header[..], &handshake_request()].concat())
            },
            "close Frame",
        ),
        dialogue(
            "socks §7",
            "an inbound stream has no address, so hosts are not told apart",
            || {
                let mut world = World::new(7);
                let node = world.add(config([zone(ZoneKind::Tor, 0, &[])]));
                let id = world.node(node).zones().next().expect("a zone").id;
                let peers: Vec<_> = (0..3).map(|_| world.raw_connect(node, id)).collect();
                for &peer in &peers {
                    world.raw_send(peer, &handshake_request());
                }
                world.run_for(Duration::from_secs(1));
                format!("{}", world.node(node).zones().next().expect("a zone").incoming)
            },
            "3",
        ),
    ]
}

#[test]
fn requests_and_replies() {
    check(&request_rows(), dialled);
    check(&reply_rows(), dialled);
}

#[test]
fn no_credentials_begin_with_what_tor_reserves() {
    // hex digits alone, so `<torS0X>` cannot come (§5); the bytes are those of the dial's isolation
    let head = vec![Expect(vec![5, 1, 2]), Say(vec![5, 2]), Expect(vec![1, 16])];
    let told = dialled(&(
        ONION,
        SocksAuth::IsolationRequired,
        [head, vec![Skip(33), Say(vec![1, 0]), Skip(69), Say(BOUND.to_vec())]].concat(),
    ));
    assert_eq!(told, "open");
}

#[test]
fn values_of_the_option() {
    check(&grammar_rows(), |text| parsed(text));
}

#[test]
fn deadlines_and_inbound_streams() {
    check(&dialogues(), |steps| steps());
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 4] = [&request_rows(), &reply_rows(), &grammar_rows(), &dialogues()];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
