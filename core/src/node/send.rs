//! Transactions become messages, and messages go to the links that were chosen for them.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::Node;
use crate::conn::Conn;
use crate::ids::{ConnId, ZoneId};
use crate::levin::{self, Kind};
use crate::stash::Held;
use crate::table::Handle;
use crate::wire::{NewTransactions, TxForm, command};
use crate::zone::route::{ExitForm, LocalExit};

/// Bytes of transactions in one message. More than one goes into it only up to here; a larger one has it for itself.
const MESSAGE: usize = 256 << 10;

/// Transactions are queued for a link up to one in so many bytes of its queue's limit; one that is larger alone.
pub(super) const TRANSACTIONS_BELOW: usize = 4;

impl Node {
    /// A link's flush is due: as many messages as its queue takes now; the rest waits until the peer has read them.
    pub(super) fn flush(&mut self, id: ConnId, entries: BTreeSet<Handle>) {
        // that the link is one of the exit's zone is seen to in the last step
        let Ok(exit) = self.local_exit() else {
            entries.iter().for_each(|&entry| self.stash.drop_carrier(self.now, entry));
            return self.reroute(Held::LeaveOut);
        };
        let mut waiting: Vec<Handle> = entries.into_iter().collect();
        while !waiting.is_empty() {
            let size = |entry| self.stash.leave_by(entry, &exit).map(<[u8]>::len);
            let (batch, rest) = self.batch(id, &waiting, size);
            if batch.is_empty() {
                return self.flushes.put_back(self.now, id, rest);
            }
            self.hand_over(id, &batch, &exit);
            waiting = rest;
        }
    }

    /// Splits what waits for a link into one message that its queue takes now, and the rest. Own frames leave most of
    /// the queue free, so they neither stop the reading nor count as the peer's slowness.
    pub(super) fn batch<T: Copy>(&self, id: ConnId, entries: &[T], size: impl Fn(T) -> Option<usize>) -> (Vec<T>, Vec<T>) {
        let queued = self.conns.find(id.0).map_or(0, |conn| conn.queue.len());
        let (mut batch, mut rest, mut bytes) = (Vec::new(), Vec::new(), 0);
        for &entry in entries {
            let Some(size) = size(entry) else { continue };
            let fits = queued == 0 || queued + bytes + size <= self.limits.queue_bytes / TRANSACTIONS_BELOW;
            if fits && (bytes == 0 || bytes + size <= MESSAGE) {
                bytes += size;
                batch.push(entry);
            } else {
                rest.push(entry);
            }
        }
        (batch, rest)
    }

    /// Queues own transactions, in one message, on a link of the zone that `exit` names, and on no other.
    pub(super) fn hand_over(&mut self, id: ConnId, entries: &[Handle], exit: &LocalExit) {
        if self.conns.find(id.0).is_none_or(|conn| conn.zone != exit.zone()) {
            entries.iter().for_each(|&entry| self.stash.drop_carrier(self.now, entry));
            return self.reroute(Held::LeaveOut);
        }
        let mut blobs: Vec<&[u8]> = entries.iter().filter_map(|&entry| self.stash.leave_by(entry, exit)).collect();
        if blobs.is_empty() {
            return;
        }
        // sorted, so that the order in which the user submitted them does not show (spec: dandelion-noise §5)
        blobs.sort_unstable();
        let form = match exit.form() {
            ExitForm::PublicStem => TxForm::Stem,
            ExitForm::Anonymity => TxForm::Fluff,
        };
        let frame = self.tx_frame(form, &blobs);
        self.enqueue(id, frame, entries);
        entries.iter().for_each(|&entry| self.stash.begun(entry, id));
        for tx in entries.iter().filter_map(|&entry| self.stash.published_by(entry, exit)).collect::<Vec<_>>() {
            self.stemmed_own(tx);
        }
    }

    /// The public link on which a stem goes on: one whose peer is not behind this node, or, as long as it knows no tip,
    /// behind the median of what outgoing peers claim (spec: dandelion-noise §3).
    pub(super) fn stem_hop(&mut self, source: Option<ConnId>, zone: ZoneId) -> Option<ConnId> {
        let eligible = self.eligible(zone);
        self.stems.next_hop(self.now, source, eligible.iter().copied(), &mut self.transit_rng)
    }

    /// Outgoing links whose peer is not behind: a monerod that is ignores transactions.
    pub(super) fn eligible(&self, zone: ZoneId) -> Vec<ConnId> {
        let mut heights: Vec<u64> = self.ready_outgoing(zone).map(|(_, conn)| conn.height).collect();
        heights.sort_unstable();
        let median = heights.get(heights.len().saturating_sub(1) / 2).copied().unwrap_or(0);
        let wanted = self.chain.height().unwrap_or(median);
        let eligible = |(_, conn): &(ConnId, &Conn)| conn.height.saturating_add(2) >= wanted;
        self.ready_outgoing(zone).filter(eligible).map(|(id, _)| id).collect()
    }

    pub(super) fn tx_frame(&self, form: TxForm, blobs: &[&[u8]]) -> Bytes {
        let most = if self.pads { NewTransactions::GRAIN + 64 } else { 0 };
        let mut out = BytesMut::with_capacity(blobs.iter().map(|blob| blob.len() + 8).sum::<usize>() + 128 + most);
        levin::frame(&mut out, Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            if self.pads {
                NewTransactions::encode_padded(out, form, blobs.iter().copied());
            } else {
                NewTransactions::encode(out, form, 0, blobs.iter().copied());
            }
        });
        out.freeze()
    }
}
