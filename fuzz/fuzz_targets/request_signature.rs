//! `permafrost_fuzz::request_signature` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::request_signature(data);
});
