//! What a node may hold, by what it has to.

use anonet_core::Output;
use anonet_core::levin::HEADER_LEN;

use super::watch::Watch;

/// A node of three zones without links and transactions.
const NODE: usize = 24 << 10;
const LINK: usize = 2 << 10;
/// A queued frame without its bytes.
const FRAME: usize = 320;
/// An own transaction without its bytes, with the recipients that it may have.
const OWN: usize = 1_500;
/// A stranger's transaction without its bytes, while it waits or is remembered.
const STRANGERS: usize = 400;
/// A name in a list of peers.
const NAME: usize = 400;
const BAN: usize = 200;

/// How many there were at once; places in tables and lists are used again, and never given back.
#[derive(Debug, Default)]
pub(super) struct Most {
    pub(super) links: usize,
    pub(super) outputs: usize,
    names: usize,
    bans: usize,
    own: usize,
}

impl Watch {
    /// The node holds no more than what is there accounts for, or what was. To be called when all outputs were taken.
    pub(super) fn check_memory(&mut self) {
        let names = self.node.zones().map(|zone| zone.white + zone.gray).sum();
        let (bans, own) = (self.node.bans().count(), self.node.stash().count());
        let most = &mut self.most;
        (most.names, most.bans, most.own) = (most.names.max(names), most.bans.max(bans), most.own.max(own));
        let (held, parts) = (self.node.held(), self.accounted_for());
        let due: usize = parts.iter().map(|(_, bytes)| bytes).sum();
        assert!(held <= due, "{held} bytes of memory, where {due} are accounted for: {parts:?}");
    }

    /// What everything that is there, or was at once, may cost in bytes.
    pub(super) fn accounted_for(&mut self) -> [(&'static str, usize); 8] {
        [
            ("node", NODE),
            ("outputs", 2 * self.most.outputs * size_of::<Output>()),
            ("links", self.most.links * LINK),
            ("names", self.most.names * NAME),
            ("bans", self.most.bans * BAN),
            ("own", self.most.own * OWN + self.node.stash().map(|report| report.size).sum::<usize>()),
            ("strangers", self.strangers()),
            ("streams", self.streams()),
        ]
    }

    /// Transactions of peers, which wait for a verdict or for links, or did.
    fn strangers(&self) -> usize {
        let bytes: usize = self.tickets.iter().map(|(_, blob)| blob.len()).sum();
        self.tickets.len() * STRANGERS + bytes.min(self.limits.received_bytes + self.limits.transit_bytes)
    }

    /// What is queued for links, wholly as long as it is taken in part; and unfinished messages, in buffers of twice their size at
    /// most.
    fn streams(&mut self) -> usize {
        let conns: Vec<_> = self.live.keys().copied().collect();
        let queued: usize = conns.iter().map(|&conn| self.queued(conn)).sum();
        // each has a header
        let frames = queued / HEADER_LEN + conns.len();
        let begun: usize = self.live.values().map(|link| link.begun).sum();
        let unfinished: usize = self.live.values().map(|link| link.decoder.buffered()).sum();
        queued + frames * FRAME + begun + 2 * unfinished.min(self.limits.receive_bytes)
    }
}
