#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| anonet_fuzz::node_script::fuzz_node(data));
