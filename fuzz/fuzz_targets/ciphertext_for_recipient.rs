//! `permafrost_fuzz::ciphertext_for_recipient` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::ciphertext_for_recipient(data);
});
