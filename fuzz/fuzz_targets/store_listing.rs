//! `permafrost_fuzz::store_listing` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::store_listing(data);
});
