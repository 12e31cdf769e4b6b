//! `permafrost_fuzz::configuration` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::configuration(data);
});
