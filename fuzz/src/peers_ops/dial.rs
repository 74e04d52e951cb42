//! The choice of whom to dial.

use anonet_core::peers::{Candidate, PeerList};
use anonet_core::select::{DialView, next_dial};
use anonet_core::{Instant, PeerRole};
use rand_core::CryptoRng;

/// Takes any candidate, or lets the core choose: then checks that the choice keeps to the roles and the count, and is
/// made if there is any.
pub(super) fn choose(peers: &PeerList, outgoing: usize, bits: u8, now: Instant, rng: &mut dyn CryptoRng) -> Option<Candidate> {
    if bits < 128 {
        let count = peers.candidates(now).count().max(1);
        return peers.candidates(now).nth(usize::from(bits) % count);
    }
    let outgoing = outgoing.try_into().expect("few");
    let view = DialView { peers, outgoing, wanted: u32::from(bits % 8), exclusive_only: bits & 8 != 0 };
    let chosen = next_dial(&view, now, rng);
    let has = |role| peers.candidates(now).any(|candidate| candidate.role == Some(role));
    match chosen.map(|candidate| candidate.role) {
        Some(role) if view.exclusive_only => assert_eq!(role, Some(PeerRole::Exclusive)),
        None if view.exclusive_only => assert!(!has(PeerRole::Exclusive)),
        Some(role) if has(PeerRole::Priority) => assert_eq!(role, Some(PeerRole::Priority)),
        Some(_) => assert!(outgoing < view.wanted, "more links than are wanted"),
        None if outgoing < view.wanted => assert_eq!(peers.candidates(now).count(), 0),
        None => assert!(!has(PeerRole::Priority)),
    }
    chosen
}
