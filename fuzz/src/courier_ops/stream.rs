//! One stream that the node opened, as its target and an observer of the line see it.

use std::time::Duration;

use anonet_core::levin::{Decoder, Frame, FrameLimits, Kind};
use anonet_core::wire::{NewTransactions, command};
use anonet_core::{Addr, CloseReason, ConnId, Instant};
use bytes::Bytes;

/// What the node says first on every stream.
const HANDSHAKE: usize = 276;

/// What a courier sends after that, so many times.
const RECORD: usize = 3_072;
const RECORDS: [usize; 3] = [4, 16, 64];

const FIRST_RECORD: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(6));
const GAP: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(500));
const LINGER: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(6));

/// What shows of a node on its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Dialed(Instant, ConnId, Addr, [u8; 8]),
    Queued(Instant, ConnId, usize),
    Closed(Instant, ConnId, CloseReason),
}

/// How a stream has ended for the transaction on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The target has surely read it.
    Read,
    Broken,
    /// That was slept through.
    Unseen,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) addr: Addr,
    /// The step in which it was dialled.
    pub(super) step: u64,
    /// Whether its target may carry, by the naive rules.
    pub(super) carrier: bool,
    pub(super) opened: Option<Instant>,
    pub(super) up: bool,
    /// The target takes nothing for now.
    pub(super) stalled: bool,
    pub(super) stalled_once: bool,
    pub(super) transmit: bool,
    /// The target has said something; the first thing counts.
    pub(super) heard: bool,
    /// That was an answer after which a transaction may be entrusted to it.
    pub(super) fit: bool,
    /// Bytes queued and written so far.
    queued: usize,
    pub(super) written: usize,
    last: Option<Instant>,
    decoder: Decoder,
    /// The own transaction on it.
    pub(super) own: Option<u8>,
    /// That has arrived.
    pub(super) whole: bool,
}

impl Stream {
    pub(super) fn new(addr: Addr, step: u64, carrier: bool) -> Self {
        Self {
            addr,
            step,
            carrier,
            opened: None,
            up: false,
            stalled: false,
            stalled_once: false,
            transmit: false,
            heard: false,
            fit: false,
            queued: 0,
            written: 0,
            last: None,
            decoder: Decoder::new(),
            own: None,
            whole: false,
        }
    }

    const fn records(&self) -> usize {
        if self.up { 0 } else { self.queued.saturating_sub(HANDSHAKE) / RECORD }
    }

    /// So many bytes have been queued by now; says how many are new. `awake`: since the stream was opened nothing was slept
    /// through, so that each step came when it was due.
    pub(super) fn queued(&mut self, now: Instant, total: usize, awake: bool) -> usize {
        let (before, new) = (self.records(), total - self.queued);
        self.queued = total;
        if self.up || new == 0 {
            return new;
        }
        assert!(
            total >= HANDSHAKE && (total - HANDSHAKE).is_multiple_of(RECORD),
            "{total} bytes are no handshake and whole records"
        );
        if self.records() > before {
            assert!(self.records() <= RECORDS[2]);
            if awake {
                assert_eq!(self.records(), before + 1, "records come one by one");
                let (since, range) = self.last.map_or((self.opened, FIRST_RECORD), |last| (Some(last), GAP));
                within(since, now, range);
            }
            self.last = Some(now);
        }
        new
    }

    /// The node ends it.
    pub(super) fn closed(&self, now: Instant, reason: CloseReason, awake: bool) {
        // only couriers send records
        match reason {
            _ if self.records() == 0 => {}
            // what was queued and called off in one moment was not seen
            CloseReason::Done if !awake => {}
            CloseReason::Done => {
                assert!(RECORDS.contains(&self.records()), "{} records", self.records());
                within(self.last, now, LINGER);
            }
            _ => assert!(matches!(reason, CloseReason::Shutdown | CloseReason::SlowReader), "a courier reacts: {reason}"),
        }
    }

    /// How it has ended for the transaction on it.
    pub(super) fn end(&self, reason: Option<CloseReason>, awake: bool) -> End {
        match reason {
            Some(CloseReason::Done) if !awake => End::Unseen,
            Some(CloseReason::Done) if self.whole && self.written == self.queued => End::Read,
            _ => End::Broken,
        }
    }

    /// The target reads what was written; returns the own transactions that begin in it, and one that is now whole.
    pub(super) fn reads(&mut self, mut bytes: &[u8]) -> (Vec<u8>, Option<Bytes>) {
        let (begun, mut whole) = (numbers(bytes), None);
        self.written += bytes.len();
        while !bytes.is_empty() {
            let (read, frame) = self.decoder.feed(bytes, &FrameLimits::anonymity()).expect("a node writes sound frames");
            let carries = |frame: &Frame<'_>| (frame.kind, frame.command) == (Kind::Notify, command::NEW_TRANSACTIONS);
            if let Some(frame) = frame.filter(carries) {
                let message = NewTransactions::decode(frame.body).expect("a node writes sound messages");
                assert!(!message.fluff, "a courier carries stems");
                let mut txs = message.txs();
                let tx = txs.next().expect("it has one");
                assert!(txs.next().is_none() && whole.is_none(), "more than one");
                whole = Some(Bytes::copy_from_slice(tx));
            }
            bytes = &bytes[read..];
        }
        (begun, whole)
    }
}

fn within(since: Option<Instant>, now: Instant, (least, most): (Duration, Duration)) {
    let since = since.expect("something was there before");
    assert!(since + least <= now && now <= since + most, "{:?} after the step before", now.saturating_since(since));
}

/// Own transactions consist of one byte, of this range.
const OWN: std::ops::Range<u8> = 0x41..0x45;

/// The transaction with this number, so many bytes long.
pub(super) fn blob(number: u8, size: usize) -> Bytes {
    vec![OWN.start + number; size].into()
}

/// The numbers of own transactions of which a part stands in these bytes; the last part may be too short to be noticed.
fn numbers(bytes: &[u8]) -> Vec<u8> {
    let runs = bytes.chunk_by(|one, next| one == next).filter(|run| run.len() >= 24 && OWN.contains(&run[0]));
    let mut numbers: Vec<u8> = runs.map(|run| run[0] - OWN.start).collect();
    numbers.dedup();
    numbers
}
