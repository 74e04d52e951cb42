#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::daemon_answers::daemon_answers(data));
