//! Transactions that peers sent: their form is checked here, and what is one goes to the daemon, if there is one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonet_core::wire::TxForm;
use anonet_core::{Instant, Limits, Ticket, TxId, Verdict, ZoneKind};
use bytes::Bytes;
use smol::channel::{Receiver, Sender, bounded};

use super::daemon::{Desk, Job, Pace};
use super::tx;
use crate::clock::Clock;
use crate::handle::{Handle, Stopped};

/// Arrivals that wait for the one task which reads them.
const BACKLOG: usize = 256;

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nobody has said yet whether it is valid.
    Pending,
    /// The daemon is asked after a random while, as it came as a stem over an anonymity network.
    Delayed,
    /// It is valid, and goes on to the public network.
    Accepted,
    /// The public network has it already.
    Known,
    /// The daemon does not take it, for a reason that an honest peer may not have known.
    Refused,
    /// It is no valid transaction; the link that it came by was closed.
    Rejected,
    /// It is too large for the daemon's RPC.
    TooLarge,
    /// The daemon could not say in time, or too many waited.
    Dropped,
}

impl Outcome {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delayed => "delayed",
            Self::Accepted => "accepted",
            Self::Known => "known",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::TooLarge => "too-large",
            Self::Dropped => "dropped",
        }
    }
}

/// One that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Absent if it is no transaction at all.
    pub(super) id: Option<TxId>,
    pub(super) zone: ZoneKind,
    pub(super) outcome: Outcome,
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

    /// Adds one; a transaction that is there already, from the same zone, stays as it is. Says when it expires.
    pub(super) fn add(&self, now: Instant, id: Option<TxId>, zone: ZoneKind, outcome: Outcome) -> Instant {
        let expires = now + self.limits.received_lifetime;
        let mut arrivals = self.arrivals();
        drop_expired(&mut arrivals, now);
        if arrivals.iter().any(|old| old.id == id && old.zone == zone && id.is_some()) {
            return expires;
        }
        if arrivals.len() >= self.limits.received_entries {
            arrivals.pop_front();
        }
        arrivals.push_back(Arrival { id, zone, outcome, expires });
        expires
    }

    /// Says what became of one. What was let go or is invalid stays so, whatever becomes of a copy.
    pub(super) fn set(&self, job: &Job, outcome: Outcome) {
        let is_it = |arrival: &&mut Arrival| arrival.id == Some(job.id) && arrival.zone == job.zone;
        if let Some(arrival) = self.arrivals().iter_mut().find(is_it)
            && matches!(arrival.outcome, Outcome::Pending | Outcome::Delayed)
        {
            arrival.outcome = outcome;
        }
    }

    /// What is there, oldest first.
    pub(super) fn list(&self, now: Instant) -> Vec<Arrival> {
        let mut arrivals = self.arrivals();
        drop_expired(&mut arrivals, now);
        arrivals.iter().copied().collect()
    }

    fn arrivals(&self) -> MutexGuard<'_, VecDeque<Arrival>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(super) form: TxForm,
    pub(super) blob: Bytes,
}

impl Unread {
    /// A stem from an anonymity network waits before it goes on; what is for all to know does not.
    const fn pace(&self) -> Pace {
        match self.form {
            TxForm::Stem if self.zone.is_anonymity() => Pace::Delayed,
            _ => Pace::Prompt,
        }
    }
}

/// The way to [`Reader::run`].
pub(super) fn channel() -> (Sender<Unread>, Receiver<Unread>) {
    bounded(BACKLOG)
}

/// Reads transactions one after the other, on a thread where they delay no link.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) list: ReceivedList,
    pub(super) handle: Handle,
    pub(super) clock: Clock,
    /// Where the daemon is asked. Without one they wait until the core forgets them.
    pub(super) desk: Option<Desk>,
}

impl Reader {
    /// Reads until the node has stopped.
    pub(super) async fn run(self, unread: Receiver<Unread>) {
        while let Ok(next) = unread.recv().await {
            if self.read(next).await.is_err() {
                return;
            }
        }
    }

    async fn read(&self, unread: Unread) -> Result<(), Stopped> {
        let pace = unread.pace();
        let Unread { ticket, zone, blob, .. } = unread;
        let parsed = blob.clone();
        let Ok(id) = smol::unblock(move || tx::id_of(&parsed)).await else {
            self.list.add(self.clock.now(), None, zone, Outcome::Rejected);
            // a stale ticket was dropped meanwhile, which is as good
            let resolved = self.handle.call(move |node, now| node.resolve_tx(now, ticket, Verdict::Reject));
            return resolved.await.map(|_| ());
        };
        // for each one alike, whoever's it is
        self.handle.call(move |node, now| node.echo(now, ticket, id)).await?;
        let outcome = match (&self.desk, pace) {
            (Some(_), Pace::Delayed) => Outcome::Delayed,
            _ => Outcome::Pending,
        };
        let expires = self.list.add(self.clock.now(), Some(id), zone, outcome);
        if let Some(desk) = &self.desk {
            desk.hand_in(Job { ticket, id, blob, zone, pace, expires, tries: 0 }).await;
        }
        Ok(())
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

    fn id(byte: u8) -> Option<TxId> {
        Some(TxId::new([byte; 32]))
    }

    fn add(list: &ReceivedList, now: Instant, id: Option<TxId>, zone: ZoneKind) {
        list.add(now, id, zone, Outcome::Pending);
    }

    fn ids(list: &ReceivedList, now: Instant) -> Vec<Option<TxId>> {
        list.list(now).into_iter().map(|arrival| arrival.id).collect()
    }

    #[test]
    fn entries_end_with_their_time() {
        let (list, start) = (list(9), Instant::from_micros(1));
        add(&list, start, id(1), ZoneKind::Tor);
        add(&list, start + SECOND, id(2), ZoneKind::Tor);
        assert_eq!(ids(&list, start + 9 * SECOND), [id(1), id(2)]);
        assert_eq!(ids(&list, start + 10 * SECOND), [id(2)]);
        assert_eq!(ids(&list, start + 11 * SECOND), []);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (list, now) = (list(2), Instant::from_micros(1));
        for byte in 1..=3 {
            add(&list, now, id(byte), ZoneKind::Tor);
        }
        assert_eq!(ids(&list, now), [id(2), id(3)]);
    }

    #[test]
    fn a_transaction_is_listed_once_per_zone() {
        let (list, now) = (list(9), Instant::from_micros(1));
        for zone in [ZoneKind::Tor, ZoneKind::Tor, ZoneKind::I2p] {
            add(&list, now, id(1), zone);
            add(&list, now, None, zone);
        }
        let found = ids(&list, now);
        assert_eq!(found.iter().filter(|&&found| found == id(1)).count(), 2);
        assert_eq!(found.iter().filter(|&&found| found.is_none()).count(), 3);
    }
}
