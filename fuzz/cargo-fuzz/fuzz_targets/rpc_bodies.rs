#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::rpc_bodies::rpc_bodies(data));
