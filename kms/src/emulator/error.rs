//! The errors of AWS KMS on the wire (AWS KMS API reference, "Common errors" and each action's own).

use http::StatusCode;
use serde_json::{Value, json};

/// An error response: `{"__type": NAME, "message": ...}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct KmsError {
    name: &'static str,
    status: StatusCode,
    message: Option<String>,
}

impl KmsError {
    /// An error of the caller's: status 400, as KMS has for all of them.
    pub(super) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            status: StatusCode::BAD_REQUEST,
            message: Some(message.into()),
        }
    }

    /// An error that KMS gives no message.
    pub(super) fn bare(name: &'static str, status: StatusCode) -> Self {
        Self {
            name,
            status,
            message: None,
        }
    }

    /// `KMSInternalException`, status 500: the emulator itself failed.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::new("KMSInternalException", message)
        }
    }

    /// `AccessDeniedException`.
    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", message)
    }

    /// `InvalidCiphertextException`, which says nothing more.
    pub(super) fn invalid_ciphertext() -> Self {
        Self::bare("InvalidCiphertextException", StatusCode::BAD_REQUEST)
    }

    /// `NotFoundException`.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFoundException", message)
    }

    /// `ValidationException`.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// `ValidationException` with KMS's wording for a broken constraint. `value` must not be secret.
    pub(super) fn constraint(member: &str, value: &str, constraint: &str) -> Self {
        let shown: String = value.chars().take(128).collect();
        let quoted = match value {
            "null" => shown,
            _ => format!("'{shown}'"),
        };
        Self::validation(format!(
            "1 validation error detected: Value {quoted} at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    /// `ValidationException` for a member that is not there.
    pub(super) fn missing(member: &str) -> Self {
        Self::constraint(member, "null", "Member must not be null")
    }

    /// The same with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The error's name, as `DisabledException`.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn body(&self) -> Value {
        // What refuses access is a service before KMS, which spells the member with a capital.
        let member = match self.name {
            "AccessDeniedException" => "Message",
            _ => "message",
        };
        match &self.message {
            Some(message) => json!({"__type": self.name, member: message}),
            None => json!({"__type": self.name}),
        }
    }
}
