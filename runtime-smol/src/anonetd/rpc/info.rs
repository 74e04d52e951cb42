//! What a node without a chain can say of itself. Source: spec `rpc-and-wallet.md` §3.

use anonet_core::{Instant, Network};
use serde_json::{Value, json};

use super::super::daemon::Chain;
use super::super::hex;
use super::super::status::ZoneEntry;

/// Seconds between blocks.
const BLOCK_TARGET: u32 = 120;

/// The version of monerod's RPC that is spoken without a daemon, that of 0.18.0.0: 3.10.
const RPC_VERSION: u32 = 3 << 16 | 10;

/// `get_version`.
pub(super) fn version() -> Value {
    json!({ "release": true, "status": "OK", "untrusted": false, "version": RPC_VERSION })
}

/// `/get_height`.
pub(super) fn height(network: Network) -> Value {
    json!({ "hash": hex::encode(&network.genesis()), "height": 1, "status": "OK", "untrusted": false })
}

/// `/get_info`.
///
/// The chain is the daemon's. Without one that is synchronized `height` is 1 and `synchronized` false, as the node itself
/// follows no chain: a wallet that were told otherwise could take "no new blocks" for the truth. The counts cover the public
/// zone, as monerod's do; `anonet_zones` has them all.
pub(super) fn document(network: Network, chain: Option<Chain>, zones: &[ZoneEntry], started: Instant) -> Value {
    let public = zones.iter().find(|zone| zone.name == "public");
    let top = chain.map_or(network.genesis(), |chain| chain.top_id());
    let height = chain.map_or(1, |chain| chain.height());
    let difficulty = chain.map_or(1, |chain| chain.cumulative_difficulty());
    let nettype = match network {
        Network::Regtest => "fakechain",
        other => other.name(),
    };
    json!({
        "adjusted_time": 0,
        "alt_blocks_count": 0,
        "anonet_zones": zones,
        "block_size_limit": 0,
        "block_size_median": 0,
        "block_weight_limit": 0,
        "block_weight_median": 0,
        "busy_syncing": false,
        "credits": 0,
        "cumulative_difficulty": difficulty as u64,
        "cumulative_difficulty_top64": (difficulty >> 64) as u64,
        "database_size": 0,
        "difficulty": 1,
        "difficulty_top64": 0,
        "free_space": u64::MAX,
        "grey_peerlist_size": public.map_or(0, |zone| zone.gray),
        "height": height,
        "incoming_connections_count": public.map_or(0, |zone| zone.incoming),
        "mainnet": network == Network::Mainnet,
        "nettype": nettype,
        "offline": false,
        "outgoing_connections_count": public.map_or(0, |zone| zone.outgoing),
        "restricted": true,
        "rpc_connections_count": 0,
        "stagenet": network == Network::Stagenet,
        "start_time": started.as_micros() / 1_000_000,
        "status": "OK",
        "synchronized": chain.is_some(),
        "target": BLOCK_TARGET,
        "target_height": chain.map_or(0, |chain| chain.target_height),
        "testnet": network == Network::Testnet,
        "top_block_hash": hex::encode(&top),
        "top_hash": "",
        "tx_count": 0,
        "tx_pool_size": 0,
        "untrusted": false,
        "update_available": false,
        "version": concat!("anonet-", env!("CARGO_PKG_VERSION")),
        "white_peerlist_size": public.map_or(0, |zone| zone.white),
        "wide_cumulative_difficulty": format!("{difficulty:#x}"),
        "wide_difficulty": "0x1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_told_in_every_form() {
        for (network, nettype, [mainnet, testnet, stagenet], genesis) in [
            (Network::Mainnet, "mainnet", [true, false, false], "418015bb"),
            (Network::Testnet, "testnet", [false, true, false], "48ca7cd3"),
            (Network::Stagenet, "stagenet", [false, false, true], "76ee3cc9"),
            (Network::Regtest, "fakechain", [false, false, false], "418015bb"),
        ] {
            let found = document(network, None, &[], Instant::from_micros(5_000_000));
            assert_eq!(found["nettype"], nettype);
            assert_eq!(found["mainnet"], mainnet);
            assert_eq!(found["testnet"], testnet);
            assert_eq!(found["stagenet"], stagenet);
            assert!(found["top_block_hash"].as_str().unwrap().starts_with(genesis));
            assert_eq!((&found["height"], &found["start_time"]), (&json!(1), &json!(5)));
        }
    }
}
