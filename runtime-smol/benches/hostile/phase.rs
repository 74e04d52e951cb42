//! One measured phase: honest transactions to and from a node, with or without a crowd.

use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use super::attacked::{Attacked, Setup, recipient};
use super::crowd::Crowd;
use super::honest::{Noted, Stage, submit};
use super::kinds::KINDS;

/// Peers that the node dials: an own transaction goes to no more than 32 hosts.
const LINKS: usize = 30;
/// Peers that dial it.
const VISITORS: usize = 60;
/// Honest links to it and from it.
const HONEST: (u32, u32) = (LINKS as u32, VISITORS as u32);
/// Hostile streams.
pub(crate) const CROWD: usize = 1_000;
/// Ports on which they come in; the honest ones have one of their own. A listener takes 64 at once, then 64 a second.
const DOORS: usize = 8;

/// For anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// No delivery takes so long: ten times the usual.
const LOST: Duration = Duration::from_secs(25);

/// Who is there besides the honest ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    Nobody,
    /// The whole crowd, all of it let in.
    Inside,
    /// The whole crowd, and no more places than by default.
    AtTheDoor,
}

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// Own transactions, from the user's submission until a recipient has one.
    pub(crate) out: Vec<Duration>,
    /// The same of visitors' transactions to the node.
    pub(crate) incoming: Vec<Duration>,
    /// The part of the latter that the node can do anything about: since it was written to the stream.
    pub(crate) handling: Vec<Duration>,
}

/// What a crowd did, and what it left.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Siege {
    /// Streams that were in when the measurement began, and when it ended.
    pub(crate) held: (u32, u32),
    /// Streams that the node ended, or did not let in.
    pub(crate) ended: usize,
    /// The most memory that the node had beyond what it had before, in bytes.
    pub(crate) memory: u64,
    /// Descriptors before the crowd came and after it left.
    pub(crate) descriptors: (usize, usize),
}

/// Rounds of transactions, one from each visitor and one of the node's own in each; with one seed the draws are the same.
pub(crate) fn measure(seed: u8, rounds: u64, company: Company) -> (Times, Option<Siege>) {
    let stage = Stage::new();
    let addrs: Vec<_> = (0..LINKS).map(recipient).collect();
    let (proxy, given) = stage.recipients(&addrs);
    let max_incoming = if company == Company::AtTheDoor { 128 } else { (VISITORS + CROWD) as u32 };
    let setup = Setup { proxy, links: LINKS, max_incoming, listeners: 1 + DOORS, seed, judges: true };
    let mut node = Attacked::start(setup);
    let (visitors, written) = stage.visitors(VISITORS, node.listening[0], seed.into());
    wait_for("the honest links", || node.links() == HONEST);
    let siege = (company != Company::Nobody).then(|| UnderWay::begin(&mut node, max_incoming));

    let mut times = Times::default();
    for round in 0..rounds {
        let number = |who: usize| (u64::from(seed) << 32) + round * 1_000 + who as u64;
        let begin = Instant::now();
        node.submit(number(VISITORS));
        for (who, visitor) in visitors.iter().enumerate() {
            submit(visitor, number(who));
        }
        let handed: Vec<Noted> = (0..VISITORS).map(|_| next(&written)).collect();
        for _ in 0..VISITORS {
            let (number, at) = node.arrivals.recv_timeout(LOST).expect("no visitor's transaction is lost");
            times.incoming.push(at - begin);
            let wrote = handed.iter().find(|wrote| wrote.number == number).expect("a visitor's");
            times.handling.push(at.saturating_duration_since(wrote.at));
        }
        times.out.extend((0..LINKS).map(|_| next(&given).at - begin));
    }
    let siege = siege.map(|siege| siege.end(&mut node));
    drop(stage);
    node.stop();
    (times, siege)
}

/// The crowd at a node, and what the node was like before.
struct UnderWay {
    crowd: Crowd,
    held: u32,
    memory: u64,
    descriptors: usize,
}

impl UnderWay {
    /// Waits until most of them are in, or as many as there are places.
    fn begin(node: &mut Attacked, max_incoming: u32) -> Self {
        let (descriptors, memory) = (node.descriptors(), node.memory("VmRSS"));
        node.reset_peak();
        let crowd = Crowd::send(CROWD, &KINDS, &node.listening[1..]);
        let places = max_incoming - HONEST.1;
        // some kinds are thrown out again and again
        wait_for("the crowd", || node.links().1.saturating_sub(HONEST.1) >= places * 3 / 4);
        // until the first ones have come again
        thread::sleep(Duration::from_secs(1));
        Self { crowd, held: node.links().1.saturating_sub(HONEST.1), memory, descriptors }
    }

    fn end(self, node: &mut Attacked) -> Siege {
        let held = (self.held, node.links().1.saturating_sub(HONEST.1));
        let (ended, memory) = (self.crowd.ended(), node.memory("VmHWM").saturating_sub(self.memory));
        drop(self.crowd);
        wait_for("the end of their links", || node.links() == HONEST);
        Siege { held, ended, memory, descriptors: (self.descriptors, settled(node, self.descriptors)) }
    }
}

/// The descriptors once they are as many as before, or after a while: longer than the dials to addresses that the crowd told of
/// take, one of which may be under way.
pub(crate) fn settled(node: &Attacked, before: usize) -> usize {
    let begin = Instant::now();
    while node.descriptors() != before && begin.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(20));
    }
    node.descriptors()
}

fn next(noted: &Receiver<Noted>) -> Noted {
    noted.recv_timeout(LOST).expect("no transaction is lost")
}

pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}
