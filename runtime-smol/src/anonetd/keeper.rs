//! Keeps the stash on disk in step with the node: that a transaction was accepted, and who may know of it, is written
//! down before it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anonet_core::{Exposure, LocalTx, StoredTx, TxId};
use async_io::Timer;
use bytes::Bytes;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::or;
use tracing::{error, info};

use super::local_node::{Accepted, NotAccepted, take_in};
use super::status::Reporter;
use crate::clock::Clock;
use crate::handle::{Handle, Stopped};
use crate::store::{Inserted, Store, StoreError};

/// Between a failed write and the next try.
const PAUSE: Duration = Duration::from_secs(5);

/// Submissions that wait for the disk; further callers wait for a place.
const BACKLOG: usize = 64;

/// What the node said and the disk has not been told: at most one exposure and one end for each own transaction.
#[derive(Debug, Default)]
struct Unwritten {
    exposed: BTreeMap<TxId, Exposure>,
    expired: BTreeSet<TxId>,
}

/// Where the node's events of own transactions go.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    unwritten: Arc<Mutex<Unwritten>>,
    wake: Sender<()>,
}

impl Changes {
    /// The node wants to let a transaction go.
    pub(super) fn exposing(&self, id: TxId, exposure: Exposure) {
        self.unwritten().exposed.insert(id, exposure);
        self.wake();
    }

    /// The node has given a transaction up.
    pub(super) fn expired(&self, id: TxId) {
        self.unwritten().expired.insert(id);
        self.wake();
    }

    fn wake(&self) {
        // a full channel has woken the keeper already
        let _ = self.wake.try_send(());
    }

    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that a caller wants to have accepted.
#[derive(Debug)]
struct Submission {
    id: TxId,
    tx: LocalTx,
    blob: Vec<u8>,
    answer: Sender<Result<Accepted, NotAccepted>>,
}

/// What the keeper does next.
#[derive(Debug)]
enum Job {
    Take(Submission),
    /// Tell the disk what the node said.
    Write,
}

/// The way to the keeper for callers.
#[derive(Clone, Debug)]
pub(super) struct Counter(Sender<Submission>);

impl Counter {
    /// Has a transaction stored and handed to the node. What was begun is finished also if the caller goes away.
    pub(super) async fn submit(&self, id: TxId, tx: LocalTx, blob: Vec<u8>) -> Result<Accepted, NotAccepted> {
        let (answer, answered) = bounded(1);
        self.0.send(Submission { id, tx, blob, answer }).await.map_err(|_| Stopped)?;
        answered.recv().await.map_err(|_| Stopped)?
    }
}

/// The one task that writes to the store, so that no two of its steps can come between each other.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Store,
    changes: Changes,
    woken: Receiver<()>,
    submissions: Receiver<Submission>,
    counter: Counter,
    /// Whether the last write failed, so that the log says it once.
    failing: bool,
}

impl Keeper {
    pub(super) fn new(store: Store) -> Self {
        let (wake, woken) = bounded(1);
        let (counter, submissions) = bounded(BACKLOG);
        let changes = Changes { unwritten: Arc::default(), wake };
        Self { store, changes, woken, submissions, counter: Counter(counter), failing: false }
    }

    pub(super) fn changes(&self) -> Changes {
        self.changes.clone()
    }

    pub(super) fn counter(&self) -> Counter {
        self.counter.clone()
    }

    /// Works until it is dropped.
    pub(super) async fn run(mut self, handle: Handle, reporter: Reporter, clock: Clock) {
        let mut retry = Timer::never();
        loop {
            let due = async {
                or(self.woken.recv(), async {
                    (&mut retry).await;
                    Ok(())
                })
                .await
                .map(|()| Job::Write)
            };
            match or(due, async { self.submissions.recv().await.map(Job::Take) }).await {
                Ok(Job::Take(submission)) => self.take(submission, &handle, &reporter, clock).await,
                Ok(Job::Write) => match self.write(&handle).await {
                    Err(WriteError::Store(error)) => {
                        self.say_failure(&error);
                        retry = Timer::after(PAUSE);
                    }
                    // a node that has stopped lets nothing go, so there is nothing to write down
                    Ok(()) | Err(WriteError::Stopped(_)) => retry = Timer::never(),
                },
                // not reached, as the keeper holds the other ends of its channels
                Err(_) => return,
            }
        }
    }

    async fn take(&self, submission: Submission, handle: &Handle, reporter: &Reporter, clock: Clock) {
        let Submission { id, tx, blob, answer } = submission;
        let result = self.accept(id, tx, blob, handle, reporter.clone(), clock).await;
        // the caller may have gone
        let _ = answer.try_send(result);
    }

    async fn accept(
        &self,
        id: TxId,
        tx: LocalTx,
        blob: Vec<u8>,
        handle: &Handle,
        reporter: Reporter,
        clock: Clock,
    ) -> Result<Accepted, NotAccepted> {
        let inserted = self.store.insert(id, clock.now(), Bytes::from(blob)).await?;
        let taken = handle.call(move |node, now| {
            take_in(node, now, &reporter, id, |node| match inserted {
                // from an earlier run, or just given up: it goes on as it was
                Inserted::Known { submitted, exposure } => node.restore_tx(now, StoredTx { id, tx, submitted, exposure }),
                _ => node.submit_tx(now, id, tx),
            })
        });
        let accepted = taken.await.map_err(NotAccepted::from).and_then(|accepted| accepted);
        if accepted.is_err() && inserted == Inserted::New && self.store.remove(vec![id]).await.is_err() {
            self.changes.expired(id);
        }
        accepted
    }

    /// Writes down what the node said since the last time.
    async fn write(&mut self, handle: &Handle) -> Result<(), WriteError> {
        let Unwritten { exposed, expired } = std::mem::take(&mut *self.changes.unwritten());
        let (exposing, ending) = (self.expose(&exposed, handle).await, self.end(&expired, handle).await);
        let mut unwritten = self.changes.unwritten();
        if exposing.is_err() {
            for (id, exposure) in exposed {
                unwritten.exposed.entry(id).or_insert(exposure);
            }
        }
        if ending.is_err() {
            unwritten.expired.extend(expired);
        }
        drop(unwritten);
        exposing.and(ending)?;
        if std::mem::take(&mut self.failing) {
            info!("the stash on disk can be written again");
        }
        Ok(())
    }

    async fn expose(&self, exposed: &BTreeMap<TxId, Exposure>, handle: &Handle) -> Result<(), WriteError> {
        if exposed.is_empty() {
            return Ok(());
        }
        let recorded = self.store.set_exposure(exposed.iter().map(|(&id, &exposure)| (id, exposure)).collect()).await?;
        if recorded.len() < exposed.len() {
            let count = exposed.len() - recorded.len();
            error!(
                "{count} own transactions are missing in the stash on disk and do not leave: submit them again after a restart"
            );
        }
        let recorded = handle.call(move |node, now| recorded.into_iter().for_each(|id| node.recorded(now, id)));
        Ok(recorded.await?)
    }

    /// Removes what the node has given up, unless it was submitted again meanwhile.
    async fn end(&self, expired: &BTreeSet<TxId>, handle: &Handle) -> Result<(), WriteError> {
        if expired.is_empty() {
            return Ok(());
        }
        let mut gone = expired.clone();
        let absent = handle.call(move |node, _| {
            for entry in node.stash() {
                gone.remove(&entry.id);
            }
            gone
        });
        let absent = absent.await?;
        Ok(self.store.remove(absent.into_iter().collect()).await?)
    }

    fn say_failure(&mut self, failure: &StoreError) {
        if !std::mem::replace(&mut self.failing, true) {
            error!("the stash on disk cannot be written, so own transactions stay here until it can: {failure}");
        }
    }
}

/// Why the disk was not told.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

#[cfg(test)]
mod tests;
