//! Why a key policy is refused.

/// What is wrong with a key policy. KMS answers such a one with `MalformedPolicyDocumentException`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {problem}; accepted: {accepted}")]
pub struct PolicyError {
    place: String,
    problem: String,
    accepted: String,
}

/// The most characters of a foreign text that an error repeats.
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

    /// `the policy`, or the statement: its number from 1 and its Sid.
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// A text that came from outside, quoted and cut to what fits into an error.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
