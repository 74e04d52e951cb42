//! A proxy that is restarted, a process that is suspended, and a machine that has no DNS.
#![allow(clippy::disallowed_methods, reason = "tests measure real time")]

mod common;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::cell::Cell;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anonet_core::{Event, ZoneKind};
use common::monerod::Peer;
use common::{Daemon, ONION, Scratch, anonetd, free_port, stderr, tx, tx1_hex, unhex};
use smol::{Executor, Timer};
use support::proxy::{Pace, Proxy, Route, Seen};
use support::{TestNode, run};

fn submit(node: &Daemon, number: usize) {
    let output = node.command("submit").args(["--wait", "held"]).arg(tx(number)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        Timer::after(Duration::from_millis(50)).await;
    }
    panic!("{what} does not come");
}

#[test]
fn a_proxy_that_goes_and_comes_back_is_told_and_what_waited_is_delivered() {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Tor, 1);
        let (port, host) = (free_port(), host());
        let route = Route::To(service.handle.listening()[0]);
        let own: Executor<'static> = Executor::new();
        let address = format!("tor,127.0.0.1:{port}");
        let node = Daemon::start_in(Scratch::new(), &["--no-public", "--add-peer", ONION, "--proxy", &address]);
        let zone = || node.status()["zones"][0].clone();
        {
            let _proxy = Proxy::start_on(&own, port, Pace::AtOnce, &[(host, route.clone())]).await;
            smol::future::or(own.run(std::future::pending::<()>()), until("a link", || zone()["outgoing"] == 1)).await;
        }
        // all its streams end with it
        drop(own);
        until("the word that it is gone", || zone()["proxy_state"] == "down" && zone()["outgoing"] == 0).await;
        let troubles = node.status()["troubles"].clone();
        assert!(troubles[0]["part"] == "tor" && troubles[0]["reason"].as_str().unwrap().contains("start it"), "{troubles}");
        submit(&node, 1);
        let held = node.status()["stash"][0].clone();
        assert!(held["state"] == "held" && held["why"].as_str().unwrap().contains("start or repair it"), "{held}");
        let _proxy = Proxy::start_on(executor, port, Pace::AtOnce, &[(host, route)]).await;
        assert_eq!(service.next_tx().await, unhex(&tx1_hex()));
        assert_eq!(node.status()["troubles"], serde_json::json!([]));
    });
}

/// A service, the proxy that leads to it, and what to tell a node of that.
async fn behind_proxy(executor: &Executor<'static>) -> (TestNode, Proxy, String) {
    let service = TestNode::service(executor, ZoneKind::Tor, 1);
    let proxy = Proxy::start(executor, Pace::AtOnce, &[(host(), Route::To(service.handle.listening()[0]))]).await;
    let address = format!("tor,{}", proxy.addr);
    (service, proxy, address)
}

fn host() -> &'static str {
    ONION.split(':').next().unwrap()
}

fn signal(node: &Daemon, signal: &str) {
    assert!(Command::new("kill").args([signal, &node.pid().to_string()]).status().unwrap().success());
}

#[test]
fn a_suspended_process_goes_on_where_it_was_and_makes_up_for_nothing() {
    run(async |executor| {
        let (service, proxy, address) = behind_proxy(executor).await;
        let options = ["--no-public", "--add-peer", ONION, "--proxy", &address, "--relay-policy", "courier"];
        let clocks = ["--courier-every", "1,0,0", "--courier-release", "1", "--courier-uptime", "0"];
        let node = Daemon::start_in(Scratch::new(), &[&options[..], &clocks[..]].concat());
        until("a courier", || node.status()["zones"][0]["couriers"]["sent"].as_u64() > Some(1)).await;
        submit(&node, 1);
        signal(&node, "-STOP");
        Timer::after(Duration::from_secs(6)).await;
        while proxy.seen.try_recv().is_ok() {}
        signal(&node, "-CONT");
        // six turns were slept through; of these at most the one that was due is taken, and then the clock goes on
        Timer::after(Duration::from_millis(300)).await;
        let burst = std::iter::from_fn(|| proxy.seen.try_recv().ok()).filter(|seen| matches!(seen, Seen::Connect { .. })).count();
        assert!(burst <= 3, "{burst} dials at once");
        assert_eq!(service.next_tx().await, unhex(&tx1_hex()));
        let status = node.status();
        assert_eq!((&status["troubles"], &status["zones"][0]["proxy_state"]), (&serde_json::json!([]), &"up".into()));
        assert_eq!(service.txs_so_far(), 0, "once");
    });
}

/// How many links its one network has.
fn outgoing(node: &Daemon) -> u64 {
    node.status()["zones"][0]["outgoing"].as_u64().unwrap()
}

/// A node that can be suspended for longer than a test takes.
struct Sleeper {
    node: Daemon,
    file: PathBuf,
    slept: Cell<u32>,
}

impl Sleeper {
    fn start(options: &[&str]) -> Self {
        let dir = Scratch::new();
        let file = dir.file("slept", "0");
        let shell = format!("export ANONET_TEST_SUSPENDED='{}';", file.display());
        Self { node: Daemon::start_under(&shell, dir, options), file, slept: Cell::new(0) }
    }

    /// So many seconds pass for it at once. It sees that when it has something to do.
    fn pass(&self, seconds: u32) {
        self.slept.set(self.slept.get() + seconds);
        let new = self.file.with_extension("new");
        fs::write(&new, self.slept.get().to_string()).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    /// Whether it has a link; if not, a second passes.
    fn is_linked_soon(&self) -> bool {
        let is_linked = outgoing(&self.node) == 1;
        if !is_linked {
            self.pass(1);
        }
        is_linked
    }
}

/// Far longer than any deadline of a link.
const SLEEP: u32 = 600;

#[test]
fn a_peer_that_gave_up_on_a_suspended_process_is_dialled_again_and_gets_what_is_sent() {
    run(async |executor| {
        let (service, proxy, address) = behind_proxy(executor).await;
        let sleeper = Sleeper::start(&["--no-public", "--add-peer", ONION, "--proxy", &address]);
        service.up().await;
        until("a link", || outgoing(&sleeper.node) == 1).await;
        while proxy.seen.try_recv().is_ok() {}
        signal(&sleeper.node, "-STOP");
        // the other side asks it something, has no answer for two minutes, and hangs up
        service.skip(Duration::from_secs(80)).await;
        service.skip(Duration::from_secs(210)).await;
        service.until(|event| matches!(event, Event::Down { .. }).then_some(())).await;
        sleeper.pass(SLEEP);
        signal(&sleeper.node, "-CONT");
        until("the end of the link", || outgoing(&sleeper.node) == 0).await;
        until("a new link", || sleeper.is_linked_soon()).await;
        let dials = std::iter::from_fn(|| proxy.seen.try_recv().ok());
        assert_eq!(dials.filter(|seen| matches!(seen, Seen::Connect { host: dialled, .. } if dialled == host())).count(), 1);
        submit(&sleeper.node, 1);
        // a transaction waits some seconds for its turn
        let passing = async {
            loop {
                sleeper.pass(1);
                assert_eq!(sleeper.node.status()["troubles"], serde_json::json!([]));
                Timer::after(Duration::from_millis(50)).await;
            }
        };
        assert_eq!(smol::future::or(service.next_tx(), passing).await, unhex(&tx1_hex()));
    });
}

#[test]
fn a_peer_that_vanished_while_the_process_was_suspended_is_noticed_and_dialled_again() {
    run(async |_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap().to_string();
        let sleeper = Sleeper::start(&["--add-exclusive-node", &peer]);
        // it says nothing after its handshake and hangs up never, as one whose machine is gone
        let vanished = Peer::listen(&listener);
        until("a link", || outgoing(&sleeper.node) == 1).await;
        signal(&sleeper.node, "-STOP");
        sleeper.pass(SLEEP);
        signal(&sleeper.node, "-CONT");
        // it asks how the peer is, which was due long ago, and has two minutes' patience
        outgoing(&sleeper.node);
        sleeper.pass(130);
        until("the end of the link", || outgoing(&sleeper.node) == 0 && vanished.is_closed()).await;
        let again = smol::unblock(move || Peer::listen(&listener));
        until("a new link", || sleeper.is_linked_soon()).await;
        let again = again.await;
        submit(&sleeper.node, 1);
        until("the transaction", || again.has_heard(&unhex(&tx1_hex()))).await;
    });
}

#[test]
fn nothing_is_ever_asked_of_dns_and_its_lack_is_none() {
    // every name that an option takes is refused, or goes to a proxy as it is
    for (option, value) in [
        ("--proxy", "tor,localhost:9050"),
        ("--proxy", "tor,proxy.example:9050"),
        ("--add-peer", "peer.example:18080"),
        ("--seed-node", "seeds.example:18080"),
        ("--daemon-address", "monerod.example:18081"),
        ("--rpc-bind", "localhost:18091"),
    ] {
        let dir = Scratch::new();
        let output = anonetd()
            .args(["run", "--offline", "--network", "regtest", option, value, "--data-dir"])
            .arg(dir.path().join("data"))
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {said}");
        assert!(said.contains(option), "{said}");
    }
    // the one name that it knows needs no DNS; and nobody reads the files that say whom to ask for others
    let proxy = format!("tor,127.0.0.1:{}", free_port());
    let options = ["--no-public", "--add-peer", ONION, "--proxy", &proxy, "--daemon-address", "localhost:1"];
    let Ok(strace) = Command::new("strace").arg("-V").output() else { return eprintln!("in part skipped: there is no strace") };
    assert!(strace.status.success());
    let dir = Scratch::new();
    let trace = dir.path().join("trace");
    let child = Command::new("strace")
        // the node is the child, and strace a grandchild that ends with it
        .args(["-D", "-f", "-qq", "-e", "trace=openat,socket,connect,sendto", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_anonetd"))
        .args(["run", "--network", "regtest", "--rpc-bind", "none", "--data-dir"])
        .arg(dir.path().join("data"))
        .args(options)
        .stderr(std::process::Stdio::null())
        .spawn();
    let mut child = child.unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let stopped = anonetd().args(["status", "--json", "--data-dir"]).arg(dir.path().join("data")).output().unwrap();
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    child.wait().unwrap();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(stopped.status.success(), "{}", stderr(&stopped));
    assert!(trace.contains("htons(1)"), "it dialled what it could");
    for sign in ["resolv.conf", "nsswitch", "htons(53)", "SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP", "/etc/hosts"] {
        assert!(!trace.contains(sign), "{sign}: {trace}");
    }
}
