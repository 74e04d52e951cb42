//! What the core allocates: nothing for a steady-state message once its buffers are recycled, and exact counts for the
//! rest. The embedder's side, which owns nothing but one scratch buffer here, is counted too.

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use anonet_core::levin::{self, Kind};
use anonet_core::wire::{NewTransactions, TxForm, command};
use anonet_core::{ChainTip, ConnId, Event, Instant, LocalTx, Node, Output, Ticket, TxId, Verdict, ZoneKind};
use anonet_tests::world::START;
use anonet_tests::world::cast::{config, frame, handshake_request, zone};
use bytes::{Bytes, BytesMut};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

/// Two nodes with one link between them, and nothing else that could allocate.
struct Linked {
    nodes: [Node; 2],
    conns: [ConnId; 2],
    now: Instant,
    ticket: Option<Ticket>,
}

impl Linked {
    fn new() -> Self {
        let node = |index: usize, peers: &[usize]| {
            let rng = Box::new(ChaCha20Rng::seed_from_u64(index as u64));
            Node::new(config([zone(ZoneKind::Tor, index, peers)]), rng, START).unwrap()
        };
        let mut nodes = [node(0, &[1]), node(1, &[])];
        let Some(Output::Dial { conn, zone, .. }) = nodes[0].poll_output() else { panic!("it dials") };
        let accepted = nodes[1].accept(START, zone, None).unwrap();
        nodes[0].handle_dialed(START, conn).unwrap();
        let mut linked = Self { nodes, conns: [conn, accepted], now: START, ticket: None };
        linked.pump();
        linked
    }

    /// Carries what either node wants to write to the other, until neither wants anything.
    fn pump(&mut self) {
        let mut quiet = 0;
        for turn in (0..2).cycle() {
            if quiet == 2 {
                return;
            }
            quiet += 1;
            while let Some(output) = self.nodes[turn].poll_output() {
                quiet = 0;
                match output {
                    Output::Transmit(conn) => {
                        while let Some(bytes) = self.nodes[turn].outgoing(conn).unwrap().take_frame() {
                            self.nodes[1 - turn].handle_data(self.now, self.conns[1 - turn], &bytes).unwrap();
                        }
                    }
                    Output::Event(Event::Tx { ticket, .. }) => self.ticket = Some(ticket),
                    _ => {}
                }
            }
        }
    }

    fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.nodes.iter().filter_map(Node::poll_timeout).min().unwrap();
            if next > end {
                break;
            }
            self.now = next;
            for node in &mut self.nodes {
                node.handle_timeout(next);
            }
            self.pump();
        }
        self.now = end;
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.nodes[1].handle_data(self.now, self.conns[1], bytes).unwrap();
        self.pump();
    }
}

fn counted(run: impl FnOnce()) -> (u64, i64) {
    let AllocationInfo { count_total, count_current, .. } = measure(run);
    (count_total, count_current)
}

#[test]
fn an_hour_of_timed_syncs_allocates_nothing() {
    let mut linked = Linked::new();
    linked.run_for(Duration::from_secs(600));
    let syncs = counted(|| linked.run_for(Duration::from_secs(3_600)));
    assert_eq!(syncs, (0, 0));
    // on a chain that grows
    let syncs = counted(|| {
        for height in 1..100 {
            for node in &mut linked.nodes {
                node.set_tip(linked.now, ChainTip::new(height, [1; 32], 1, 16));
            }
            linked.run_for(Duration::from_secs(120));
        }
    });
    assert_eq!(syncs, (0, 0));
}

#[test]
fn noise_allocates_nothing_whole_or_in_pieces() {
    let mut linked = Linked::new();
    let mut noise = BytesMut::new();
    levin::noise(&mut noise, 3_072).unwrap();
    linked.run_for(Duration::from_secs(600));
    let run = counted(|| {
        for _ in 0..10 {
            linked.run_for(Duration::from_secs(10));
            linked.receive(&noise);
            for piece in noise.chunks(7) {
                linked.receive(piece);
            }
        }
    });
    assert_eq!(run, (0, 0));
}

#[test]
fn a_notify_in_flight_allocates_nothing_and_a_kept_transaction_its_copy() {
    let mut linked = Linked::new();
    let notify = |number: u8| {
        let blob = [number; 400];
        frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, TxForm::Stem, 0, core::iter::once(&blob[..]));
        })
    };
    // one round to warm the buffers up: in two pieces, resolved
    let mut round = |number: u8| {
        let bytes = notify(number);
        let (first, rest) = bytes.split_at(300);
        let flight = counted(|| linked.receive(first));
        let arrival = counted(|| linked.receive(rest));
        let ticket = linked.ticket.take().unwrap();
        let verdict = counted(|| linked.nodes[1].resolve_tx(linked.now, ticket, Verdict::Forget).unwrap());
        (flight, arrival, verdict)
    };
    round(1);
    let (flight, arrival, verdict) = round(2);
    assert_eq!(flight, (0, 0), "in flight");
    // the blob at its exact size, and its reference count, as the event shares it
    assert_eq!(arrival, (2, 2), "kept");
    assert_eq!(verdict, (0, -2), "given back");
}

/// The table of inputs in the crate's documentation says what each allocates.
#[test]
fn what_each_input_allocates() {
    let mut linked = Linked::new();
    linked.run_for(Duration::from_secs(600));
    let zone = linked.nodes[1].zones().next().unwrap().id;
    let (now, request) = (linked.now, handshake_request());
    let node = &mut linked.nodes[1];
    let outputs = |node: &mut Node| while node.poll_output().is_some() {};
    // in the place of a link that ended
    let mut come_and_go = || {
        let conn = node.accept(now, zone, None).unwrap();
        node.handle_closed(now, conn);
        outputs(node);
    };
    come_and_go();
    assert_eq!(counted(come_and_go), (0, 0), "a stream that says nothing");
    let shake_hands = |node: &mut Node| {
        let conn = node.accept(now, zone, None).unwrap();
        node.handle_data(now, conn, &request).unwrap();
        node.handle_closed(now, conn);
        outputs(node);
    };
    shake_hands(node);
    let (count, kept) = counted(|| shake_hands(node));
    assert!(count <= 4 && kept == 0, "its answer, queue and buffer: {count}, of which {kept} stay");
    assert_eq!(counted(|| node.handle_timeout(now)), (0, 0));
    assert_eq!(counted(|| drop((node.poll_output(), node.poll_timeout()))), (0, 0));
    let conn = linked.conns[1];
    assert_eq!(counted(|| assert!(node.recv_window(conn) > 0 && node.outgoing(conn).is_ok())), (0, 0));
    assert_eq!(counted(|| node.set_tip(now, ChainTip::new(9, [1; 32], 1, 16))), (0, 0));
    assert_eq!(counted(|| assert_eq!((node.zones().count(), node.stash().count(), node.bans().count()), (1, 0, 0))), (0, 0));

    // an own transaction: nothing of it stays
    let id = TxId::new([7; 32]);
    for end in [Node::forget_tx as fn(&mut Node, Instant, TxId) -> bool, Node::confirm_tx] {
        let round = |node: &mut Node| {
            let tx = LocalTx::new(Bytes::from_static(&[7; 2_000])).unwrap();
            let taken = counted(|| assert!(node.submit_tx(now, id, tx).is_ok()));
            let ended = counted(|| assert!(end(node, now, id)));
            outputs(node);
            (taken, ended)
        };
        round(node);
        let ((taken, stays), (ending, given_back)) = round(node);
        assert!(taken <= 4 && ending == 0, "{taken} and {ending}");
        assert!(stays + given_back <= 0, "{stays} and {given_back}");
    }
}

#[test]
fn an_idle_link_costs_at_most_a_kibibyte() {
    const LINKS: usize = 2_000;
    let mut zone = zone(ZoneKind::Tor, 0, &[]);
    zone.max_incoming = u32::MAX;
    let config = config([zone]);
    let mut node = Node::new(config, Box::new(ChaCha20Rng::seed_from_u64(1)), START).unwrap();
    let id = node.zones().next().unwrap().id;
    let request = handshake_request();
    let mut now = START;
    let used = measure(|| {
        for _ in 0..LINKS {
            now = now + Duration::from_millis(1);
            let conn = node.accept(now, id, None).unwrap();
            node.handle_data(now, conn, &request).unwrap();
            while let Some(output) = node.poll_output() {
                if let Output::Transmit(conn) = output {
                    while node.outgoing(conn).unwrap().take_frame().is_some() {}
                }
            }
        }
    });
    println!("an idle link: {} bytes", used.bytes_current / LINKS as i64);
    let each = used.bytes_current / LINKS as i64;
    assert!(each <= 1_024, "{each} bytes for a link");
}
