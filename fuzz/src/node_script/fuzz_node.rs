//! Two nodes, and an adversary who owns the network between them.

use std::collections::BTreeMap;
use std::mem::swap;
use std::time::Duration;

use anonet_core::{CloseReason, ConnId, DialFailure, Direction, Instant, Node, Verdict, ZoneId, ZoneKind};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::leaks::is_innocent;
use super::own::MARK;
use super::watch::{Link, Watch};
use super::{configs, frames};
use crate::cast::addr;
use crate::script::Script;

/// More steps than this teach nothing that fewer do not.
const MAX_STEPS: usize = 500;

/// Far from both ends of time.
const START: u64 = 1 << 50;

/// How long an own transaction may take to leave once nobody stands in the way.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);

struct Two {
    sides: [Watch; 2],
    /// The other end of each link of either side.
    ends: [BTreeMap<ConnId, ConnId>; 2],
    /// What is on its way to either side, by its links.
    wires: [BTreeMap<ConnId, Vec<u8>>; 2],
    clock: u64,
    /// The adversary has changed bytes, not only their time.
    tampered: bool,
    /// It has refused a dial, or cut a link.
    hindered: bool,
}

/// The first byte chooses the configuration of both nodes, the second their seeds; then each step is a byte for what
/// happens, and its operands: a dial is let through or refused, bytes are taken, held, delivered in any pieces, dropped,
/// swapped, repeated, changed or made up, links are cut, time passes, transactions are submitted.
///
/// # Panics
/// If a node breaks one of the promises of `node_script`; or if, as long as bytes come late at worst, one node blames the
/// other for the end of a link, or hears a transaction that the other was not given; or if a transaction does not leave once
/// nobody stands in the way, and nothing worse than delay did before.
pub fn fuzz_node(data: &[u8]) {
    let mut two = run(data);
    if !two.tampered && !two.hindered {
        two.must_arrive();
    }
}

fn run(data: &[u8]) -> Two {
    let mut script = Script::new(data);
    let mut two = Two::new(script.byte(), script.byte());
    for _ in 0..MAX_STEPS {
        let Some(step) = script.step() else { break };
        two.step(step, &mut script);
        two.sides.iter_mut().for_each(Watch::drain);
        two.check();
    }
    two
}

impl Two {
    fn new(config: u8, seed: u8) -> Self {
        let config = configs::config(config);
        let sides = [0, 1].map(|side| {
            let rng = Box::new(ChaCha20Rng::from_seed([seed ^ side; 32]));
            let start = Instant::from_micros(START);
            let mut watch = Watch::new(&config, || Node::new(config.clone(), rng, start).expect("the configuration is sound"));
            watch.drain();
            watch
        });
        Self { sides, ends: Default::default(), wires: Default::default(), clock: START, tampered: false, hindered: false }
    }

    fn now(&mut self, side: usize) -> Instant {
        let now = Instant::from_micros(self.clock);
        self.sides[side].own.advance(now);
        self.sides[side].allowance += 1_000;
        now
    }

    fn step(&mut self, code: u8, script: &mut Script<'_>) {
        let side = usize::from(code >> 7);
        match code % 16 {
            0 | 1 => self.connect(side, script, true),
            2 => self.connect(side, script, false),
            3 | 4 => self.carry(side, script, usize::MAX, usize::MAX),
            5 => self.calm(),
            6 => {
                let (taken, delivered) = (usize::from(script.byte()) * 8, usize::from(script.byte()) * 8);
                self.carry(side, script, taken, delivered);
            }
            7 => self.cut(side, script),
            8 => self.tamper(side, script),
            9 => self.inject(side, script),
            10 => self.pass(script.micros()),
            11 | 12 => self.wait_for_deadline(),
            13 => {
                let now = self.now(side);
                let (number, size) = (script.byte() % 8, script.byte());
                let watch = &mut self.sides[side];
                watch.own.submit(&mut watch.node, now, number, size, false);
            }
            14 => {
                let now = self.now(side);
                let watch = &mut self.sides[side];
                watch.own.record(&mut watch.node, now, script.byte());
            }
            _ => self.resolve(side, script),
        }
    }

    fn link(&self, side: usize, script: &mut Script<'_>) -> Option<ConnId> {
        self.ends[side].keys().copied().nth(script.index(self.ends[side].len()))
    }

    /// One of this side's dials reaches the other side, or does not.
    fn connect(&mut self, side: usize, script: &mut Script<'_>, through: bool) {
        let dials = self.dials(side);
        let (at, from) = (script.index(dials.len()), script.byte());
        dials.get(at).into_iter().for_each(|&dial| self.answer_dial(side, dial, from, through));
    }

    fn dials(&self, side: usize) -> Vec<(ConnId, ZoneId)> {
        self.sides[side].live.iter().filter(|(_, link)| link.dialing).map(|(&conn, link)| (conn, link.zone)).collect()
    }

    fn answer_dial(&mut self, side: usize, (conn, zone): (ConnId, ZoneId), from: u8, through: bool) {
        let from = (self.sides[side].kinds[zone.index()] == ZoneKind::Public).then(|| addr(ZoneKind::Public, from));
        let now = self.now(1 - side);
        self.hindered |= !through;
        let accepted = through.then(|| self.sides[1 - side].node.run(|node| node.accept(now, zone, from)).ok()).flatten();
        let now = self.now(side);
        let Some(other) = accepted else {
            return self.sides[side].node.run(|node| node.handle_dial_failed(now, conn, DialFailure::HostRefused));
        };
        self.sides[1 - side].began(other, Link::new(zone, Direction::Incoming));
        // an error says that it was called off in this very moment
        if self.sides[side].node.run(|node| node.handle_dialed(now, conn)).is_err() {
            let now = self.now(1 - side);
            return self.sides[1 - side].node.run(|node| node.handle_closed(now, other));
        }
        if let Some(link) = self.sides[side].live.get_mut(&conn) {
            link.dialing = false;
        }
        self.ends[side].insert(conn, other);
        self.ends[1 - side].insert(other, conn);
    }

    /// Takes up to so many bytes that a side has for a link, and delivers up to so many of those on their way.
    fn carry(&mut self, side: usize, script: &mut Script<'_>, taken: usize, delivered: usize) {
        self.link(side, script).into_iter().for_each(|conn| self.carry_on(side, conn, taken, delivered));
    }

    fn carry_on(&mut self, side: usize, conn: ConnId, taken: usize, delivered: usize) {
        let Some(&other) = self.ends[side].get(&conn) else { return };
        let bytes = self.sides[side].take(conn, Some(taken));
        let wire = self.wires[1 - side].entry(other).or_default();
        wire.extend_from_slice(&bytes);
        let bytes: Vec<u8> = wire.drain(..wire.len().min(delivered)).collect();
        let left = self.deliver(1 - side, other, &bytes);
        // what the window has no room for comes later
        self.wires[1 - side].entry(other).or_default().splice(..0, left);
    }

    /// Hands bytes over as far as the window goes; returns the others.
    fn deliver(&mut self, side: usize, conn: ConnId, mut bytes: &[u8]) -> Vec<u8> {
        self.sides[side].allowance += bytes.len();
        loop {
            let now = self.now(side);
            let watch = &mut self.sides[side];
            let (piece, rest) = bytes.split_at(watch.node.recv_window(conn).min(bytes.len()));
            if piece.is_empty() {
                return bytes.to_vec();
            }
            if watch.feed(now, conn, piece).is_err() {
                return Vec::new();
            }
            bytes = rest;
        }
    }

    /// Nobody stands in the way: all dials go through, all bytes arrive, all questions are answered, until something else is due.
    fn calm(&mut self) {
        for turn in 0..2 {
            for side in 0..2 {
                for dial in self.dials(side) {
                    self.answer_dial(side, dial, turn, true);
                }
                let conns: Vec<ConnId> = self.ends[side].keys().copied().collect();
                conns.into_iter().for_each(|conn| self.carry_on(side, conn, usize::MAX, usize::MAX));
            }
            self.sides.iter_mut().for_each(Watch::drain);
            self.check();
            for side in 0..2 {
                let now = self.now(side);
                let watch = &mut self.sides[side];
                watch.own.record_all(&mut watch.node, now);
            }
        }
        self.wait_for_deadline();
    }

    fn wait_for_deadline(&mut self) {
        let due = self.sides.iter().filter_map(|side| side.node.poll_timeout()).min();
        self.pass(due.map_or(0, |due| due.as_micros().saturating_sub(self.clock)));
    }

    /// Whoever only delayed bytes cannot keep a transaction back: once nobody stands in the way, each one arrives.
    fn must_arrive(&mut self) {
        let end = self.clock + PATIENCE.as_micros() as u64;
        while self.clock < end && self.sides.iter().any(|side| side.own.waits(&side.node)) {
            self.calm();
            self.sides.iter_mut().for_each(Watch::drain);
            self.check();
        }
        for side in &self.sides {
            assert!(!side.own.waits(&side.node), "a transaction does not leave");
        }
    }

    /// One end learns that its link is gone, and the other later, if at all.
    fn cut(&mut self, side: usize, script: &mut Script<'_>) {
        let Some(conn) = self.link(side, script) else { return };
        let now = self.now(side);
        self.hindered = true;
        self.sides[side].node.run(|node| node.handle_closed(now, conn));
    }

    fn tamper(&mut self, side: usize, script: &mut Script<'_>) {
        let Some(conn) = self.link(side, script) else { return };
        let (first, second) = (self.sides[side].take(conn, None), self.sides[side].take(conn, None));
        let (mut first, mut second, what, at) = (first.to_vec(), second.to_vec(), script.byte(), script.byte());
        self.tampered = true;
        match what % 5 {
            0 => first.clear(),
            1 => swap(&mut first, &mut second),
            2 => second = first.clone(),
            3 => first.truncate(at.into()),
            _ => {
                let at = usize::from(at) % first.len().max(1);
                first.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= what | 1);
            }
        }
        let other = self.ends[side][&conn];
        self.wires[1 - side].entry(other).or_default().extend([first, second].concat());
    }

    fn inject(&mut self, side: usize, script: &mut Script<'_>) {
        let Some(conn) = self.link(side, script) else { return };
        let kind = self.sides[side].live.get(&conn).map_or(ZoneKind::Tor, |link| self.sides[side].kinds[link.zone.index()]);
        let frame = frames::frame(script.byte(), script.byte(), kind);
        self.tampered = true;
        self.deliver(side, conn, &frame);
    }

    fn pass(&mut self, micros: u64) {
        self.clock += micros;
        for side in 0..2 {
            let now = self.now(side);
            self.sides[side].node.run(|node| node.handle_timeout(now));
            self.sides[side].check_deadline(now);
        }
    }

    fn resolve(&mut self, side: usize, script: &mut Script<'_>) {
        let at = script.index(self.sides[side].tickets.len());
        let Some((ticket, blob)) = self.sides[side].tickets.get(at).cloned() else { return };
        let verdict = if is_innocent(&blob) { Verdict::Accept } else { Verdict::Forget };
        let now = self.now(side);
        // an error says that it is too late
        let _ = self.sides[side].node.run(|node| node.resolve_tx(now, ticket, verdict));
    }

    /// Forgets what has ended, on both sides; the far end hears of it as of any end.
    fn check(&mut self) {
        for side in 0..2 {
            let gone: Vec<_> = self.ends[side].iter().filter(|(conn, _)| self.sides[side].ended.contains(conn)).collect();
            let gone: Vec<_> = gone.into_iter().map(|(&conn, &other)| (conn, other)).collect();
            for (conn, other) in gone {
                self.ends[side].remove(&conn);
                self.wires[side].remove(&conn);
                if self.ends[1 - side].remove(&other).is_some() {
                    let now = self.now(1 - side);
                    self.sides[1 - side].node.run(|node| node.handle_closed(now, other));
                    self.sides[1 - side].drain();
                }
            }
            if !self.tampered {
                let watch = &self.sides[side];
                watch.tickets.iter().for_each(|(_, blob)| assert!(is_own(blob), "a transaction out of nowhere"));
                let slow = |reason: &CloseReason| matches!(reason, CloseReason::SlowReader | CloseReason::Flood);
                let blamed = watch.blamed.iter().find(|reason| !slow(reason));
                assert_eq!(blamed, None, "a node blames another that has done nothing");
            }
        }
    }
}

/// Whether it is one that a side was given, whole.
fn is_own(blob: &Bytes) -> bool {
    let Some(&number) = blob.get(MARK.len()) else { return false };
    let pattern = MARK.iter().copied().chain([number]).cycle();
    blob.len().is_multiple_of(16) && number < 8 && blob.iter().copied().eq(pattern.take(blob.len()))
}

#[cfg(test)]
mod tests;
