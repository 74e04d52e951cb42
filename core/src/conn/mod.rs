//! One link: its phase, its deadlines, and what it may still cost.

pub(crate) mod budget;
pub(crate) mod handshake;
pub(crate) mod queue;
mod sent_set;

use alloc::boxed::Box;
use core::time::Duration;

use bytes::{Buf, Bytes};

use self::budget::{Budget, Rate};
use self::queue::Queue;
pub use self::sent_set::SentSet;
use crate::addr::Addr;
use crate::error::CloseReason;
use crate::ids::{ConnId, ZoneId};
use crate::levin::Decoder;
use crate::output::Direction;
use crate::peers::Lease;
use crate::relay::courier::Flight;
use crate::time::Instant;
use crate::wire::SyncData;

/// A timed sync goes out this long after the last, drawn anew each time and for each link: a common beat would show
/// which links belong to one node (spec: connections §12).
pub(crate) const SYNC_INTERVAL: (Duration, Duration) = (Duration::from_secs(45), Duration::from_secs(75));

/// A peer has to read on, and to answer a timed sync, within this time (spec: levin §6).
const PROGRESS: Duration = Duration::from_secs(120);

/// Addresses that one link may teach us: two full lists at once, then one a second.
pub(crate) const HEARSAY: Rate = Rate { burst: 500, per_second: 1 };

/// How far a link has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// The embedder is opening the stream.
    Dialing {
        /// When it counts as slow, so that another is dialled beside it; `None` once it does.
        slow_at: Option<Instant>,
    },
    /// The stream is open; the handshake is not done.
    Handshaking,
    /// The handshake is done.
    Ready {
        /// When it was done.
        since: Instant,
    },
    /// Only what is queued is still to be written.
    Draining(CloseReason),
}

/// What a stream that this node opens is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To stay. Only such links carry transactions and are asked for anything.
    Link,
    /// To see whether somebody is there; what it says of others is not heard, or each name that somebody made up would be
    /// one more teller.
    Check,
    /// To hear of peers, when none is known who can be reached.
    Seed,
    /// To carry an own transaction, or nothing: nobody else can tell.
    Courier,
    /// To see whether a peer that dialled us answers where it says: without a handshake.
    Ping {
        /// The id that it showed.
        peer_id: u64,
    },
}

pub(crate) struct Conn {
    pub(crate) zone: ZoneId,
    pub(crate) direction: Direction,
    pub(crate) purpose: Purpose,
    pub(crate) addr: Option<Addr>,
    pub(crate) lease: Option<Lease>,
    pub(crate) phase: Phase,
    pub(crate) decoder: Decoder,
    /// Bytes that the decoder holds of an unfinished message, and since when there are any.
    pub(crate) unfinished: usize,
    pub(crate) unfinished_since: Instant,
    pub(crate) queue: Queue,
    pub(crate) frames: Budget,
    pub(crate) hearsay: Budget,
    pub(crate) shared: SentSet,
    /// The own address was told here.
    pub(crate) advertised: bool,
    /// The height that the peer claims; 0 before the handshake.
    pub(crate) height: u64,
    /// What was claimed to the peer last.
    pub(crate) claimed: Option<SyncData>,
    /// Received transactions of this link that wait for a verdict.
    pub(crate) waiting: u32,
    /// Timed syncs asked and answered.
    pub(crate) asked: u32,
    pub(crate) answered: u32,
    /// Bytes wait to be written, and none have been since the deadline was set.
    pub(crate) stalls: bool,
    /// The end of the phase, or of the wait for the peer to read on or to answer.
    pub(crate) deadline: Option<Instant>,
    pub(crate) next_sync: Option<Instant>,
    /// What a courier does, and who rides.
    pub(crate) flight: Option<Box<Flight>>,
    /// The peer has pinged us without a handshake.
    pub(crate) pinged: bool,
    /// It was asked for its support flags, and has not answered.
    pub(crate) flags_asked: bool,
    /// Reading is paused until the queue has drained.
    pub(crate) paused: bool,
    /// An [`Output::Transmit`](crate::Output::Transmit) waits to be taken.
    pub(crate) transmit_pending: bool,
    /// Bytes were taken since the node last looked.
    pub(crate) drained: bool,
}

impl Conn {
    pub(crate) fn new(now: Instant, zone: ZoneId, direction: Direction, frames: Rate) -> Self {
        Self {
            zone,
            direction,
            purpose: Purpose::Link,
            addr: None,
            lease: None,
            phase: Phase::Handshaking,
            decoder: Decoder::new(),
            unfinished: 0,
            unfinished_since: now,
            queue: Queue::default(),
            frames: Budget::full(frames, now),
            hearsay: Budget::full(HEARSAY, now),
            shared: SentSet::default(),
            advertised: false,
            height: 0,
            claimed: None,
            waiting: 0,
            asked: 0,
            answered: 0,
            stalls: false,
            deadline: None,
            next_sync: None,
            flight: None,
            pinged: false,
            flags_asked: false,
            paused: false,
            transmit_pending: false,
            drained: false,
        }
    }

    pub(crate) const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    pub(crate) fn is_ready_outgoing(&self) -> bool {
        self.is_ready() && self.direction == Direction::Outgoing
    }

    /// Something waits to be written: the peer has to read on within [`PROGRESS`].
    pub(crate) fn waits_for_writing(&mut self, now: Instant) {
        if self.is_ready() && !self.stalls {
            (self.stalls, self.deadline) = (true, Some(now + PROGRESS));
        }
    }

    /// Some of it was written. Once all is, the wait for a timed sync's answer begins, so that a slow link is given
    /// the time that the bytes before the question take.
    pub(crate) fn progressed(&mut self, now: Instant) {
        if self.is_ready() {
            self.stalls = self.queue.len() > 0;
            let waits = self.stalls || self.asked > self.answered;
            self.deadline = waits.then(|| now + PROGRESS);
        }
    }

    /// The wait for a timed sync's answer is over.
    pub(crate) fn heard(&mut self) {
        self.answered = self.asked;
        if !self.stalls {
            self.deadline = None;
        }
    }

    /// When this link wants to be looked at next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let slow_at = if let Phase::Dialing { slow_at } = self.phase { slow_at } else { None };
        let step = self.flight.as_ref().and_then(|flight| flight.next_due());
        [self.deadline, self.next_sync, slow_at, step].into_iter().flatten().min()
    }
}

/// The bytes that wait to be written to one link.
///
/// Read them as a [`Buf`], or [take](Self::take_frame) them frame by frame without a copy. What is advanced over or taken
/// counts as written: a stopping node closes the link as soon as nothing is left here, so advance only over what the
/// socket has.
pub struct Outgoing<'a> {
    pub(crate) conn: &'a mut Conn,
    pub(crate) id: ConnId,
    pub(crate) drained: &'a mut alloc::vec::Vec<ConnId>,
}

impl Outgoing<'_> {
    /// The next frame, or what is left of it; `None` if nothing waits.
    pub fn take_frame(&mut self) -> Option<Bytes> {
        let bytes = self.conn.queue.take()?;
        self.mark();
        Some(bytes)
    }

    fn mark(&mut self) {
        if !core::mem::replace(&mut self.conn.drained, true) {
            self.drained.push(self.id);
        }
    }
}

/// Without the bytes: they may be a transaction.
impl core::fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Outgoing({:?}, {} bytes)", self.id, self.conn.queue.len())
    }
}

impl Buf for Outgoing<'_> {
    fn remaining(&self) -> usize {
        self.conn.queue.len()
    }

    fn chunk(&self) -> &[u8] {
        self.conn.queue.front()
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.conn.queue.len(), "advanced beyond what waits");
        self.conn.queue.advance(count);
        self.mark();
    }
}
