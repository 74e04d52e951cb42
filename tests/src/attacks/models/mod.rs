//! Models of other programs: what their transactions leave by, and nothing else of them.

pub mod core30;
pub mod cuprate;

use std::time::Duration;

use super::arena::{Fate, LINKS, PEERS, Run, SPREAD, Scene, TX_SIZE};
use crate::sim::app::forward_delay;
use crate::sim::people::Conduct;
use crate::sim::random::{Keyed, Use};
use crate::sim::watch::{Stream, Trace};

/// Between two timed syncs, or pings, of a standing link.
const SYNC: Duration = Duration::from_secs(60);

/// Bytes of one, each way. A transaction is larger.
const SYNC_BYTES: usize = 250;

/// From the hand-over to a false copy.
const ECHO: Duration = Duration::from_secs(2);

/// A run that is being made.
struct Model {
    run: Run,
    keyed: Keyed,
}

impl Model {
    /// A sender with standing links to peers that stay, and its transactions, which nobody has.
    fn new(scene: Scene, seed: u64) -> Self {
        let fate = |index| Fate { at: scene.submitted(seed, index), seen: None, received: vec![None; PEERS + 1] };
        let fates = (0..scene.txs).map(fate).collect();
        let run = Run { scene, seed, trace: Trace::default(), fates };
        let mut model = Self { run, keyed: Keyed::new(seed) };
        model.run.trace.starts.push(Duration::ZERO);
        let mut peers: Vec<usize> = (1..=PEERS).filter(|&peer| !model.leaves(peer)).collect();
        peers.sort_by_key(|&peer| model.keyed.bits(Use::Model, [peer as u64, 0, 0]));
        for &peer in peers.iter().take(LINKS as usize) {
            model.stand(peer);
        }
        model
    }

    /// Whether a peer hangs up: no link to it stands.
    fn leaves(&self, peer: usize) -> bool {
        matches!(self.run.scene.hostile.1, Conduct::Leaves(_)) && self.run.is_hostile(peer)
    }

    fn stand(&mut self, peer: usize) {
        let dialled = self.span((500, 10_000), [peer as u64, 1, 0]);
        let mut stream = Stream::dialled(dialled, Some(peer), 0, (peer as u64).to_le_bytes());
        let mut at = dialled;
        while at < self.run.scene.span() {
            stream.carried(at, SYNC_BYTES, true);
            stream.carried(at + self.span((200, 1_200), [peer as u64, 2, at.as_micros() as u64]), SYNC_BYTES, false);
            at += SYNC;
        }
        self.run.trace.streams.push(stream);
    }

    /// A span in milliseconds.
    fn span(&self, range: (u64, u64), key: [u64; 3]) -> Duration {
        self.keyed.span((Duration::from_millis(range.0), Duration::from_millis(range.1)), Use::Model, key)
    }

    /// A peer of all.
    fn peer(&self, key: [u64; 3]) -> usize {
        1 + self.keyed.below(PEERS as u64, Use::Model, key) as usize
    }

    /// Exponentially distributed.
    fn exponential(&self, mean: Duration, key: [u64; 3]) -> Duration {
        let uniform = (self.keyed.bits(Use::Model, key) >> 11) as f64 / (1u64 << 53) as f64;
        mean.mul_f64(-(1.0 - uniform).ln())
    }

    /// Hands transaction `index` over on a stream; when the sender would hear of it from the public network.
    fn hand(&mut self, stream: usize, index: usize, at: Duration, waits: bool) -> Option<Duration> {
        let stream = &mut self.run.trace.streams[stream];
        let place = stream.chunks.partition_point(|chunk| chunk.at <= at);
        stream.chunks.insert(place, crate::sim::watch::Chunk::sent(at, TX_SIZE + 60));
        stream.txs.push((at, index));
        let peer = stream.peer?;
        let key = [peer as u64, 3, index as u64];
        let hostile = self.run.is_hostile(peer);
        let late = match self.run.scene.hostile.1 {
            Conduct::Reads(late) if hostile => late,
            _ => Duration::ZERO,
        };
        let received = at + late + self.span((100, 600), key);
        self.received(index, peer, received);
        if hostile && matches!(self.run.scene.hostile.1, Conduct::Swallows | Conduct::Lags) {
            return None;
        }
        if hostile && self.run.scene.hostile.1 == Conduct::Echoes {
            let echo = self.is_watched().then_some(received + ECHO);
            // what comes from a public peer goes on to the others, whoever made it
            echo.into_iter().for_each(|echo| self.spread(index, echo));
            return echo;
        }
        let waits = if waits { forward_delay(self.keyed, key) } else { Duration::ZERO };
        Some(received + waits + SPREAD)
    }

    /// Whether a hostile peer has one of the sender's public links.
    fn is_watched(&self) -> bool {
        (0..u64::from(LINKS)).any(|link| self.run.is_hostile(self.peer([link, 13, 0])))
    }

    /// The public network has it.
    fn spread(&mut self, index: usize, at: Duration) {
        (1..=PEERS).for_each(|peer| self.received(index, peer, at + SPREAD));
    }

    fn received(&mut self, index: usize, peer: usize, at: Duration) {
        let first = &mut self.run.fates[index].received[peer];
        *first = Some(first.map_or(at, |before| before.min(at)));
    }
}
