//! `permafrost_fuzz::answer_signature` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::answer_signature(data);
});
