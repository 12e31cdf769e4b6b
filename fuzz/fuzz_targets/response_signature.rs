//! `permafrost_fuzz::response_signature` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::response_signature(data);
});
