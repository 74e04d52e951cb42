#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::store_row::store_row(data));
