//! Why a key policy is refused.

/// What is wrong with a key policy. KMS answers such a one with `MalformedPolicyDocumentException`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {problem}; accepted: {accepted}")]
pub struct PolicyError {
    /// `the policy`, or the statement: its Sid, or its number from 1.
    pub(super) place: String,
    /// What came.
    pub(super) problem: String,
    /// What would have been accepted.
    pub(super) accepted: String,
}
