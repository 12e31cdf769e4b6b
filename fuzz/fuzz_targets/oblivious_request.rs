//! `permafrost_fuzz::oblivious_request` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::oblivious_request(data);
});
