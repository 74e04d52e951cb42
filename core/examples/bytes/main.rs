//! Drives a node that is reached by bytes only, with one thread and sockets that do not block, in a loop that looks at each
//! in turn: what a host on bare metal or around WebAssembly does. Sends one transaction to one hidden service through Tor.
#![allow(missing_docs, unreachable_pub, reason = "a program")]

extern crate alloc;

mod host;
mod machine;
#[path = "../shared/mod.rs"]
mod shared;

fn main() {
    let errand = shared::Errand::read();
    let peer = errand.peer.reveal().to_string();
    let mut machine = machine::Machine::new(shared::clock().as_micros(), shared::seed(), &peer).expect(shared::USAGE);
    let submit = [&[machine::input::SUBMIT][..], &[0; 8], errand.id.as_bytes(), &errand.tx].concat();
    host::run(|now, record, out| machine.step(now, record, out), submit, errand.proxy);
}
