//! The node under attack: a process of its own, so that its memory and descriptors are its own. It is told what to do by lines
//! on stdin, and says what happens by lines on stdout.

use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anonet_core::{Addr, Event, Instant as NodeInstant, LocalTx, Node, PeerRole, TxId, Verdict, ZoneKind};
use anonet_smol::clock::Clock;
use anonet_smol::driver::{App, Listener, Preface, Service, start_drawing_from};
use anonet_smol::handle::Handle;
use anonet_tests::world::cast::{addr, zone};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use smol::Executor;

use super::honest::{blob, number_of};
use crate::support::{config, tor};

/// The first argument of the process.
pub(crate) const ROLE: &str = "attacked";

/// For an answer of the process.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// That of the SOCKS proxy.
    pub(crate) proxy: u16,
    /// Peers that it dials: the first ones of the cast.
    pub(crate) links: usize,
    pub(crate) max_incoming: u32,
    pub(crate) listeners: usize,
    pub(crate) seed: u8,
    /// Whether transactions of peers get a verdict, as they do where there is a daemon; without one they wait.
    pub(crate) judges: bool,
}

/// Its parent's end.
pub(crate) struct Attacked {
    process: Child,
    orders: ChildStdin,
    pub(crate) listening: Vec<SocketAddr>,
    /// The numbers of honest transactions that have arrived, and when that was heard.
    pub(crate) arrivals: Receiver<(u64, Instant)>,
    counts: Receiver<(u32, u32)>,
}

impl Attacked {
    pub(crate) fn start(setup: Setup) -> Self {
        let Setup { proxy, links, max_incoming, listeners, seed, judges } = setup;
        let numbers = [proxy.into(), links, max_incoming as usize, listeners, seed.into(), judges.into()];
        let mut process = Command::new(env::current_exe().unwrap())
            .arg(ROLE)
            .args(numbers.map(|number: usize| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, said) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut lines = BufReader::new(said).lines();
        let listening = (0..listeners).map(|_| lines.next().unwrap().unwrap().parse().unwrap()).collect();
        let ((arrived, arrivals), (counted, counts)) = (channel(), channel());
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut words = line.split(' ');
                let (word, mut numbers) = (words.next(), words.map(|word| word.parse::<u64>().unwrap()));
                // nobody may listen any more at the end
                let _ = match word {
                    Some("arrived") => arrived.send((numbers.next().unwrap(), Instant::now())).is_ok(),
                    _ => counted.send((numbers.next().unwrap() as u32, numbers.next().unwrap() as u32)).is_ok(),
                };
            }
        });
        Self { process, orders, listening, arrivals, counts }
    }

    /// Has it send an own transaction.
    pub(crate) fn submit(&mut self, number: u64) {
        writeln!(self.orders, "submit {number}").unwrap();
    }

    /// Its outgoing and incoming links.
    pub(crate) fn links(&mut self) -> (u32, u32) {
        writeln!(self.orders, "count").unwrap();
        self.counts.recv_timeout(PATIENCE).expect("the node answers")
    }

    /// Its open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    /// A figure of its memory in bytes: `VmRSS` is what it has, `VmHWM` the most that it had.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Forgets the most that it had until now.
    pub(crate) fn reset_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").unwrap();
    }

    /// Ends it as a program ends that has nothing left to do: one with tasks left over would not.
    pub(crate) fn stop(mut self) {
        drop(writeln!(self.orders, "stop"));
        let asked = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            assert!(asked.elapsed() < PATIENCE, "the node does not stop");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(self.process.wait().unwrap().success(), "the node has left tasks behind");
    }
}

impl Drop for Attacked {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

struct Application {
    judges: bool,
}

impl App for Application {
    fn event(&mut self, node: &mut Node, now: NodeInstant, event: Event, _handle: &Handle) {
        if let Event::Tx { ticket, blob, .. } = event {
            if let Some(number) = number_of(&blob) {
                say(&format!("arrived {number}"));
            }
            if self.judges {
                // the ticket is fresh
                let _ = node.resolve_tx(now, ticket, Verdict::Forget);
            }
        }
    }
}

/// A parent that is gone hears nothing, and this process ends with its stdin.
fn say(line: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What the process does.
pub(crate) fn run(numbers: &[u64]) {
    let &[proxy, links, max_incoming, listeners, seed, judges] = numbers else { panic!("six numbers") };
    let mut tor_zone = zone(ZoneKind::Tor, 5, &[]);
    (tor_zone.max_outgoing, tor_zone.max_incoming) = (links as u32, max_incoming as u32);
    tor_zone.peers = (0..links as usize).map(|index| (recipient(index), PeerRole::Priority)).collect();
    let transports = vec![tor(SocketAddr::from(([127, 0, 0, 1], proxy as u16)))];
    let listener = Listener { zone: 0, bind: ([127, 0, 0, 1], 0).into(), preface: Preface::None };
    let service = Service { config: config(tor_zone), transports, listeners: vec![listener; listeners as usize] };
    let rng = ChaCha20Rng::from_seed([seed as u8; 32]);
    let (executor, application) = (Executor::new(), Application { judges: judges == 1 });
    let handle = start_drawing_from(&executor, Clock::start(), service, application, Box::new(rng)).unwrap();
    for addr in handle.listening() {
        say(&addr.to_string());
    }
    let obeying = handle.clone();
    thread::spawn(move || smol::block_on(obey(&obeying)));
    smol::block_on(executor.run(handle.stopped()));
    assert!(executor.is_empty(), "tasks are left");
}

async fn obey(handle: &Handle) {
    for line in stdin().lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("submit", number)) => {
                let blob = blob(number.parse().unwrap());
                let id = TxId::new(blob[..32].try_into().unwrap());
                handle.submit(id, LocalTx::new(blob.into()).unwrap()).await.unwrap();
            }
            _ if line == "count" => {
                let counts = handle.call(|node, _| node.zones().next().map(|zone| (zone.outgoing, zone.incoming)));
                let (outgoing, incoming) = counts.await.unwrap().unwrap();
                say(&format!("count {outgoing} {incoming}"));
            }
            _ => break,
        }
    }
    handle.shutdown().await;
}

/// The address of a peer that it dials.
pub(crate) fn recipient(index: usize) -> Addr {
    addr(ZoneKind::Tor, 100 + index)
}
