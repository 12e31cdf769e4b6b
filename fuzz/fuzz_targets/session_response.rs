//! `permafrost_fuzz::session_response` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::session_response(data);
});
