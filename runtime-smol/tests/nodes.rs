//! Nodes that talk to each other over loopback, through a scripted proxy where that is their way.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use anonet_core::{Addr, CloseReason, DialFailure, Event, LocalTx, PeerRole, Submitted, TxId, ZoneConfig, ZoneKind};
use anonet_smol::driver::Transport;
use smol::Timer;
use smol::channel::bounded;
use smol::future::zip;

use self::support::proxy::{ACCEPTED, Pace, Proxy, Route, Seen};
use self::support::{ONIONS, TestNode, blob, config, onion_peers, run, tor};

/// Longer than any delay before an own transaction is handed over.
const FLUSHED: Duration = Duration::from_secs(20);

fn tx(seed: u32, len: usize) -> (TxId, LocalTx) {
    (TxId::new([seed as u8; 32]), LocalTx::new(blob(seed, len).into()).unwrap())
}

#[test]
fn a_transaction_reaches_a_service_through_a_dribbling_proxy() {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Tor, 1);
        let routes = [(ONIONS[0], Route::To(service.handle.listening()[0]))];
        let proxy = Proxy::start(executor, Pace::ByteByByte, &routes).await;
        let client = TestNode::client(executor, &proxy, &ONIONS[..1]);
        zip(client.up(), service.up()).await;

        let (id, own) = tx(1, 5_000);
        assert_eq!(client.handle.submit(id, own).await, Ok(Submitted::New));
        assert_eq!(client.handle.submit(id, tx(1, 5_000).1).await, Ok(Submitted::Known));
        client.skip(FLUSHED).await;
        assert_eq!(service.next_tx().await, blob(1, 5_000));
        let recipients =
            client.until(|event| if let Event::Handed { recipients, .. } = event { Some(recipients) } else { None }).await;
        assert_eq!(recipients, 1);

        client.handle.shutdown().await;
        let ended = service.until(|event| if let Event::Down { reason, .. } = event { Some(reason) } else { None }).await;
        assert_eq!(ended, CloseReason::Ended);
    });
}

#[test]
fn a_reader_that_stalls_holds_up_nobody_else_and_loses_nothing() {
    const TXS: u32 = 14;
    run(async |executor| {
        let (fast, slow) = (TestNode::service(executor, ZoneKind::Tor, 1), TestNode::service(executor, ZoneKind::Tor, 1));
        let (release, released) = bounded(1);
        let routes = [
            (ONIONS[0], Route::To(fast.handle.listening()[0])),
            (ONIONS[1], Route::Stall(slow.handle.listening()[0], 16 << 10, released)),
        ];
        let proxy = Proxy::start(executor, Pace::AtOnce, &routes).await;
        let mut config = config(onion_peers(&ONIONS[..2]));
        // own transactions take a quarter of it: all of them at once, which is more than the kernel's buffers take
        config.limits.queue_bytes = 64 << 20;
        let client = TestNode::start(executor, config, tor(proxy.addr), 0);
        zip(fast.up(), slow.up()).await;
        zip(client.up(), async { client.up().await }).await;

        let sent: BTreeSet<Vec<u8>> = (0..TXS).map(|seed| blob(seed, 1_000_000)).collect();
        for seed in 0..TXS {
            let (id, own) = tx(seed, 1_000_000);
            client.handle.submit(id, own).await.unwrap();
        }
        client.skip(FLUSHED).await;
        let all_txs = async |node: &TestNode| {
            let mut received = BTreeSet::new();
            while received.len() < sent.len() {
                received.insert(node.next_tx().await);
            }
            received
        };
        assert!(all_txs(&fast).await == sent);
        assert_eq!(slow.txs_so_far(), 0);

        // it goes on talking meanwhile
        slow.skip(Duration::from_secs(80)).await;
        Timer::after(Duration::from_millis(50)).await;
        drop(release);
        assert!(all_txs(&slow).await == sent);
        // the client still listens, or it would not notice this
        slow.handle.shutdown().await;
        client.until(|event| matches!(event, Event::Down { reason: CloseReason::Ended, .. }).then_some(())).await;
    });
}

#[test]
fn what_is_queued_is_written_before_a_shutdown_ends() {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Public, 1);
        let mut zone = ZoneConfig::new(ZoneKind::Public);
        zone.peers = vec![(Addr::from(service.handle.listening()[0]), PeerRole::Priority)];
        let client = TestNode::start(executor, config(zone), Transport::Direct, 0);
        zip(client.up(), service.up()).await;

        // many chunks, and a fraction of the half second that a stop lasts at most, on a busy machine, too
        let (id, own) = tx(1, 100_000);
        let last_words = client.handle.call(move |node, now| {
            // without an anonymity zone, it is stemmed on the public link at once
            let submitted = node.submit_tx(now, id, own);
            node.shutdown(now);
            submitted
        });
        assert_eq!(last_words.await, Ok(Ok(Submitted::New)));
        client.handle.shutdown().await;
        assert_eq!(service.next_tx().await, blob(1, 100_000));
    });
}

#[test]
fn bytes_glued_to_the_proxys_answer_reach_the_node() {
    run(async |executor| {
        let answer = [&ACCEPTED[..], &[b'x'; 33]].concat();
        let proxy = Proxy::start(executor, Pace::AtOnce, &[(ONIONS[0], Route::Answer(answer))]).await;
        let client = TestNode::client(executor, &proxy, &ONIONS[..1]);
        let ended = client.until(|event| if let Event::Down { reason, .. } = event { Some(reason) } else { None }).await;
        assert!(matches!(ended, CloseReason::Frame(_)), "{ended:?}");
    });
}

#[test]
fn the_proxys_refusal_is_the_reason_of_the_end() {
    run(async |executor| {
        let proxy = Proxy::start(executor, Pace::AtOnce, &[(ONIONS[0], Route::Answer(vec![5, 0xf0]))]).await;
        let client = TestNode::client(executor, &proxy, &ONIONS[..1]);
        let ended = client.until(|event| if let Event::Down { reason, .. } = event { Some(reason) } else { None }).await;
        assert_eq!(ended, CloseReason::Dial(DialFailure::Socks(0xf0)));
    });
}

/// The credentials of the next `count` requests.
async fn credentials(proxy: &Proxy, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    while all.len() < count {
        if let Seen::Connect { user, password, .. } = proxy.seen.recv().await.unwrap() {
            all.push((user, password));
        }
    }
    all
}

#[test]
fn a_silent_proxy_is_given_up_in_time_and_asked_again_with_other_credentials() {
    run(async |executor| {
        let proxy = Proxy::start(executor, Pace::AtOnce, &[]).await;
        let client = TestNode::client(executor, &proxy, &ONIONS);
        let mut all = credentials(&proxy, 4).await;
        client.skip(Duration::from_secs(100)).await;
        let ended = client.until(|event| if let Event::Down { reason, .. } = event { Some(reason) } else { None }).await;
        assert_eq!(ended, CloseReason::DialTimeout);
        for _ in 0..4 {
            assert_eq!(proxy.seen.recv().await, Ok(Seen::Gone));
        }
        // long enough for the peers to be asked again
        client.skip(Duration::from_secs(3_600)).await;
        all.extend(credentials(&proxy, 4).await);
        assert_eq!(all.iter().map(|(user, _)| user).collect::<BTreeSet<_>>().len(), 8);
        assert_eq!(all.iter().map(|(_, password)| password).collect::<BTreeSet<_>>().len(), 8);
    });
}

#[test]
fn a_shutdown_does_not_wait_for_dials() {
    run(async |executor| {
        let proxy = Proxy::start(executor, Pace::AtOnce, &[]).await;
        let client = TestNode::client(executor, &proxy, &ONIONS);
        credentials(&proxy, 4).await;
        let clock = anonet_smol::clock::Clock::start();
        let began = clock.now();
        zip(client.handle.shutdown(), client.handle.shutdown()).await;
        assert!(clock.now().saturating_since(began) < Duration::from_secs(1));
        for _ in 0..4 {
            assert_eq!(proxy.seen.recv().await, Ok(Seen::Gone));
        }
        client.until(|event| matches!(event, Event::Stopped).then_some(())).await;
    });
}
