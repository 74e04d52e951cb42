//! The own transactions of a run: a naive model of what the node may do with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::{
    Config, Durability, Event, Exposure, Instant, LocalTx, Node, StashState, StoredTx, SubmitError, Submitted, TxId, Use,
};

use super::setup::host;
use super::stream::{End, Stream, blob};

#[derive(Debug)]
struct Kept {
    size: usize,
    submitted: Instant,
    /// The step in which it was submitted; none for one that was restored.
    step: u64,
    /// An earlier one had its number, so that what is on its way may be that one's.
    vague: bool,
    /// What was written down of it, and whether more is asked for.
    stored: Option<Vec<Use>>,
    asked: bool,
    /// Hosts to which a part of it was written, in this run and in earlier ones.
    begun: BTreeSet<u8>,
    /// Of those, who may never get it again: it has surely read it, or may have done so in an earlier run.
    had: BTreeSet<u8>,
    /// Those that have surely read it in this run.
    proven: BTreeSet<u8>,
    /// How often it arrived whole, and how often the node said so.
    arrived: usize,
    handed: usize,
}

#[derive(Debug)]
pub(super) struct Own {
    durability: Durability,
    lifetime: Duration,
    least_uptime: Duration,
    /// The most bytes that some courier holds.
    largest: usize,
    started: Instant,
    kept: BTreeMap<u8, Kept>,
    /// Numbers that were in use once.
    known: BTreeSet<u8>,
    /// Hand-overs that were seen on the line.
    pub(super) arrivals: usize,
    /// Streams that ended before what they carried had surely been read, and restarts.
    pub(super) broken: usize,
}

impl Own {
    pub(super) fn new(config: &Config, started: Instant) -> Self {
        Self {
            durability: config.durability,
            lifetime: config.limits.stash_lifetime,
            least_uptime: config.courier.uptime.0,
            largest: if config.courier.every[2].is_zero() { 12_079 } else { 194_419 },
            started,
            kept: BTreeMap::new(),
            known: BTreeSet::new(),
            arrivals: 0,
            broken: 0,
        }
    }

    /// Drops what is too old.
    pub(super) fn advance(&mut self, now: Instant) {
        let lifetime = self.lifetime;
        self.kept.retain(|_, kept| kept.submitted + lifetime > now);
    }

    pub(super) fn submit(&mut self, node: &mut Node, now: Instant, step: u64, (number, size): (u8, usize)) {
        let tx = LocalTx::new(blob(number, size)).expect("neither empty nor too large");
        let most = self.largest;
        let expected = if size > most {
            Err(SubmitError::TooLarge { size, most })
        } else if self.kept.contains_key(&number) {
            Ok(Submitted::Known)
        } else {
            Ok(Submitted::New)
        };
        assert_eq!(node.submit_tx(now, id(number), tx), expected);
        if expected == Ok(Submitted::New) {
            let vague = !self.known.insert(number);
            self.kept.insert(number, Kept::new(size, now, step, vague));
        }
    }

    /// Writes down what is asked for.
    pub(super) fn record(&mut self, node: &mut Node, now: Instant, number: u8) {
        let Some(kept) = self.kept.get_mut(&number).filter(|kept| kept.asked) else { return };
        kept.asked = false;
        let uses: Vec<Use> = node.uses(id(number)).collect();
        let count = uses.len();
        kept.stored = Some(uses);
        node.recorded(now, id(number), count);
    }

    pub(super) fn forget(&mut self, node: &mut Node, now: Instant, number: u8) {
        assert_eq!(node.forget_tx(now, id(number)), self.kept.remove(&number).is_some());
    }

    pub(super) fn confirm(&mut self, node: &mut Node, now: Instant, number: u8) {
        assert_eq!(node.confirm_tx(now, id(number)), self.kept.remove(&number).is_some());
    }

    /// The process has ended and begins anew, with what was written down.
    pub(super) fn restart(&mut self, node: &mut Node, now: Instant) {
        self.started = now;
        self.broken += 1;
        if self.durability == Durability::Memory {
            self.kept.clear();
        }
        for (&number, kept) in &mut self.kept {
            let uses = kept.stored.clone().unwrap_or_default();
            let exposure = if kept.stored.is_some() { Exposure::Anonymity } else { Exposure::Nobody };
            let tx = LocalTx::new(blob(number, kept.size)).expect("it was one before");
            let stored = StoredTx { id: id(number), tx, submitted: kept.submitted, exposure, uses };
            assert_eq!(node.restore_tx(now, stored), Ok(Submitted::New));
            *kept = Kept {
                stored: kept.stored.take(),
                begun: kept.begun.clone(),
                had: kept.begun.clone(),
                ..Kept::new(kept.size, kept.submitted, 0, kept.vague)
            };
        }
    }

    pub(super) fn heard(&mut self, event: &Event) {
        match event {
            Event::Exposing { id, exposure } => {
                assert_eq!(*exposure, Exposure::Anonymity);
                assert_ne!(self.durability, Durability::Memory);
                // one that has come of age in the meantime is of no interest
                if let Some(kept) = self.kept.get_mut(&number(*id)) {
                    kept.asked = true;
                }
            }
            Event::Handed { id, recipients, .. } => {
                assert!(*recipients > 0);
                if let Some(kept) = self.kept.get_mut(&number(*id)) {
                    kept.handed += 1;
                }
            }
            _ => {}
        }
    }

    /// A part of transaction `number` was written to a stream that has taken none before.
    pub(super) fn begins(&mut self, now: Instant, number: u8, stream: &Stream) {
        assert!(stream.fit, "handed to who may not carry, or has not answered as a synchronized peer does");
        assert!(!stream.up, "on a link that stands");
        assert!(self.started + self.least_uptime <= now, "a young node lets something go");
        let host = host(&stream.addr);
        let kept = self.kept.get_mut(&number);
        // what was queued before the target stopped reading may be done with by now
        let Some(kept) = kept else { return assert!(stream.stalled_once, "begun after it was given up") };
        if !kept.is_on(stream) {
            return;
        }
        assert!(kept.had.insert(host), "a host gets one twice");
        kept.begun.insert(host);
        let written = kept.stored.as_ref().map_or(0, Vec::len);
        assert!(self.durability == Durability::Memory || kept.begun.len() <= written, "leaves before that is written down");
    }

    /// Transaction `number` has arrived whole.
    pub(super) fn arrives(&mut self, number: u8, size: usize, stream: &Stream) {
        self.arrivals += 1;
        if let Some(kept) = self.kept.get_mut(&number).filter(|kept| kept.is_on(stream)) {
            assert_eq!(size, kept.size, "it arrives as it was submitted");
            kept.arrived += 1;
        }
    }

    /// A stream with transaction `number` has ended.
    pub(super) fn ended(&mut self, number: u8, stream: &Stream, end: End) {
        let Some(kept) = self.kept.get_mut(&number).filter(|kept| kept.is_on(stream)) else { return };
        let host = host(&stream.addr);
        if end == End::Read {
            kept.proven.insert(host);
        } else {
            self.broken += 1;
            // as a last resort it may get it again
            kept.had.remove(&host);
            kept.vague |= end == End::Unseen;
        }
    }

    /// The node keeps what it should, and nothing waits for nothing. To be called when all outputs were taken.
    pub(super) fn check(&self, node: &Node, streams: &[&Stream]) {
        let kept: Vec<TxId> = self.kept.keys().map(|&number| id(number)).collect();
        assert_eq!(node.stash().map(|report| report.id).collect::<Vec<_>>(), kept, "lost, or kept too long");
        let flying = node.zones().map(|zone| zone.couriers.expect("it has couriers").flying).sum::<u32>();
        for (report, (number, kept)) in node.stash().zip(&self.kept) {
            assert_eq!(report.size, kept.size);
            let on_the_way = |stream: &&&Stream| stream.whole && stream.own == Some(*number);
            let live = streams.iter().filter(on_the_way).map(|stream| host(&stream.addr));
            if !kept.vague {
                assert_eq!(kept.handed, kept.arrived, "who was handed it is told wrongly");
                assert_eq!(report.recipients as usize, live.chain(kept.proven.iter().copied()).collect::<BTreeSet<_>>().len());
                assert_eq!(report.proven as usize, kept.proven.len());
            }
            match report.state {
                StashState::Handed(_) => assert_ne!(report.recipients, 0, "nobody has it"),
                StashState::Held(_) => assert_eq!(report.recipients, 0),
                _ => assert!(flying > 0 || kept.asked || report.rides_from.is_some(), "it waits for nothing"),
            }
        }
    }
}

impl Kept {
    const fn new(size: usize, submitted: Instant, step: u64, vague: bool) -> Self {
        Self {
            size,
            submitted,
            step,
            vague,
            stored: None,
            asked: false,
            begun: BTreeSet::new(),
            had: BTreeSet::new(),
            proven: BTreeSet::new(),
            arrived: 0,
            handed: 0,
        }
    }

    /// Whether what is on a stream is surely this one, and none that had its number before.
    const fn is_on(&self, stream: &Stream) -> bool {
        !self.vague || self.step < stream.step
    }
}

fn id(number: u8) -> TxId {
    TxId::new([number; 32])
}

const fn number(of: TxId) -> u8 {
    of.as_bytes()[0]
}
