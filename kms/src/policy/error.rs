//! Why a key policy is refused.

/// What is wrong with a key policy. KMS refuses such a policy with `MalformedPolicyDocumentException`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {problem}; accepted: {accepted}")]
pub struct PolicyError {
    place: String,
    problem: String,
    accepted: String,
}

/// How many characters of an untrusted text an error repeats at most.
const SHOWN_MAX: usize = 64;

impl PolicyError {
    pub(super) fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
            accepted: accepted.into(),
        }
    }

    /// `the policy`, or the statement by its number from 1 and its Sid.
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// An untrusted text, quoted and cut to what fits into an error.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
