//! Key policies of AWS KMS, and a development KMS that enforces them.
//!
//! - [`policy`]: reads key policies, decides requests by them, writes the generate-only policy, and finds the roads
//!   around attestation.
//! - [`emulator`]: a KMS for development: the wire protocol, the policies and the answers of the real one.

#![forbid(unsafe_code)]

pub mod emulator;
pub mod policy;
