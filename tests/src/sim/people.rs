//! What the nodes of a network are like, as layers: wrong clocks, restarts, hostile peers.

use std::time::Duration;

use super::layers::{Layer, Passage};
use super::random::{Keyed, Use};

/// Every clock is ahead by a time of its own.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Skew {
    /// The most that a clock is ahead.
    pub most: Duration,
}

impl Layer for Skew {
    fn skew(&self, network: Keyed, node: usize) -> Duration {
        network.span((Duration::ZERO, self.most), Use::Skew, [node as u64, 0, 0])
    }
}

/// One node is stopped and started again, and has kept its peers and its own transactions.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Restart {
    /// Which.
    pub node: usize,
    /// From when to when it is not there; to the next multiple of five seconds.
    pub down: (Duration, Duration),
}

impl Layer for Restart {
    fn is_up(&self, _: Keyed, node: usize, at: Duration) -> bool {
        node != self.node || !(self.down.0..self.down.1).contains(&at)
    }

    fn changes(&self) -> bool {
        true
    }

    fn keeps(&self, node: usize) -> bool {
        node == self.node
    }
}

/// Some nodes are hostile or broken, all in the same way. The first node never is.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a layer is what its fields say")]
pub struct Adversary {
    /// Nodes in a thousand.
    pub permille: u64,
    /// How they behave.
    pub conduct: Conduct,
}

/// How a hostile or broken node behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Conduct {
    /// As all do, and remembers what it is told.
    Listens,
    /// Takes transactions, and tells nobody of them.
    Swallows,
    /// Has no chain, and drops transactions unread.
    Lags,
    /// Swallows too, and sends copies to the sender over public links.
    Echoes,
    /// Ends a stream at a chunk that it is sent, counted from 0.
    Leaves(u64),
    /// Reads each chunk so much later.
    Reads(Duration),
    /// Claims that its chain has so many blocks.
    Claims(u64),
}

impl Conduct {
    /// So that layers of different conduct choose nodes apart from each other.
    const fn kind(self) -> u64 {
        match self {
            Self::Listens => 0,
            Self::Swallows => 1,
            Self::Leaves(_) => 2,
            Self::Reads(_) => 3,
            Self::Claims(_) => 4,
            Self::Lags => 5,
            Self::Echoes => 6,
        }
    }
}

impl Adversary {
    /// Whether a node is one of them.
    #[must_use]
    pub fn is(&self, network: Keyed, node: usize) -> bool {
        node > 0 && network.below(1_000, Use::Hostile, [node as u64, self.conduct.kind(), 0]) < self.permille
    }
}

impl Layer for Adversary {
    fn carry(&self, network: Keyed, passage: &Passage) -> Option<Duration> {
        match self.conduct {
            Conduct::Leaves(chunk) if passage.index >= chunk && self.is(network, passage.to) => None,
            Conduct::Reads(later) if self.is(network, passage.to) => Some(later),
            _ => Some(Duration::ZERO),
        }
    }

    fn relays(&self, network: Keyed, node: usize) -> bool {
        !matches!(self.conduct, Conduct::Swallows | Conduct::Lags | Conduct::Echoes) || !self.is(network, node)
    }

    fn echoes(&self, network: Keyed, node: usize) -> bool {
        self.conduct == Conduct::Echoes && self.is(network, node)
    }

    fn height(&self, network: Keyed, node: usize) -> Option<u64> {
        match self.conduct {
            Conduct::Claims(height) if self.is(network, node) => Some(height),
            Conduct::Lags if self.is(network, node) => Some(1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn clocks_are_ahead_by_times_of_their_own() {
        let (network, layer) = (Keyed::new(6), Skew { most: 10 * SECOND });
        let skews: Vec<Duration> = (0..1_000).map(|node| layer.skew(network, node)).collect();
        assert!(skews.iter().all(|&skew| skew <= 10 * SECOND));
        let mean = skews.iter().sum::<Duration>() / 1_000;
        assert!((4_700..5_300).contains(&mean.as_millis()), "{mean:?}");
    }

    #[test]
    fn as_many_nodes_as_said_are_hostile_and_never_the_first() {
        let layer = Adversary { permille: 200, conduct: Conduct::Leaves(2) };
        let hostile = (0..1_000).filter(|&node| layer.is(Keyed::new(7), node)).count();
        assert!((160..240).contains(&hostile), "{hostile}");
        assert!((0..100).all(|seed| !layer.is(Keyed::new(seed), 0)));
    }

    #[test]
    fn each_conduct_shows_where_it_should() {
        let (network, hostile) = (Keyed::new(8), 1);
        let of = |conduct| Adversary { permille: 1_000, conduct };
        let carry =
            |conduct, index| of(conduct).carry(network, &Passage { from: 0, to: hostile, at: SECOND, stream: (0, 1), index });
        assert_eq!((carry(Conduct::Leaves(2), 1), carry(Conduct::Leaves(2), 2)), (Some(Duration::ZERO), None));
        assert_eq!(carry(Conduct::Reads(SECOND), 0), Some(SECOND));
        assert_eq!(of(Conduct::Claims(9)).height(network, hostile), Some(9));
        assert_eq!(of(Conduct::Claims(9)).height(network, 0), None);
        assert!(!of(Conduct::Swallows).relays(network, hostile) && of(Conduct::Swallows).relays(network, 0));
        assert!(of(Conduct::Listens).relays(network, hostile));
    }
}
