//! One courier: its shape, fixed before it leaves, and who rides.

use core::time::Duration;

use bytes::Bytes;
use rand_core::CryptoRng;

use super::{READ_AT_MOST, SizeClass};
use crate::config::CourierConfig;
use crate::ids::ZoneId;
use crate::rand::Lottery;
use crate::relay::units::LocalUnits;
use crate::table::Handle;
use crate::time::Instant;

/// What a courier does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send one record.
    Record,
    /// End.
    Close,
}

/// What the target has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Awaited,
    /// It is a peer of this network, and claims this height.
    Valid(u64),
    /// It said something else. The courier goes on all the same.
    Bad,
}

/// Who rides.
#[derive(Debug)]
struct Passenger {
    entry: Handle,
    units: LocalUnits,
    /// Its first record has left.
    bound: bool,
}

/// The state of one courier.
#[derive(Debug)]
pub(crate) struct Flight {
    class: SizeClass,
    /// Whether its target may carry.
    carrier: bool,
    /// All pauses of the flight are drawn with it.
    lots: Lottery,
    next: Option<Instant>,
    sent: u32,
    read: usize,
    answer: Answer,
    passenger: Option<Passenger>,
}

impl Flight {
    /// A courier of this class. Everything that shows on the line is drawn here.
    pub(crate) fn draw(class: SizeClass, carrier: bool, rng: &mut dyn CryptoRng) -> Self {
        let lots = Lottery::draw(rng);
        Self { class, carrier, lots, next: None, sent: 0, read: 0, answer: Answer::Awaited, passenger: None }
    }

    /// The stream is open.
    pub(crate) fn opened(&mut self, now: Instant, numbers: &CourierConfig) {
        self.next = Some(now + self.pause(numbers.first_record));
    }

    /// One of this flight's pauses, the same one each time for the same number of records.
    const fn pause(&self, (least, most): (Duration, Duration)) -> Duration {
        let width = most.saturating_sub(least).as_micros() as u64 + 1;
        least.saturating_add(Duration::from_micros(self.lots.rank(self.sent as u64) % width))
    }

    /// When the next step is due.
    pub(crate) const fn next_due(&self) -> Option<Instant> {
        self.next
    }

    /// Takes the step that is due, at a time that nothing but the opening of the stream has set.
    pub(crate) fn step(&mut self, now: Instant, numbers: &CourierConfig) -> Option<Step> {
        let at = self.next.filter(|at| *at <= now)?;
        if self.sent == self.class.records() {
            return Some(Step::Close);
        }
        self.sent += 1;
        let pause = self.pause(if self.sent == self.class.records() { numbers.linger } else { numbers.gap });
        self.next = Some(at + pause);
        Some(Step::Record)
    }

    /// Slots for records that are left.
    pub(crate) const fn slots_left(&self) -> u32 {
        self.class.records() - self.sent
    }

    /// How much of the target may still be read.
    pub(crate) const fn may_read(&self) -> usize {
        READ_AT_MOST.saturating_sub(self.read)
    }

    /// Bytes came. Says whether they can be part of the handshake's answer; all others mean nothing.
    pub(crate) fn heard(&mut self, bytes: usize) -> bool {
        self.read = self.read.saturating_add(bytes);
        self.answer == Answer::Awaited
    }

    /// The handshake was answered, by a peer of this network that claims `height`, or not as it should be.
    pub(crate) const fn answered(&mut self, height: Option<u64>) {
        self.answer = match height {
            Some(height) => Answer::Valid(height),
            None => Answer::Bad,
        };
    }

    /// The height that the target claims, if a transaction may still be entrusted to it.
    pub(crate) const fn free_seat(&self) -> Option<u64> {
        match self.answer {
            Answer::Valid(height) if self.carrier && self.passenger.is_none() => Some(height),
            _ => None,
        }
    }

    pub(crate) const fn has_answered(&self) -> bool {
        matches!(self.answer, Answer::Valid(_))
    }

    /// A transaction takes the seat.
    pub(crate) fn board(&mut self, entry: Handle, units: LocalUnits) {
        self.passenger = Some(Passenger { entry, units, bound: false });
    }

    pub(crate) fn passenger(&self) -> Option<Handle> {
        self.passenger.as_ref().map(|passenger| passenger.entry)
    }

    /// Whether the passenger's first record has left, so that only the end of the courier sets it free.
    pub(crate) fn is_bound(&self) -> bool {
        self.passenger.as_ref().is_some_and(|passenger| passenger.bound)
    }

    /// Binds a passenger that `may_begin`, if the slots left, the present one included, hold it whole.
    pub(crate) fn bind(&mut self, may_begin: bool) -> bool {
        let slots = self.slots_left() + 1;
        let waits = self.passenger.as_mut().filter(|passenger| !passenger.bound);
        waits.is_some_and(|passenger| {
            passenger.bound = may_begin && passenger.units.count() <= slots;
            passenger.bound
        })
    }

    /// The next unit of who is bound, and whether it is the last.
    pub(crate) fn unit(&mut self, zone: ZoneId) -> Option<(Bytes, bool)> {
        let units = &mut self.passenger.as_mut().filter(|passenger| passenger.bound)?.units;
        Some((units.next(zone)?, units.count() == 0))
    }

    /// The passenger gets off.
    pub(crate) fn set_down(&mut self) -> Option<Handle> {
        self.passenger.take().map(|passenger| passenger.entry)
    }
}
