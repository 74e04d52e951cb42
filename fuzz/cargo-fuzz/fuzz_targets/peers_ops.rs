#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::peers_ops::peers_ops(data));
