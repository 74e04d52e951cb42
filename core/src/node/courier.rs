//! Policy `courier`: short streams on a clock of their own, and own transactions that ride on them.

use alloc::boxed::Box;
use core::time::Duration;

use super::Node;
use super::exit::Announce;
use crate::addr::Addr;
use crate::conn::{Conn, Purpose};
use crate::error::CloseReason;
use crate::ids::{ConnId, ZoneId};
use crate::levin::Kind;
use crate::output::Event;
use crate::peers::Failure;
use crate::relay::courier::{Couriers, FLYING_AT_MOST, Flight, SizeClass, Step};
use crate::relay::units::LocalUnits;
use crate::select;
use crate::stash::{Held, RecipientTag, Standing};
use crate::table::Handle;
use crate::wire::{HandshakeResponse, command};
use crate::zone::policy::BEFORE_HANDSHAKE;
use crate::zone::route::{LocalExit, Why};

/// How far a peer's height may be from that of the own daemon, below and above: one that is behind is not synchronized, and
/// drops a transaction unread.
const NEAR_TIP: (u64, u64) = (5, 60);

/// The same, where the chain's length is known from the clock alone.
const NEAR_CLOCK: (u64, u64) = (20_000, 20_000);

/// Between two blocks.
const BLOCK: Duration = Duration::from_secs(120);

impl Node {
    /// Sends the couriers out whose turn it is.
    pub(super) fn couriers_due(&mut self, zone: ZoneId) {
        loop {
            let found = &mut self.zones[zone.index()];
            let due = found.couriers.as_mut().and_then(|couriers| couriers.pop_due(self.now, &mut found.rng));
            let Some(class) = due else { return };
            self.launch(zone, class);
        }
    }

    /// Sends one courier out. All that shows of it is drawn here, before anything that waits is looked at.
    fn launch(&mut self, zone: ZoneId, class: SizeClass) {
        let found = &mut self.zones[zone.index()];
        let target = select::next_courier(&found.peers, self.exclusive_only, self.now, &mut found.rng);
        let flight = Flight::draw(class, target.is_some_and(|target| target.carries), &mut found.rng);
        self.cargo.tidy(self.now, self.numbers.rest, |entry| self.stash.id(entry).is_some());
        self.count_carriers(zone);
        let found = &mut self.zones[zone.index()];
        let rests = found.rests_until.is_some_and(|until| until > self.now);
        let Some(addr) = target.filter(|_| !rests).and_then(|target| found.peers.courier_addr(&target)) else { return };
        if found.flying >= FLYING_AT_MOST || self.bans.cover(self.now, &addr) {
            return;
        }
        found.couriers.iter_mut().for_each(|couriers| couriers.sent += 1);
        let conn = self.dial(zone, addr, None, Purpose::Courier);
        self.conns[conn.0].flight = Some(Box::new(flight));
    }

    /// Counts the peers that may carry, of which routing wants to know; what was held for want of one goes on.
    pub(super) fn count_carriers(&mut self, zone: ZoneId) {
        let (now, exclusive_only) = (self.now, self.exclusive_only);
        let found = &mut self.zones[zone.index()];
        let Some(couriers) = &mut found.couriers else { return };
        let before = couriers.carriers;
        couriers.carriers = found.peers.carriers(now, exclusive_only).count() as u32;
        if couriers.carriers > before {
            self.reroute(Held::Include);
        }
    }

    /// Gives an own transaction to the couriers of the zone that `exit` names.
    pub(super) fn courier_local(&mut self, entry: Handle, exit: &LocalExit) {
        let largest = self.zones[exit.zone().index()].couriers.as_ref().map_or(0, Couriers::largest);
        if self.stash.leave_by(entry, exit).is_some_and(|blob| blob.len() > largest) {
            return self.hold(entry, Why::TooLargeForCouriers, Announce::Changes);
        }
        if !self.has_carrier_for(entry, exit.zone()) {
            return self.no_way(entry, Why::NoFreshPeer, Announce::Changes);
        }
        if self.cargo.add(self.now, entry, &self.numbers, &mut self.own_rng) {
            self.stash.carry(entry, exit.zone());
            self.tell(entry, |id| Event::Queued { id, zone: exit.zone() });
        }
    }

    /// Bytes of a courier's target: the answer to the handshake is read, and nothing else is. No answer, and no fault in it,
    /// changes when the courier sends what, or when it ends.
    pub(super) fn courier_heard(&mut self, id: ConnId, data: &[u8]) {
        let conn = &mut self.conns[id.0];
        let Some(flight) = conn.flight.as_mut().filter(|flight| flight.next_due().is_some()) else { return };
        if !flight.heard(data.len()) {
            return;
        }
        let zone = &self.zones[conn.zone.index()];
        let answer = match conn.decoder.feed(data, &BEFORE_HANDSHAKE) {
            Ok((_, None)) => return,
            Ok((_, Some(frame))) => match (frame.kind, frame.command) {
                (Kind::Response { code: 1.. }, command::HANDSHAKE) => HandshakeResponse::decode(frame.body).ok(),
                _ => None,
            },
            Err(_) => None,
        };
        let peer_id = answer.as_ref().map(|answer| answer.node.peer_id);
        let height = answer.and_then(|answer| zone.identity.judge(&answer.node, &answer.sync).ok());
        flight.answered(height);
        conn.decoder = crate::levin::Decoder::new();
        if let (Some(_), Some(peer_id)) = (height, peer_id) {
            self.courier_answered(id, peer_id);
        }
    }

    /// A target is there: as good as any check of hearsay.
    fn courier_answered(&mut self, id: ConnId, peer_id: u64) {
        let conn = &self.conns[id.0];
        let (zone, addr) = (conn.zone, conn.addr.clone());
        let found = &mut self.zones[zone.index()];
        found.couriers.iter_mut().for_each(|couriers| couriers.answered += 1);
        if let Some(addr) = addr {
            found.peers.courier_answered(self.now, &addr, peer_id, self.numbers.age, &mut found.rng);
            self.count_carriers(zone);
            self.board(id, &addr);
        }
    }

    /// Seats the transaction that waits longest and for which this courier is fit.
    fn board(&mut self, id: ConnId, addr: &Addr) {
        let Some(conn) = self.conns.find(id.0) else { return };
        let Some((flight, height)) = conn.flight.as_ref().and_then(|flight| Some((flight, flight.free_seat()?))) else { return };
        let (zone, slots) = (conn.zone, flight.slots_left() as usize);
        if !self.is_plausible(height) {
            return;
        }
        let tag = self.recipient_key.tag(addr);
        let rides = |entry: Handle| -> Option<(Handle, LocalExit, LocalUnits)> {
            let exit = self.exit_for(entry).ok().filter(|exit| exit.zone() == zone)?;
            let units = LocalUnits::cut(&exit, self.stash.leave_by(entry, &exit)?, slots)?;
            let fit = self.may_have(entry, zone, tag) && self.has_rested(entry, zone, addr);
            (fit && !self.stash.asks(entry)).then_some((entry, exit, units))
        };
        let Some((entry, exit, units)) = self.cargo.due(self.now).into_iter().find_map(rides) else { return };
        self.cargo.board(entry);
        if let Some(flight) = self.conns.find_mut(id.0).and_then(|conn| conn.flight.as_mut()) {
            flight.board(entry, units);
        }
        self.expose_to(entry, &exit, &[(id, tag)]);
    }

    /// Whether a host may be handed a transaction: it has not got it; or, if nobody has and no other may carry, it has surely not
    /// read it.
    fn may_have(&self, entry: Handle, zone: ZoneId, tag: RecipientTag) -> bool {
        match self.stash.standing(entry, tag) {
            Standing::Fresh => true,
            Standing::Used => false,
            Standing::LastResort => {
                let peers = &self.zones[zone.index()].peers;
                let mut others = peers.carriers(self.now, self.exclusive_only).map(|addr| self.recipient_key.tag(addr));
                !self.stash.was_handed(entry) && others.all(|other| self.stash.standing(entry, other) != Standing::Fresh)
            }
        }
    }

    /// Whether some peer that may carry may be handed a transaction.
    fn has_carrier_for(&self, entry: Handle, zone: ZoneId) -> bool {
        let mut carriers = self.zones[zone.index()].peers.carriers(self.now, self.exclusive_only);
        carriers.any(|addr| match self.stash.standing(entry, self.recipient_key.tag(addr)) {
            Standing::Fresh => true,
            Standing::LastResort => !self.stash.was_handed(entry),
            Standing::Used => false,
        })
    }

    /// Whether a peer that claims this height can be synchronized.
    pub(super) fn is_plausible(&self, height: u64) -> bool {
        let near =
            |tip: u64, (below, above): (u64, u64)| (tip.saturating_sub(below)..=tip.saturating_add(above)).contains(&height);
        match (self.chain.height(), self.expected_height) {
            (Some(tip), _) => near(tip, NEAR_TIP),
            (None, Some(expected)) => near(expected.saturating_add(self.blocks_since_start()), NEAR_CLOCK),
            (None, None) => true,
        }
    }

    pub(super) fn blocks_since_start(&self) -> u64 {
        self.now.saturating_since(self.cargo.started()).as_secs() / BLOCK.as_secs()
    }

    /// Whether the peer at `addr` may carry again: it has not for a day, or it is the one that has not for longest, of those that
    /// may be handed this transaction. Others would be waited for in vain, such as one that always ends before the first record.
    fn has_rested(&self, entry: Handle, zone: ZoneId, addr: &Addr) -> bool {
        let tag = |addr: &Addr| self.recipient_key.tag(addr);
        let known = |addr: &Addr| self.cargo.used(addr).or_else(|| self.stash.last_use(self.now, tag(addr)));
        let used = |addr: &Addr| known(addr).filter(|&used| self.now < used + self.numbers.rest);
        let Some(last) = used(addr) else { return true };
        let carriers = self.zones[zone.index()].peers.carriers(self.now, self.exclusive_only);
        let mut others = carriers.filter(|other| self.stash.standing(entry, tag(other)) == Standing::Fresh);
        others.all(|other| used(other).is_some_and(|used| used >= last))
    }

    /// Takes the steps of a courier that are due.
    pub(super) fn fly(&mut self, id: ConnId) {
        loop {
            let (now, numbers) = (self.now, &self.numbers);
            let conn = self.conns.find_mut(id.0);
            match conn.and_then(|conn| conn.flight.as_mut()).and_then(|flight| flight.step(now, numbers)) {
                None => return self.schedule(id),
                Some(Step::Record) => self.send_record(id),
                Some(Step::Close) => {
                    if self.conns.find(id.0).is_some_and(|conn| conn.queue.len() == 0) {
                        // whatever was written had time to arrive
                        self.stash.answered(id, u32::MAX);
                    }
                    return self.close(id, CloseReason::Done);
                }
            }
        }
    }

    /// Sends one record: the next unit of who rides, or noise.
    fn send_record(&mut self, id: ConnId) {
        let conn = &self.conns[id.0];
        let (zone, addr) = (conn.zone, conn.addr.clone());
        let (rider, waits) = conn.flight.as_ref().map_or((None, false), |flight| (flight.passenger(), !flight.is_bound()));
        // it may be done with, or belong elsewhere by now
        let goes = |entry| self.exit_for(entry).is_ok_and(|exit| exit.zone() == zone) && self.stash.may_begin(entry, id);
        let may_begin = waits && rider.is_some_and(goes);
        let Some(flight) = self.conns.find_mut(id.0).and_then(|conn| conn.flight.as_mut()) else { return };
        if let Some(entry) = rider.filter(|_| flight.bind(may_begin)) {
            self.stash.begun(entry, id);
            self.cargo.sent(self.now, entry, addr.as_ref());
        }
        match (flight.unit(zone), rider) {
            (Some((bytes, true)), Some(entry)) => {
                flight.set_down();
                self.enqueue(id, bytes, &[entry]);
            }
            (Some((bytes, _)), _) => self.enqueue(id, bytes, &[]),
            (None, _) => self.enqueue(id, self.noise_record.clone(), &[]),
        }
    }

    /// A courier has ended: its target's part is booked the same whatever rode, and who has not been sent whole rides again.
    pub(super) fn flown(&mut self, conn: &Conn, flight: &mut Flight, reason: CloseReason) {
        let failure = match reason {
            CloseReason::Shutdown | CloseReason::Banned => None,
            CloseReason::Dial(why) if why.blames_proxy() || why.blames_network() => None,
            CloseReason::Dial(why) if why.is_refusal() => Some(Failure::Refused),
            CloseReason::Ended => Some(Failure::Refused),
            _ => Some(Failure::Unreachable),
        };
        let zone = &mut self.zones[conn.zone.index()];
        let to_blame = failure.filter(|_| !flight.has_answered() && !zone.network_seems_down());
        if let (Some(failure), Some(addr)) = (to_blame, &conn.addr) {
            zone.peers.courier_failed(self.now, addr, failure, &mut zone.rng);
        }
        let bound = flight.is_bound();
        if let Some(entry) = flight.set_down() {
            if bound { self.stash.drop_carrier(self.now, entry) } else { self.cargo.set_down(entry) }
        }
    }
}
