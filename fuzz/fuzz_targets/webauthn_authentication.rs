//! `permafrost_fuzz::webauthn_authentication` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    permafrost_fuzz::webauthn_authentication(data);
});
