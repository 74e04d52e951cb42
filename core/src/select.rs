//! Which peer to dial next: a pure choice over a read-only view.

use rand_core::CryptoRng;

use crate::config::PeerRole;
use crate::peers::{Candidate, CourierTarget, ListKind, PeerList};
use crate::rand::{self, Lottery};
use crate::time::Instant;

/// What the choice may look at.
#[derive(Debug)]
pub struct DialView<'a> {
    /// The zone's peers.
    pub peers: &'a PeerList,
    /// Outgoing links and dials under way.
    pub outgoing: u32,
    /// Outgoing links wanted.
    pub wanted: u32,
    /// Whether some zone has an exclusive peer, so that nobody else is dialled (spec: zones §3).
    pub exclusive_only: bool,
}

/// Links that peers of the last run fill before anybody else is asked (spec: connections §4).
const ANCHORS: u32 = 2;

/// The next address to dial, if any is wanted and rested.
///
/// Exclusive and priority peers come first and are kept whatever the count; then, for the first two links, those that the
/// last run ended with, the longest known first; then the best [attested](crate::peers::Standing), so that a name that one
/// peer made up is dialled when no other can be; of these, white before gray. (monerod fills three links in ten from gray,
/// as it seldom verifies hearsay otherwise; here that is done in the background, and what is left on the gray list are the
/// dead and the made up.) A public network that has a link already waits until no
/// other has a candidate. A few passes over the lists, no allocation.
pub fn next_dial(view: &DialView<'_>, now: Instant, rng: &mut dyn CryptoRng) -> Option<Candidate> {
    let mut pick = |wanted: &dyn Fn(&Candidate) -> bool| pick(view.peers, now, wanted, rng);
    if view.exclusive_only {
        return pick(&|candidate| candidate.role == Some(PeerRole::Exclusive));
    }
    if let Some(priority) = pick(&|candidate| candidate.role == Some(PeerRole::Priority)) {
        return Some(priority);
    }
    if view.outgoing >= view.wanted {
        return None;
    }
    if view.outgoing < ANCHORS {
        let anchors = view.peers.candidates(now).filter(|candidate| candidate.anchor.is_some());
        if let Some(anchor) = anchors.min_by_key(|candidate| candidate.anchor) {
            return Some(anchor);
        }
    }
    let rank = |candidate: &Candidate| (candidate.crowded, candidate.standing, candidate.list == ListKind::Gray);
    let best = view.peers.candidates(now).map(|candidate| rank(&candidate)).min()?;
    pick(&|candidate| rank(candidate) == best)
}

/// The next hearsay to verify, if any is rested: the best attested first.
pub fn next_check(peers: &PeerList, now: Instant, rng: &mut dyn CryptoRng) -> Option<Candidate> {
    let gray = |candidate: &Candidate| candidate.list == ListKind::Gray;
    let best = peers.candidates(now).filter(gray).map(|candidate| candidate.standing).min()?;
    pick(peers, now, &|candidate| gray(candidate) && candidate.standing == best, rng)
}

/// Of so many couriers one goes to a peer that may not carry yet, to see whether somebody is there.
const SCOUTS: u64 = 3;

/// Where the next courier goes; `None` if there is nobody at all.
///
/// Mostly to peers that may carry; now and then to one that no courier has found yet, the best attested first. Draws the same
/// way whatever waits to be sent. A source is one lot, whoever it told of.
pub fn next_courier(peers: &PeerList, exclusive_only: bool, now: Instant, rng: &mut dyn CryptoRng) -> Option<CourierTarget> {
    let (sources, entries) = (Lottery::draw(rng), Lottery::draw(rng));
    let scouts = rand::below(rng, SCOUTS) == 0;
    // the least wins: in a scout's turn those not found yet come first, else those that carry
    let turn = |target: &CourierTarget| match (target.carries, target.visited) {
        (true, _) => u8::from(scouts),
        (false, false) => u8::from(!scouts),
        (false, true) => 2,
    };
    let rank = |target: &CourierTarget| {
        let standing = (!target.carries).then_some(target.standing);
        (turn(target), standing, sources.rank(target.source.number()), entries.rank(target.entry.slot() as u64))
    };
    peers.courier_targets(now).filter(|target| !exclusive_only || target.exclusive).min_by_key(rank)
}

/// Picks a source, then one of its networks, then an entry, each uniformly: a bias to the recently seen favours whoever
/// reconnects often, and one to many names whoever makes them up.
fn pick(peers: &PeerList, now: Instant, wanted: &dyn Fn(&Candidate) -> bool, rng: &mut dyn CryptoRng) -> Option<Candidate> {
    let (sources, networks, entries) = (Lottery::draw(rng), Lottery::draw(rng), Lottery::draw(rng));
    peers.candidates(now).filter(|candidate| wanted(candidate)).min_by_key(|candidate| {
        let network = networks.rank(candidate.network);
        (sources.rank(candidate.source.number()), network, entries.rank(candidate.entry.slot() as u64))
    })
}

#[cfg(test)]
mod tests;
