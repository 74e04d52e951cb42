//! Caps on what a node keeps.

use core::time::Duration;

/// Caps on what the node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// White-list entries per zone.
    pub white: usize,
    /// Gray-list entries per zone.
    pub gray: usize,
    /// Own transactions held at once.
    pub stash_entries: usize,
    /// Bytes of own transactions held at once.
    pub stash_bytes: usize,
    /// How long an own transaction is kept.
    pub stash_lifetime: Duration,
    /// The first pause between two rounds in which an own transaction is sent is drawn from this range, and doubles with
    /// each. It is also how long one that may have left stays back after a restart.
    pub round_pause: (Duration, Duration),
    /// Received transactions that wait for a verdict, over all links.
    pub received_entries: usize,
    /// Bytes of received transactions that wait, over all links.
    pub received_bytes: usize,
    /// Received transactions of one link that wait.
    pub received_per_link: u32,
    /// How long a received transaction waits for its verdict and for a way out.
    pub received_lifetime: Duration,
    /// Transactions that are on their way through the public network, or were lately: those are not relayed again.
    pub transit_entries: usize,
    /// Bytes of transactions that are on their way through the public network.
    pub transit_bytes: usize,
    /// Bans, of which half are kept for the application: peers bring about no more than the other half.
    pub bans: usize,
    /// Bytes queued for one link; more closes it. Reading from the peer pauses at half.
    pub queue_bytes: usize,
    /// Bytes of unfinished messages held over all links, never more. Past it links are closed until there is room: those
    /// with large messages, of more than 256 KiB, first; among them those of peers that came to us, those that have not
    /// finished their handshake, and those whose message has been under way for longest.
    pub receive_bytes: usize,
    /// Bytes that the embedder may hand over for one link before it asks for the window again.
    pub window: usize,
}

impl Limits {
    /// The defaults: design §2 for the stash, monerod's list sizes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            white: 1_000,
            gray: 5_000,
            stash_entries: 10_000,
            stash_bytes: 256 << 20,
            stash_lifetime: Duration::from_secs(72 * 3_600),
            round_pause: (Duration::from_secs(300), Duration::from_secs(600)),
            received_entries: 4_096,
            received_bytes: 16 << 20,
            received_per_link: 64,
            received_lifetime: Duration::from_secs(3_600),
            transit_entries: 16_384,
            transit_bytes: 16 << 20,
            bans: 65_536,
            queue_bytes: 4 << 20,
            receive_bytes: 64 << 20,
            window: 64 << 10,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
