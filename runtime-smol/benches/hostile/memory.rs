//! What one hostile stream of each kind costs in memory, and that nothing of it stays.

use std::thread;
use std::time::Duration;

use anonet_core::Limits;

use super::attacked::{Attacked, Setup};
use super::crowd::Crowd;
use super::kinds::{KINDS, Kind};
use super::phase::{settled, wait_for};

/// Streams of one kind.
const STREAMS: usize = 125;

/// How long they are there: long enough for the node to run out of room for what they send.
const STAY: Duration = Duration::from_secs(4);

/// What one may cost beside the pools, in bytes.
const SHARE: u64 = 256 << 10;

/// What a kind cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) kind: Kind,
    /// The most memory that the node had beyond what it had before, in bytes, for each stream.
    pub(crate) each: u64,
    /// What it may be at most.
    pub(crate) most: u64,
    /// Descriptors before they came, and after they left.
    pub(crate) descriptors: (usize, usize),
}

impl Cost {
    pub(crate) fn holds(&self) -> bool {
        self.each <= self.most && self.descriptors.0 == self.descriptors.1
    }
}

/// All kinds side by side, each against a node of its own whose memory nobody has used before.
pub(crate) fn measure() -> Vec<Cost> {
    let measuring: Vec<_> = KINDS.into_iter().map(|kind| thread::spawn(move || cost(kind))).collect();
    measuring.into_iter().map(|kind| kind.join().unwrap()).collect()
}

fn cost(kind: Kind) -> Cost {
    // nobody judges, so that what it takes in stays for as long as it may
    let setup = Setup { proxy: 1, links: 0, max_incoming: 1_000, listeners: 2, seed: 1, judges: false };
    let mut node = Attacked::start(setup);
    wait_for("an answer", || node.links() == (0, 0));
    let (descriptors, before) = (node.descriptors(), node.memory("VmRSS"));
    let crowd = Crowd::send(STREAMS, &[kind], &node.listening);
    thread::sleep(STAY);
    drop(crowd);
    let peak = node.memory("VmHWM").saturating_sub(before);
    wait_for("the end of their links", || node.links() == (0, 0));
    let after = settled(&node, descriptors);
    node.stop();
    let limits = Limits::new();
    // a buffer that grows has up to twice the room that it needs
    let pools = 2 * limits.receive_bytes + limits.received_bytes;
    let most = SHARE + if kind.is_pooled() { (pools / STREAMS) as u64 } else { 0 };
    Cost { kind, each: peak / STREAMS as u64, most, descriptors: (descriptors, after) }
}
