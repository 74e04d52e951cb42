use anonet_core::{Config, Event, Instant, LocalTx, Node, ZoneConfig, ZoneKind};
use serde_json::{Value, json};
use smol::Executor;

use super::super::super::fitness::Rules;
use super::super::fake::{FakeDaemon, Reply, run};
use super::*;
use crate::clock::Clock;
use crate::driver::{App, Service, SocksAuth, SocksProxy, Transport, start};

const OWN: [u8; 32] = [0xaa; 32];

struct Quiet;

impl App for Quiet {
    fn event(&mut self, _: &mut Node, _: Instant, _: Event, _: &Handle) {}
}

/// A node that can send nothing, and so keeps all.
pub(in super::super) fn node(executor: &Executor<'static>) -> Handle {
    let mut config = Config::new(Network::Regtest);
    config.zones.push(ZoneConfig::new(ZoneKind::Tor));
    let proxy = SocksProxy { addr: "127.0.0.1:9".parse().unwrap(), auth: SocksAuth::IsolationRequired };
    let service = Service { config, transports: vec![Transport::Socks(proxy)], listeners: Vec::new() };
    start(executor, Clock::start(), service, Quiet).unwrap()
}

fn hash(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

fn info(synchronized: bool) -> Reply {
    Reply::json(&json!({ "status": "OK", "height": 3, "target_height": 0, "nettype": "fakechain", "synchronized": synchronized }))
}

fn header(height: u8) -> Value {
    json!({ "height": height, "hash": hash(height), "prev_hash": hash(height.wrapping_sub(1)), "major_version": 16,
            "cumulative_difficulty": 9 })
}

fn top(height: u8) -> Reply {
    Reply::json(&json!({ "result": { "block_header": header(height) } }))
}

fn pool(hashes: &[String]) -> Reply {
    Reply::json(&json!({ "status": "OK", "tx_hashes": hashes }))
}

fn block(height: u8, hashes: &[String]) -> Reply {
    Reply::json(&json!({ "result": { "block_header": header(height), "tx_hashes": hashes } }))
}

fn fee(fee: u64) -> Reply {
    Reply::json(&json!({ "result": { "fee": fee, "quantization_mask": 10_000 } }))
}

async fn watch(executor: &std::sync::Arc<Executor<'static>>, replies: Vec<Reply>) -> (Watch, FakeDaemon) {
    let fake = FakeDaemon::start(executor, replies).await;
    let watch = Watch {
        client: Arc::new(fake.client()),
        state: DaemonState::new("127.0.0.1:1".into()),
        handle: node(executor),
        network: Network::Regtest,
        introduced: Introduced::new(Duration::from_secs(9)),
        chance: Chance::fixed(),
        here: true,
        scan: Scan::default(),
    };
    (watch, fake)
}

async fn keep_own(watch: &Watch) {
    let tx = LocalTx::new(bytes::Bytes::from_static(b"own")).unwrap();
    watch.handle.submit(TxId::new(OWN), tx).await.unwrap();
}

async fn kept(watch: &Watch) -> usize {
    watch.handle.call(|node, _| node.stash().count()).await.unwrap()
}

#[test]
fn what_is_in_the_pool_or_in_a_block_ends_the_own_transaction() {
    let (own, other) = (hash(0xaa), hash(0xbb));
    for (in_pool, in_block, ends) in [(&other, &other, false), (&own, &other, true), (&other, &own, true)] {
        run(async |executor| {
            let pool = pool(&[other.clone(), in_pool.clone()]);
            let replies = vec![info(true), top(1), pool, block(0, &[]), block(1, std::slice::from_ref(in_block)), fee(7)];
            let (mut watch, _) = watch(executor, replies).await;
            keep_own(&watch).await;
            watch.look().await.unwrap();
            assert_eq!(kept(&watch).await, usize::from(!ends));
            let entry = watch.state.entry();
            assert_eq!((entry.state, entry.height, entry.pool, entry.synchronized), (Standing::Up, 2, Pool::Watched, true));
            assert_eq!(watch.state.rules(), Rules { version: Some(16), fee: Some(7) });
        });
    }
}

#[test]
fn what_we_gave_the_daemon_ourselves_counts_in_a_block_only() {
    run(async |executor| {
        let own = [hash(0xaa)];
        let first = [info(true), top(0), pool(&own), block(0, &[]), fee(7)];
        let second = [info(true), top(1), pool(&own), block(1, &own)];
        let (mut watch, _) = watch(executor, first.into_iter().chain(second).collect()).await;
        keep_own(&watch).await;
        watch.introduced.add(Clock::start().now(), TxId::new(OWN));
        watch.look().await.unwrap();
        assert_eq!(kept(&watch).await, 1);
        watch.look().await.unwrap();
        assert_eq!(kept(&watch).await, 0);
    });
}

#[test]
fn the_questions_do_not_depend_on_the_stash() {
    let mut asked = Vec::new();
    for keeps in [false, true] {
        run(async |executor| {
            let own = [hash(0xaa)];
            let replies = vec![
                info(true),
                top(1),
                pool(&own),
                block(0, &own),
                block(1, &[]),
                fee(7),
                info(true),
                top(1),
                pool(&own),
                fee(8),
            ];
            let (mut watch, fake) = watch(executor, replies).await;
            if keeps {
                keep_own(&watch).await;
            }
            watch.look().await.unwrap();
            watch.look().await.unwrap();
            asked.push(fake.questions());
        });
    }
    assert_eq!(asked[0].len(), 10);
    assert_eq!(asked[0], asked[1]);
    assert!(asked.iter().flatten().all(|(_, body)| !String::from_utf8_lossy(body).contains("aaaa")), "no id is asked for");
}

#[test]
fn a_look_reads_some_blocks_and_the_next_goes_on() {
    run(async |executor| {
        let mut replies = vec![info(true), top(40), pool(&[])];
        replies.extend((0..16).map(|height| block(height, &[])));
        replies.extend([fee(7), info(true), top(40), pool(&[])]);
        replies.extend((16..32).map(|height| block(height, &[])));
        let (mut watch, fake) = watch(executor, replies).await;
        watch.look().await.unwrap();
        assert_eq!(fake.questions().len(), 4 + BLOCKS);
        watch.look().await.unwrap();
        assert_eq!(fake.questions().len(), 2 * (4 + BLOCKS));
    });
}

#[test]
fn states_of_the_daemon_are_told_apart() {
    let foreign = Reply::json(&json!({ "status": "OK", "height": 3, "nettype": "mainnet", "synchronized": true }));
    for (replies, state, pool) in [
        (vec![info(false), top(1)], Standing::Syncing, Pool::Untried),
        (vec![foreign], Standing::WrongNetwork, Pool::Untried),
        (vec![info(true), top(0), Reply::Body(404, Vec::new()), block(0, &[])], Standing::Up, Pool::Hidden),
    ] {
        run(async |executor| {
            let (mut watch, _) = watch(executor, replies.clone()).await;
            watch.look().await.unwrap();
            let entry = watch.state.entry();
            assert_eq!((entry.state, entry.pool, entry.synchronized), (state, pool, state == Standing::Up));
            assert_eq!(watch.state.chain().is_some(), state == Standing::Up);
        });
    }
    run(async |executor| {
        let (mut watch, _) = watch(executor, vec![info(true), Reply::Body(200, b"<html>".to_vec())]).await;
        let Err(Ended::Failed(why)) = watch.look().await else { panic!("that is no answer") };
        watch.state.fails(why);
        let entry = watch.state.entry();
        assert_eq!(entry.state, Standing::Down);
        assert!(entry.reason.is_some_and(|reason| reason.contains("not understood")));
    });
}

#[test]
fn failures_are_retried_ever_more_slowly_up_to_a_cap() {
    let pauses: Vec<u64> = [0, 1, 2, 5, 6, 7, 99].map(|failures| retry_after(failures).as_secs()).to_vec();
    assert_eq!(pauses, [2, 4, 8, 64, 120, 120, 120]);
}

#[test]
fn networks_are_told_apart() {
    let networks = [Network::Mainnet, Network::Testnet, Network::Stagenet, Network::Regtest];
    for (index, name) in ["mainnet", "testnet", "stagenet", "fakechain", "", "regtest"].into_iter().enumerate() {
        let fitting: Vec<usize> = (0..4).filter(|&at| is_of(name, networks[at])).collect();
        assert_eq!(fitting, if index < 4 { vec![index] } else { vec![] }, "{name}");
    }
}
