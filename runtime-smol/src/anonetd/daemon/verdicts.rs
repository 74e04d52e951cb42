//! What the daemon says to the transactions of peers, and what follows from that.
//!
//! The verdict is the answer to an ordinary submission, made once a stem from an anonymity network has waited: so the
//! daemon relays what is valid, as this node does on its own public links. What the daemon has told the network already is
//! forgotten here, as monerod passes on nothing that its pool knows: a peer that sends it once more learns no more than
//! from any node. A copy of what was accepted is accepted, too, as the core knows what a further copy is worth.

use std::sync::Arc;
use std::time::Duration;

use anonet_core::{Instant, Limits, Verdict};
use async_io::Timer;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::{or, pending};

use super::super::received::{Outcome, ReceivedList};
use super::chance::Chance;
use super::client::{CallError, HttpClient};
use super::introduced::Introduced;
use super::queue::{Due, Job, Pace, Queue, retry_after};
use super::rpc::{Answer, MAX_SUBMIT};
use super::state::DaemonState;
use crate::clock::Clock;
use crate::handle::{Handle, Stopped};

/// Transactions that the daemon is asked about at once: as many as monerod verifies side by side on a small machine.
pub(super) const ASKERS: usize = 4;

/// Arrivals and answers that wait for the scheduler; who brings more waits.
const BACKLOG: usize = 64;

/// What the scheduler is told.
#[derive(Debug)]
pub(super) enum Message {
    New(Job),
    Asked(Job, Result<Answer, CallError>),
}

/// Where transactions of peers are handed in.
#[derive(Clone, Debug)]
pub(in super::super) struct Desk(Sender<Message>);

impl Desk {
    pub(super) fn new() -> (Self, Receiver<Message>) {
        let (sender, messages) = bounded(BACKLOG);
        (Self(sender), messages)
    }

    /// Hands one in; waits while too many are on their way.
    pub(in super::super) async fn hand_in(&self, job: Job) {
        // an error says that the node has stopped
        let _ = self.0.send(Message::New(job)).await;
    }
}

/// Asks the daemon about one transaction after the other. As many of these run as the daemon is asked about at once.
pub(super) async fn ask(client: Arc<HttpClient>, work: Receiver<Job>, desk: Desk) {
    while let Ok(job) = work.recv().await {
        let answer = client.send(&job.blob).await;
        if desk.0.send(Message::Asked(job, answer)).await.is_err() {
            return;
        }
    }
}

/// The one task that decides when the daemon is asked, and what its answers mean.
#[derive(Debug)]
pub(super) struct Verdicts {
    pub(super) handle: Handle,
    pub(super) state: DaemonState,
    pub(super) introduced: Introduced,
    pub(super) received: ReceivedList,
    pub(super) clock: Clock,
    pub(super) chance: Chance,
    /// Whether this node has public links of its own to relay by.
    pub(super) relays: bool,
    pub(super) queue: Queue,
    /// Transactions that the daemon is being asked about.
    pub(super) asking: usize,
}

enum Step {
    Due,
    Told(Message),
    End,
}

impl Verdicts {
    pub(super) const fn queue(limits: &Limits) -> Queue {
        Queue::new(limits.received_entries, limits.received_lifetime)
    }

    /// Works until the node has stopped.
    pub(super) async fn run(mut self, messages: Receiver<Message>, work: Sender<Job>) {
        loop {
            let wait = self.queue.next_due().filter(|_| self.asking < ASKERS).map(|at| at.saturating_since(self.clock.now()));
            let due = async {
                match wait {
                    Some(span) => drop(Timer::after(span).await),
                    None => pending().await,
                }
                Step::Due
            };
            let told = async { messages.recv().await.map_or(Step::End, Step::Told) };
            let done = match or(due, told).await {
                Step::Due => self.due(self.clock.now(), &work).await,
                Step::Told(Message::New(job)) => self.arrived(self.clock.now(), job).await,
                Step::Told(Message::Asked(job, answer)) => self.answered(self.clock.now(), job, answer).await,
                Step::End => return,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn arrived(&mut self, now: Instant, job: Job) -> Result<(), Stopped> {
        if job.blob.len() > MAX_SUBMIT {
            return self.resolve(&job, Verdict::Forget, Outcome::TooLarge).await;
        }
        let wait = if job.pace == Pace::Delayed { self.chance.forward_delay() } else { Duration::ZERO };
        self.put(now + wait, job).await
    }

    async fn put(&mut self, at: Instant, job: Job) -> Result<(), Stopped> {
        match self.queue.put(at, job) {
            Ok(()) => Ok(()),
            Err(job) => self.resolve(&job, Verdict::Forget, Outcome::Dropped).await,
        }
    }

    async fn due(&mut self, now: Instant, work: &Sender<Job>) -> Result<(), Stopped> {
        match self.queue.pop_due(now) {
            Some(Due::Ask(job)) => {
                self.received.set(&job, Outcome::Pending);
                self.asking += 1;
                // there is a place for each one that is being asked about
                work.try_send(job).map_err(|_| Stopped)
            }
            Some(Due::Copy(job, verdict)) => self.resolve(&job, verdict, Outcome::Known).await,
            Some(Due::Expired(job)) => self.resolve(&job, Verdict::Forget, Outcome::Dropped).await,
            None => Ok(()),
        }
    }

    async fn answered(&mut self, now: Instant, mut job: Job, answer: Result<Answer, CallError>) -> Result<(), Stopped> {
        self.asking -= 1;
        self.queue.asked(job.id);
        let (verdict, outcome) = match answer {
            Ok(Answer::Relayed) => {
                self.introduced.add(now, job.id);
                self.queue.settled(now, job.id, Verdict::Accept);
                (Verdict::Accept, Outcome::Accepted)
            }
            Ok(Answer::Known) => {
                self.queue.settled(now, job.id, Verdict::Forget);
                (Verdict::Forget, Outcome::Known)
            }
            Ok(Answer::Invalid) => (Verdict::Reject, Outcome::Rejected),
            Ok(Answer::Unwanted) => (Verdict::Forget, Outcome::Refused),
            Ok(Answer::Busy) | Err(_) => {
                if let Err(why) = answer {
                    self.state.fails(why);
                }
                job.tries += 1;
                let pause = retry_after(job.tries);
                let pause = self.chance.between(pause / 2, pause);
                return self.put(now + pause, job).await;
            }
        };
        self.resolve(&job, verdict, outcome).await
    }

    async fn resolve(&self, job: &Job, verdict: Verdict, outcome: Outcome) -> Result<(), Stopped> {
        self.received.set(job, outcome);
        // without a public link of our own the daemon's relaying is all there is
        let verdict = if verdict == Verdict::Accept && !self.relays { Verdict::Forget } else { verdict };
        let ticket = job.ticket;
        // a stale ticket has expired meanwhile
        let resolved = self.handle.call(move |node, now| node.resolve_tx(now, ticket, verdict));
        resolved.await.map(|_| ())
    }
}

#[cfg(test)]
mod tests;
