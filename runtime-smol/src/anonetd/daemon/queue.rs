//! Transactions of peers that wait for their turn at the daemon. Pure: time goes in, jobs come out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::{Instant, Ticket, TxId, Verdict, ZoneKind};
use bytes::Bytes;

/// How long a transaction waits whose copy is being asked about.
const COPY_PAUSE: Duration = Duration::from_secs(1);

/// How long the first try is followed by the second if the daemon cannot say; doubles with each up to the last.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(160));

/// When the daemon is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Pace {
    /// After a random while, as it came as a stem over an anonymity network.
    Delayed,
    /// At once.
    Prompt,
}

/// One transaction of a peer.
#[derive(Clone, Debug)]
pub(in super::super) struct Job {
    pub(in super::super) ticket: Ticket,
    pub(in super::super) id: TxId,
    pub(in super::super) blob: Bytes,
    pub(in super::super) zone: ZoneKind,
    pub(in super::super) pace: Pace,
    /// When it is of no use any more.
    pub(in super::super) expires: Instant,
    /// How often the daemon could not say; 0 for a new one.
    pub(in super::super) tries: u32,
}

/// What is to be done with the one that is due.
#[derive(Debug)]
pub(super) enum Due {
    /// Ask the daemon.
    Ask(Job),
    /// The daemon has said this of a copy.
    Copy(Job, Verdict),
    /// It has waited too long.
    Expired(Job),
}

/// The jobs by their time, and what became of earlier ones.
#[derive(Debug)]
pub(super) struct Queue {
    cap: usize,
    /// How long a verdict is remembered.
    memory: Duration,
    waiting: BTreeMap<(Instant, u64), Job>,
    count: u64,
    asking: BTreeSet<TxId>,
    settled: BTreeMap<TxId, (Verdict, Instant)>,
    settled_by_age: BTreeSet<(Instant, TxId)>,
}

impl Queue {
    /// A queue of at most `cap` jobs, that remembers as many verdicts, for `memory`.
    pub(super) const fn new(cap: usize, memory: Duration) -> Self {
        Self {
            cap,
            memory,
            waiting: BTreeMap::new(),
            count: 0,
            asking: BTreeSet::new(),
            settled: BTreeMap::new(),
            settled_by_age: BTreeSet::new(),
        }
    }

    /// Takes a job in for a time; gives it back if there are too many.
    pub(super) fn put(&mut self, at: Instant, job: Job) -> Result<(), Job> {
        if self.waiting.len() >= self.cap {
            return Err(job);
        }
        self.count += 1;
        self.waiting.insert((at, self.count), job);
        Ok(())
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(&(at, _), _)| at)
    }

    /// The next one that is due; after [`Due::Ask`] the queue has to be told the outcome.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let job = first.remove();
            if job.expires <= now {
                return Some(Due::Expired(job));
            }
            if let Some(&(verdict, until)) = self.settled.get(&job.id)
                && until > now
            {
                return Some(Due::Copy(job, verdict));
            }
            if self.asking.insert(job.id) {
                return Some(Due::Ask(job));
            }
            // there is room, as it was taken out just now
            let _ = self.put(now + COPY_PAUSE, job);
        }
        None
    }

    /// The daemon has said something of this transaction, or could not.
    pub(super) fn asked(&mut self, id: TxId) {
        self.asking.remove(&id);
    }

    /// The daemon has said of a transaction what holds for copies of it, too.
    pub(super) fn settled(&mut self, now: Instant, id: TxId, verdict: Verdict) {
        let until = now + self.memory;
        if let Some((_, before)) = self.settled.insert(id, (verdict, until)) {
            self.settled_by_age.remove(&(before, id));
        }
        self.settled_by_age.insert((until, id));
        while self.settled_by_age.len() > self.cap || self.settled_by_age.first().is_some_and(|&(until, _)| until <= now) {
            let Some((_, oldest)) = self.settled_by_age.pop_first() else { break };
            self.settled.remove(&oldest);
        }
    }
}

/// How long to wait after the daemon could not say for the `tries`-th time, the first being 1.
pub(super) fn retry_after(tries: u32) -> Duration {
    RETRY.0.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(RETRY.1)
}

#[cfg(test)]
pub(in super::super) mod tests;
