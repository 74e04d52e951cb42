use std::collections::VecDeque;

use anonet_core::wire::{HandshakeRequest, NewTransactions, NodeData, TxForm, command};
use anonet_core::{Config, Event, Network, Node, Output, ZoneConfig, levin};
use bytes::BytesMut;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const START: Instant = Instant::from_micros(1_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const MEMORY: Duration = Duration::from_secs(3_600);

/// Tickets, as only a node makes them.
pub(in super::super) fn tickets(count: u8) -> VecDeque<Ticket> {
    let mut config = Config::new(Network::Regtest);
    let mut zone = ZoneConfig::new(ZoneKind::Tor);
    (zone.max_incoming, zone.max_outgoing) = (1, 0);
    config.zones.push(zone);
    config.limits.received_per_link = count.into();
    let mut node = Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), START).unwrap();
    let zone = node.zones().next().unwrap().id;
    let conn = node.accept(START, zone, None).unwrap();
    let frame = |kind, command, body: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        levin::frame(&mut out, kind, command, |out| body(out));
        out
    };
    let data = NodeData {
        my_port: 0,
        network_id: Network::Regtest.id(),
        peer_id: 1,
        rpc_credits_per_hash: 0,
        rpc_port: 0,
        support_flags: 0,
    };
    let hello = HandshakeRequest { node: data, sync: Network::Regtest.genesis_sync() };
    node.handle_data(START, conn, &frame(levin::Kind::Request, command::HANDSHAKE, &|out| hello.encode(out))).unwrap();
    let blobs: Vec<Vec<u8>> = (0..count).map(|number| vec![2, number]).collect();
    let txs = |out: &mut BytesMut| NewTransactions::encode(out, TxForm::Stem, 0, blobs.iter().map(Vec::as_slice));
    node.handle_data(START, conn, &frame(levin::Kind::Notify, command::NEW_TRANSACTIONS, &txs)).unwrap();
    let ticket = |output| if let Output::Event(Event::Tx { ticket, .. }) = output { Some(ticket) } else { None };
    std::iter::from_fn(|| node.poll_output()).filter_map(ticket).collect()
}

fn job(tickets: &mut VecDeque<Ticket>, id: u8) -> Job {
    Job {
        ticket: tickets.pop_front().unwrap(),
        id: TxId::new([id; 32]),
        blob: Bytes::from_static(b"tx"),
        zone: ZoneKind::Tor,
        pace: Pace::Prompt,
        expires: START + 100 * SECOND,
        tries: 0,
    }
}

/// The kind of what is due, and the id.
fn due(queue: &mut Queue, now: Instant) -> Option<(&'static str, TxId)> {
    queue.pop_due(now).map(|due| match due {
        Due::Ask(job) => ("ask", job.id),
        Due::Copy(job, Verdict::Accept) => ("accept", job.id),
        Due::Copy(job, _) => ("forget", job.id),
        Due::Expired(job) => ("expired", job.id),
    })
}

#[test]
fn jobs_come_out_at_their_time_and_not_before() {
    let (mut queue, mut tickets) = (Queue::new(9, MEMORY), tickets(3));
    queue.put(START + 22 * SECOND, job(&mut tickets, 1)).unwrap();
    queue.put(START, job(&mut tickets, 2)).unwrap();
    queue.put(START + 200 * SECOND, job(&mut tickets, 3)).unwrap();
    assert_eq!(due(&mut queue, START), Some(("ask", TxId::new([2; 32]))));
    let at = queue.next_due().unwrap();
    assert_eq!((at, due(&mut queue, Instant::from_micros(at.as_micros() - 1))), (START + 22 * SECOND, None));
    assert_eq!(due(&mut queue, at), Some(("ask", TxId::new([1; 32]))));
    assert_eq!(due(&mut queue, START + 200 * SECOND), Some(("expired", TxId::new([3; 32]))));
    assert_eq!(queue.next_due(), None);
}

#[test]
fn one_copy_is_asked_about_and_the_others_follow() {
    let (mut queue, mut tickets, id) = (Queue::new(9, MEMORY), tickets(5), TxId::new([1; 32]));
    for _ in 0..2 {
        queue.put(START, job(&mut tickets, 1)).unwrap();
    }
    assert_eq!((due(&mut queue, START), due(&mut queue, START)), (Some(("ask", id)), None));
    assert_eq!(queue.next_due(), Some(START + COPY_PAUSE));
    queue.asked(id);
    queue.settled(START, id, Verdict::Accept);
    assert_eq!(due(&mut queue, START + COPY_PAUSE), Some(("accept", id)));
    queue.settled(START + SECOND, id, Verdict::Forget);
    queue.put(START, job(&mut tickets, 1)).unwrap();
    assert_eq!(due(&mut queue, START + MEMORY), Some(("expired", id)));
    for (after, expected) in [(MEMORY, "forget"), (MEMORY + SECOND, "ask")] {
        queue.put(START, Job { expires: START + 2 * MEMORY, ..job(&mut tickets, 1) }).unwrap();
        assert_eq!(due(&mut queue, START + after), Some((expected, id)), "it is remembered for its time");
    }
}

#[test]
fn the_cap_holds_for_jobs_and_for_what_is_remembered() {
    let (mut queue, mut tickets) = (Queue::new(2, MEMORY), tickets(4));
    for id in 1..=2 {
        queue.put(START, job(&mut tickets, id)).unwrap();
    }
    assert!(queue.put(START, job(&mut tickets, 3)).is_err_and(|job| job.id == TxId::new([3; 32])));
    while queue.pop_due(START).is_some() {}
    (1..=3).for_each(|id| queue.settled(START + SECOND * id.into(), TxId::new([id; 32]), Verdict::Forget));
    assert_eq!((queue.settled.len(), queue.settled_by_age.len()), (2, 2));
    assert!(!queue.settled.contains_key(&TxId::new([1; 32])), "the oldest makes room");
}

#[test]
fn a_daemon_that_cannot_say_is_asked_ever_less_often() {
    let pauses: Vec<u64> = [1, 2, 3, 6, 7, 200].map(|tries| retry_after(tries).as_secs()).to_vec();
    assert_eq!(pauses, [5, 10, 20, 160, 160, 160]);
}
