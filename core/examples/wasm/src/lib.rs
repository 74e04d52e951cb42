//! The example `bytes` as a WebAssembly module. A host writes into the buffer, calls, and reads from the buffer.

extern crate alloc;

use std::cell::RefCell;

#[path = "../../bytes/machine.rs"]
#[allow(dead_code, reason = "some kinds are for the host")]
mod machine;

thread_local! {
    static MACHINE: RefCell<Option<machine::Machine>> = const { RefCell::new(None) };
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where the next `len` bytes of input go, or where the bytes of the last output are.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(len: usize) -> *mut u8 {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(len, 0);
        buffer.as_mut_ptr()
    })
}

/// Starts the node: the buffer holds 32 random bytes and the peer's address. 1 if that is none.
#[unsafe(no_mangle)]
pub extern "C" fn start(now: u64) -> u32 {
    let setup = BUFFER.take();
    let parts = setup.split_first_chunk().and_then(|(seed, peer)| Some((*seed, std::str::from_utf8(peer).ok()?)));
    let machine = parts.and_then(|(seed, peer)| machine::Machine::new(now, seed, peer));
    MACHINE.with_borrow_mut(|place| {
        *place = machine;
        place.is_none().into()
    })
}

/// Takes the record in the buffer, and returns how many bytes of records are there instead.
#[unsafe(no_mangle)]
pub extern "C" fn step(now: u64) -> usize {
    let record = BUFFER.take();
    let mut out = Vec::new();
    MACHINE.with_borrow_mut(|machine| {
        if let Some(machine) = machine {
            machine.step(now, &record, &mut out);
        }
    });
    let len = out.len();
    BUFFER.set(out);
    len
}
