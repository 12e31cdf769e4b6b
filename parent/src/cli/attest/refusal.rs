//! Why a document is refused, for people and for programs.

use permafrost_common::attestation::{EncodedError, Error};
use serde::Serialize;

use super::json;
use crate::cli::outcome::{Outcome, say};

/// The rule that is broken, and what came.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    rule: &'static str,
    detail: String,
}

impl Refusal {
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Ends the command with exit code 1: `verdict` and the reason on standard error, or the reason as one JSON object,
    /// `{"error": {"rule": "...", "detail": "..."}}`, on standard output.
    pub(super) fn end(&self, verdict: &str, as_json: bool) -> Outcome {
        let Self { rule, detail } = self;
        if !as_json {
            return Outcome::failed(format!("{verdict} ({rule}): {detail}"));
        }
        match say(json(&Refused { error: self })) {
            Ok(()) => Outcome::already_told(),
            Err(outcome) => outcome,
        }
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a Refusal,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            rule: error.rule(),
            detail: error.to_string(),
        }
    }
}

impl From<EncodedError> for Refusal {
    fn from(error: EncodedError) -> Self {
        Self {
            rule: error.rule(),
            detail: error.to_string(),
        }
    }
}
