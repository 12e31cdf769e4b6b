//! `permafrost_fuzz::dispatch` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::dispatch(data);
});
