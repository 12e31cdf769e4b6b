//! `permafrost_fuzz::binary_http` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::binary_http(data);
});
