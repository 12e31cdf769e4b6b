//! `permafrost_fuzz::binding` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::binding(data);
});
