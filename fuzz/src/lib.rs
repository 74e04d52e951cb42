//! anonet's fuzz targets as plain functions, so that stable `cargo test` replays the corpus and any engine can drive
//! them. Each takes any bytes and panics where a promise of the core is broken.

pub mod address;
mod cast;
pub mod circuit_line;
pub mod courier_ops;
pub mod daemon_answers;
pub mod epee;
pub mod levin_split;
pub mod node_script;
pub mod options;
pub mod peers_ops;
pub mod route_total;
pub mod rpc_bodies;
mod says;
mod script;
pub mod snapshot_restore;
pub mod socks;
pub mod stash_ops;
pub mod store_row;
pub mod wire_roundtrip;

/// Every target by name: its corpus is `corpus/NAME`, its cargo-fuzz wrapper `cargo-fuzz/fuzz_targets/NAME.rs`.
#[expect(clippy::type_complexity, reason = "a name for it would say less")]
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("address", address::address),
    ("circuit_line", circuit_line::circuit_line),
    ("courier_ops", courier_ops::courier_ops),
    ("daemon_answers", daemon_answers::daemon_answers),
    ("epee", epee::epee),
    ("fuzz_node", node_script::fuzz_node),
    ("levin_split", levin_split::levin_split),
    ("node_script", node_script::node_script),
    ("options", options::options),
    ("peers_ops", peers_ops::peers_ops),
    ("route_total", route_total::route_total),
    ("rpc_bodies", rpc_bodies::rpc_bodies),
    ("snapshot_restore", snapshot_restore::snapshot_restore),
    ("socks", socks::socks),
    ("stash_ops", stash_ops::stash_ops),
    ("store_row", store_row::store_row),
    ("wire_roundtrip", wire_roundtrip::wire_roundtrip),
];
