//! The core of anonet: Monero's anonymity networks without sockets, clock or ambient randomness.

#![no_std]

extern crate alloc;

pub mod addr;
pub mod epee;
pub mod levin;
pub mod wire;
