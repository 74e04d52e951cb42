//! Keeps the stash on disk in step with the node: that a transaction was accepted, and who may know of it, is written
//! down before it happens.

mod changes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::{Instant, LocalTx, StoredTx, TxId, Use};
use async_io::Timer;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::or;
use tracing::{error, info};

pub(super) use self::changes::Changes;
use self::changes::Unwritten;
use super::late;
use super::local_node::{Abandoned, Accepted, NotAbandoned, NotAccepted, forget, take_in};
use super::own::OwnTx;
use super::status::Reporter;
use super::troubles::{Part, Troubles};
use crate::clock::Clock;
use crate::handle::{Handle, Stopped};
use crate::store::{Exposed, Inserted, Store, StoreError};

/// Between a failed write and the next try.
const PAUSE: Duration = Duration::from_secs(5);

/// Submissions that wait for the disk; further callers wait for a place.
const BACKLOG: usize = 64;

/// A transaction that a caller wants to have accepted.
#[derive(Debug)]
struct Submission {
    own: OwnTx,
    tx: LocalTx,
    answer: Sender<Result<Accepted, NotAccepted>>,
}

/// A transaction that a caller wants to have forgotten.
#[derive(Debug)]
struct Abandonment {
    id: TxId,
    answer: Sender<Result<Abandoned, NotAbandoned>>,
}

/// What callers want.
#[derive(Debug)]
enum Wish {
    Take(Submission),
    Abandon(Abandonment),
}

/// What the keeper does next.
#[derive(Debug)]
enum Job {
    Grant(Wish),
    /// Tell the disk what the node said.
    Write,
}

/// The way to the keeper for callers.
#[derive(Clone, Debug)]
pub(super) struct Counter(Sender<Wish>);

impl Counter {
    /// Has a transaction stored and handed to the node. What was begun is finished also if the caller goes away.
    pub(super) async fn submit(&self, own: OwnTx, tx: LocalTx) -> Result<Accepted, NotAccepted> {
        let (answer, answered) = bounded(1);
        self.0.send(Wish::Take(Submission { own, tx, answer })).await.map_err(|_| Stopped)?;
        answered.recv().await.map_err(|_| Stopped)?
    }

    /// Has a transaction forgotten and its row removed.
    pub(super) async fn abandon(&self, id: TxId) -> Result<Abandoned, NotAbandoned> {
        let (answer, answered) = bounded(1);
        self.0.send(Wish::Abandon(Abandonment { id, answer })).await.map_err(|_| Stopped)?;
        answered.recv().await.map_err(|_| Stopped)?
    }
}

/// The one task that writes to the store, so that no two of its steps can come between each other.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Store,
    changes: Changes,
    woken: Receiver<()>,
    wishes: Receiver<Wish>,
    counter: Counter,
    /// Where it says that the disk fails.
    troubles: Troubles,
    clock: Clock,
    /// How long a transaction is kept.
    lifetime: Duration,
}

impl Keeper {
    pub(super) fn new(store: Store, troubles: Troubles, clock: Clock, lifetime: Duration) -> Self {
        let (changes, woken) = Changes::new();
        let (counter, wishes) = bounded(BACKLOG);
        Self { store, changes, woken, wishes, counter: Counter(counter), troubles, clock, lifetime }
    }

    pub(super) fn changes(&self) -> Changes {
        self.changes.clone()
    }

    pub(super) fn counter(&self) -> Counter {
        self.counter.clone()
    }

    /// Works until it is dropped.
    pub(super) async fn run(self, handle: Handle, reporter: Reporter) {
        let mut retry = Timer::never();
        loop {
            if self.troubles.has(Part::Stash) && !retry.will_fire() {
                retry = Timer::after(PAUSE);
            }
            let due = async {
                or(self.woken.recv(), async {
                    (&mut retry).await;
                    Ok(())
                })
                .await
                .map(|()| Job::Write)
            };
            match or(due, async { self.wishes.recv().await.map(Job::Grant) }).await {
                Ok(Job::Grant(Wish::Take(submission))) => self.take(submission, &handle, &reporter).await,
                Ok(Job::Grant(Wish::Abandon(Abandonment { id, answer }))) => {
                    let abandoned = self.abandon(id, &handle).await;
                    if let Err(NotAbandoned::Store(error)) = &abandoned {
                        self.say_failure(error);
                    }
                    let _ = answer.try_send(abandoned);
                }
                Ok(Job::Write) => {
                    retry = Timer::never();
                    // a node that has stopped lets nothing go, so there is nothing to write down
                    if let Err(WriteError::Store(error)) = self.write(&handle).await {
                        self.say_failure(&error);
                    }
                }
                // not reached, as the keeper holds the other ends of its channels
                Err(_) => return,
            }
        }
    }

    async fn take(&self, submission: Submission, handle: &Handle, reporter: &Reporter) {
        let Submission { own, tx, answer } = submission;
        let result = self.accept(own, tx, handle, reporter.clone()).await;
        if let Err(NotAccepted::Store(error)) = &result {
            self.say_failure(error);
        }
        // the caller may have gone
        let _ = answer.try_send(result);
    }

    /// The node first, so that nothing is sent after the row is gone; the row also if the node knows of none, as it may
    /// have had no place for it.
    async fn abandon(&self, id: TxId, handle: &Handle) -> Result<Abandoned, NotAbandoned> {
        let forgotten = forget(handle, id).await;
        if !matches!(forgotten, Err(NotAbandoned::Stopped(_))) {
            self.changes.forget(id);
            self.store.remove(vec![id]).await?;
        }
        forgotten
    }

    async fn accept(&self, own: OwnTx, tx: LocalTx, handle: &Handle, reporter: Reporter) -> Result<Accepted, NotAccepted> {
        let id = own.id;
        let stamp = self.clock.to_wall(self.clock.now());
        let inserted = self.store.insert(id, stamp, own.blob.clone()).await?;
        let is_new = inserted == Inserted::New;
        // who hands in again what was kept for too long wants it sent
        let is_late = matches!(&inserted, Inserted::Known { submitted, .. } if late::is_late(*submitted, stamp, self.lifetime));
        if is_late {
            self.store.set_submitted(vec![(id, stamp)]).await?;
        }
        let clock = self.clock;
        let taken = handle.call(move |node, now| {
            take_in(node, now, &reporter, own, |node| match inserted {
                // from an earlier run, or just given up: it goes on as it was
                Inserted::Known { submitted, exposed: Exposed { exposure, uses } } => {
                    let submitted = if is_late { now } else { clock.from_wall(submitted) };
                    node.restore_tx(now, StoredTx { id, tx, submitted, exposure, uses })
                }
                _ => node.submit_tx(now, id, tx),
            })
        });
        let accepted = taken.await.map_err(NotAccepted::from).and_then(|accepted| accepted);
        if accepted.is_err() && is_new && self.store.remove(vec![id]).await.is_err() {
            self.changes.ended(id);
        }
        accepted
    }

    /// Writes down what the node said since the last time.
    async fn write(&self, handle: &Handle) -> Result<(), WriteError> {
        let Unwritten { exposed, ended, clock_set } = self.changes.take();
        let (exposing, ending) = (self.expose(&exposed, handle).await, self.end(&ended, handle).await);
        let stamping = if clock_set { self.stamp(handle).await } else { Ok(()) };
        if exposing.is_err() {
            self.changes.put_back(Unwritten { exposed, ..Unwritten::default() });
        }
        if ending.is_err() {
            self.changes.put_back(Unwritten { ended, ..Unwritten::default() });
        }
        if stamping.is_err() {
            self.changes.put_back(Unwritten { clock_set, ..Unwritten::default() });
        }
        exposing.and(ending).and(stamping)?;
        if self.troubles.has(Part::Stash) {
            // what was refused meanwhile was perhaps larger than what has just found room
            self.store.try_room().await?;
            self.troubles.end(Part::Stash);
            info!("the stash on disk can be written again");
        }
        Ok(())
    }

    async fn expose(&self, exposed: &BTreeMap<TxId, Exposed>, handle: &Handle) -> Result<(), WriteError> {
        if exposed.is_empty() {
            return Ok(());
        }
        let stamped = |(&id, Exposed { exposure, uses }): (&TxId, &Exposed)| {
            let uses = uses.iter().map(|used| Use { at: self.clock.to_wall(used.at), ..*used }).collect();
            (id, Exposed { exposure: *exposure, uses })
        };
        let recorded = self.store.set_exposed(exposed.iter().map(stamped).collect()).await?;
        if recorded.len() < exposed.len() {
            let count = exposed.len() - recorded.len();
            error!(
                "{count} own transactions are missing in the stash on disk and do not leave: submit them again after a restart"
            );
        }
        let recorded: Vec<_> = recorded.into_iter().map(|id| (id, exposed[&id].uses.len())).collect();
        let recorded = handle.call(move |node, now| recorded.into_iter().for_each(|(id, uses)| node.recorded(now, id, uses)));
        Ok(recorded.await?)
    }

    /// Has the rows be as old by the wall clock as the node knows them to be.
    async fn stamp(&self, handle: &Handle) -> Result<(), WriteError> {
        let (clock, lifetime) = (self.clock, self.lifetime);
        let stamps = handle.call(move |node, _| {
            let submitted =
                |expires: Instant| Instant::from_micros(expires.as_micros().saturating_sub(lifetime.as_micros() as u64));
            node.stash().map(|entry| (entry.id, clock.to_wall(submitted(entry.expires)))).collect::<Vec<_>>()
        });
        Ok(self.store.set_submitted(stamps.await?).await?)
    }

    /// Removes what the node has no more, unless it was submitted again meanwhile.
    async fn end(&self, ended: &BTreeSet<TxId>, handle: &Handle) -> Result<(), WriteError> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut gone = ended.clone();
        let absent = handle.call(move |node, _| {
            for entry in node.stash() {
                gone.remove(&entry.id);
            }
            gone
        });
        let absent = absent.await?;
        Ok(self.store.remove(absent.into_iter().collect()).await?)
    }

    fn say_failure(&self, failure: &StoreError) {
        // of one entry that cannot be read the caller alone has to know
        if matches!(failure, StoreError::ForeignRow { .. }) {
            return;
        }
        let reason = format!("the stash on disk cannot be written, so own transactions stay here until it can: {failure}");
        if self.troubles.begin(Part::Stash, &reason) {
            error!("{reason}");
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
