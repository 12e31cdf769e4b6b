//! `permafrost_fuzz::dynamodb_tags` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::dynamodb_tags(data);
});
