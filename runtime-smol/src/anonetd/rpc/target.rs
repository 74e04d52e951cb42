//! The places of the RPC, and the paths to them, under the names of both generations of monerod.

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Info,
    Height,
    Send,
    JsonRpc,
    Transactions,
    KeyImages,
    Pool,
    PoolHashes,
    BinaryPoolHashes,
    PoolStats,
    Blocks,
    /// Whatever the daemon makes of it.
    Daemon,
}

impl Target {
    /// Where `path` leads.
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/get_info" | "/getinfo" => Self::Info,
            "/get_height" | "/getheight" => Self::Height,
            "/send_raw_transaction" | "/sendrawtransaction" => Self::Send,
            "/json_rpc" => Self::JsonRpc,
            "/get_transactions" | "/gettransactions" => Self::Transactions,
            "/is_key_image_spent" => Self::KeyImages,
            "/get_transaction_pool" => Self::Pool,
            "/get_transaction_pool_hashes" => Self::PoolHashes,
            "/get_transaction_pool_hashes.bin" => Self::BinaryPoolHashes,
            "/get_transaction_pool_stats" => Self::PoolStats,
            "/get_blocks.bin" | "/getblocks.bin" => Self::Blocks,
            _ => Self::Daemon,
        }
    }
}
