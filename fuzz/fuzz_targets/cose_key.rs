//! `permafrost_fuzz::cose_key` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::cose_key(data);
});
