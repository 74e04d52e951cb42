//! What the applications of simulated nodes do: submit, judge what comes in, and tell how far it got.

use std::time::Duration;

use anonet_core::wire::TxForm;
use anonet_core::{LocalTx, TxId, ZoneId};

use super::engine::{Sim, Step};
use super::random::{Keyed, Use};
use super::scenario::Scenario;

/// A daemon's time for a verdict.
const VERDICT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(300));

/// How long a user waits with a transaction for a node that is not there.
const RETRY: Duration = Duration::from_secs(5);

/// The mean of the wait before a stem from an anonymity zone goes on, in whole seconds (spec: dandelion-noise §1).
const FORWARD_MEAN: u64 = 22;

/// One transaction of a run, and how far it came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Submission {
    /// When it is submitted.
    pub at: Duration,
    /// By whom.
    pub node: usize,
    /// When a first peer had been handed it.
    pub handed: Option<Duration>,
    /// When the sender had evidence that it has spread.
    pub seen: Option<Duration>,
    /// When each node first received it; its sender never counts.
    pub received: Vec<Option<Duration>>,
}

impl Submission {
    /// How long after its submission `percent` of the others had it; `None` if they never did.
    #[must_use]
    pub fn reached(&self, percent: usize) -> Option<Duration> {
        let mut times: Vec<Duration> = self.received.iter().copied().flatten().collect();
        times.sort_unstable();
        let needed = ((self.received.len() - 1) * percent).div_ceil(100).max(1);
        times.get(needed - 1).map(|at| at.saturating_sub(self.at))
    }
}

/// What a node received.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    pub(super) submission: usize,
    /// For the first time; never true for the sender.
    pub(super) first: bool,
    /// Until its daemon has accepted it, and it may go on.
    pub(super) delay: Duration,
}

/// The transactions of a run.
#[derive(Clone, Debug)]
pub struct Spread(Vec<Submission>);

impl Spread {
    pub(super) fn new(scenario: &Scenario, network: Keyed) -> Self {
        let last = scenario.span.saturating_sub(scenario.warm_up) / 2;
        let random = (0..scenario.submissions).map(|index| {
            let at = scenario.warm_up + network.span((Duration::ZERO, last), Use::Submission, [index, 0, 0]);
            // the first ten nodes are up in every scenario with random times
            (at, network.below(10.min(scenario.nodes as u64), Use::Submission, [index, 1, 0]) as usize)
        });
        let all = random.chain(scenario.timetable.iter().map(|&at| (at, scenario.submitter)));
        let received = vec![None; scenario.nodes];
        Self(all.map(|(at, node)| Submission { at, node, handed: None, seen: None, received: received.clone() }).collect())
    }

    /// The transactions, in no order of time.
    pub fn submissions(&self) -> impl ExactSizeIterator<Item = &Submission> {
        self.0.iter()
    }

    /// Which of them has this id.
    pub(super) fn index_of(&self, id: TxId) -> Option<usize> {
        let index = id.as_bytes().first_chunk().map(|bytes| u64::from_le_bytes(*bytes))?;
        usize::try_from(index).ok().filter(|&index| index < self.0.len())
    }

    /// A node received something; which it is, and how long its daemon takes to accept it.
    pub(super) fn received(
        &mut self,
        scenario: &Scenario,
        (node, at): (usize, Duration),
        zone: ZoneId,
        form: TxForm,
        blob: &[u8],
    ) -> Option<News> {
        let index = u64::from_le_bytes(*blob.first_chunk()?);
        let place = usize::try_from(index).ok()?;
        let submission = self.0.get_mut(place)?;
        let first = node != submission.node && submission.received[node].is_none();
        if first {
            submission.received[node] = Some(at);
        }
        let key = [node as u64, index, at.as_micros() as u64];
        let delay = scenario.keyed().span(VERDICT, Use::Verdict, key);
        let waits = form == TxForm::Stem && scenario.zones[zone.index()].is_anonymity();
        let delay = if waits { delay + forward_delay(scenario.keyed(), key) } else { delay };
        Some(News { submission: place, first, delay })
    }

    pub(super) fn seen(&mut self, at: Duration, id: TxId) {
        if let Some(index) = self.index_of(id) {
            self.0[index].seen.get_or_insert(at);
        }
    }

    pub(super) fn handed(&mut self, at: Duration, id: TxId) {
        if let Some(index) = self.index_of(id) {
            self.0[index].handed.get_or_insert(at);
        }
    }
}

/// Poisson-distributed whole seconds by Knuth's product of uniforms.
pub(crate) fn forward_delay(keyed: Keyed, key: [u64; 3]) -> Duration {
    let (mut product, mut seconds) = (1.0f64, 0u64);
    loop {
        let bits = keyed.bits(Use::Verdict, [key[0], key[1], key[2] ^ (seconds + 1) << 48]);
        product *= (bits >> 11) as f64 / (1u64 << 53) as f64;
        if product <= (-(FORWARD_MEAN as f64)).exp() {
            return Duration::from_secs(seconds);
        }
        seconds += 1;
    }
}

impl Sim {
    pub(super) fn submit(&mut self, index: usize) {
        let node = self.spread.0[index].node;
        let now = self.clock(node);
        let tx = LocalTx::new(self.scenario.blob(index)).expect("it has a legal size");
        if let Some(running) = &mut self.members[node].node {
            running.submit_tx(now, id_of(index), tx).expect("the stash has room");
            self.drain(node);
        } else {
            // its user waits for it
            self.plan(self.now + RETRY, Step::Submit(index));
        }
    }

    /// The sender's daemon has a transaction from the public network.
    pub(super) fn confirm(&mut self, index: usize) {
        let node = self.spread.0[index].node;
        let now = self.clock(node);
        if let Some(running) = &mut self.members[node].node {
            running.confirm_tx(now, id_of(index));
            self.drain(node);
        }
    }
}

pub(super) fn id_of(index: usize) -> TxId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(index as u64).to_le_bytes());
    TxId::new(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forward_delay_has_its_mean_and_spread() {
        let keyed = Keyed::new(1);
        let delays: Vec<f64> = (0..5_000).map(|index| forward_delay(keyed, [index, 0, 0]).as_secs_f64()).collect();
        let mean = delays.iter().sum::<f64>() / 5_000.0;
        let variance = delays.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / 5_000.0;
        assert!((mean - 22.0).abs() < 0.3, "{mean}");
        assert!((variance.sqrt() - 22f64.sqrt()).abs() < 0.2, "{variance}");
    }
}
