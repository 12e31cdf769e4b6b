//! Key policies (AWS KMS Developer Guide, "Key policies in AWS KMS"): who may do what with a key, and when.
//!
//! - [`PolicyDocument`] is a policy that this program understands to the last word: [`PolicyDocument::parse`] reads one,
//!   [`PolicyDocument::decide`] answers a request by it.
//! - [`GenerateOnly`] writes the one policy that a Permafrost key should have.
//! - [`WrittenPolicy`] is any policy that AWS would accept.

mod action;
mod condition;
mod decide;
mod document;
mod error;
mod generate;
mod json;
mod key;
mod operator;
mod principal;
mod wildcard;
mod written;

pub use decide::{Decision, RequestContext};
pub use document::PolicyDocument;
pub use error::PolicyError;
pub use generate::{GenerateError, GenerateOnly, Release};
pub use written::{POLICY_MAX, WrittenPolicy};
