use anonet_core::{Config, Durability, Exposure, Instant, Network, SubmitError, ZoneConfig, ZoneKind};
use bytes::Bytes;
use smol::Executor;

use super::super::app::Observer;
use super::super::args::StashStore;
use super::super::own::OwnTxs;
use super::super::received::{self, ReceivedList};
use super::super::restore;
use super::super::scratch::Scratch;
use super::super::seen::SeenList;
use super::super::settings::ZoneLabel;
use super::*;
use crate::driver::{Service, Transport, start};

const LIFETIME: Duration = Duration::from_secs(3_600);

/// A node with room for one transaction, and what keeps its stash.
struct Kept {
    store: Store,
    counter: Counter,
    changes: Changes,
    handle: Handle,
    _scratch: Scratch,
}

impl Kept {
    async fn start(executor: &Executor<'static>) -> Self {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path().join("stash.redb")).await.unwrap();
        let keeper = Keeper::new(store.clone(), Troubles::default(), Clock::start(), LIFETIME);
        let (counter, changes) = (keeper.counter(), keeper.changes());
        let mut config = Config::new(Network::Regtest);
        config.durability = Durability::BeforeRelay(store.recipient_key());
        (config.limits.stash_entries, config.limits.stash_lifetime) = (1, LIFETIME);
        config.zones.push(ZoneConfig::new(ZoneKind::Public));
        let received = ReceivedList::new(config.limits);
        let zones = vec![ZoneLabel { kind: ZoneKind::Public, proxy: None }];
        let observer = Observer::new(&zones, received::channel().0, Some(changes.clone()), SeenList::default());
        let service = Service { config, transports: vec![Transport::Direct], listeners: vec![] };
        let clock = Clock::start();
        let handle = start(executor, clock, service, observer).unwrap();
        let reporter = Reporter {
            network: Network::Regtest,
            zones,
            received,
            seen: SeenList::default(),
            own: OwnTxs::default(),
            daemon: None,
            stash_store: StashStore::Disk,
            courier: Default::default(),
            troubles: Troubles::default(),
        };
        executor.spawn(keeper.run(handle.clone(), reporter)).detach();
        Self { store, counter, changes, handle, _scratch: scratch }
    }

    async fn submit(&self, byte: u8) -> Result<Accepted, NotAccepted> {
        let blob = Bytes::from_static(b"tx");
        let tx = LocalTx::new(blob.clone()).unwrap();
        self.counter.submit(OwnTx::opaque(TxId::new([byte; 32]), blob), tx).await
    }

    /// The first byte of the id of each row.
    async fn rows(&self) -> Vec<u8> {
        self.store.load().await.unwrap().txs.iter().map(|loaded| loaded.stored.id.as_bytes()[0]).collect()
    }

    /// Moves the node's time past the end of all it holds, and waits until that is written down.
    async fn outlive(&self) {
        self.handle.call(|node, now| node.handle_timeout(now + LIFETIME)).await.unwrap();
        while !self.rows().await.is_empty() {
            Timer::after(Duration::from_millis(10)).await;
        }
    }
}

fn run(test: impl AsyncFnOnce(&Executor<'static>)) {
    let executor = Executor::new();
    let deadline = async {
        Timer::after(Duration::from_secs(20)).await;
        panic!("the test hangs");
    };
    smol::block_on(executor.run(or(test(&executor), deadline)));
}

#[test]
fn what_the_node_refuses_leaves_no_row() {
    run(async |executor| {
        let kept = Kept::start(executor).await;
        assert!(!kept.submit(1).await.unwrap().known);
        assert!(kept.submit(1).await.unwrap().known);
        let refused = kept.submit(2).await.unwrap_err();
        assert!(matches!(refused, NotAccepted::Node(SubmitError::StashFull { .. })), "{refused}");
        assert_eq!(kept.rows().await, [1]);
        kept.handle.shutdown().await;
        assert!(matches!(kept.submit(3).await, Err(NotAccepted::Stopped(Stopped))));
        assert!(matches!(kept.submit(1).await, Err(NotAccepted::Stopped(Stopped))));
        assert_eq!(kept.rows().await, [1], "accepted is accepted");
    });
}

#[test]
fn what_is_given_up_goes_from_the_disk_and_may_come_again() {
    run(async |executor| {
        let kept = Kept::start(executor).await;
        kept.submit(1).await.unwrap();
        kept.outlive().await;
        assert!(!kept.submit(1).await.unwrap().known);
        assert_eq!(kept.rows().await, [1]);
    });
}

#[test]
fn what_is_abandoned_just_before_it_leaves_is_not_missing() {
    run(async |executor| {
        let kept = Kept::start(executor).await;
        kept.submit(1).await.unwrap();
        let id = TxId::new([1; 32]);
        // not through `exposing`, which wakes the keeper
        kept.changes.unwritten().exposed.insert(id, Exposed::default());
        kept.counter.abandon(id).await.unwrap();
        assert!(kept.changes.unwritten().exposed.is_empty());
        assert_eq!(kept.rows().await, [0_u8; 0]);
    });
}

#[test]
fn what_came_again_before_its_end_was_written_stays() {
    run(async |executor| {
        let kept = Kept::start(executor).await;
        kept.submit(1).await.unwrap();
        kept.changes.ended(TxId::new([1; 32]));
        while !kept.changes.unwritten().ended.is_empty() {
            Timer::after(Duration::from_millis(10)).await;
        }
        // the keeper does one thing after the other
        assert!(kept.submit(2).await.is_err());
        assert_eq!(kept.rows().await, [1]);
    });
}

#[test]
fn what_the_disk_knows_goes_on_as_it_was() {
    run(async |executor| {
        let kept = Kept::start(executor).await;
        let id = TxId::new([1; 32]);
        let now = kept.handle.call(|_, now| now).await.unwrap();
        kept.store.insert(id, now, Bytes::from_static(b"tx")).await.unwrap();
        kept.store.set_exposed(vec![(id, Exposed { exposure: Exposure::Anonymity, uses: vec![] })]).await.unwrap();
        let accepted = kept.submit(1).await.unwrap();
        assert!(accepted.entry.why.unwrap().contains("peers of an anonymity zone may have it"));

        let (second, old) = (TxId::new([2; 32]), Instant::from_micros(0));
        kept.handle.call(move |node, now| node.forget_tx(now, id)).await.unwrap();
        kept.store.insert(second, old, Bytes::from_static(b"tx")).await.unwrap();
        let accepted = kept.submit(2).await.unwrap();
        assert!(accepted.entry.expires_in_seconds > LIFETIME.as_secs() - 60, "its time was over, and begins anew: {accepted:?}");
        let rows = kept.store.load().await.unwrap().txs;
        assert!(rows.iter().any(|row| row.stored.id == second && row.stored.submitted >= now), "{rows:?}");
    });
}

#[test]
fn more_than_the_node_takes_stays_on_disk() {
    run(async |executor| {
        let kept = Kept::start(executor).await;
        let now = kept.handle.call(|_, now| now).await.unwrap();
        for byte in 1..=100 {
            kept.store.insert(TxId::new([byte; 32]), now, Bytes::from_static(b"tx")).await.unwrap();
        }
        let stored = kept.store.load().await.unwrap().txs;
        restore::restore(&kept.handle, &OwnTxs::default(), stored).await.unwrap();
        assert_eq!(kept.handle.call(|node, _| node.stash().count()).await.unwrap(), 1);
        assert_eq!(kept.rows().await.len(), 100);
    });
}
