//! `permafrost_fuzz::address` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::address(data);
});
