//! Where a transaction goes, over every combination of zones, their health, isolation, rule, origin and restart: real
//! nodes in virtual time, judged by the links on which its bytes are.
//!
//! The expectations are written from the sentences that define the behaviour, not from the code that routes:
//!
//! 1. If any anonymity network is enabled, transactions that did not come from a P2P connection are only sent to peers
//!    on anonymity networks.
//! 2. If one is enabled but no peers over it are available, the transaction is kept for it.
//! 3. It is not broadcast unless an anonymity connection is made, or until the node is restarted with only the public
//!    network.
//! 4. What came from a peer goes to the public network, whatever it came by.
//!
//! and from what this node adds: zones that isolate streams are tried first, then the order of configuration; a zone
//! that does not may be told to serve only alone; after a restart, what peers of an anonymity network may know never
//! becomes public.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::route::WeakerZone;
use anonet_core::wire::{NewTransactions, TxForm, command};
use anonet_core::{
    Config, Event, Exposure, LocalTx, StashState, StoredTx, StreamIsolation, TxId, Verdict, ZoneConfig, ZoneId, ZoneKind,
};
use anonet_tests::world::cast::{self, addr, frame, handshake_request, zone};
use anonet_tests::world::{RawIndex, World};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const BLOB: &[u8] = b"a transaction whose bytes are looked for on every link of the node";
const ID: TxId = TxId::new([5; 32]);
const KINDS: [ZoneKind; 3] = [ZoneKind::Public, ZoneKind::Tor, ZoneKind::I2p];

/// One zone of the node under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Absent,
    /// It accepts and does not dial.
    InboundOnly,
    /// It dials.
    Dialling {
        health: Health,
        isolates: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// A link is up.
    Linked,
    /// The proxy works, the peer refuses.
    NoPeer,
    /// The proxy cannot be reached.
    ProxyDown,
}

/// Public, Tor and I2P, and the rule for zones that do not isolate.
#[derive(Clone, Copy, Debug)]
struct Setting {
    zones: [Zone; 3],
    weaker: WeakerZone,
}

/// How an own transaction comes to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Submitted,
    Restored(Exposure),
}

const OWNS: [Own; 4] =
    [Own::Submitted, Own::Restored(Exposure::Nobody), Own::Restored(Exposure::Anonymity), Own::Restored(Exposure::Public)];

impl Zone {
    const fn is_linked(self) -> bool {
        matches!(self, Self::Dialling { health: Health::Linked, .. })
    }

    const fn isolates(self) -> bool {
        matches!(self, Self::Dialling { isolates: true, .. })
    }

    fn config(self, kind: ZoneKind) -> Option<ZoneConfig> {
        let mut config = zone(kind, 0, &[1]);
        match self {
            Self::Absent => return None,
            Self::InboundOnly => config.max_outgoing = 0,
            Self::Dialling { isolates, .. } => {
                config.isolation = if isolates { StreamIsolation::PerDial } else { StreamIsolation::None };
            }
        }
        Some(config)
    }
}

/// Every state of an anonymity zone.
fn anonymity_zones() -> Vec<Zone> {
    let mut all = vec![Zone::Absent, Zone::InboundOnly];
    for health in [Health::Linked, Health::NoPeer, Health::ProxyDown] {
        all.extend([true, false].map(|isolates| Zone::Dialling { health, isolates }));
    }
    all
}

fn settings() -> Vec<Setting> {
    let mut all = Vec::new();
    let public = |health| Zone::Dialling { health, isolates: false };
    for public in [Zone::Absent, public(Health::Linked), public(Health::NoPeer)] {
        for tor in anonymity_zones() {
            for i2p in anonymity_zones() {
                let zones = [public, tor, i2p];
                if zones.iter().all(|zone| *zone == Zone::Absent) {
                    continue;
                }
                all.extend([WeakerZone::AsFallback, WeakerZone::OnlyAlone].map(|weaker| Setting { zones, weaker }));
            }
        }
    }
    all
}

impl Setting {
    fn anonymity_is_enabled(&self) -> bool {
        self.zones[1] != Zone::Absent || self.zones[2] != Zone::Absent
    }

    /// The network by which an own transaction leaves, if it does; the sentences of the file's head, in their order.
    fn expected_for_own(&self, own: Own) -> Option<ZoneKind> {
        let [public, tor, i2p] = self.zones;
        if !self.anonymity_is_enabled() {
            let known_to_anonymity_peers = own == Own::Restored(Exposure::Anonymity);
            return (public.is_linked() && !known_to_anonymity_peers).then_some(ZoneKind::Public);
        }
        let may_serve = |zone: Zone| {
            let beside_a_stronger = self.weaker == WeakerZone::OnlyAlone && (tor.isolates() || i2p.isolates());
            zone.is_linked() && (zone.isolates() || !beside_a_stronger)
        };
        match (may_serve(tor), may_serve(i2p)) {
            (true, true) if i2p.isolates() && !tor.isolates() => Some(ZoneKind::I2p),
            (true, _) => Some(ZoneKind::Tor),
            (false, true) => Some(ZoneKind::I2p),
            (false, false) => None,
        }
    }

    /// The same for a stranger's: the public network, if a link is there.
    fn expected_for_peers(&self) -> Option<ZoneKind> {
        self.zones[0].is_linked().then_some(ZoneKind::Public)
    }

    fn configs(&self) -> Vec<ZoneConfig> {
        self.zones.iter().zip(KINDS).filter_map(|(zone, kind)| zone.config(kind)).collect()
    }
}

/// A real node to link to, which dials nobody.
fn peer(kind: ZoneKind) -> ZoneConfig {
    zone(kind, 1, &[])
}

/// A node in a setting, half a minute after its start, with an incoming link in each of its zones.
struct Scene {
    world: World,
    node: usize,
    inbound: Vec<(ZoneKind, RawIndex)>,
}

impl Scene {
    fn new(setting: &Setting) -> Self {
        let mut world = World::new(99);
        let mut config: Config = cast::config(setting.configs());
        config.route.weaker = setting.weaker;
        let kinds: Vec<ZoneKind> = config.zones.iter().map(|zone| zone.kind).collect();
        let ids: Vec<ZoneId> = (0..kinds.len()).filter_map(|index| config.zone_id(index)).collect();
        let node = 0;
        for (zone, kind) in setting.zones.iter().zip(KINDS) {
            match (zone, kinds.iter().position(|other| *other == kind)) {
                (Zone::Dialling { health: Health::ProxyDown, .. }, Some(place)) => {
                    world.faults.proxies_down.insert((node, ids[place]));
                }
                (Zone::Dialling { health: Health::NoPeer, .. }, _) => {
                    world.faults.refusing.insert(addr(kind, 1));
                }
                _ => {}
            }
        }
        assert_eq!(world.add(config), node);
        for (_, kind) in setting.zones.iter().zip(KINDS).filter(|(zone, _)| zone.is_linked()) {
            world.add(cast::config([peer(kind)]));
        }
        let mut scene = Self { world, node, inbound: Vec::new() };
        for (kind, id) in kinds.into_iter().zip(ids) {
            let peer = scene.world.raw_connect(node, id);
            scene.world.raw_send(peer, &handshake_request());
            scene.inbound.push((kind, peer));
        }
        scene.settle();
        scene
    }

    /// Lets dials come up and delays pass.
    fn settle(&mut self) {
        self.world.run_for(SECOND * 30);
    }

    /// Where the transaction's bytes are.
    fn seen_on(&self) -> Vec<ZoneKind> {
        let on = |kind: &ZoneKind| {
            let mut streams = self.world.record.written(self.node, *kind);
            streams.any(|bytes| bytes.windows(BLOB.len()).any(|window| window == BLOB))
        };
        KINDS.into_iter().filter(on).collect()
    }

    /// Whether an incoming link carried it.
    fn seen_inbound(&self) -> bool {
        let sent_back = |peer: &RawIndex| self.world.raw(*peer).received.windows(BLOB.len()).any(|window| window == BLOB);
        self.inbound.iter().any(|(_, peer)| sent_back(peer))
    }

    fn give(&mut self, own: Own) {
        let tx = LocalTx::new(Bytes::from_static(BLOB)).expect("a transaction");
        let submitted = self.world.now();
        let kept = self.world.call(self.node, |node, now| match own {
            Own::Submitted => node.submit_tx(now, ID, tx),
            Own::Restored(exposure) => node.restore_tx(now, StoredTx { id: ID, tx, submitted, exposure, uses: vec![] }),
        });
        kept.expect("it is kept");
    }

    fn is_held(&self) -> bool {
        self.world.node(self.node).stash().any(|entry| matches!(entry.state, StashState::Held(_)))
    }
}

#[test]
fn own_transactions() {
    let (mut rows, mut failed) = (0, Vec::new());
    for (setting, own) in settings().iter().flat_map(|setting| OWNS.map(|own| (setting, own))) {
        let mut scene = Scene::new(setting);
        scene.give(own);
        // what may have left before the restart stays back for up to ten minutes
        let patience = if matches!(own, Own::Restored(Exposure::Anonymity | Exposure::Public)) { 22 } else { 1 };
        (0..patience).for_each(|_| scene.settle());
        let (seen, held) = (scene.seen_on(), scene.is_held());
        let expected: Vec<ZoneKind> = setting.expected_for_own(own).into_iter().collect();
        rows += 1;
        if seen != expected || (expected.is_empty() && !held) {
            failed.push(format!("row {rows}: {own:?} in {setting:?}: expected {expected:?}, seen on {seen:?}, held {held}"));
        }
        assert!(!scene.seen_inbound(), "row {rows}: sent to a peer that dialled us");
        if setting.anonymity_is_enabled() {
            assert!(!seen.contains(&ZoneKind::Public), "row {rows}: {own:?} in {setting:?} is public");
        }
    }
    assert!(rows > 1_000, "{rows} rows");
    assert!(failed.is_empty(), "{} of {rows} rows\n{}", failed.len(), failed.join("\n"));
}

/// The same rows once more, while everything breaks and comes back: nothing of it ends in the public network.
#[test]
fn no_fault_makes_an_own_transaction_public_beside_an_anonymity_zone() {
    let enabled: Vec<Setting> = settings().into_iter().filter(Setting::anonymity_is_enabled).collect();
    let (mut rows, mut left) = (0, 0);
    for setting in enabled.iter().step_by(3) {
        let mut scene = Scene::new(setting);
        scene.give(OWNS[rows % OWNS.len()]);
        scene.world.run_for(SECOND);
        let ids: Vec<ZoneId> = scene.world.node(scene.node).zones().map(|zone| zone.id).collect();
        for round in 0..3 {
            scene.world.cut_all(scene.node);
            scene.world.faults.proxies_down.extend(ids.iter().skip(round).map(|id| (scene.node, *id)));
            scene.settle();
            scene.world.faults.proxies_down.clear();
            scene.settle();
        }
        let seen = scene.seen_on();
        assert!(!seen.contains(&ZoneKind::Public), "{setting:?}");
        rows += 1;
        left += seen.len();
    }
    assert!(rows > 100 && left > 20, "{left} of {rows} left at all");
}

#[test]
fn strangers_transactions() {
    let (mut rows, mut failed) = (0, Vec::new());
    for setting in settings() {
        let configured: Vec<ZoneKind> = setting.configs().iter().map(|zone| zone.kind).collect();
        for (origin, form) in configured.iter().flat_map(|origin| [TxForm::Stem, TxForm::Fluff].map(|form| (*origin, form))) {
            let mut scene = Scene::new(&setting);
            let (_, peer) = *scene.inbound.iter().find(|(kind, _)| *kind == origin).expect("each zone has an incoming link");
            let message =
                frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| NewTransactions::encode(out, form, 0, [BLOB].into_iter()));
            scene.world.raw_send(peer, &message);
            let ticket = scene.world.events(scene.node).find_map(|event| match event {
                Event::Tx { ticket, form: came, .. } if *came == form => Some(*ticket),
                _ => None,
            });
            let ticket = ticket.expect("it is handed to the embedder");
            scene.world.call(scene.node, |node, now| node.resolve_tx(now, ticket, Verdict::Accept)).expect("it waits");
            scene.settle();
            let (seen, expected) = (scene.seen_on(), setting.expected_for_peers().into_iter().collect::<Vec<_>>());
            if seen != expected {
                failed.push(format!("{form:?} by {origin:?} in {setting:?}: expected {expected:?}, seen on {seen:?}"));
            }
            rows += 1;
        }
    }
    assert!(rows > 1_000, "{rows} rows");
    assert!(failed.is_empty(), "{} of {rows} rows\n{}", failed.len(), failed.join("\n"));
}
