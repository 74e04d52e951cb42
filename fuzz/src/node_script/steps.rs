//! What can happen to a node, by number.

use std::net::IpAddr;
use std::time::Duration;

use anonet_core::{
    Banned, ChainTip, ConnId, DialFailure, Direction, Instant, Node, Refused, StaleTicket, TxId, UnknownConn, Verdict, ZoneKind,
};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::leaks::is_innocent;
use super::own::AGES;
use super::watch::{Link, Watch};
use super::{configs, frames};
use crate::cast::addr;
use crate::script::Script;

/// Far from both ends of time.
const START: Instant = Instant::from_micros(1 << 50);

/// Which links a step may choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Among {
    All,
    Dials,
    Open,
}

/// A node, what is known of it, and the embedder's clock.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) watch: Watch,
    clock: u64,
    /// The latest time that the node was told.
    now: Instant,
}

impl Run {
    pub(super) fn new(config: u8, seed: u8) -> Self {
        let config = configs::config(config);
        let rng = Box::new(ChaCha20Rng::from_seed([seed; 32]));
        let mut watch = Watch::new(&config, || Node::new(config.clone(), rng, START).expect("the configuration is sound"));
        watch.drain();
        Self { watch, clock: START.as_micros(), now: START }
    }

    /// The clock, for an input: the node does what is due by then.
    fn tick(&mut self) -> Instant {
        let clock = Instant::from_micros(self.clock);
        self.now = self.now.max(clock);
        self.watch.own.advance(self.now);
        self.watch.allowance += 1_000;
        clock
    }

    pub(super) fn step(&mut self, code: u8, script: &mut Script<'_>) {
        match code % 22 {
            0 => self.accept(script),
            1 | 2 => {
                self.dialed(script);
            }
            3 => self.dial_failed(script),
            4 => {
                let (conn, length, chunk) = (self.choose(script, Among::All), script.byte(), script.byte());
                let data = script.bytes(length.into());
                conn.into_iter().for_each(|conn| self.feed(conn, data, chunk));
            }
            5..=7 => {
                let conn = self.choose(script, Among::Open);
                let (number, detail, chunk) = (script.byte(), script.byte(), script.byte());
                conn.into_iter().for_each(|conn| self.feed_frame(conn, number, detail, chunk));
            }
            // a whole handshake, as what follows is what matters
            8 | 9 => {
                let (conn, detail) = (self.dialed(script), script.byte());
                conn.into_iter().for_each(|conn| self.feed_frame(conn, 1, detail, 0));
            }
            10 => {
                let Some(conn) = self.choose(script, Among::All) else { return };
                let now = self.tick();
                self.watch.node.run(|node| node.handle_closed(now, conn));
            }
            11 => self.stale(script),
            12 => self.pass(script.micros()),
            13 => self.clock = self.clock.saturating_sub(script.micros()),
            14 => self.wait_for_deadline(),
            15 => {
                // what was seen is new again if it is submitted once more, so that has to be heard before
                self.watch.drain();
                self.tick();
                let (number, size) = (script.byte() % 8, script.byte());
                self.watch.own.submit(&mut self.watch.node, self.now, number, size, self.watch.stopping);
            }
            16 => {
                self.watch.drain();
                self.tick();
                self.watch.own.forget(&mut self.watch.node, self.now, script.byte() % 8);
            }
            17 => self.resolve(script),
            18 => self.write(script),
            19 => self.rare(script),
            20 => {
                // an answer to a question that was not heard yet would be one for its successor, too
                self.watch.drain();
                self.tick();
                self.watch.own.record(&mut self.watch.node, self.now, script.byte());
            }
            _ => {
                self.watch.drain();
                self.tick();
                let (number, size, age) = (script.byte() % 8, script.byte(), script.micros());
                if !self.watch.stopping {
                    self.watch.own.restore(&mut self.watch.node, self.now, number, size, age);
                }
            }
        }
    }

    /// What would end a script too soon if it came often.
    fn rare(&mut self, script: &mut Script<'_>) {
        match script.byte() % 16 {
            0 => self.shutdown(),
            1..=4 => {
                let conns: Vec<ConnId> = self.watch.live.keys().copied().collect();
                conns.into_iter().for_each(|conn| self.watch.write(conn, Some(usize::MAX)));
            }
            5..=7 => {
                let (height, version) = (script.micros(), script.byte());
                let now = self.tick();
                self.watch.node.run(|node| node.set_tip(now, ChainTip::new(height, [version; 32], u128::MAX, version)));
            }
            8..=10 => {
                let (who, span) = (self.someone(script), script.micros());
                let now = self.tick();
                let span = (span != 0).then(|| Duration::from_micros(span));
                self.watch.node.run(|node| node.ban(now, who.clone(), span)).expect("few are banned");
                assert!(self.watch.node.bans().any(|ban| ban.who == who && ban.until.is_some() == span.is_some()));
            }
            11 => {
                let who = self.someone(script);
                let now = self.tick();
                self.watch.node.run(|node| node.unban(now, &who));
                assert!(self.watch.node.bans().all(|ban| ban.who != who));
            }
            12 | 13 => {
                let now = self.tick();
                self.watch.node.run(|node| node.confirm_tx(now, TxId::new([script.byte() % 8; 32])));
            }
            _ => {}
        }
    }

    /// A host, or a network with many of the script's hosts.
    fn someone(&self, script: &mut Script<'_>) -> Banned {
        let kind = self.watch.kinds[script.index(self.watch.kinds.len())];
        match script.byte() {
            byte if byte.is_multiple_of(4) => Banned::subnet(IpAddr::from([45, 0, 0, byte]), byte / 8).expect("at most 32 bits"),
            byte => Banned::host(&addr(kind, byte)),
        }
    }

    fn choose(&self, script: &mut Script<'_>, among: Among) -> Option<ConnId> {
        let fits = |link: &Link| among == Among::All || link.dialing == (among == Among::Dials);
        let conns: Vec<ConnId> = self.watch.live.iter().filter(|(_, link)| fits(link)).map(|(&conn, _)| conn).collect();
        conns.get(script.index(conns.len())).copied()
    }

    fn accept(&mut self, script: &mut Script<'_>) {
        let index = script.index(self.watch.kinds.len());
        let (zone, from) = (self.watch.node.zones().nth(index).expect("the zone exists").id, script.byte());
        // behind a hidden service the far end is not known
        let from = (self.watch.kinds[index] == ZoneKind::Public).then(|| addr(ZoneKind::Public, from));
        let now = self.tick();
        match self.watch.node.run(|node| node.accept(now, zone, from)) {
            Ok(conn) => self.watch.began(conn, Link::new(zone, Direction::Incoming)),
            Err(refused) => assert_eq!(refused == Refused::Stopping, self.watch.stopping),
        }
    }

    fn dialed(&mut self, script: &mut Script<'_>) -> Option<ConnId> {
        let conn = self.choose(script, Among::Dials)?;
        let now = self.tick();
        self.watch.node.run(|node| node.handle_dialed(now, conn)).ok()?;
        self.watch.live.get_mut(&conn)?.dialing = false;
        Some(conn)
    }

    fn dial_failed(&mut self, script: &mut Script<'_>) {
        let conn = self.choose(script, Among::Dials);
        let why = match script.byte() % 8 {
            0 => DialFailure::ProxyUnreachable,
            1 => [DialFailure::ProxyProtocol, DialFailure::ProxyClosed][script.index(2)],
            2 => DialFailure::ProxyWithoutIsolation,
            3 => DialFailure::ProxyRejectedCredentials,
            4 => DialFailure::HostRefused,
            5 => DialFailure::HostUnreachable,
            _ => DialFailure::Socks(script.byte()),
        };
        let Some(conn) = conn else { return };
        let now = self.tick();
        self.watch.node.run(|node| node.handle_dial_failed(now, conn, why));
    }

    fn feed_frame(&mut self, conn: ConnId, number: u8, detail: u8, chunk: u8) {
        let kind = self.watch.kinds[self.watch.live[&conn].zone.index()];
        let frame = frames::frame(number, detail, kind);
        // the other half never comes
        let length = if chunk == u8::MAX { frame.len() / 2 } else { frame.len() };
        self.feed(conn, &frame[..length], chunk);
    }

    /// Feeds in pieces of `chunk` bytes, or as large as the link takes if `chunk` is 0. What a link does not take now, as
    /// its peer does not read, is dropped.
    fn feed(&mut self, conn: ConnId, mut data: &[u8], chunk: u8) {
        self.watch.allowance += data.len();
        loop {
            let now = self.tick();
            let window = self.watch.node.recv_window(conn);
            let most = if chunk == 0 { window } else { window.min(chunk.into()) };
            let (piece, rest) = data.split_at(most.min(data.len()));
            if piece.is_empty() {
                return;
            }
            let fed = self.watch.feed(now, conn, piece);
            assert_eq!(fed.is_ok(), self.watch.node.run(|node| node.outgoing(conn).is_ok()));
            data = rest;
        }
    }

    /// A handle of a link that has ended changes nothing.
    fn stale(&mut self, script: &mut Script<'_>) {
        let at = script.index(self.watch.ended.len());
        let Some(conn) = self.watch.ended.iter().nth(at).copied() else { return };
        let now = self.tick();
        let node = &mut self.watch.node;
        assert_eq!(node.run(|node| node.handle_dialed(now, conn)), Err(UnknownConn));
        assert_eq!(node.run(|node| node.handle_data(now, conn, b"late")), Err(UnknownConn));
        node.run(|node| node.handle_dial_failed(now, conn, DialFailure::ProxyUnreachable));
        node.run(|node| node.handle_closed(now, conn));
        assert!(node.run(|node| node.outgoing(conn).is_err()));
        assert_eq!(node.recv_window(conn), 0);
    }

    fn pass(&mut self, micros: u64) {
        self.clock += micros;
        let now = self.tick();
        self.watch.node.run(|node| node.handle_timeout(now));
        self.watch.check_deadline(self.now);
    }

    fn wait_for_deadline(&mut self) {
        if let Some(at) = self.watch.node.poll_timeout() {
            self.pass(at.as_micros().saturating_sub(self.clock));
        }
    }

    fn resolve(&mut self, script: &mut Script<'_>) {
        let (at, verdict) = (script.index(self.watch.tickets.len()), script.byte());
        let Some((ticket, blob)) = self.watch.tickets.get(at).cloned() else { return };
        // an own transaction's id, whatever the copy is: the node believes its application
        let now = self.tick();
        self.watch.node.run(|node| node.echo(now, ticket, TxId::new([verdict >> 5; 32])));
        let verdict = match verdict % 4 {
            0 => Verdict::Reject,
            1 => Verdict::Forget,
            _ if is_innocent(&blob) => Verdict::Accept,
            _ => Verdict::Forget,
        };
        let now = self.tick();
        let _ = self.watch.node.run(|node| node.resolve_tx(now, ticket, verdict));
        assert_eq!(self.watch.node.run(|node| node.resolve_tx(now, ticket, verdict)), Err(StaleTicket), "answered twice");
    }

    fn write(&mut self, script: &mut Script<'_>) {
        let (conn, most) = (self.choose(script, Among::Open), usize::from(script.byte()));
        conn.into_iter().for_each(|conn| self.watch.write(conn, (most < 128).then_some(most)));
    }

    fn shutdown(&mut self) {
        let now = self.tick();
        self.watch.node.run(|node| node.shutdown(now));
        self.watch.stopping = true;
    }

    /// Stops the node and waits until nothing can be left.
    pub(super) fn stop(&mut self) {
        self.watch.drain();
        self.clock = self.now.as_micros();
        self.shutdown();
        self.watch.drain();
        self.pass(500_000);
        self.watch.drain();
        assert!(self.watch.stopped && self.watch.live.is_empty(), "not stopped in time");
        self.pass(u64::try_from(AGES.as_micros()).expect("it fits"));
        self.watch.drain();
        assert_eq!(self.watch.node.stash().count(), 0);
        assert_eq!(self.watch.node.poll_timeout(), None, "something is still to come");
    }
}
