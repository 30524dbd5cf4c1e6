#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runner::judge::fuzz::evidence(bytes));
