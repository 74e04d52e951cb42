//! A node, and the world around it, moved by a script.

use std::collections::BTreeMap;
use std::time::Duration;

use anonet_core::{ChainTip, Config, ConnId, DialFailure, Event, Instant, Node, Output, Snapshot};
use bytes::Buf;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::own::Own;
use super::setup::{self, Trusted};
use super::stream::{Seen, Stream};
use crate::script::Script;

const START: Instant = Instant::from_micros(1 << 50);

/// A run is awake for so long at most; then time is slept through. That bounds how many records a script moves.
const AWAKE: Duration = Duration::from_secs(1_200);

/// Whether a run has own transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    Own,
    None,
}

#[derive(Debug)]
pub(super) struct Run {
    pub(super) node: Node,
    config: Config,
    seed: u8,
    traffic: Traffic,
    pub(super) now: Instant,
    step: u64,
    awake: Duration,
    /// When time was last slept through.
    slept: Instant,
    pub(super) tip: Option<u64>,
    pub(super) streams: BTreeMap<ConnId, Stream>,
    pub(super) trusted: Trusted,
    pub(super) own: Own,
    /// Hosts that open and answer every stream at once, one bit for each.
    polite: u8,
    pub(super) seen: Vec<Seen>,
    stopping: bool,
}

impl Run {
    pub(super) fn new(config: [u8; 2], seed: u8, traffic: Traffic) -> Self {
        let config = setup::config(config);
        let (trusted, own) = (Trusted::new(&config), Own::new(&config, START));
        let mut run = Self {
            node: node(&config, seed, START),
            config,
            seed,
            traffic,
            now: START,
            step: 0,
            awake: Duration::ZERO,
            slept: START,
            tip: None,
            streams: BTreeMap::new(),
            trusted,
            own,
            polite: 0,
            seen: Vec::new(),
            stopping: false,
        };
        run.settle();
        run
    }

    pub(super) fn step(&mut self, code: u8, script: &mut Script<'_>) {
        self.step += 1;
        match code % 20 {
            0 | 1 => {
                let conn = self.choose(script, |stream| stream.opened.is_none());
                conn.into_iter().for_each(|conn| self.open(conn));
            }
            2 => {
                let conn = self.choose(script, |stream| stream.opened.is_none());
                let why = match script.byte() {
                    0..=99 => DialFailure::HostUnreachable,
                    100..=199 => DialFailure::HostRefused,
                    200..=229 => DialFailure::ProxyUnreachable,
                    code => DialFailure::Socks(code),
                };
                conn.into_iter().for_each(|conn| self.node.handle_dial_failed(self.now, conn, why));
            }
            3 | 4 => {
                let (conn, detail) = (self.choose_open(script), script.byte());
                conn.into_iter().for_each(|conn| self.answer(conn, detail));
            }
            5 => {
                let (conn, number, detail) = (self.choose_open(script), script.byte(), script.byte());
                conn.into_iter().for_each(|conn| self.say(conn, number, detail));
            }
            6 => {
                let conn = self.choose(script, |_| true);
                conn.into_iter().for_each(|conn| self.hang_up(conn));
            }
            7 => self.polite = script.byte(),
            8 => {
                if let Some(stream) = self.choose_open(script).and_then(|conn| self.streams.get_mut(&conn)) {
                    stream.stalled = !stream.stalled;
                    stream.stalled_once = true;
                    // whoever reads again is written to at once
                    stream.transmit = true;
                }
            }
            9..=11 => self.wait(Duration::from_millis(u64::from(script.byte()) * 250)),
            12 => self.sleep(script.micros()),
            13 => {
                let height = u64::from(script.byte() % 32);
                self.tip = if height > 0 { Some(height) } else { self.tip };
                self.node.set_tip(self.now, ChainTip::new(height, [1; 32], 1, 1));
            }
            14 if script.byte().is_multiple_of(4) => self.restart(),
            14 => {}
            _ => self.own_step(code, script),
        }
    }

    /// What only the run with own transactions does.
    fn own_step(&mut self, code: u8, script: &mut Script<'_>) {
        let (number, size) = (script.byte() % 4, script.byte());
        if self.traffic == Traffic::None {
            return;
        }
        match code % 20 {
            15 | 16 => {
                // 64 bytes to 3 kB, or a few records, or too many
                let size = if size < 200 { 64 + usize::from(size) * 16 } else { usize::from(size - 199) * 3_500 };
                self.own.submit(&mut self.node, self.now, self.step, (number, size));
            }
            17 | 18 => self.own.record(&mut self.node, self.now, number),
            _ if size.is_multiple_of(2) => self.own.forget(&mut self.node, self.now, number),
            _ => self.own.confirm(&mut self.node, self.now, number),
        }
    }

    fn choose(&self, script: &mut Script<'_>, fits: impl Fn(&Stream) -> bool) -> Option<ConnId> {
        let conns: Vec<ConnId> = self.streams.iter().filter(|(_, stream)| fits(stream)).map(|(&conn, _)| conn).collect();
        conns.get(script.index(conns.len())).copied()
    }

    fn choose_open(&self, script: &mut Script<'_>) -> Option<ConnId> {
        self.choose(script, |stream| stream.opened.is_some())
    }

    /// Time passes, and the embedder wakes whenever something is due.
    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        self.awake += span;
        if self.awake > AWAKE {
            return self.sleep(span.as_micros() as u64);
        }
        // an own transaction may bring more wake-ups, which must not show
        while let Some(at) = self.node.poll_timeout().filter(|&at| at <= until) {
            assert!(at >= self.now, "a deadline has passed");
            self.due(at);
        }
        self.due(until);
    }

    fn sleep(&mut self, micros: u64) {
        self.slept = self.now + Duration::from_micros(micros);
        self.due(self.slept);
    }

    fn due(&mut self, at: Instant) {
        self.now = at;
        self.own.advance(at);
        self.node.handle_timeout(at);
        self.settle();
    }

    /// The process ends at once, and another begins with what was stored.
    fn restart(&mut self) {
        let mut peers = Vec::new();
        self.node.snapshot(Snapshot::Peers, &mut peers);
        self.streams.clear();
        self.seed = self.seed.wrapping_add(1);
        self.node = node(&self.config, self.seed, self.now);
        let restored = self.node.restore(self.now, Snapshot::Peers, &peers);
        assert_eq!(restored.dropped, 0);
        self.tip = None;
        self.slept = self.now;
        self.own.restart(&mut self.node, self.now);
    }

    /// Takes all outputs, does what they ask, and looks at what shows.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(output) = self.node.poll_output() {
                self.output(output);
            }
            let polite = |stream: &Stream| stream.opened.is_none() && self.polite >> setup::host(&stream.addr) & 1 == 1;
            let opens: Vec<ConnId> = self.streams.iter().filter(|(_, stream)| polite(stream)).map(|(&conn, _)| conn).collect();
            for &conn in &opens {
                self.open(conn);
                self.answer(conn, 0x10);
            }
            let conns: Vec<ConnId> = self.streams.keys().copied().collect();
            let wrote = conns.into_iter().filter(|&conn| self.write(conn)).count();
            if wrote == 0 && opens.is_empty() {
                break;
            }
        }
        let flying = self.node.zones().map(|zone| zone.couriers.expect("it has couriers").flying).sum::<u32>();
        let flies = |stream: &&Stream| !stream.up;
        assert!(flying <= 16 && flying as usize <= self.streams.values().filter(flies).count(), "{flying} couriers under way");
        // a node that stops seeks no other ways
        if !self.stopping {
            self.own.check(&self.node, &self.streams.values().collect::<Vec<_>>());
        }
    }

    fn output(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Dial { conn, addr, isolation, .. } => {
                self.seen.push(Seen::Dialed(now, conn, addr.clone(), *isolation.as_bytes()));
                let carrier = self.trusted.may_carry(now, &addr);
                self.streams.insert(conn, Stream::new(addr, self.step, carrier));
            }
            Output::Transmit(conn) => {
                if let Some(stream) = self.streams.get_mut(&conn) {
                    stream.transmit = true;
                }
            }
            Output::Close { conn, reason } => {
                self.seen.push(Seen::Closed(now, conn, reason));
                let stream = self.streams.remove(&conn).expect("closed once");
                let awake = stream.opened > Some(self.slept);
                stream.closed(now, reason, awake);
                let end = stream.end(Some(reason), awake);
                stream.own.into_iter().for_each(|number| self.own.ended(number, &stream, end));
            }
            Output::Event(Event::Up { conn, .. }) => self.streams.get_mut(&conn).expect("it is open").up = true,
            Output::Event(Event::Down { conn, .. }) => {
                if let Some(stream) = self.streams.remove(&conn) {
                    stream.own.into_iter().for_each(|number| self.own.ended(number, &stream, stream.end(None, true)));
                }
            }
            Output::Event(event) => self.own.heard(&event),
            _ => {}
        }
    }

    /// Writes what waits for a stream whose target reads; says whether there was anything.
    fn write(&mut self, conn: ConnId) -> bool {
        let (now, slept) = (self.now, self.slept);
        let (Some(stream), Ok(mut outgoing)) = (self.streams.get_mut(&conn), self.node.outgoing(conn)) else { return false };
        let total = stream.written + outgoing.remaining();
        let new = stream.queued(now, total, stream.opened > Some(slept));
        if new > 0 {
            self.seen.push(Seen::Queued(now, conn, new));
        }
        if stream.stalled || !std::mem::take(&mut stream.transmit) {
            return false;
        }
        let mut wrote = false;
        while let Some(frame) = outgoing.take_frame() {
            wrote = true;
            let (begun, whole) = stream.reads(&frame);
            for number in begun {
                let before = stream.own.replace(number);
                assert!(before.is_none_or(|before| before == number), "two transactions on one stream");
                if before.is_none() {
                    self.own.begins(now, number, stream);
                }
            }
            if let Some(tx) = whole {
                assert!(!std::mem::replace(&mut stream.whole, true), "twice on one stream");
                self.own.arrives(stream.own.expect("it is an own one"), tx.len(), stream);
            }
        }
        wrote
    }

    /// Ends the run as an embedder does.
    pub(super) fn stop(&mut self) {
        self.polite = 0;
        self.stopping = true;
        self.node.shutdown(self.now);
        self.due(self.now + Duration::from_millis(500));
        assert!(self.streams.is_empty(), "not stopped in time");
    }
}

fn node(config: &Config, seed: u8, now: Instant) -> Node {
    Node::new(config.clone(), Box::new(ChaCha20Rng::from_seed([seed; 32])), now).expect("the configuration is sound")
}
