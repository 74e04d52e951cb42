//! Which peer to dial next: a pure choice over a read-only view.

use rand_core::CryptoRng;

use crate::config::PeerRole;
use crate::peers::{Candidate, ListKind, PeerList};
use crate::rand;
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

/// The next address to dial, if any is wanted and rested.
///
/// Exclusive and priority peers come first and are kept whatever the count; then white for seven links in ten, gray for
/// the rest, each the other's substitute (spec: connections §4). Within a group the choice is uniform: a bias to the
/// recently seen favours whoever reconnects often. Two passes over the lists, no allocation.
pub fn next_dial(view: &DialView<'_>, now: Instant, rng: &mut dyn CryptoRng) -> Option<Candidate> {
    let pick = |wanted: &dyn Fn(&Candidate) -> bool, rng: &mut dyn CryptoRng| {
        let matching = view.peers.candidates(now).filter(|candidate| wanted(candidate));
        let count = matching.clone().count();
        if count == 0 { None } else { matching.into_iter().nth(rand::index(rng, count)) }
    };
    if view.exclusive_only {
        return pick(&|candidate| candidate.role == Some(PeerRole::Exclusive), rng);
    }
    if let Some(priority) = pick(&|candidate| candidate.role == Some(PeerRole::Priority), rng) {
        return Some(priority);
    }
    if view.outgoing >= view.wanted {
        return None;
    }
    let white = |candidate: &Candidate| candidate.list == ListKind::White;
    let gray = |candidate: &Candidate| candidate.list == ListKind::Gray;
    if view.outgoing < view.wanted * 7 / 10 || view.wanted == 1 {
        pick(&white, rng).or_else(|| pick(&gray, rng))
    } else {
        pick(&gray, rng).or_else(|| pick(&white, rng))
    }
}
