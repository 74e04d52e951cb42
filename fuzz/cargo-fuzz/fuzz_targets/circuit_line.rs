#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::circuit_line::circuit_line(data));
