//! Peer lists, what peers claim of their chain, and transactions.

use anonet_core::levin::Kind;
use anonet_core::wire::{NewTransactions, SyncData, TimedSyncRequest, TxForm, command};
use anonet_core::{Addr, ZoneKind};
use anonet_tests::conformance::{Dialogue, Peer, after, dialogue, differs};
use anonet_tests::world::cast::{addr, frame, node_data};

use crate::{answer, entry, handshake, hex, notify, sync};

/// A Tor peer answers our handshake with these addresses: what becomes of the link, and how many are kept besides it.
fn told_of(addrs: &[Addr]) -> String {
    let mut peer = Peer::dialled(ZoneKind::Tor);
    peer.told();
    let entries: Vec<_> = addrs.iter().cloned().map(entry).collect();
    peer.world.faults.silent.extend(addrs.iter().cloned());
    peer.send(&answer(node_data(), sync(), &entries));
    let report = peer.world.node(peer.node).zones().next().expect("a zone");
    format!("{}white {}, gray {}", peer.told(), report.white, report.gray)
}

/// A handshake answer whose list has `count` times the same entry, more than our own encoder writes.
fn long_list(count: u16) -> Vec<u8> {
    let one = answer(node_data(), sync(), &[entry(addr(ZoneKind::Tor, 2))]);
    let body = &one[33..];
    let start = body.windows(20).position(|window| window[..20] == b"\x12local_peerlist_new\x8c"[..]).expect("a list") + 20;
    let bytes = &body[start + 1..start + 1 + 110];
    let count_bytes = ((u32::from(count) << 2) | 2).to_le_bytes();
    let long = [&body[..start], &count_bytes, &bytes.repeat(count.into()), &body[start + 1 + 110..]].concat();
    frame(Kind::Response { code: 1 }, command::HANDSHAKE, |out| out.extend_from_slice(&long))
}

fn parse(text: &str) -> Addr {
    Addr::parse(text, 18_080).expect("an address")
}

/// §4 and the addresses of §2.
pub(crate) fn peer_list_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §4";
    vec![
        dialogue(
            SECTION,
            "addresses of the zone become gray",
            || told_of(&[addr(ZoneKind::Tor, 2), addr(ZoneKind::Tor, 3)]),
            "white 1, gray 2",
        ),
        dialogue(SECTION, "what is white does not become gray", || told_of(&[addr(ZoneKind::Tor, 1)]), "white 1, gray 0"),
        dialogue(SECTION, "our own address enters no list", || told_of(&[addr(ZoneKind::Tor, 0)]), "white 1, gray 0"),
        dialogue(
            SECTION,
            "local addresses are silently removed",
            || told_of(&[parse("10.1.2.3"), parse("127.0.0.1"), addr(ZoneKind::Tor, 2)]),
            "white 1, gray 1",
        ),
        differs(
            SECTION,
            "a public address in an anonymity zone's list rejects the whole list",
            "the entry costs itself, not the honest peer that passed it on (addresses §7)",
            || told_of(&[parse("9.8.7.6"), addr(ZoneKind::Tor, 2)]),
            "white 1, gray 1".to_owned(),
        ),
        differs(
            "messages §2",
            "an address of type 3 in the Tor zone rejects the whole list",
            "the entry costs itself, not the honest peer that passed it on (addresses §7)",
            || told_of(&[addr(ZoneKind::I2p, 2), addr(ZoneKind::Tor, 2)]),
            "white 1, gray 1".to_owned(),
        ),
        dialogue(SECTION, "250 entries are taken", || after(Peer::outgoing_with(ZoneKind::Tor, &long_list(250)), &[]), ""),
        dialogue(
            SECTION,
            "251 entries drop",
            || after(Peer::dialled(ZoneKind::Tor), &long_list(251)),
            "request 1001 243, close Message",
        ),
    ]
}

/// §5: what a peer claims of its chain.
pub(crate) fn payload_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §5";
    fn claiming(sync: SyncData) -> String {
        after(Peer::dialling(ZoneKind::Tor), &handshake(node_data(), sync))
    }
    fn syncing(heights: &[u64]) -> String {
        let mut peer = Peer::incoming(ZoneKind::Tor);
        for &current_height in heights {
            let request = TimedSyncRequest { sync: SyncData { current_height, ..sync() } };
            peer.send(&frame(Kind::Request, command::TIMED_SYNC, |out| request.encode(out)));
        }
        peer.told()
    }
    vec![
        dialogue(SECTION, "height 0 passes", || claiming(SyncData { current_height: 0, ..sync() }), "response 1001 243 rc 1"),
        differs(
            SECTION,
            "a top version that does not fit the height is rejected",
            "this node follows no chain and knows no fork heights; nothing it does rests on the version",
            || claiming(SyncData { current_height: 3_000_000, top_version: 1, ..sync() }),
            "response 1001 243 rc 1".to_owned(),
        ),
        differs(
            SECTION,
            "a pruning seed of another form is rejected",
            "this node asks nobody for blocks; the seed is not looked at, and not passed on",
            || claiming(SyncData { pruning_seed: 7, ..sync() }),
            "response 1001 243 rc 1".to_owned(),
        ),
        differs(
            SECTION,
            "a height that falls twice drops",
            "nothing is synced from a peer; a falling height only keeps it from being stemmed to",
            || syncing(&[9, 8, 7]),
            "response 1002 172 rc 1, response 1002 172 rc 1, response 1002 172 rc 1".to_owned(),
        ),
    ]
}

/// How many transactions a node takes from these bytes, and what else it does.
fn sent(bytes: &[u8]) -> String {
    let mut peer = Peer::incoming(ZoneKind::Tor);
    peer.send(bytes);
    let told = peer.told();
    format!("{} taken{}{told}", peer.taken().len(), if told.is_empty() { "" } else { ", " })
}

/// §7.
pub(crate) fn transaction_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §7";
    vec![
        dialogue(
            SECTION,
            "each transaction of a message is taken",
            || sent(&notify(TxForm::Fluff, &[b"one", b"two"])),
            "2 taken",
        ),
        dialogue(
            SECTION,
            "two identical blobs in one message drop",
            || sent(&notify(TxForm::Fluff, &[b"same", b"other", b"same"])),
            "0 taken, close ImpossibleTx",
        ),
        dialogue(SECTION, "an empty blob drops", || sent(&notify(TxForm::Stem, &[b""])), "0 taken, close ImpossibleTx"),
        dialogue(SECTION, "a message without transactions is nothing", || sent(&notify(TxForm::Stem, &[])), "0 taken"),
        dialogue(
            SECTION,
            "before the handshake nothing is taken",
            || after(Peer::dialling(ZoneKind::Tor), &notify(TxForm::Fluff, &[b"early"])),
            "close Frame",
        ),
    ]
}

/// In which form transactions came, and what is no transaction (§3, §9).
pub(crate) fn form_rows() -> Vec<Dialogue> {
    const SECTION: &str = "messages §7";
    fn form(bytes: &[u8]) -> String {
        let mut peer = Peer::incoming(ZoneKind::I2p);
        peer.send(bytes);
        let forms = peer.world.events(peer.node).filter_map(|event| match event {
            anonet_core::Event::Tx { form, .. } => Some(format!("{form:?}")),
            _ => None,
        });
        forms.collect()
    }
    vec![
        dialogue(
            SECTION,
            "a stem from an anonymity zone is told apart, so that it may wait",
            || form(&notify(TxForm::Stem, &[b"a stem"])),
            "Stem",
        ),
        dialogue(SECTION, "the flag makes a fluff", || form(&notify(TxForm::Fluff, &[b"a fluff"])), "Fluff"),
        dialogue(
            "messages §3",
            "without the flag it is a fluff",
            || form(&frame(Kind::Notify, 2002, |out| out.extend_from_slice(&hex("011101010101020101 04 03747873 8a 04 08aabb")))),
            "Fluff",
        ),
        dialogue(
            "messages §3",
            "what the padding holds is ignored",
            || {
                form(&frame(Kind::Notify, 2002, |out| {
                    out.extend_from_slice(&hex("011101010101020101 08 015f 0a 08 ffff 03747873 8a 04 08aabb"))
                }))
            },
            "Fluff",
        ),
        dialogue(
            "messages §9",
            "a notify that is filtered is ignored, and no reason to close",
            || after(Peer::incoming(ZoneKind::Tor), &frame(Kind::Notify, 2010, |out| out.extend_from_slice(&hex(crate::EMPTY)))),
            "",
        ),
        dialogue(
            "messages §9",
            "noise and its padding are no message",
            || sent(&frame(Kind::Dummy, 0, |out| out.extend_from_slice(&[0; 3_039]))),
            "0 taken",
        ),
        dialogue(
            "messages §9",
            "a padded notify of a noise channel is one",
            || {
                sent(&frame(Kind::Notify, 2002, |out| {
                    NewTransactions::encode(out, TxForm::Stem, 0, [&b"in noise"[..]].into_iter());
                    out.extend_from_slice(&[0; 2_000]);
                }))
            },
            "1 taken",
        ),
    ]
}
