//! Transactions that peers sent, as far as this version looks at them: their form is checked, and that is all, as there
//! is no daemon to ask.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anonet_core::{Instant, Limits, Ticket, TxId, Verdict, ZoneKind};
use bytes::Bytes;
use smol::channel::{Receiver, Sender, bounded};

use super::tx;
use crate::clock::Clock;
use crate::handle::Handle;

/// Arrivals that wait for the one task which reads them.
const BACKLOG: usize = 256;

/// What was found out about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is a transaction; nobody has said whether it is valid.
    Pending(TxId),
    /// It is none.
    Rejected,
}

/// One that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) finding: Finding,
    pub(super) zone: ZoneKind,
    expires: Instant,
}

/// What came in lately: as many and for as long as the core keeps them.
#[derive(Clone, Debug)]
pub(super) struct ReceivedList {
    limits: Limits,
    /// In the order of expiry, as all are kept equally long.
    arrivals: Arc<Mutex<VecDeque<Arrival>>>,
}

impl ReceivedList {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, arrivals: Arc::default() }
    }

    /// Adds one; a transaction that is there already, from the same zone, stays as it is.
    fn add(&self, now: Instant, finding: Finding, zone: ZoneKind) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        drop_expired(&mut arrivals, now);
        let known = |old: &Arrival| old.finding == finding && old.zone == zone && finding != Finding::Rejected;
        if arrivals.iter().any(known) {
            return;
        }
        if arrivals.len() >= self.limits.received_entries {
            arrivals.pop_front();
        }
        arrivals.push_back(Arrival { finding, zone, expires: now + self.limits.received_lifetime });
    }

    /// What is there, oldest first.
    pub(super) fn list(&self, now: Instant) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        drop_expired(&mut arrivals, now);
        arrivals.iter().copied().collect()
    }
}

fn drop_expired(arrivals: &mut VecDeque<Arrival>, now: Instant) {
    while arrivals.front().is_some_and(|oldest| oldest.expires <= now) {
        arrivals.pop_front();
    }
}

/// A transaction that nobody has looked at.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) ticket: Ticket,
    pub(super) zone: ZoneKind,
    pub(super) blob: Bytes,
}

/// The way to [`read_arrivals`].
pub(super) fn channel() -> (Sender<Unread>, Receiver<Unread>) {
    bounded(BACKLOG)
}

/// Reads transactions one after the other, on a thread where they delay no link; has the core close the link of one
/// that is none. Ends with the node.
pub(super) async fn read_arrivals(unread: Receiver<Unread>, list: ReceivedList, handle: Handle, clock: Clock) {
    while let Ok(Unread { ticket, zone, blob }) = unread.recv().await {
        let finding = match smol::unblock(move || tx::id_of(&blob)).await {
            Ok(id) => Finding::Pending(id),
            Err(_) => Finding::Rejected,
        };
        list.add(clock.now(), finding, zone);
        if finding == Finding::Rejected {
            // a stale ticket was dropped meanwhile, which is as good
            let resolved = handle.call(move |node, now| node.resolve_tx(now, ticket, Verdict::Reject)).await;
            if resolved.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn list(entries: usize) -> ReceivedList {
        let mut limits = Limits::new();
        (limits.received_entries, limits.received_lifetime) = (entries, 10 * SECOND);
        ReceivedList::new(limits)
    }

    fn pending(byte: u8) -> Finding {
        Finding::Pending(TxId::new([byte; 32]))
    }

    fn findings(list: &ReceivedList, now: Instant) -> Vec<Finding> {
        list.list(now).into_iter().map(|arrival| arrival.finding).collect()
    }

    #[test]
    fn entries_end_with_their_time() {
        let (list, start) = (list(9), Instant::from_micros(1));
        list.add(start, pending(1), ZoneKind::Tor);
        list.add(start + SECOND, pending(2), ZoneKind::Tor);
        assert_eq!(findings(&list, start + 9 * SECOND), [pending(1), pending(2)]);
        assert_eq!(findings(&list, start + 10 * SECOND), [pending(2)]);
        assert_eq!(findings(&list, start + 11 * SECOND), []);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (list, now) = (list(2), Instant::from_micros(1));
        for byte in 1..=3 {
            list.add(now, pending(byte), ZoneKind::Tor);
        }
        assert_eq!(findings(&list, now), [pending(2), pending(3)]);
    }

    #[test]
    fn a_transaction_is_listed_once_per_zone() {
        let (list, now) = (list(9), Instant::from_micros(1));
        for zone in [ZoneKind::Tor, ZoneKind::Tor, ZoneKind::I2p] {
            list.add(now, pending(1), zone);
            list.add(now, Finding::Rejected, zone);
        }
        let found = findings(&list, now);
        assert_eq!(found.iter().filter(|&&finding| finding == pending(1)).count(), 2);
        assert_eq!(found.iter().filter(|&&finding| finding == Finding::Rejected).count(), 3);
    }
}
