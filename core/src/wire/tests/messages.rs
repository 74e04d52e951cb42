use super::*;

/// `messages.md` §8.
const HANDSHAKE_REQUEST: &str = "011101010101020101 08 096e6f64655f64617461 0c 0c \
     076d795f706f7274 06 00000000 0a6e6574776f726b5f6964 0a 40 1230f171610441611731008216a1a110 \
     07706565725f6964 05 0100000000000000 0c7061796c6f61645f64617461 0c 14 \
     1563756d756c61746976655f646966666963756c7479 05 0100000000000000 \
     1b63756d756c61746976655f646966666963756c74795f746f703634 05 0000000000000000 \
     0e63757272656e745f686569676874 05 0100000000000000 \
     06746f705f6964 0a 80 418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3 \
     0b746f705f76657273696f6e 08 01";

const STEM: &str = "011101010101020101 0c 015f 0a00 11 64616e64656c696f6e70705f666c756666 0b00 \
     03747873 8a 04 08aabb";
const FLUFF: &str = "011101010101020101 08 015f 0a00 03747873 8a 04 08aabb";

/// `body` with the first occurrence of `from` replaced, both in hex.
fn replaced(body: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(body.contains(from), "{from}");
    hex(&body.replacen(from, to, 1))
}

#[test]
fn handshake_request_of_the_specification() {
    let request = HandshakeRequest { node: node(), sync: sync() };
    let body = hex(HANDSHAKE_REQUEST);
    assert_eq!(body.len(), 243);
    assert_eq!(HandshakeRequest::decode(&body), Ok(request));
    assert_eq!(encoded(|out| request.encode(out)), body);
}

#[test]
fn handshake_response_of_the_specification() {
    let peers = [entry(onion(18_083))];
    let body = encoded(|out| HandshakeResponse::encode(out, &node(), &sync(), peers.iter()));
    let start = "011101010101020101 0c 126c6f63616c5f706565726c6973745f6e6577 8c 04 \
         08 03616472 0c 08 0461646472 0c 08 04686f7374 0a f8";
    assert_eq!(body.len(), 374);
    assert!(body.starts_with(&hex(start)));
    assert!(body.ends_with(&hex(HANDSHAKE_REQUEST)[10..]));

    let response = HandshakeResponse::decode(&body).unwrap();
    assert_eq!((response.node, response.sync), (node(), sync()));
    assert!(response.peers.eq([Ok(peers[0].clone())]));
    // without peers it is the request
    let body = encoded(|out| HandshakeResponse::encode(out, &node(), &sync(), [].iter()));
    assert_eq!(body, hex(HANDSHAKE_REQUEST));
    assert_eq!(HandshakeResponse::decode(&body).unwrap().peers.len(), 0);
}

#[test]
fn timed_sync_request_has_the_specified_length() {
    let request = TimedSyncRequest { sync: sync() };
    let body = encoded(|out| request.encode(out));
    assert_eq!(body.len(), 172);
    assert_eq!(TimedSyncRequest::decode(&body), Ok(request));
}

#[test]
fn required_fields_are_required() {
    // each key is replaced by an unknown one of the same length and order
    let table = [
        ("0a6e6574776f726b5f6964", "0a6e6574776f726b5f6965", "network_id"),
        ("07706565725f6964", "07706565725f6965", "peer_id"),
        ("0e63757272656e745f686569676874", "0e63757272656e745f686569676875", "current_height"),
        ("06746f705f6964", "06746f705f6965", "top_id"),
        ("096e6f64655f64617461", "096e6f64655f64617462", "node_data"),
        ("0c7061796c6f61645f64617461", "0c7061796c6f61645f64617462", "payload_data"),
    ];
    for (key, unknown, name) in table {
        let body = replaced(HANDSHAKE_REQUEST, key, unknown);
        let missing = WireError::Missing(name);
        assert_eq!(HandshakeRequest::decode(&body), Err(missing));
        assert_eq!(HandshakeResponse::decode(&body).map(drop), Err(missing));
    }
    let body = hex("01110101010102010100");
    assert_eq!(TimedSyncRequest::decode(&body), Err(WireError::Missing("payload_data")));
    let response = TimedSyncResponse::decode(&body).map(drop);
    assert_eq!(response, Err(WireError::Missing("payload_data")));
}

#[test]
fn other_fields_are_0_when_absent() {
    let keys = [
        ("076d795f706f7274", "076d795f706f7275"),
        ("1563756d756c61746976655f646966666963756c7479", "1563756d756c61746976655f646966666963756c747a"),
        ("0b746f705f76657273696f6e", "0b746f705f76657273696f6f"),
    ];
    for (key, unknown) in keys {
        let body = replaced(HANDSHAKE_REQUEST, key, unknown);
        assert!(HandshakeRequest::decode(&body).is_ok(), "{key}");
    }
}

#[test]
fn peer_id_0_is_refused() {
    let body = replaced(HANDSHAKE_REQUEST, "07706565725f6964 05 01", "07706565725f6964 05 00");
    assert_eq!(HandshakeRequest::decode(&body), Err(WireError::PeerIdZero));
    assert_eq!(HandshakeResponse::decode(&body).map(drop), Err(WireError::PeerIdZero));
}

#[test]
fn fields_of_the_wrong_type_are_refused() {
    let table = [
        ("076d795f706f7274 06 00000000", "076d795f706f7274 05 0000000001000000", EpeeErrorKind::IntegerRange),
        ("076d795f706f7274 06 00000000", "076d795f706f7274 0b 00", EpeeErrorKind::WrongType),
        ("0a 40 1230f171610441611731008216a1a110", "0a 3c 1230f171610441611731008216a1a1", EpeeErrorKind::Length),
        ("0b746f705f76657273696f6e 08 01", "0b746f705f76657273696f6e 88 04 01", EpeeErrorKind::WrongType),
    ];
    for (from, to, kind) in table {
        let refused = HandshakeRequest::decode(&replaced(HANDSHAKE_REQUEST, from, to)).unwrap_err();
        assert!(matches!(refused, WireError::Epee(error) if error.kind == kind), "{to}: {refused}");
    }
    // another width of the same number is fine
    let wide = replaced(HANDSHAKE_REQUEST, "06 00000000", "05 0000000000000000");
    assert_eq!(HandshakeRequest::decode(&wide), HandshakeRequest::decode(&hex(HANDSHAKE_REQUEST)));
}

#[test]
fn difficulty_has_two_halves() {
    let chain = SyncData { cumulative_difficulty: (7 << 64) | 9, ..sync() };
    let body = encoded(|out| TimedSyncRequest { sync: chain }.encode(out));
    let halves = hex("1563756d756c61746976655f646966666963756c7479 05 0900000000000000 \
         1b63756d756c61746976655f646966666963756c74795f746f703634 05 0700000000000000");
    assert!(body.windows(halves.len()).any(|window| window == halves));
    assert_eq!(TimedSyncRequest::decode(&body), Ok(TimedSyncRequest { sync: chain }));
}

#[test]
fn transactions_of_the_specification() {
    let tx: &[u8] = &[0xaa, 0xbb];
    for (text, form, length) in [(STEM, TxForm::Stem, 43), (FLUFF, TxForm::Fluff, 23)] {
        let body = hex(text);
        assert_eq!(body.len(), length);
        assert_eq!(encoded(|out| NewTransactions::encode(out, form, 0, [tx].into_iter())), body);
        let padded = [&body[..], &[0; 24]].concat();
        let message = NewTransactions::decode(&padded).unwrap();
        assert_eq!(message.fluff, form == TxForm::Fluff);
        assert_eq!(message.padding, b"");
        assert_eq!(message.tx_count(), 1);
        assert!(message.txs().eq([tx]));
        assert!(padded.as_ptr_range().contains(&message.txs().next().unwrap().as_ptr()));
    }
    let explicit = replaced(STEM, "0b00", "0b01");
    assert!(NewTransactions::decode(&explicit).unwrap().fluff);
    let refused = NewTransactions::decode(&replaced(STEM, "0b00", "0b02")).map(drop).unwrap_err();
    assert!(matches!(refused, WireError::Epee(error) if error.kind == EpeeErrorKind::Bool));
}

#[test]
fn a_notify_may_have_no_transactions_and_no_padding() {
    let message = hex("01110101010102010100");
    let message = NewTransactions::decode(&message).unwrap();
    assert!(message.fluff && message.padding.is_empty());
    assert_eq!(message.tx_count(), 0);
    let body = encoded(|out| NewTransactions::encode(out, TxForm::Fluff, 5, [].into_iter()));
    assert_eq!(body, hex("011101010101020101 04 015f 0a 14 2020202020"));
}

#[test]
fn pings_of_the_specification() {
    let empty = hex("01110101010102010100");
    assert_eq!(encoded(|out| PingRequest.encode(out)), empty);
    assert_eq!(PingRequest::decode(&empty), Ok(PingRequest));
    assert!(PingRequest::decode(&empty[..9]).is_err());
    let text = "011101010101020101 08 07706565725f6964 05 0100000000000000 06737461747573 0a 084f4b";
    let response = PingResponse { peer_id: 1 };
    assert_eq!(encoded(|out| response.encode(out)), hex(text));
    assert_eq!(PingResponse::decode(&hex(text)), Ok(response));
    assert_eq!(PingResponse::decode(&empty), Err(WireError::Status));
    assert_eq!(PingResponse::decode(&replaced(text, "4f4b", "4f4f")), Err(WireError::Status));
    let unnamed = replaced(text, "07706565725f6964", "07706565725f6965");
    assert_eq!(PingResponse::decode(&unnamed), Err(WireError::Missing("peer_id")));
}

#[test]
fn support_flags_of_the_specification() {
    let empty = hex("01110101010102010100");
    assert_eq!(encoded(|out| SupportFlagsRequest.encode(out)), empty);
    assert_eq!(SupportFlagsRequest::decode(&empty), Ok(SupportFlagsRequest));
    let text = "011101010101020101 04 0d 737570706f72745f666c616773 06 01000000";
    let response = SupportFlagsResponse { support_flags: 1 };
    assert_eq!(encoded(|out| response.encode(out)), hex(text));
    assert_eq!(SupportFlagsResponse::decode(&hex(text)), Ok(response));
    let none = SupportFlagsResponse { support_flags: 0 };
    assert_eq!(SupportFlagsResponse::decode(&empty), Ok(none));
}

#[test]
fn pool_complements_have_whole_hashes() {
    let hashes = [[1; 32], [2; 32]];
    let body = encoded(|out| TxPoolComplement::encode(out, hashes.iter()));
    let start = hex("011101010101020101 04 06686173686573 0a 0101");
    assert!(body.starts_with(&start));
    assert_eq!(body.len(), start.len() + 64);
    let message = TxPoolComplement::decode(&body).unwrap();
    assert_eq!(message.hashes().len(), 2);
    assert!(message.hashes().eq(hashes.iter()));

    let none = encoded(|out| TxPoolComplement::encode(out, [].iter()));
    assert_eq!(none, hex("01110101010102010100"));
    assert_eq!(TxPoolComplement::decode(&none).unwrap().hashes().len(), 0);

    let odd = [&start[..start.len() - 2], &[31 << 2], &[0; 31]].concat();
    let refused = TxPoolComplement::decode(&odd).map(drop);
    assert_eq!(refused, Err(WireError::HashesLength(31)));
}
