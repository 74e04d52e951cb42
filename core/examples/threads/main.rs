//! Drives a node with plain threads and blocking sockets: one thread owns the node, and each stream has one that reads
//! and one that writes. Sends one transaction to one hidden service through Tor, and ends.
#![allow(missing_docs, unreachable_pub, reason = "a program")]

mod driver;
#[path = "../shared/mod.rs"]
mod shared;

fn main() {
    let errand = shared::Errand::read();
    driver::run(errand.node(), errand.proxy, shared::on_event);
}
