//! What a node asks of its embedder.

use alloc::collections::VecDeque;

use bytes::Bytes;

use crate::addr::Addr;
use crate::error::{CloseReason, DialFailure};
use crate::ids::{ConnId, Isolation, Ticket, TxId, ZoneId};
use crate::snapshot::Snapshot;
use crate::stash::{Exposure, Witness};
use crate::wire::TxForm;
use crate::zone::route::Why;

/// One thing for the embedder to do; see the crate documentation for each.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Open a stream to `addr`, through the zone's proxy if it has one, and answer with
    /// [`handle_dialed`](crate::Node::handle_dialed) or [`handle_dial_failed`](crate::Node::handle_dial_failed).
    Dial {
        /// Names the stream from now on.
        conn: ConnId,
        /// The zone whose proxy is to be used.
        zone: ZoneId,
        /// Where to.
        addr: Addr,
        /// Keeps this stream apart from every other at the proxy.
        isolation: Isolation,
    },
    /// Write what [`outgoing`](crate::Node::outgoing) holds for this link, until the socket would block.
    Transmit(ConnId),
    /// [`recv_window`](crate::Node::recv_window) is open again: go on reading.
    Resume(ConnId),
    /// Close this stream now, or cancel its dial. Nothing more comes for this link.
    Close {
        /// The stream.
        conn: ConnId,
        /// Why, for a log.
        reason: CloseReason,
    },
    /// Something that the application may want to know.
    Event(Event),
}

const _: () = assert!(size_of::<Output>() <= 64, "outputs are moved often");

/// Who opened a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// The peer did.
    Incoming,
    /// This node did.
    Outgoing,
}

/// Something that happened.
#[non_exhaustive]
pub enum Event {
    /// A handshake is done.
    Up {
        /// The link.
        conn: ConnId,
        /// Its zone.
        zone: ZoneId,
        /// Who opened it.
        direction: Direction,
    },
    /// A dial or link ended. Comes exactly once for each.
    Down {
        /// The link.
        conn: ConnId,
        /// Its zone.
        zone: ZoneId,
        /// Why.
        reason: CloseReason,
    },
    /// A peer sent a transaction; verify it and answer with [`resolve_tx`](crate::Node::resolve_tx).
    Tx {
        /// Names it in the answer.
        ticket: Ticket,
        /// The zone it came by.
        zone: ZoneId,
        /// The form it came in. A stem from an anonymity zone should wait before it goes on, or its arrival there and
        /// its departure in public coincide (design §3).
        form: TxForm,
        /// Its bytes, not yet looked at.
        blob: Bytes,
    },
    /// An own transaction has no way out and is kept.
    Held {
        /// The transaction.
        id: TxId,
        /// What is missing.
        why: Why,
    },
    /// An own transaction is about to leave, or to leave for further hosts: write its exposure and its
    /// [`uses`](crate::Node::uses) down, then call [`recorded`](crate::Node::recorded). Only with
    /// [`Durability::BeforeRelay`](crate::Durability::BeforeRelay).
    Exposing {
        /// The transaction.
        id: TxId,
        /// To whom it will be known.
        exposure: Exposure,
    },
    /// An own transaction is on its way to the links of a zone.
    Queued {
        /// The transaction.
        id: TxId,
        /// The zone.
        zone: ZoneId,
    },
    /// An own transaction was written to a link.
    Handed {
        /// The transaction.
        id: TxId,
        /// The zone.
        zone: ZoneId,
        /// Peers that have it by now.
        recipients: u32,
    },
    /// There is evidence that the network has an own transaction: it is done and gone. Should the chain throw it out
    /// later, that is for its wallet to notice.
    Seen {
        /// The transaction.
        id: TxId,
        /// Who has shown it.
        by: Witness,
        /// Its size in bytes.
        size: usize,
        /// Peers that were handed it.
        recipients: u32,
    },
    /// An own transaction was kept as long as it may be, and is gone.
    Expired {
        /// The transaction.
        id: TxId,
    },
    /// A document has changed in a way that is worth keeping: call [`snapshot`](crate::Node::snapshot) and store what it
    /// writes. Comes every few minutes at most, at random, and once before [`Stopped`](Self::Stopped).
    SnapshotDue(Snapshot),
    /// Something for a log.
    Note(Note),
    /// The node has stopped after [`shutdown`](crate::Node::shutdown): every link is closed.
    Stopped,
}

/// Without the bytes of a transaction.
impl core::fmt::Debug for Event {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Up { conn, zone, direction } => write!(f, "Up({conn:?}, {zone:?}, {direction:?})"),
            Self::Down { conn, zone, reason } => write!(f, "Down({conn:?}, {zone:?}, {reason:?})"),
            Self::Tx { ticket, zone, form, blob } => write!(f, "Tx({ticket:?}, {zone:?}, {form:?}, {} bytes)", blob.len()),
            Self::Held { id, why } => write!(f, "Held({id:?}, {why:?})"),
            Self::Exposing { id, exposure } => write!(f, "Exposing({id:?}, {exposure:?})"),
            Self::Queued { id, zone } => write!(f, "Queued({id:?}, {zone:?})"),
            Self::Handed { id, zone, recipients } => write!(f, "Handed({id:?}, {zone:?}, {recipients})"),
            Self::Seen { id, by, size, recipients } => write!(f, "Seen({id:?}, {by:?}, {size} bytes, {recipients})"),
            Self::Expired { id } => write!(f, "Expired({id:?})"),
            Self::SnapshotDue(kind) => write!(f, "SnapshotDue({kind:?})"),
            Self::Note(note) => write!(f, "Note({note:?})"),
            Self::Stopped => f.write_str("Stopped"),
        }
    }
}

/// Something that a log may say. Holds no address and no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A zone's proxy began to fail.
    ProxyDown {
        /// The zone.
        zone: ZoneId,
        /// How it fails.
        why: DialFailure,
    },
    /// A zone's proxy works (again).
    ProxyUp {
        /// The zone.
        zone: ZoneId,
    },
    /// A received transaction was dropped because too many wait for a verdict.
    ReceivedDropped {
        /// The zone it came by.
        zone: ZoneId,
    },
    /// An own transaction was written to a link that ended before the peer can have read it for sure: that peer does not
    /// count, and if no other has it, it is handed to those who have not had it, or again to this one if there are none.
    HandOverInterrupted {
        /// The zone.
        zone: ZoneId,
    },
}

/// Outputs that wait to be taken, in a ring that is reused.
#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<Output>);

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.0.push_back(output);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.0.push_back(Output::Event(event));
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.event(Event::Note(note));
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.0.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
