//! `permafrost_fuzz::encoded_document` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::encoded_document(data);
});
