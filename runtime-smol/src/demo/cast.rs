//! Who takes part: nodes with onion names of their own, made for this tour; nobody else holds their keys.

use std::net::SocketAddr;
use std::time::Duration;

use anonet_core::addr::AddrError;
use anonet_core::{
    Addr, Config, CourierConfig, Event, Instant, Network, Node, PeerRole, Privacy, RelayPolicy, ZoneConfig, ZoneKind,
};
use smol::Executor;
use smol::channel::Sender;

use crate::clock::Clock;
use crate::driver::{App, Listener, Preface, Service, SocksAuth, SocksProxy, StartError, Transport, start};
use crate::handle::Handle;

pub(super) const BOB: &str = "ofcpkm3stoeea5zinsyq336rzokkugmezzeay27qr6ui7lplsx3qvyyd.onion";
pub(super) const CAROL: &str = "wy556ymkhlv7h27tx3jk47bk3vtfutuhlyszskc27glsp2n34666q6yd.onion";

/// A signed transaction, in hex; it spends an output of a private test chain.
pub(super) const TRANSACTION: &str = include_str!("tx.hex");

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Alice,
    Bob,
    Carol,
    Erin,
}

/// What a node told its application.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) by: Party,
    pub(super) event: Event,
}

struct Reporter {
    party: Party,
    said: Sender<Said>,
}

impl App for Reporter {
    fn event(&mut self, _node: &mut Node, _now: Instant, event: Event, _handle: &Handle) {
        // the story listens until its end, and after that nothing matters
        let _ = self.said.try_send(Said { by: self.party, event });
    }
}

/// The stage: what every node of the tour is started with.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) executor: &'a Executor<'static>,
    pub(super) clock: Clock,
    pub(super) proxy: SocketAddr,
    pub(super) said: Sender<Said>,
}

impl Stage<'_> {
    /// Alice: a user with a wallet. She knows Bob's onion name and Erin's public address, and accepts nobody.
    pub(super) fn alice(&self, erin: SocketAddr) -> Result<Handle, StartError> {
        let mut public = ZoneConfig::new(ZoneKind::Public);
        public.peers.push((Addr::from(erin), PeerRole::Known));
        let tor = tor(&[BOB]).map_err(invalid)?;
        self.start(Party::Alice, vec![public, tor], vec![Transport::Direct, self.socks()], None)
    }

    /// A node behind a hidden service that may know others.
    pub(super) fn hidden(&self, party: Party, peers: &[&str]) -> Result<Handle, StartError> {
        let mut tor = tor(peers).map_err(invalid)?;
        tor.max_incoming = 8;
        // it has nothing to send, and its dials would only be in the way of what is told
        tor.relay = RelayPolicy::Fluff;
        self.start(party, vec![tor], vec![self.socks()], Some(0))
    }

    /// Erin: a public node.
    pub(super) fn erin(&self) -> Result<Handle, StartError> {
        let mut public = ZoneConfig::new(ZoneKind::Public);
        public.max_incoming = 8;
        self.start(Party::Erin, vec![public], vec![Transport::Direct], Some(0))
    }

    fn socks(&self) -> Transport {
        Transport::Socks(SocksProxy { addr: self.proxy, auth: SocksAuth::IsolationRequired })
    }

    fn start(
        &self,
        party: Party,
        zones: Vec<ZoneConfig>,
        transports: Vec<Transport>,
        listening: Option<usize>,
    ) -> Result<Handle, StartError> {
        let mut config = Config::new(Network::Regtest);
        config.zones = zones;
        // so often that nobody has to wait for the tour
        config.courier = CourierConfig::preset(Privacy::Fast);
        config.courier.every = [Duration::from_secs(3), Duration::ZERO, Duration::ZERO];
        config.courier.first_record = (Duration::from_secs(1), Duration::from_secs(2));
        let bind = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = listening.map(|zone| Listener { zone, bind, preface: Preface::None }).into_iter().collect();
        let reporter = Reporter { party, said: self.said.clone() };
        start(self.executor, self.clock, Service { config, transports, listeners }, reporter)
    }
}

fn tor(peers: &[&str]) -> Result<ZoneConfig, AddrError> {
    let mut tor = ZoneConfig::new(ZoneKind::Tor);
    for peer in peers {
        tor.peers.push((Addr::parse(peer, 18_083)?, PeerRole::Known));
    }
    Ok(tor)
}

fn invalid(error: AddrError) -> StartError {
    StartError::Config(anonet_core::ConfigError::BadAddr(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_valid_and_the_transaction_is_the_captured_one() {
        for name in [BOB, CAROL] {
            assert!(Addr::parse(name, 1).is_ok(), "{name}");
        }
        let captured = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/tor/tx-1.hex"));
        assert_eq!(TRANSACTION, captured.unwrap());
    }
}
