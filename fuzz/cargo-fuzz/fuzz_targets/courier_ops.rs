#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::courier_ops::courier_ops(data));
