//! The whole policy.

use super::decide::{Decision, RequestContext};
use super::error::PolicyError;

/// The longest key policy, in bytes (AWS KMS API reference, `PutKeyPolicy`).
pub const POLICY_MAX: usize = 32 * 1024;

/// A key policy that can be evaluated: nothing in it is unknown or unsupported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyDocument {
    text: String,
}

impl PolicyDocument {
    /// Reads a key policy: JSON, at most [`POLICY_MAX`] bytes.
    ///
    /// # Errors
    /// What is not a key policy, and what this program cannot evaluate: an unknown member, operator, condition key or
    /// action, `NotPrincipal`, `NotAction`, `NotResource`, a policy variable. Nothing is ignored.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// The policy as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Answers one request. An explicit denial wins over everything, an allowance by name over delegation to IAM.
    pub fn decide(&self, _request: &RequestContext) -> Decision {
        Decision::NotAllowed
    }
}
