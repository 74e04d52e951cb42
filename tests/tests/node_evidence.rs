//! What ends an own transaction, what does not, and that no peer can tell.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::wire::{NewTransactions, TxForm, command};
use anonet_core::{Addr, Event, LocalTx, StashState, Ticket, TxId, Verdict, Witness, ZoneConfig, ZoneKind};
use anonet_tests::world::World;
use anonet_tests::world::cast::{config, frame, public_node_data, zone};
use bytes::Bytes;

const SECOND: Duration = Duration::from_secs(1);
const BLOB: &[u8] = b"an own transaction that comes back";
const ID: TxId = TxId::new([4; 32]);

/// Who sends a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// Public peers that we dialled; the first two are in one /16.
    First,
    Neighbour,
    Elsewhere,
    /// A public peer that dialled us, from a third network.
    Dialler,
    /// The anonymity peer that was handed it.
    Recipient,
}
use Sender::{Dialler, Elsewhere, First, Neighbour, Recipient};

struct Cast {
    world: World,
    user: usize,
    members: Vec<(Sender, usize)>,
}

fn public(own: &str, peers: &[&str], outgoing: u32) -> ZoneConfig {
    let addr = |text: &&str| Addr::parse(text, 18_080).unwrap();
    let mut zone = ZoneConfig::new(ZoneKind::Public);
    zone.own = vec![addr(&own)];
    zone.peers = peers.iter().map(|peer| (addr(peer), anonet_core::PeerRole::Known)).collect();
    (zone.max_incoming, zone.max_outgoing) = (8, outgoing);
    zone
}

/// A user with links to all of them.
fn cast(witness: Witness) -> Cast {
    let mut world = World::new(77);
    let mut members = Vec::new();
    for (from, own) in [(First, "45.1.0.1"), (Neighbour, "45.1.200.1"), (Elsewhere, "45.2.0.1")] {
        members.push((from, world.add(config([public(own, &[], 0)]))));
    }
    members.push((Recipient, world.add(config([zone(ZoneKind::Tor, 1, &[])]))));
    let peers = ["45.1.0.1", "45.1.200.1", "45.2.0.1"];
    let mut setup = config([public("45.9.0.1", &peers, 3), zone(ZoneKind::Tor, 0, &[1, 2])]);
    setup.witness = witness;
    let user = world.add(setup);
    members.push((Dialler, world.add(config([public("45.3.0.1", &["45.9.0.1"], 1)]))));
    let linked = |world: &World| {
        let links: Vec<_> = world.node(user).zones().map(|zone| (zone.outgoing, zone.incoming)).collect();
        links == [(3, 1), (1, 0)]
    };
    assert!(world.run_until(SECOND * 60, linked));
    Cast { world, user, members }
}

impl Cast {
    fn submit(&mut self) {
        let tx = LocalTx::new(Bytes::from_static(BLOB)).unwrap();
        self.world.call(self.user, |node, now| node.submit_tx(now, ID, tx)).unwrap();
        let handed = |cast: &World| cast.node(self.user).stash().all(|entry| matches!(entry.state, StashState::Handed(_)));
        assert!(self.world.run_until(SECOND * 30, handed));
    }

    fn tickets(&self) -> Vec<Ticket> {
        let tickets = self.world.events(self.user).filter_map(|event| match event {
            Event::Tx { ticket, blob, .. } if blob == BLOB => Some(*ticket),
            _ => None,
        });
        tickets.collect()
    }

    /// Has a peer send a copy.
    fn deliver(&mut self, from: Sender) {
        let member = self.members.iter().find(|(who, _)| *who == from).unwrap().1;
        let message = frame(Kind::Notify, command::NEW_TRANSACTIONS, |out| {
            NewTransactions::encode(out, TxForm::Fluff, 0, [BLOB].into_iter());
        });
        self.world.raw_to_link(self.user, member, &message);
    }

    /// Has a peer send a copy, and the application say its id.
    fn copy(&mut self, from: Sender) {
        self.deliver(from);
        let ticket = *self.tickets().last().expect("a copy is an unknown transaction");
        self.world.call(self.user, |node, now| {
            node.echo(now, ticket, ID);
            node.resolve_tx(now, ticket, Verdict::Forget).expect("the ticket stays");
        });
    }

    fn seen(&self) -> Vec<Witness> {
        let seen = self.world.events(self.user).filter_map(|event| match event {
            Event::Seen { id: ID, by, .. } => Some(*by),
            _ => None,
        });
        seen.collect()
    }
}

#[test]
fn two_outgoing_public_links_of_different_networks_are_evidence_and_nothing_less_is() {
    let cases: [(&[Sender], bool); 8] = [
        (&[First, Elsewhere], true),
        (&[First, Neighbour, Elsewhere], true),
        (&[Elsewhere, Recipient, First], true),
        (&[First, First, First], false),
        (&[First, Neighbour], false),
        (&[First, Dialler], false),
        (&[Dialler, Recipient, Dialler, Recipient], false),
        (&[First, Recipient], false),
    ];
    for (copies, expected) in cases {
        let mut cast = cast(Witness::PublicLinks);
        cast.submit();
        for &from in copies {
            assert_eq!(cast.seen(), [], "{copies:?}");
            cast.copy(from);
        }
        assert_eq!(cast.seen(), if expected { vec![Witness::PublicLinks] } else { vec![] }, "{copies:?}");
        assert_eq!(cast.world.node(cast.user).stash().count(), usize::from(!expected), "{copies:?}");
    }
}

#[test]
fn with_a_daemon_its_word_alone_counts_and_only_for_what_is_ours() {
    let mut cast = cast(Witness::Embedder);
    cast.submit();
    cast.copy(First);
    cast.copy(Elsewhere);
    assert_eq!(cast.seen(), []);
    let confirm = |cast: &mut Cast, id| cast.world.call(cast.user, |node, now| node.confirm_tx(now, id));
    assert!(!confirm(&mut cast, TxId::new([5; 32])));
    assert!(confirm(&mut cast, ID) && !confirm(&mut cast, ID));
    assert_eq!(cast.seen(), [Witness::Embedder]);
}

fn arrivals(world: &World, peer: usize) -> usize {
    world.events(peer).filter(|event| matches!(event, Event::Tx { .. })).count()
}

#[test]
fn evidence_ends_all_rounds() {
    for evidence in [false, true] {
        let mut cast = cast(Witness::PublicLinks);
        cast.submit();
        if evidence {
            cast.copy(First);
            cast.copy(Elsewhere);
        }
        let recipient = cast.members.iter().find(|(who, _)| *who == Recipient).unwrap().1;
        let fresh = cast.world.add(config([zone(ZoneKind::Tor, 2, &[])]));
        cast.world.run_for(SECOND * 6_000);
        let arrivals = [recipient, fresh].map(|peer| arrivals(&cast.world, peer));
        assert_eq!(arrivals, [1, usize::from(!evidence)]);
    }
}

#[test]
fn without_a_witness_two_who_have_surely_read_it_are_enough() {
    for (peers, further) in [(1, 1), (2, 0)] {
        let mut world = World::new(78);
        let names: Vec<usize> = (1..=peers).collect();
        let user = world.add(config([zone(ZoneKind::Tor, 0, &[1, 2, 3])]));
        let peers: Vec<usize> = names.iter().map(|&name| world.add(config([zone(ZoneKind::Tor, name, &[])]))).collect();
        let linked = |world: &World| world.node(user).zones().all(|zone| zone.outgoing as usize == peers.len());
        assert!(world.run_until(SECOND * 60, linked));
        let tx = LocalTx::new(Bytes::from_static(BLOB)).unwrap();
        world.call(user, |node, now| node.submit_tx(now, ID, tx)).unwrap();
        world.run_for(SECOND * 6_000);
        let fresh = world.add(config([zone(ZoneKind::Tor, 3, &[])]));
        world.run_for(SECOND * 6_000);
        assert!(peers.iter().all(|&peer| arrivals(&world, peer) == 1), "never twice");
        assert_eq!(arrivals(&world, fresh), further);
        let report = world.node(user).stash().next().expect("it stays, handed and unconfirmed");
        assert_eq!((report.witness, report.next_round), (None, None));
    }
}

/// All that public peers of the user saw, and when: with copies of an own transaction, whose id the application says or
/// takes for another.
fn public_view(id: TxId, verdict: Verdict) -> (usize, Vec<Vec<u8>>, Vec<String>) {
    let mut cast = cast(Witness::PublicLinks);
    cast.submit();
    for from in [First, Elsewhere] {
        cast.world.run_for(SECOND * 5);
        cast.deliver(from);
        let ticket = *cast.tickets().last().unwrap();
        cast.world.call(cast.user, |node, now| {
            node.echo(now, ticket, id);
            node.resolve_tx(now, ticket, verdict).expect("the ticket stays");
        });
    }
    cast.world.run_for(SECOND * 200);
    let written = cast.world.record.written(cast.user, ZoneKind::Public).map(<[u8]>::to_vec).collect();
    let public = cast.members.iter().filter(|(who, _)| *who != Recipient);
    let noticed = public.flat_map(|(_, member)| cast.world.record.timed(*member)).map(|noticed| format!("{noticed:?}"));
    (cast.seen().len(), written, noticed.collect())
}

#[test]
fn no_public_peer_can_tell_whose_transaction_it_sent_back() {
    for verdict in [Verdict::Accept, Verdict::Forget, Verdict::Reject] {
        let (own, foreign) = (public_view(ID, verdict), public_view(TxId::new([5; 32]), verdict));
        assert_eq!((own.0, foreign.0), (1, 0));
        assert!(own.1 == foreign.1 && own.2 == foreign.2, "{verdict:?}");
    }
}

#[test]
fn who_dialled_us_from_another_network_is_no_evidence() {
    let mut cast = cast(Witness::PublicLinks);
    cast.submit();
    cast.copy(First);
    let zone = cast.world.node(cast.user).zones().next().unwrap().id;
    let from = Addr::parse("45.3.0.9", 18_080);
    let dialler = cast.world.raw_connect_from(cast.user, zone, from.ok());
    cast.world.raw_greet(dialler, public_node_data(9), 1);
    cast.world.run_for(SECOND);
    cast.world.raw_txs(dialler, TxForm::Fluff, &[BLOB]);
    cast.world.run_for(SECOND);
    assert_eq!(cast.tickets().len(), 2, "the copy has come");
    let ticket = *cast.tickets().last().unwrap();
    cast.world.call(cast.user, |node, now| node.echo(now, ticket, ID));
    assert_eq!(cast.seen(), []);
    cast.copy(Elsewhere);
    assert_eq!(cast.seen(), [Witness::PublicLinks]);
}
