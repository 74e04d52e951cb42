//! The state machine: owns the components, and is the only place that sees two of them.

mod app;
mod ban;
mod courier;
mod dial;
mod dispatch;
mod exit;
mod input;
mod keep;
mod links;
mod noise;
mod ping;
mod pool;
mod send;
mod tick;
mod transit;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};

use crate::bans::Bans;
use crate::chain::Chain;
use crate::config::{Config, ConfigError, CourierConfig, Durability, Limits};
use crate::conn::{Conn, Outgoing, Phase};
use crate::error::UnknownConn;
use crate::ids::{ConnId, ZoneId};
use crate::output::{Event, Outbox, Output};
use crate::received::Received;
use crate::relay::courier::{Cargo, Couriers};
use crate::relay::flush::Flushes;
use crate::relay::noise::Noise;
use crate::relay::stem::Stems;
use crate::relay::transit::{Digest, Transit};
use crate::relay::units;
use crate::stash::{RecipientKey, Stash, StashReport};
use crate::table::{Handle, Table};
use crate::time::Instant;
use crate::timer::TimerQueue;
use crate::zone::route::{NoAnonymityZone, RouteRules, ZoneStatus};
use crate::zone::{self, Zone, ZoneReport};

/// A node of Monero's anonymity networks, without sockets, clock or ambient randomness.
///
/// Drive it as the crate documentation shows. Inputs may come in any order; nothing must be drained between two of
/// them. Each input first does what is due by its `now`; a `now` earlier than one before counts as that one.
pub struct Node {
    limits: Limits,
    rules: RouteRules,
    durability: Durability,
    /// Under which the hosts of recipients are named.
    recipient_key: RecipientKey,
    pads: bool,
    /// The key to the public zone for own transactions; absent while an anonymity zone is configured.
    public_only: Option<NoAnonymityZone>,
    exclusive_only: bool,
    zones: Vec<Zone>,
    chain: Chain,
    conns: Table<Conn>,
    /// One deadline for each link, by slot.
    timers: TimerQueue,
    bans: Bans,
    stash: Stash,
    received: Received,
    /// Own transactions that wait for a link.
    flushes: Flushes<Handle>,
    /// Strangers' transactions that wait for a public link.
    fluffs: Flushes<Digest>,
    transit: Transit,
    stems: Stems,
    /// Own transactions that wait for a courier, and the couriers' numbers.
    cargo: Cargo,
    numbers: CourierConfig,
    noise_record: Bytes,
    /// Bytes that all links hold of unfinished messages.
    unfinished: usize,
    expected_height: Option<u64>,
    outbox: Outbox,
    keeper: keep::Keeper,
    /// Links from whose queue bytes were taken since the last look.
    drained: Vec<ConnId>,
    rng: Box<dyn CryptoRng + Send>,
    /// Draws for own transactions: from a stream of their own, so that none of them shifts anything else.
    own_rng: ChaCha20Rng,
    /// The same for strangers' transactions: who sees the public network know of one sees no trace of it elsewhere.
    transit_rng: ChaCha20Rng,
    now: Instant,
    stopping: Stopping,
}

/// How far [`Node::shutdown`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    No,
    Draining,
    Done,
}

impl Node {
    /// A node that follows `config`. The first outputs, dials, are there at once.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration contradicts itself.
    pub fn new(config: Config, mut rng: Box<dyn CryptoRng + Send>, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        let public_only = NoAnonymityZone::prove(&config);
        let exclusive_only = zone::names_exclusive(&config.zones);
        let witness = config.witness();
        let Config { network, zones, limits, route: rules, durability, pad_transactions: pads, .. } = config;
        let (numbers, expected_height) = (config.courier, config.expected_height);
        let zones = zones
            .into_iter()
            .zip(0u8..)
            .map(|(zone, id)| Zone::new(now, ZoneId(id), zone, network, (limits, &numbers), ChaCha20Rng::from_rng(&mut rng)))
            .collect();
        let (transit, mut own_rng) = (Transit::new(limits, &mut *rng), ChaCha20Rng::from_rng(&mut rng));
        let transit_rng = ChaCha20Rng::from_rng(&mut rng);
        let recipient_key = match durability {
            Durability::BeforeRelay(key) => key,
            Durability::Memory => RecipientKey::draw(&mut own_rng),
        };
        let mut node = Self {
            limits,
            rules,
            durability,
            recipient_key,
            pads,
            public_only,
            exclusive_only,
            zones,
            chain: Chain::new(network),
            conns: Table::new(),
            timers: TimerQueue::new(),
            bans: Bans::new(limits.bans),
            stash: Stash::new(limits, witness),
            received: Received::new(limits),
            flushes: Flushes::new(),
            fluffs: Flushes::new(),
            transit,
            stems: Stems::default(),
            cargo: Cargo::new(now),
            numbers,
            noise_record: units::dummy(),
            unfinished: 0,
            expected_height,
            outbox: Outbox::default(),
            keeper: keep::Keeper::default(),
            drained: Vec::new(),
            own_rng,
            transit_rng,
            rng,
            now,
            stopping: Stopping::No,
        };
        for index in 0..node.zones.len() {
            node.count_carriers(ZoneId(index as u8));
        }
        node.advance(now);
        Ok(node)
    }

    /// The next thing to do; `None` until the next input. Allocates nothing.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.settle();
        let output = self.outbox.pop();
        if let Some(Output::Transmit(id)) = output {
            if let Some(conn) = self.conns.find_mut(id.0) {
                conn.transmit_pending = false;
            }
        }
        output
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before; `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let noise = |zone: &Zone| zone.noise.as_ref().map(Noise::next_due);
        let couriers = |zone: &Zone| zone.couriers.as_ref().and_then(Couriers::next_due);
        let due = |zone: &Zone| [zone.next_fill, zone.errands.next_check(), noise(zone), couriers(zone)];
        let zones = self.zones.iter().flat_map(due).flatten();
        let components = [
            self.timers.next(),
            self.flushes.next_due(),
            self.fluffs.next_due(),
            self.transit.next_due(),
            self.stash.next_due(),
            self.received.next_due(),
            self.keeper.next_due(),
        ];
        zones.chain(components.into_iter().flatten()).min()
    }

    /// The bytes that wait to be written to a link.
    ///
    /// # Errors
    /// [`UnknownConn`] if the link is gone.
    pub fn outgoing(&mut self, conn: ConnId) -> Result<Outgoing<'_>, UnknownConn> {
        let found = self.conns.find_mut(conn.0).ok_or(UnknownConn)?;
        Ok(Outgoing { conn: found, id: conn, drained: &mut self.drained })
    }

    /// How many bytes may be read from a link before asking again; 0: stop reading until
    /// [`Output::Resume`](crate::Output::Resume). It is 0 while the peer leaves too much unread itself.
    #[must_use]
    pub fn recv_window(&self, conn: ConnId) -> usize {
        match self.conns.find(conn.0) {
            Some(Conn { flight: Some(flight), .. }) => flight.may_read().min(self.limits.window),
            Some(conn) if !conn.paused => self.limits.window,
            _ => 0,
        }
    }

    /// The zones, in configuration order.
    pub fn zones(&self) -> impl Iterator<Item = ZoneReport> + '_ {
        self.zones.iter().map(Zone::report)
    }

    /// The own transactions that are kept, by id.
    pub fn stash(&self) -> impl Iterator<Item = StashReport> + '_ {
        self.stash.reports().map(|(entry, report)| StashReport { rides_from: self.cargo.release(entry), ..report })
    }

    fn statuses(&self) -> Vec<ZoneStatus> {
        self.zones.iter().map(Zone::status).collect()
    }

    fn ready_outgoing(&self, zone: ZoneId) -> impl Iterator<Item = (ConnId, &Conn)> {
        let ready = self.conns.iter().filter(move |(_, conn)| conn.zone == zone && conn.is_ready_outgoing());
        ready.map(|(handle, conn)| (ConnId(handle), conn))
    }

    /// Books what was written since the last look: hand-overs, reading that may go on, links that have drained.
    fn settle(&mut self) {
        while let Some(id) = self.drained.pop() {
            let Some(conn) = self.conns.find_mut(id.0) else { continue };
            conn.drained = false;
            conn.progressed(self.now);
            let (zone, asked) = (conn.zone, conn.asked);
            if conn.paused && conn.queue.len() <= self.limits.queue_bytes / links::READ_BELOW {
                conn.paused = false;
                self.outbox.push(Output::Resume(id));
            }
            while let Some(entry) = conn.queue.pop_handed() {
                let addr = conn.addr.clone();
                if let Some((tx, recipients)) = self.stash.handed(self.now, entry, zone, (id, addr, asked)) {
                    self.outbox.event(Event::Handed { id: tx, zone, recipients });
                }
            }
            if let (Phase::Draining(reason), 0) = (&conn.phase, conn.queue.len()) {
                let reason = *reason;
                self.close(id, reason);
            } else {
                if conn.queue.len() == 0 {
                    self.flushes.go_on(self.now, id);
                    self.fluffs.go_on(self.now, id);
                }
                self.schedule(id);
                self.send_accepted();
            }
        }
        self.plan_snapshots();
    }
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node")
            .field("now", &self.now)
            .field("zones", &self.zones.len())
            .field("conns", &self.conns.len())
            .field("stopping", &self.stopping)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
