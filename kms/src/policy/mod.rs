//! Key policies (AWS KMS Developer Guide, "Key policies in AWS KMS"): who may do what with a key, and when.
//!
//! - [`PolicyDocument`] is a policy that this program understands to the last word: [`PolicyDocument::parse`] reads one,
//!   [`PolicyDocument::decide`] answers a request by it.

mod decide;
mod document;
mod error;

pub use decide::{Decision, RequestContext};
pub use document::{POLICY_MAX, PolicyDocument};
pub use error::PolicyError;
