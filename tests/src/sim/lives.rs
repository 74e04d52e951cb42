//! Nodes come and go.

use std::time::Duration;

use anonet_core::{ChainTip, Exposure, LocalTx, Node, Snapshot, StashState, StoredTx, TxId};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::engine::{Sim, Step};
use super::random::Use;

/// How often it is looked who comes and goes.
const CHURN_STEP: Duration = Duration::from_secs(5);

/// What outlives a node that is stopped.
#[derive(Debug)]
pub(super) struct Kept {
    peers: Vec<u8>,
    txs: Vec<(TxId, Exposure)>,
}

impl Sim {
    /// Starts and ends nodes as the layers want it.
    pub(super) fn churn(&mut self) {
        let at = self.elapsed();
        for index in 0..self.members.len() {
            let joined = self.network.span((Duration::ZERO, self.scenario.stagger), Use::Churn, [index as u64, 1, 0]) <= at;
            let layers = &self.scenario.layers;
            let is_up = joined && layers.iter().all(|layer| layer.is_up(self.network, index, at));
            match (is_up, self.members[index].node.is_some()) {
                (true, false) => self.start(index),
                (false, true) => self.stop(index),
                _ => {}
            }
        }
        if self.scenario.changes() {
            self.plan(self.now + CHURN_STEP, Step::Churn);
        }
    }

    fn start(&mut self, index: usize) {
        let config = self.scenario.config(self.network, index);
        for (place, zone) in config.zones.iter().enumerate() {
            for own in &zone.own {
                self.directory.insert(own.clone(), (index, config.zone_id(place).expect("the place is taken from it")));
            }
        }
        let now = self.clock(index);
        let height = self.scenario.layers.iter().find_map(|layer| layer.height(self.network, index));
        let member = &mut self.members[index];
        member.start += 1;
        let seed = self.network.bits(Use::Node, [index as u64, member.start, 0]);
        let rng = Box::new(ChaCha20Rng::seed_from_u64(seed));
        let node = member.node.insert(Node::new(config, rng, now).expect("the scenario's configuration is valid"));
        if let Some(height) = height.or(self.scenario.height).filter(|_| index > 0) {
            node.set_tip(now, ChainTip::new(height, [7; 32], u128::from(height), 16));
        }
        if let Some(kept) = member.kept.take() {
            node.restore(now, Snapshot::Peers, &kept.peers);
            for (id, exposure) in kept.txs {
                let Some(submission) = self.spread.index_of(id) else { continue };
                let tx = LocalTx::new(self.scenario.blob(submission)).expect("it was taken before");
                // whose they were is lost with the memory of this simple embedder
                let stored = StoredTx { id, tx, submitted: now, exposure, uses: Vec::new() };
                node.restore_tx(now, stored).expect("the stash is empty");
            }
        }
        if index == 0 {
            self.trace.started(self.now.saturating_since(super::engine::START));
        }
        self.drain(index);
    }

    /// Ends a node as a power cut would; what it wrote down before may be kept.
    fn stop(&mut self, index: usize) {
        let keeps = self.scenario.layers.iter().any(|layer| layer.keeps(index));
        let member = &mut self.members[index];
        if let Some(node) = member.node.take().filter(|_| keeps) {
            let mut peers = Vec::new();
            node.snapshot(Snapshot::Peers, &mut peers);
            let exposure = |state| if matches!(state, StashState::Held(_)) { Exposure::Nobody } else { Exposure::Anonymity };
            let txs = node.stash().map(|report| (report.id, exposure(report.state))).collect();
            member.kept = Some(Kept { peers, txs });
        }
        member.wake = None;
        for (conn, end) in std::mem::take(&mut member.links) {
            self.closed(index, conn);
            self.hang_up(end);
        }
    }
}
