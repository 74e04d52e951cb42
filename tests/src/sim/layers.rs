//! What a network does to dials and streams, as layers that can be put on top of each other.

use std::time::Duration;

use anonet_core::DialFailure;

use super::random::{Keyed, Use};

/// A dial from one node to another.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Dial {
    /// Who dials.
    pub from: usize,
    /// Who is dialled.
    pub to: usize,
    /// Virtual time since the run began.
    pub at: Duration,
    /// The dialler's dials in this zone so far, and which zone that is, so that no zone shifts another's.
    pub index: u64,
}

/// One chunk on its way through a stream.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Passage {
    /// Who sends.
    pub from: usize,
    /// Who is to receive.
    pub to: usize,
    /// Virtual time since the run began.
    pub at: Duration,
    /// Names the stream in every run of one seed: its dialler and that one's number for it.
    pub stream: (u64, u64),
    /// Chunks that went this way before.
    pub index: u64,
}

/// A part of the network. Each layer sees what the ones before it made of a dial or chunk.
pub trait Layer: std::fmt::Debug {
    /// How much longer a dial takes; an error if it fails, `None` if no answer ever comes.
    fn dial(&self, _network: Keyed, _dial: &Dial) -> Option<Result<Duration, DialFailure>> {
        Some(Ok(Duration::ZERO))
    }

    /// How much longer a chunk takes; `None` if the stream breaks over it.
    fn carry(&self, _network: Keyed, _passage: &Passage) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    /// Whether a node is there at all at some time.
    fn is_up(&self, _network: Keyed, _node: usize, _at: Duration) -> bool {
        true
    }

    /// Whether [`is_up`](Self::is_up) depends on the time.
    fn changes(&self) -> bool {
        false
    }

    /// Whether a node that goes and comes back has its peers and its own transactions still.
    fn keeps(&self, _node: usize) -> bool {
        false
    }

    /// How far a node's clock is ahead.
    fn skew(&self, _network: Keyed, _node: usize) -> Duration {
        Duration::ZERO
    }

    /// Whether a node passes transactions on, and lets its daemon tell of them.
    fn relays(&self, _network: Keyed, _node: usize) -> bool {
        true
    }

    /// Whether a node, when one like it is handed a transaction, sends it back over public links.
    fn echoes(&self, _network: Keyed, _node: usize) -> bool {
        false
    }

    /// How many blocks a node claims to have, if this layer says.
    fn height(&self, _network: Keyed, _node: usize) -> Option<u64> {
        None
    }
}

/// Every dial and every chunk takes a time of its own in these ranges.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Latency {
    /// Of a dial.
    pub dial: (Duration, Duration),
    /// Of a chunk; a stream keeps its order all the same.
    pub chunk: (Duration, Duration),
}

impl Layer for Latency {
    fn dial(&self, network: Keyed, dial: &Dial) -> Option<Result<Duration, DialFailure>> {
        Some(Ok(network.span(self.dial, Use::Dial, [dial.from as u64, dial.index, 0])))
    }

    fn carry(&self, network: Keyed, passage: &Passage) -> Option<Duration> {
        Some(network.span(self.chunk, Use::Chunk, chunk_key(passage)))
    }
}

/// Some chunks are lost and sent again after a while; some of those break the stream.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Loss {
    /// Chunks in a million that are lost.
    pub lost: u64,
    /// Chunks in a million that break their stream.
    pub breaking: u64,
    /// How much later a lost one arrives.
    pub repeat: Duration,
}

impl Layer for Loss {
    fn carry(&self, network: Keyed, passage: &Passage) -> Option<Duration> {
        match network.below(1_000_000, Use::Loss, chunk_key(passage)) {
            drawn if drawn < self.breaking => None,
            drawn if drawn < self.breaking + self.lost => Some(self.repeat),
            _ => Some(Duration::ZERO),
        }
    }
}

/// For a while the network is two, and streams across break.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Partition {
    /// When it begins and ends.
    pub during: (Duration, Duration),
    /// Nodes of a hundred on the smaller side.
    pub percent: u64,
}

impl Partition {
    fn splits(&self, network: Keyed, nodes: (usize, usize), at: Duration) -> bool {
        let side = |node: usize| network.below(100, Use::Side, [node as u64, 0, 0]) < self.percent;
        (self.during.0..self.during.1).contains(&at) && side(nodes.0) != side(nodes.1)
    }
}

impl Layer for Partition {
    fn dial(&self, network: Keyed, dial: &Dial) -> Option<Result<Duration, DialFailure>> {
        if self.splits(network, (dial.from, dial.to), dial.at) { None } else { Some(Ok(Duration::ZERO)) }
    }

    fn carry(&self, network: Keyed, passage: &Passage) -> Option<Duration> {
        (!self.splits(network, (passage.from, passage.to), passage.at)).then_some(Duration::ZERO)
    }
}

/// Some nodes are names in lists and nothing else.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Dead {
    /// Nodes of a hundred. The first ten nodes are always alive.
    pub percent: u64,
}

impl Layer for Dead {
    fn is_up(&self, network: Keyed, node: usize, _: Duration) -> bool {
        node < 10 || network.below(100, Use::Dead, [node as u64, 0, 0]) >= self.percent
    }
}

/// Nodes go and come back, each by a beat of its own; what they knew is gone. The first ten stay.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Churn {
    /// From one start to the next.
    pub period: Duration,
    /// Of each hundred parts of the period, how many a node is up.
    pub percent_up: u64,
}

impl Layer for Churn {
    fn is_up(&self, network: Keyed, node: usize, at: Duration) -> bool {
        let phase = network.span((Duration::ZERO, self.period), Use::Churn, [node as u64, 0, 0]);
        let within = (at + phase).as_micros() % self.period.as_micros().max(1);
        node < 10 || within * 100 < self.period.as_micros() * u128::from(self.percent_up)
    }

    fn changes(&self) -> bool {
        true
    }
}

fn chunk_key(passage: &Passage) -> [u64; 3] {
    let direction = u64::from(passage.stream.0 != passage.from as u64);
    [passage.stream.0, passage.stream.1, passage.index * 2 + direction]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_partition_cuts_across_and_only_in_its_time() {
        let (network, layer) = (Keyed::new(3), Partition { during: (10 * SECOND, 20 * SECOND), percent: 50 });
        let cut = |to, at| layer.dial(network, &Dial { from: 0, to, at, index: 0 }).is_none();
        let across = (1..100).filter(|&to| cut(to, 15 * SECOND)).count();
        assert!((30..70).contains(&across), "{across}");
        assert!((1..100).all(|to| !cut(to, 9 * SECOND) && !cut(to, 20 * SECOND)));
    }

    #[test]
    fn churn_takes_each_node_away_for_its_share_of_the_time() {
        let (network, layer) = (Keyed::new(4), Churn { period: 100 * SECOND, percent_up: 70 });
        for node in 10..20 {
            let up = (0..1_000).filter(|&second| layer.is_up(network, node, second * SECOND)).count();
            assert!((695..=705).contains(&up), "{up}");
        }
    }

    #[test]
    fn loss_has_its_rate() {
        let layer = Loss { lost: 100_000, breaking: 10_000, repeat: SECOND };
        let passage = |index| Passage { from: 1, to: 2, at: SECOND, stream: (1, 9), index };
        let fates: Vec<_> = (0..10_000).map(|index| layer.carry(Keyed::new(5), &passage(index))).collect();
        let lost = fates.iter().filter(|fate| **fate == Some(SECOND)).count();
        let broken = fates.iter().filter(|fate| fate.is_none()).count();
        assert!((850..1_150).contains(&lost) && (60..140).contains(&broken), "{lost} {broken}");
    }
}
