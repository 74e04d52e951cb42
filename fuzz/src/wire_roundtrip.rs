//! Messages that decode come back from their encoding.

use anonet_core::wire::{
    HandshakeRequest, HandshakeResponse, NewTransactions, PeerEntries, PeerEntry, PingRequest, PingResponse, SupportFlagsRequest,
    SupportFlagsResponse, TimedSyncRequest, TimedSyncResponse, TxForm, TxPoolComplement,
};
use bytes::BytesMut;

/// The first byte chooses the message, the rest is its body.
///
/// # Panics
/// If a message that decodes has other fields after it was encoded and decoded again.
pub fn wire_roundtrip(data: &[u8]) {
    let Some((&message, body)) = data.split_first() else {
        return;
    };
    match message % 10 {
        0 => handshake_request(body),
        1 => handshake_response(body),
        2 => timed_sync_request(body),
        3 => timed_sync_response(body),
        4 => drop(PingRequest::decode(body).map(|_| empty(|out| PingRequest.encode(out)))),
        5 => ping_response(body),
        6 => drop(SupportFlagsRequest::decode(body).map(|_| empty(|out| SupportFlagsRequest.encode(out)))),
        7 => support_flags_response(body),
        8 => new_transactions(body),
        _ => tx_pool_complement(body),
    }
}

fn encoded(encode: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    encode(&mut out);
    out
}

/// Checks the encoding of a message without fields.
fn empty(encode: impl FnOnce(&mut BytesMut)) {
    assert_eq!(encoded(encode)[..], *b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x00");
}

fn handshake_request(body: &[u8]) {
    if let Ok(request) = HandshakeRequest::decode(body) {
        let again = encoded(|out| request.encode(out));
        assert_eq!(HandshakeRequest::decode(&again), Ok(request));
    }
}

fn handshake_response(body: &[u8]) {
    let Ok(response) = HandshakeResponse::decode(body) else {
        return;
    };
    let peers = good(response.peers);
    let again = encoded(|out| {
        HandshakeResponse::encode(out, &response.node, &response.sync, peers.iter());
    });
    let again = HandshakeResponse::decode(&again).expect("an encoded message decodes");
    assert_eq!((again.node, again.sync), (response.node, response.sync));
    assert!(again.peers.eq(peers.into_iter().map(Ok)));
}

fn timed_sync_request(body: &[u8]) {
    if let Ok(request) = TimedSyncRequest::decode(body) {
        let again = encoded(|out| request.encode(out));
        assert_eq!(TimedSyncRequest::decode(&again), Ok(request));
    }
}

fn timed_sync_response(body: &[u8]) {
    let Ok(response) = TimedSyncResponse::decode(body) else {
        return;
    };
    let peers = good(response.peers);
    let again = encoded(|out| TimedSyncResponse::encode(out, &response.sync, peers.iter()));
    let again = TimedSyncResponse::decode(&again).expect("an encoded message decodes");
    assert_eq!(again.sync, response.sync);
    assert!(again.peers.eq(peers.into_iter().map(Ok)));
}

/// The entries without fault; there are as many entries as claimed.
fn good(peers: PeerEntries<'_>) -> Vec<PeerEntry> {
    let claimed = peers.len();
    let entries: Vec<_> = peers.collect();
    assert_eq!(entries.len(), claimed);
    entries.into_iter().flatten().collect()
}

fn ping_response(body: &[u8]) {
    if let Ok(response) = PingResponse::decode(body) {
        let again = encoded(|out| response.encode(out));
        assert_eq!(PingResponse::decode(&again), Ok(response));
    }
}

fn support_flags_response(body: &[u8]) {
    if let Ok(response) = SupportFlagsResponse::decode(body) {
        let again = encoded(|out| response.encode(out));
        assert_eq!(SupportFlagsResponse::decode(&again), Ok(response));
    }
}

fn new_transactions(body: &[u8]) {
    let Ok(message) = NewTransactions::decode(body) else {
        return;
    };
    let form = if message.fluff { TxForm::Fluff } else { TxForm::Stem };
    let padding = message.padding.len();
    let again = encoded(|out| NewTransactions::encode(out, form, padding, message.txs()));
    let again = NewTransactions::decode(&again).expect("an encoded message decodes");
    assert_eq!(again.fluff, message.fluff);
    assert_eq!(again.padding.len(), padding);
    assert_eq!(again.tx_count(), message.tx_count());
    assert!(again.txs().eq(message.txs()));
}

fn tx_pool_complement(body: &[u8]) {
    if let Ok(message) = TxPoolComplement::decode(body) {
        let again = encoded(|out| TxPoolComplement::encode(out, message.hashes()));
        let again = TxPoolComplement::decode(&again).expect("an encoded message decodes");
        assert!(again.hashes().eq(message.hashes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds() {
        wire_roundtrip(b"");
        let txs = [&b"\xaa\xbb"[..], b""];
        let hashes = [[7; 32]; 2];
        let bodies = [
            encoded(|out| PingRequest.encode(out)),
            encoded(|out| PingResponse { peer_id: 1 }.encode(out)),
            encoded(|out| SupportFlagsResponse { support_flags: 1 }.encode(out)),
            encoded(|out| NewTransactions::encode(out, TxForm::Stem, 3, txs.into_iter())),
            encoded(|out| TxPoolComplement::encode(out, hashes.iter())),
        ];
        for body in bodies {
            for message in 0..10 {
                wire_roundtrip(&[&[message], &body[..]].concat());
            }
        }
    }
}
