#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::route_total::route_total(data));
