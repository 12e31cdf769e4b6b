//! `permafrost_fuzz::webauthn_registration` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::webauthn_registration(data);
});
