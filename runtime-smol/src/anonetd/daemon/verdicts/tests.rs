use std::collections::VecDeque;

use anonet_core::{Ticket, TxId, ZoneKind};
use bytes::Bytes;
use smol::Executor;

use super::super::fake::run;
use super::super::queue::tests::tickets;
use super::super::watch::tests::node;
use super::*;

const START: Instant = Instant::from_micros(1_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const LIFETIME: Duration = Duration::from_secs(3_600);

/// The scheduler, with its tasks played by the test.
struct Stage {
    verdicts: Verdicts,
    work: (Sender<Job>, Receiver<Job>),
    tickets: VecDeque<Ticket>,
}

impl Stage {
    fn new(executor: &Executor<'static>, cap: usize) -> Self {
        let mut limits = Limits::new();
        (limits.received_entries, limits.received_lifetime) = (cap, LIFETIME);
        let verdicts = Verdicts {
            handle: node(executor),
            state: DaemonState::new("127.0.0.1:1".into()),
            introduced: Introduced::new(LIFETIME),
            received: ReceivedList::new(limits),
            clock: Clock::start(),
            chance: Chance::fixed(),
            relays: true,
            queue: Verdicts::queue(&limits),
            asking: 0,
        };
        Self { verdicts, work: bounded(ASKERS), tickets: tickets(40) }
    }

    async fn arrive(&mut self, now: Instant, id: u8, pace: Pace) {
        self.arrive_with(now, id, pace, Bytes::from_static(b"tx")).await;
    }

    async fn arrive_with(&mut self, now: Instant, id: u8, pace: Pace, blob: Bytes) {
        let (zone, id) = (ZoneKind::Tor, TxId::new([id; 32]));
        let expires = self.verdicts.received.add(now, Some(id), zone, Outcome::Pending);
        let ticket = self.tickets.pop_front().unwrap();
        self.verdicts.arrived(now, Job { ticket, id, blob, zone, pace, expires, tries: 0 }).await.unwrap();
    }

    /// What the daemon would be asked about now.
    async fn asked(&mut self, now: Instant) -> Vec<Job> {
        while self.verdicts.asking < ASKERS && self.verdicts.queue.next_due().is_some_and(|at| at <= now) {
            self.verdicts.due(now, &self.work.0).await.unwrap();
        }
        std::iter::from_fn(|| self.work.1.try_recv().ok()).collect()
    }

    fn outcome(&self, id: u8) -> Outcome {
        let list = self.verdicts.received.list(START);
        list.iter().find(|arrival| arrival.id == Some(TxId::new([id; 32]))).unwrap().outcome
    }
}

#[test]
fn stems_of_anonymity_networks_wait_and_others_do_not() {
    run(async |executor| {
        let mut stage = Stage::new(executor, 4_096);
        let (mut waits, count) = (Vec::new(), 40);
        for id in 0..count {
            stage.arrive(START, id, Pace::Delayed).await;
        }
        while let Some(at) = stage.verdicts.queue.next_due() {
            let before = Instant::from_micros(at.as_micros() - 1);
            assert!(stage.asked(before).await.is_empty());
            for job in stage.asked(at).await {
                waits.push(at.saturating_since(START).as_secs_f64());
                stage.verdicts.answered(at, job, Ok(Answer::Unwanted)).await.unwrap();
            }
        }
        let mean = waits.iter().sum::<f64>() / f64::from(count);
        assert_eq!(waits.len(), usize::from(count));
        // 40 draws: three standard errors of the mean are 2.2 s
        assert!((20.3..24.7).contains(&mean), "{mean}");
        assert!(waits.iter().all(|wait| (3.0..60.0).contains(wait)) && waits.windows(2).any(|pair| pair[0] != pair[1]));

        let mut stage = Stage::new(executor, 4_096);
        stage.arrive(START, 1, Pace::Prompt).await;
        stage.arrive(START, 2, Pace::Prompt).await;
        assert_eq!(stage.asked(START).await.len(), 2);
    });
}

#[test]
fn answers_become_outcomes() {
    run(async |executor| {
        let mut stage = Stage::new(executor, 4_096);
        for (id, answer, outcome, introduced) in [
            (1, Answer::Relayed, Outcome::Accepted, true),
            (2, Answer::Known, Outcome::Known, false),
            (3, Answer::Invalid, Outcome::Rejected, false),
            (4, Answer::Unwanted, Outcome::Refused, false),
        ] {
            stage.arrive(START, id, Pace::Prompt).await;
            let job = stage.asked(START).await.pop().unwrap();
            assert_eq!(stage.outcome(id), Outcome::Pending);
            stage.verdicts.answered(START, job, Ok(answer)).await.unwrap();
            assert_eq!((stage.outcome(id), stage.verdicts.introduced.contains(&TxId::new([id; 32]))), (outcome, introduced));
        }
        for id in [1, 2] {
            stage.arrive(START, id, Pace::Prompt).await;
        }
        assert!(stage.asked(START).await.is_empty(), "what is out needs no second question");
        assert_eq!((stage.outcome(1), stage.outcome(2)), (Outcome::Accepted, Outcome::Known));
    });
}

#[test]
fn a_daemon_that_cannot_say_is_asked_again_until_the_time_is_up() {
    run(async |executor| {
        for answer in [Ok(Answer::Busy), Err(CallError::Refused), Err(CallError::Garbage), Err(CallError::NotServed)] {
            let mut stage = Stage::new(executor, 4_096);
            stage.arrive(START, 1, Pace::Prompt).await;
            let (mut now, mut tries) = (START, 0);
            while let Some(at) = stage.verdicts.queue.next_due() {
                let pause = at.saturating_since(now);
                assert!(tries == 0 || (2 * SECOND..=160 * SECOND).contains(&pause), "{pause:?}");
                now = at;
                for job in stage.asked(now).await {
                    tries += 1;
                    stage.verdicts.answered(now, job, answer).await.unwrap();
                    assert!(stage.outcome(1) == Outcome::Pending);
                }
            }
            assert_eq!(stage.outcome(1), Outcome::Dropped);
            assert!((24..60).contains(&tries) && now >= START + LIFETIME, "{tries}");
        }
    });
}

#[test]
fn the_caps_hold() {
    run(async |executor| {
        let mut stage = Stage::new(executor, 2);
        for id in 1..=3 {
            stage.arrive(START, id, Pace::Delayed).await;
        }
        // the third found no place, and the list had none for the first
        assert_eq!((stage.outcome(2), stage.outcome(3)), (Outcome::Pending, Outcome::Dropped));

        let mut stage = Stage::new(executor, 4_096);
        for (id, size, outcome) in [(1, MAX_SUBMIT, Outcome::Pending), (2, MAX_SUBMIT + 1, Outcome::TooLarge)] {
            stage.arrive_with(START, id, Pace::Prompt, vec![2; size].into()).await;
            assert_eq!(stage.outcome(id), outcome);
        }
        for id in 3..20 {
            stage.arrive(START, id, Pace::Prompt).await;
        }
        let mut asked = stage.asked(START).await;
        assert_eq!(asked.len(), ASKERS, "so many at once");
        stage.verdicts.answered(START, asked.pop().unwrap(), Ok(Answer::Known)).await.unwrap();
        assert_eq!(stage.asked(START).await.len(), 1);
    });
}
