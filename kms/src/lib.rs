//! Key policies of AWS KMS, and a development KMS that enforces them.
//!
//! - [`policy`]: reads key policies, decides requests by them, writes the generate-only policy, and finds the ways to
//!   bypass attestation.
//! - [`emulator`]: a KMS for development, with the wire protocol, the policies and the responses of the real one.

#![forbid(unsafe_code)]

#[cfg(feature = "emulator")]
pub mod emulator;
pub mod policy;
