//! Key policies (AWS KMS Developer Guide, "Key policies in AWS KMS"): who may do what with a key, and when.
//!
//! - [`PolicyDocument`] is a policy that this program understands completely: [`PolicyDocument::parse`] reads it,
//!   [`PolicyDocument::decide`] decides a request by it.
//! - [`GenerateOnly`] writes the one policy that a Permafrost key should have.
//! - [`WrittenPolicy`] is any policy that AWS would accept, and [`check`] finds the bypasses of attestation in it.
//!
//! ```
//! use permafrost_common::attestation::Measurements;
//! use permafrost_kms::policy::{GenerateOnly, Key, Release, WrittenPolicy, check};
//!
//! let measurements = Measurements::of_image([[1; 48], [2; 48], [3; 48]]);
//! let policy = GenerateOnly {
//!     releases: vec![Release::new("v1", &measurements)?],
//!     roles: vec!["arn:aws:iam::111122223333:role/enclave".to_owned()],
//!     administrators: vec!["arn:aws:iam::111122223333:role/administrator".to_owned()],
//!     deployment: "example".to_owned(),
//!     account: "111122223333".to_owned(),
//!     partition: "aws".to_owned(),
//! }
//! .policy()?;
//! assert!(check(&WrittenPolicy::parse(&policy)?, &Key::default()).findings.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod check;
pub(crate) mod condition;
mod decide;
mod document;
mod error;
mod generate;
mod json;
mod key;
pub(crate) mod operator;
pub(crate) mod principal;
pub(crate) mod wildcard;
pub(crate) mod written;

pub use check::{
    Finding, Grant, Key, KeyError, KeyMetadata, Never, Report, Rule, StatementReport, check,
};
pub use decide::{Decision, RequestContext};
pub use document::PolicyDocument;
pub use error::PolicyError;
pub use generate::{GenerateError, GenerateOnly, Release};
pub use written::{POLICY_MAX, PolicyKind, WrittenPolicy};
