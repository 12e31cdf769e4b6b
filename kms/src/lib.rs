//! Policies of AWS: those of keys in KMS with a development KMS that enforces them, and those around DynamoDB tables.
//!
//! - [`policy`]: reads key policies, decides requests by them, writes the generate-only policy, and finds what
//!   bypasses attestation.
//! - [`table`]: writes the policies of a DynamoDB table and its user, and finds who else could write, read or delete.
//! - [`emulator`]: a KMS for development: the wire protocol, the policies and the responses of AWS KMS. Feature `emulator`.

#![forbid(unsafe_code)]

#[cfg(feature = "emulator")]
pub mod emulator;
pub mod policy;
pub mod table;
