use proptest::prelude::*;

use super::*;

fn any_node() -> impl Strategy<Value = NodeData> {
    let zero_or = |value: u32| prop_oneof![Just(0), Just(value)];
    (any::<u32>(), any::<[u8; 16]>(), 1..=u64::MAX, zero_or(u32::MAX), any::<u16>(), 0..3_u32).prop_map(
        |(my_port, network_id, peer_id, rpc_credits_per_hash, rpc_port, support_flags)| NodeData {
            my_port,
            network_id,
            peer_id,
            rpc_credits_per_hash,
            rpc_port,
            support_flags,
        },
    )
}

fn any_sync() -> impl Strategy<Value = SyncData> {
    (any::<u128>(), any::<u64>(), 0..3_u32, any::<[u8; 32]>(), 0..3_u8).prop_map(
        |(cumulative_difficulty, current_height, pruning_seed, top_id, top_version)| SyncData {
            cumulative_difficulty,
            current_height,
            pruning_seed,
            top_id,
            top_version,
        },
    )
}

fn any_addr() -> impl Strategy<Value = Addr> {
    let port = 1..=u16::MAX;
    prop_oneof![
        port.clone().prop_map(onion),
        Just(Addr::I2p(I2pAddr::from_host(I2P).unwrap())),
        (any::<u32>(), port.clone()).prop_map(|(ip, port)| Addr::Ipv4(SocketAddrV4::new(Ipv4Addr::from(ip), port))),
        (any::<u128>(), port).prop_map(|(ip, port)| Addr::Ipv6(SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, 0))),
    ]
}

fn any_entry() -> impl Strategy<Value = PeerEntry> {
    (any_addr(), any::<u64>(), -1..2_i64, 0..3_u32, 0..3_u32, 0..3_u16).prop_map(
        |(addr, id, last_seen, pruning_seed, rpc_credits_per_hash, rpc_port)| PeerEntry {
            addr,
            id,
            last_seen,
            pruning_seed,
            rpc_credits_per_hash,
            rpc_port,
        },
    )
}

proptest! {
    #[test]
    fn handshakes_come_back(
        node in any_node(),
        sync in any_sync(),
        peers in prop::collection::vec(any_entry(), 0..9),
    ) {
        let request = HandshakeRequest { node, sync };
        let body = encoded(|out| request.encode(out));
        prop_assert_eq!(HandshakeRequest::decode(&body), Ok(request));

        let body = encoded(|out| HandshakeResponse::encode(out, &node, &sync, peers.iter()));
        let response = HandshakeResponse::decode(&body).unwrap();
        prop_assert_eq!((response.node, response.sync), (node, sync));
        prop_assert!(response.peers.map(Result::unwrap).eq(peers));
    }

    #[test]
    fn timed_syncs_come_back(sync in any_sync(), peers in prop::collection::vec(any_entry(), 0..9)) {
        let request = TimedSyncRequest { sync };
        let body = encoded(|out| request.encode(out));
        prop_assert_eq!(TimedSyncRequest::decode(&body), Ok(request));

        let body = encoded(|out| TimedSyncResponse::encode(out, &sync, peers.iter()));
        let response = TimedSyncResponse::decode(&body).unwrap();
        prop_assert_eq!(response.sync, sync);
        prop_assert!(response.peers.map(Result::unwrap).eq(peers));
    }

    #[test]
    fn transactions_come_back(
        stem in any::<bool>(),
        padding in 0..70_usize,
        txs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..70),
    ) {
        let form = if stem { TxForm::Stem } else { TxForm::Fluff };
        let txs = txs.iter().map(Vec::as_slice);
        let body = encoded(|out| NewTransactions::encode(out, form, padding, txs.clone()));
        let message = NewTransactions::decode(&body).unwrap();
        prop_assert_eq!(message.fluff, !stem);
        prop_assert_eq!(message.padding, vec![b' '; padding]);
        prop_assert_eq!(message.tx_count(), txs.len());
        prop_assert!(message.txs().eq(txs));
    }

    #[test]
    fn pool_complements_come_back(hashes in prop::collection::vec(any::<[u8; 32]>(), 0..9)) {
        let body = encoded(|out| TxPoolComplement::encode(out, hashes.iter()));
        let message = TxPoolComplement::decode(&body).unwrap();
        prop_assert!(message.hashes().eq(hashes.iter()));
    }

    #[test]
    fn short_answers_come_back(peer_id in any::<u64>(), support_flags in any::<u32>()) {
        let ping = PingResponse { peer_id };
        prop_assert_eq!(PingResponse::decode(&encoded(|out| ping.encode(out))), Ok(ping));
        let flags = SupportFlagsResponse { support_flags };
        let body = encoded(|out| flags.encode(out));
        prop_assert_eq!(SupportFlagsResponse::decode(&body), Ok(flags));
    }

    #[test]
    fn a_flipped_bit_is_harmless(
        peers in prop::collection::vec(any_entry(), 0..4),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut body = encoded(|out| HandshakeResponse::encode(out, &node(), &sync(), peers.iter()));
        let place = place.index(body.len());
        body[place] ^= 1 << bit;
        if let Ok(response) = HandshakeResponse::decode(&body) {
            prop_assert!(response.peers.count() <= peers.len());
        }
    }
}
