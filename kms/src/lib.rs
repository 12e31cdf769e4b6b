//! Key policies of AWS KMS, and a development KMS that enforces them.
//!
//! - [`policy`]: reads key policies, decides requests by them, writes the generate-only policy, and finds what
//!   bypasses attestation.
//! - [`emulator`]: a KMS for development: the wire protocol, the policies and the responses of AWS KMS. Feature `emulator`.

#![forbid(unsafe_code)]

#[cfg(feature = "emulator")]
pub mod emulator;
pub mod policy;
