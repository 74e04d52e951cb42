//! What the application does.

use core::time::Duration;

use super::{Node, Stopping};
use crate::chain::ChainTip;
use crate::conn::Phase;
use crate::error::{CloseReason, StaleTicket, SubmitError};
use crate::ids::{ConnId, Ticket, TxId};
use crate::output::Event;
use crate::received::Verdict;
use crate::relay::courier::Couriers;
use crate::stash::{Exposure, StoredTx, Submitted, Use, Witness};
use crate::table::Handle;
use crate::time::Instant;
use crate::tx::LocalTx;
use crate::zone::route::Why;

/// How long a link may take to write what is queued when the node stops.
const LINGER: Duration = Duration::from_millis(500);

impl Node {
    /// Takes in a transaction of this node's user. It leaves by an anonymity zone; by the public zone only if none is
    /// configured; else it is held. [`Event::Queued`](crate::Event::Queued) or [`Event::Held`](crate::Event::Held)
    /// says which.
    ///
    /// # Errors
    /// [`SubmitError`]: nothing was kept.
    pub fn submit_tx(&mut self, now: Instant, id: TxId, tx: LocalTx) -> Result<Submitted, SubmitError> {
        self.advance(now);
        if self.stopping != Stopping::No {
            return Err(SubmitError::Stopping);
        }
        if let Some(most) = self.largest_local().filter(|&most| tx.size() > most) {
            return Err(SubmitError::TooLarge { size: tx.size(), most });
        }
        match self.stash.insert(self.now, id, tx, Why::NoZone, &mut self.own_rng)? {
            Some(entry) => {
                self.route_entry(entry, super::exit::Announce::Always);
                Ok(Submitted::New)
            }
            None => Ok(Submitted::Known),
        }
    }

    /// Takes in a transaction that an earlier run accepted. One that never left is routed at once; one that may have
    /// left stays back for a random while, goes to none of its [`uses`](StoredTx::uses) again, and never to the public
    /// network if anonymity peers may know it.
    ///
    /// # Errors
    /// [`SubmitError`]: nothing was kept.
    pub fn restore_tx(&mut self, now: Instant, stored: StoredTx) -> Result<Submitted, SubmitError> {
        self.advance(now);
        let StoredTx { id, tx, submitted, exposure, uses } = stored;
        let submitted = submitted.min(self.now);
        let Some(entry) = self.stash.insert(submitted, id, tx, Why::NoZone, &mut self.own_rng)? else {
            return Ok(Submitted::Known);
        };
        // it may be too old already
        self.advance(now);
        if exposure == Exposure::Nobody {
            self.route_entry(entry, super::exit::Announce::Always);
        } else {
            self.stash.resume(self.now, entry, exposure, uses);
            if exposure == Exposure::Anonymity && self.public_only.is_some() {
                self.hold(entry, Why::KnownToAnonymityPeers, super::exit::Announce::Always);
            }
        }
        Ok(Submitted::New)
    }

    /// The hosts that may have an own transaction, in the order in which they were chosen: at most
    /// [`MAX_USES`](crate::MAX_USES). Public peers are not named, as they get it again anyway: it is theirs to spread.
    pub fn uses(&self, id: TxId) -> impl Iterator<Item = Use> + '_ {
        self.stash.uses(id)
    }

    /// Answers [`Event::Exposing`](crate::Event::Exposing): the exposure, and so many of the [`uses`](Self::uses) as there
    /// were when they were read, are written down and would survive the loss of power.
    pub fn recorded(&mut self, now: Instant, id: TxId, uses: usize) {
        self.advance(now);
        if let Some(entry) = self.stash.record(id, uses) {
            self.released(entry);
        }
    }

    /// How many blocks the chain should have by the clock now, in place of what [`Config::expected_height`] said at the start:
    /// for an embedder whose clock was wrong then.
    ///
    /// [`Config::expected_height`]: crate::Config::expected_height
    pub fn expect_height(&mut self, now: Instant, height: Option<u64>) {
        self.advance(now);
        let since = self.blocks_since_start();
        self.expected_height = height.map(|height| height.saturating_sub(since));
    }

    /// Gives up an own transaction; `false` if it is not there. What was handed over cannot be called back.
    pub fn forget_tx(&mut self, now: Instant, id: TxId) -> bool {
        self.advance(now);
        self.stash.remove(id)
    }

    /// A daemon that the embedder trusts has this transaction in its pool or in a block. If it is an own one it is done:
    /// it leaves the stash, [`Event::Seen`](crate::Event::Seen) comes, and it is not sent again. Says whether it was.
    ///
    /// Ask the daemon for all that it has, and call this for each: a question for one transaction would tell whose it is.
    pub fn confirm_tx(&mut self, now: Instant, id: TxId) -> bool {
        self.advance(now);
        let done = self.stash.confirm(id);
        if let Some((size, recipients)) = done {
            self.outbox.event(Event::Seen { id, by: Witness::Embedder, size, recipients });
        }
        done.is_some()
    }

    /// The transaction of `ticket` has this id. Call it for each one that parses, before
    /// [`resolve_tx`](Self::resolve_tx): if it is a copy of an own transaction, and a second one that came by an outgoing
    /// public link, from another network and from nobody who was handed it, the own one is done, as for
    /// [`confirm_tx`](Self::confirm_tx). A stale ticket tells nothing.
    ///
    /// No peer can tell a copy from any other transaction: the ticket stays, and is to be answered as if it were.
    pub fn echo(&mut self, now: Instant, ticket: Ticket, id: TxId) {
        self.advance(now);
        let Some(echo) = self.received.find(ticket).and_then(|foreign| foreign.origin.echo) else { return };
        if let Some((size, recipients)) = self.stash.echoed(id, echo) {
            self.outbox.event(Event::Seen { id, by: Witness::PublicLinks, size, recipients });
        }
    }

    /// Says how long the chain is. Until then handshakes and timed syncs show the first block alone, which every peer
    /// accepts. Public peers that are as far see the tip from their next timed sync on, incoming anonymity links a
    /// height rounded up to a multiple of 30, outgoing ones nothing. A tip without blocks is ignored.
    pub fn set_tip(&mut self, now: Instant, tip: ChainTip) {
        self.advance(now);
        self.chain.set_tip(tip);
    }

    /// Answers [`Event::Tx`](crate::Event::Tx).
    ///
    /// # Errors
    /// [`StaleTicket`] if it was answered before or has expired: a normal race.
    pub fn resolve_tx(&mut self, now: Instant, ticket: Ticket, verdict: Verdict) -> Result<(), StaleTicket> {
        self.advance(now);
        let foreign = self.received.pending(ticket).ok_or(StaleTicket)?;
        let from = foreign.origin.from;
        if verdict == Verdict::Accept {
            let digest = self.transit.digest(&foreign.tx);
            self.received.accept(ticket, digest);
            self.send_accepted();
            return Ok(());
        }
        self.received.remove(ticket);
        self.release(from);
        if verdict == Verdict::Reject {
            self.close(from, CloseReason::InvalidTx);
        }
        Ok(())
    }

    /// Stops: nothing is dialled or accepted any more, what is queued is written for half a second at most, then every
    /// link is closed and [`Event::Stopped`](crate::Event::Stopped) comes.
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        if self.stopping != Stopping::No {
            return;
        }
        self.stopping = Stopping::Draining;
        for zone in &mut self.zones {
            zone.errands.stop();
            zone.next_fill = None;
            zone.noise = None;
            zone.couriers.as_mut().into_iter().for_each(Couriers::stop);
        }
        let all: alloc::vec::Vec<Handle> = self.conns.iter().map(|(handle, _)| handle).collect();
        for id in all.into_iter().map(ConnId) {
            let Some(conn) = self.conns.find_mut(id.0) else { continue };
            if !conn.is_ready() || conn.queue.len() == 0 {
                self.close(id, CloseReason::Shutdown);
                continue;
            }
            let zone = &mut self.zones[conn.zone.index()];
            match conn.direction {
                crate::Direction::Incoming => zone.ready_incoming -= 1,
                crate::Direction::Outgoing => zone.ready_outgoing -= 1,
            }
            conn.phase = Phase::Draining(CloseReason::Shutdown);
            conn.next_sync = None;
            conn.deadline = Some(self.now + LINGER);
            self.schedule(id);
        }
        self.finish_if_stopped();
    }
}
