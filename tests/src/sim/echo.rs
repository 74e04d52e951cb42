//! False echoes: hostile peers who send a transaction back to its sender.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NewTransactions, TxForm, command};

use super::engine::{Sim, Step};
use crate::world::cast::frame;

/// From the hand-over to the copies.
const AFTER: Duration = Duration::from_secs(2);

impl Sim {
    /// Lets the hostile peers of the first node's public links send it a transaction that one of them was handed.
    pub(super) fn echo_falsely(&mut self, submission: usize) {
        let blob = self.scenario.blob(submission);
        let bytes = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, TxForm::Fluff, 0, [&blob[..]].into_iter());
        });
        let echoes = |peer| self.scenario.layers.iter().any(|layer| layer.echoes(self.network, peer));
        let links = self.members[0].links.iter().filter(|(conn, _)| {
            let link = self.trace.link(**conn);
            link.is_some_and(|(peer, zone)| !self.scenario.zones[zone].is_anonymity() && echoes(peer))
        });
        for end in links.map(|(_, end)| *end).collect::<Vec<_>>() {
            self.plan(self.now + AFTER, Step::Deliver { to: end, bytes: bytes.clone().into() });
        }
    }
}
