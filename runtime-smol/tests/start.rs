//! Starts that fail, and ends that nobody asked for.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::net::{SocketAddr, TcpListener};

use anonet_core::{Event, Instant, LocalTx, Node, TxId, ZoneConfig, ZoneKind};
use anonet_smol::clock::Clock;
use anonet_smol::driver::{App, Listener, Preface, Service, SocksAuth, SocksProxy, StartError, Transport, start};
use anonet_smol::handle::{Handle, Stopped, SubmitFailure};
use smol::Executor;

use self::support::{TestNode, blob, config, run};

struct Deaf;

impl App for Deaf {
    fn event(&mut self, _node: &mut Node, _now: Instant, _event: Event, _handle: &Handle) {}
}

fn fails(zone: ZoneConfig, transports: Vec<Transport>, listeners: Vec<Listener>) -> StartError {
    let executor = Executor::new();
    let service = Service { config: config(zone), transports, listeners };
    let error = start(&executor, Clock::start(), service, Deaf).expect_err("it started");
    assert!(executor.is_empty(), "a task was left behind");
    error
}

#[test]
fn an_occupied_port_is_named() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = occupied.local_addr().unwrap();
    let mut zone = ZoneConfig::new(ZoneKind::Tor);
    zone.max_outgoing = 0;
    let error = fails(zone, vec![Transport::None], vec![Listener { zone: 0, bind, preface: Preface::None }]);
    assert!(matches!(error, StartError::Listen { addr, .. } if addr == bind));
    assert!(error.to_string().contains(&bind.to_string()), "{error}");
}

#[test]
fn a_hidden_service_is_never_dialled_directly() {
    for transports in [vec![Transport::Direct], vec![Transport::None], vec![]] {
        let error = fails(ZoneConfig::new(ZoneKind::Tor), transports, vec![]);
        assert!(matches!(error, StartError::Transport(ZoneKind::Tor)));
    }
}

#[test]
fn credentials_must_fit_the_protocol() {
    let addr: SocketAddr = "127.0.0.1:9".parse().unwrap();
    for (user, password, fits) in [(1, 0, true), (255, 255, true), (0, 1, false), (256, 1, false), (1, 256, false)] {
        let auth = SocksAuth::Fixed { user: "u".repeat(user), password: "p".repeat(password) };
        let transports = vec![Transport::Socks(SocksProxy { addr, auth })];
        let service = Service { config: config(ZoneConfig::new(ZoneKind::Public)), transports, listeners: vec![] };
        let result = start(&Executor::new(), Clock::start(), service, Deaf);
        match result {
            Ok(_) => assert!(fits, "{user} {password}"),
            Err(error) => assert!(!fits && matches!(error, StartError::Credentials(_)), "{user} {password}"),
        }
    }
}

#[test]
fn a_listener_needs_a_zone() {
    let mut zone = ZoneConfig::new(ZoneKind::Tor);
    zone.max_outgoing = 0;
    let listener = Listener { zone: 1, bind: "127.0.0.1:0".parse().unwrap(), preface: Preface::None };
    assert!(matches!(fails(zone, vec![], vec![listener]), StartError::UnknownZone(1)));
}

#[test]
fn handles_of_a_dropped_node_say_so() {
    let executor = Executor::new();
    let node = TestNode::service(&executor, ZoneKind::Tor, 1);
    let addr = node.handle.listening()[0];
    let handle = node.handle.clone();
    let tx = || LocalTx::new(blob(1, 10).into()).unwrap();
    smol::block_on(executor.run(async {
        assert_eq!(handle.call(|node, _| node.zones().count()).await, Ok(1));
    }));
    let waiting = handle.clone();
    let call = async move { waiting.call(|_, _| ()).await };
    // one call waits in the queue when the node goes, the others come later
    let mut call = Box::pin(call);
    smol::block_on(async { assert!(smol::future::poll_once(&mut call).await.is_none()) });
    drop(executor);
    run(async move |_| {
        assert_eq!(call.await, Err(Stopped));
        assert_eq!(handle.submit(TxId::new([1; 32]), tx()).await, Err(SubmitFailure::Stopped(Stopped)));
        handle.shutdown().await;
        assert!(smol::net::TcpStream::connect(addr).await.is_err(), "the listener is still there");
    });
}
