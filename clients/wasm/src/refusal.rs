//! What is thrown to JavaScript.

use permafrost_frost::sign::SignError;
use permafrost_frost::{CeremonyError, HeldShareError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

/// Why there is no result.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    /// What was refused.
    pub kind: Kind,
    /// Why.
    pub message: String,
    /// The participants that provably broke the protocol.
    pub participants: Vec<String>,
}

/// What was refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A ceremony does not go on.
    Ceremony,
    /// There is no signature.
    Signature,
    /// A text is not a share.
    Share,
    /// The caller gave something that is not accepted.
    Argument,
}

impl Refusal {
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Argument,
            message: message.into(),
            participants: Vec::new(),
        }
    }
}

impl From<Refusal> for JsValue {
    fn from(refusal: Refusal) -> Self {
        // A struct of texts cannot fail to be written.
        Self::from(serde_json::to_string(&refusal).unwrap_or_default())
    }
}

impl From<CeremonyError> for Refusal {
    fn from(error: CeremonyError) -> Self {
        Self {
            kind: Kind::Ceremony,
            message: error.to_string(),
            participants: match error {
                CeremonyError::Misbehaved { participant, .. } => vec![participant],
                _ => Vec::new(),
            },
        }
    }
}

impl From<SignError> for Refusal {
    fn from(error: SignError) -> Self {
        Self {
            kind: Kind::Signature,
            message: error.to_string(),
            participants: match error {
                SignError::Misbehaved { participants } => participants,
                _ => Vec::new(),
            },
        }
    }
}

impl From<HeldShareError> for Refusal {
    fn from(error: HeldShareError) -> Self {
        Self {
            kind: Kind::Share,
            message: error.to_string(),
            participants: Vec::new(),
        }
    }
}

/// A value that the enclave has sent, or a part of one.
pub(crate) fn read<T: DeserializeOwned>(what: &str, json: &str, kind: Kind) -> Result<T, Refusal> {
    serde_json::from_str(json).map_err(|error| Refusal {
        kind,
        message: format!("{what}: {error}"),
        participants: Vec::new(),
    })
}

/// The JSON of a value.
pub(crate) fn write<T: Serialize>(value: &T) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| Refusal::argument(error.to_string()))
}
