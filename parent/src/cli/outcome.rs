//! How a command ends when it fails.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use permafrost_common::problem::Problem;

use crate::profile::ProfileError;

/// How many characters of an error are shown at most: it should fit on a screen.
const SHOWN_MAX: usize = 2000;

/// A failed command: the message and the exit code.
#[derive(Debug)]
pub(super) struct Outcome {
    text: String,
    code: u8,
    kind: &'static str,
    problem: Option<Box<Problem>>,
}

impl Outcome {
    /// The command was tried and failed: exit code 1.
    pub(super) fn failed(error: impl Display) -> Self {
        Self {
            text: error.to_string(),
            code: 1,
            kind: "failed",
            problem: None,
        }
    }

    /// The command could not be tried as called: exit code 2.
    pub(super) fn wrong_call(error: impl Display) -> Self {
        Self {
            text: error.to_string(),
            code: 2,
            kind: "wrong-call",
            problem: None,
        }
    }

    /// The command failed, and has already printed why.
    pub(super) fn already_told() -> Self {
        Self::failed("")
    }

    /// Whether the command has already printed why.
    pub(super) fn is_told(&self) -> bool {
        self.text.is_empty()
    }

    /// The same failure, after something that was done and stays.
    pub(super) fn after(self, done: &str) -> Self {
        Self {
            text: format!("{done} {}", self.text),
            ..self
        }
    }

    /// The same failure, with advice on what to do about it.
    pub(super) fn advising(self, advice: &str) -> Self {
        Self {
            text: format!("{}\n{advice}", self.text),
            ..self
        }
    }

    /// Prints the error to stdout as `{"error": {"kind", "detail", "problem"}}`; the exit code stays the same.
    pub(super) fn into_json(self) -> Result<Self, Self> {
        let mut error = serde_json::json!({"kind": self.kind, "detail": self.text});
        if let (Some(problem), Some(fields)) = (&self.problem, error.as_object_mut()) {
            fields.insert("problem".to_owned(), serde_json::json!(problem));
        }
        say(serde_json::json!({"error": error}))?;
        Ok(Self {
            text: String::new(),
            ..self
        })
    }

    /// Prints the message to stderr and returns the exit code.
    pub(super) fn report(self) -> ExitCode {
        if !self.text.is_empty() {
            let shown: String = self.text.chars().take(SHOWN_MAX).collect();
            let _unread = writeln!(io::stderr(), "error: {shown}");
        }
        ExitCode::from(self.code)
    }
}

impl From<ProfileError> for Outcome {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Client(error) => error.into(),
            other => Self::wrong_call(other),
        }
    }
}

impl From<permafrost_client::Error> for Outcome {
    fn from(error: permafrost_client::Error) -> Self {
        let outcome = match error {
            permafrost_client::Error::InvalidArgument { .. } => Self::wrong_call(&error),
            _ => Self::failed(&error),
        };
        Self {
            kind: error.slug(),
            problem: error.problem().cloned().map(Box::new),
            ..outcome
        }
    }
}

/// An error with its causes, each once.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Prints to stderr what is no failure and should still be known.
pub(super) fn warn(line: impl Display) {
    let _unread = writeln!(io::stderr(), "warning: {line}");
}

/// Prints a line to stdout; a closed pipe is not an error.
pub(super) fn say(line: impl Display) -> Result<(), Outcome> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Outcome::failed(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}
