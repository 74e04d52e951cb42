//! `--restricted-rpc`: what wallets need, and nothing that changes or describes the daemon. monerod lists what it keeps from
//! strangers; this lists what it gives them, so that what a later daemon adds stays closed.

use super::Target;

/// Paths that go to the daemon.
const PATHS: [&str; 9] = [
    "/get_blocks_by_height.bin",
    "/get_hashes.bin",
    "/get_o_indexes.bin",
    "/get_output_distribution.bin",
    "/get_outs",
    "/get_outs.bin",
    "/getblocks_by_height.bin",
    "/gethashes.bin",
    "/get_limit",
];

/// Methods of `/json_rpc`.
const METHODS: [&str; 18] = [
    "get_block",
    "get_block_count",
    "get_block_header_by_hash",
    "get_block_header_by_height",
    "get_block_headers_range",
    "get_fee_estimate",
    "get_info",
    "get_last_block_header",
    "get_output_distribution",
    "get_output_histogram",
    "get_txpool_backlog",
    "get_version",
    "getblockcount",
    "getblockheaderbyhash",
    "getblockheaderbyheight",
    "getblockheadersrange",
    "getlastblockheader",
    "hard_fork_info",
];

/// Ids of transactions and key images in one question, as monerod's.
pub(super) const MOST_TXS: usize = 100;
pub(super) const MOST_KEY_IMAGES: usize = 5_000;

pub(super) fn admits_path(target: Target, path: &str) -> bool {
    target != Target::Daemon || PATHS.contains(&path)
}

pub(super) fn admits_method(method: &str) -> bool {
    METHODS.contains(&method)
}

/// What of `get_info` describes the daemon and not the chain, and what is said instead. Source: spec §3.
pub(super) fn veil(info: &mut serde_json::Value) {
    for key in [
        "alt_blocks_count",
        "grey_peerlist_size",
        "incoming_connections_count",
        "outgoing_connections_count",
        "rpc_connections_count",
        "start_time",
        "white_peerlist_size",
    ] {
        info[key] = 0.into();
    }
    info["free_space"] = u64::MAX.into();
    info["database_size"] = 0.into();
    info["restricted"] = true.into();
    info["update_available"] = false.into();
    info["version"] = "".into();
    if let Some(fields) = info.as_object_mut() {
        fields.remove("anonet_zones");
    }
}
