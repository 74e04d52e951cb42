//! What a node answers, and how long it waits.

use anonet_core::ZoneKind;
use anonet_core::levin::{Kind, frame};
use anonet_core::wire::{NewTransactions, TxForm};
use anonet_tests::conformance::{Dialogue, Peer, after, dialogue, differs, hex};
use anonet_tests::world::cast::handshake_request;

use crate::{PING, sent, written};

const EMPTY: &str = "01110101010102010100";

/// What a node answers.
pub(crate) fn answer_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "levin §4",
            "an unknown request is answered with -6 and no body",
            || after(Peer::incoming(ZoneKind::Tor), &sent(Kind::Request, 9999, EMPTY)),
            "response 9999 0 rc -6",
        ),
        dialogue(
            "levin §2",
            "a request that is filtered is answered with -6",
            || after(Peer::incoming(ZoneKind::I2p), &sent(Kind::Request, 1003, EMPTY)),
            "response 1003 0 rc -6",
        ),
        dialogue(
            "levin §2",
            "a notify that is filtered is ignored",
            || after(Peer::incoming(ZoneKind::Tor), &[sent(Kind::Notify, 2010, EMPTY), sent(Kind::Notify, 2001, EMPTY)].concat()),
            "",
        ),
        dialogue(
            "levin §4",
            "an unknown notify is ignored",
            || after(Peer::incoming(ZoneKind::Public), &sent(Kind::Notify, 2999, EMPTY)),
            "",
        ),
        dialogue(
            "levin §1",
            "every handler answers a code of at least 1",
            || after(Peer::incoming(ZoneKind::Public), &hex(PING)),
            "response 1003 38 rc 1",
        ),
        dialogue(
            "levin §4",
            "a response that nobody waits for closes",
            || after(Peer::incoming(ZoneKind::Tor), &sent(Kind::Response { code: 1 }, 1002, EMPTY)),
            "close Unasked",
        ),
        dialogue(
            "levin §8",
            "a response of another command than the one asked closes",
            || after(Peer::dialled(ZoneKind::Tor), &sent(Kind::Response { code: 1 }, 1002, EMPTY)),
            "request 1001 243, close Frame",
        ),
        dialogue(
            "levin §4",
            "a notify that does not decode closes",
            || after(Peer::incoming(ZoneKind::Tor), &sent(Kind::Notify, 2002, "01")),
            "close Message",
        ),
        differs(
            "levin §4",
            "a request that does not decode is answered with -1 and the connection stays",
            "it would let a peer probe at no cost (epee §E): the link ends",
            || after(Peer::incoming(ZoneKind::Tor), &sent(Kind::Request, 1002, "01")),
            "close Message".to_owned(),
        ),
        dialogue(
            "levin §1",
            "a handshake answered with a code below 1 has failed",
            || after(Peer::dialled(ZoneKind::Tor), &sent(Kind::Response { code: 0 }, 1001, EMPTY)),
            "request 1001 243, close Declined",
        ),
        differs(
            "levin §9",
            "a timed sync before the handshake is answered",
            "it would leak the peer list: the handshake comes first",
            || after(Peer::dialling(ZoneKind::Tor), &sent(Kind::Request, 1002, EMPTY)),
            "close Frame".to_owned(),
        ),
    ]
}

/// What grows with the handshake, and what ends by itself.
pub(crate) fn deadline_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "levin §3",
            "the dialler takes up to 65,536 bytes of handshake at once, and more after it",
            || {
                let mut peer = Peer::outgoing(ZoneKind::Tor);
                let blob = vec![1; 300_000];
                let body = |out: &mut _| NewTransactions::encode(out, TxForm::Stem, 0, [&blob[..]].into_iter());
                let frames = written(|out| frame(out, Kind::Notify, 2002, body));
                peer.send(&frames);
                format!("{} {}", peer.taken().len(), peer.told())
            },
            "1 ",
        ),
        differs(
            "levin §6",
            "a handshake not answered within 5 s closes",
            "a first contact over Tor takes longer: 30 s, and 45 s over I2P",
            || {
                let mut peer = Peer::dialled(ZoneKind::Tor);
                peer.run(27);
                let early = peer.is_open();
                peer.run(5);
                format!("{early} {}", peer.told())
            },
            "true request 1001 243, close HandshakeTimeout".to_owned(),
        ),
        differs(
            "levin §6",
            "a peer that never begins the handshake is closed after 10 s",
            "a stream through Tor may pause: 30 s, however slowly bytes drip in",
            || {
                let mut peer = Peer::dialling(ZoneKind::Tor);
                for byte in &handshake_request()[..14] {
                    peer.send(&[*byte]);
                }
                peer.run(10);
                peer.told()
            },
            "close HandshakeTimeout".to_owned(),
        ),
        dialogue(
            "levin §6",
            "an invoke that is not answered within 120 s closes",
            || {
                let mut peer = Peer::incoming(ZoneKind::Tor);
                peer.run(119);
                let early = peer.is_open();
                peer.run(80);
                format!("{early} {}", peer.told())
            },
            "true close SyncTimeout",
        ),
    ]
}
