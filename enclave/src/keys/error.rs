//! What can be wrong with a request about keys, and with an operation on a key.

use permafrost_common::problem::{Problem, ProblemType};

use permafrost_frost::{CeremonyError, InvalidField, sign::SignError};

use super::{KeyId, MaterialError};
use crate::derivation::DerivationError;

/// Why an operation on a key failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The payload does not fit this key.
    #[error(transparent)]
    Payload(#[from] InvalidField),
    /// The key is disabled.
    #[error("key {id} is disabled: it neither signs nor rotates")]
    Disabled {
        /// The key.
        id: KeyId,
    },
    /// The derived key is disabled.
    #[error("the key {path} is disabled: it neither signs nor rotates")]
    DerivedDisabled {
        /// The key.
        path: String,
    },
    /// There is no key at a path, which happens once in 2^127.
    #[error(transparent)]
    Derivation(#[from] DerivationError),
    /// The key is deleted.
    #[error("key {id} is deleted: the enclave has no share of it")]
    Deleted {
        /// The key.
        id: KeyId,
    },
    /// The key is enabled.
    #[error("key {id} is enabled; accepted: a disabled key, so that a deletion takes two requests")]
    Enabled {
        /// The key.
        id: KeyId,
    },
    /// The operation is one of keys with another custody.
    #[error("key {id} has {custody} custody: {instead}")]
    Custody {
        /// The key.
        id: KeyId,
        /// Its custody, as the API names it.
        custody: &'static str,
        /// What to request instead.
        instead: &'static str,
    },
    /// The parts of a signature could not be made.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Shares that were made together with others do not belong to this key.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// An imported secret is not a secret key.
    #[error(
        "the imported secret is not a secret key of secp256k1; accepted: 32 bytes, big-endian, not zero and below the order of the group"
    )]
    ImportSecret,
    /// An imported secret is that of another key than the request names.
    #[error("the imported secret has the public key {came}, but the request names {named}")]
    ImportPublicKey {
        /// The public key of the request, hex.
        named: String,
        /// The public key of the secret, hex.
        came: String,
    },
    /// The key was already replaced, by another key.
    #[error("key {id} was already replaced by {by}")]
    AlreadyReplaced {
        /// The key.
        id: KeyId,
        /// The key that replaced it.
        by: KeyId,
    },
    /// The key was not replaced, or without a statement.
    #[error("key {id} was not replaced by a statement that it signed")]
    NotReplaced {
        /// The key.
        id: KeyId,
    },
    /// The key has reached the greatest generation number.
    #[error("key {id} was rotated {} times, the most that are possible", u32::MAX)]
    GenerationExhausted {
        /// The key.
        id: KeyId,
    },
    /// A signature did not verify and was withheld.
    #[error("a signature did not verify and was withheld; wrong signature shares: {culprits:?}")]
    SignatureInvalid {
        /// The names of the participants whose signature shares are wrong.
        culprits: Vec<String>,
    },
    /// Dealt or refreshed shares do not belong together.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The FROST library failed.
    #[error("FROST: {0}")]
    Frost(#[from] frost_secp256k1_tr::Error),
    /// BIP-341 has no output for this key and Merkle root (probability 2^-128).
    #[error("BIP-341 has no output key for this key and Merkle root")]
    Tweak,
    /// A public key could not be encoded as bech32, though its length is always right.
    #[error("cannot encode a public key as bech32")]
    Bech32,
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let kind = match error {
            KeyError::Payload(field) => return field.into(),
            KeyError::Sign(SignError::Invalid(field)) => return field.into(),
            // The enclave's own parts are right: others sent these.
            KeyError::Sign(SignError::Misbehaved { .. }) => {
                return Self::field(
                    "/parts",
                    error.to_string(),
                    "the parts of this payload's signers",
                );
            }
            KeyError::Disabled { .. } | KeyError::DerivedDisabled { .. } => {
                ProblemType::KeyDisabled
            }
            KeyError::Deleted { .. } => ProblemType::KeyDeleted,
            KeyError::Enabled { .. } => ProblemType::KeyEnabled,
            KeyError::Custody { .. } => ProblemType::KeyCustody,
            KeyError::ImportSecret => ProblemType::ImportSecretInvalid,
            KeyError::ImportPublicKey { .. } => ProblemType::ImportPublicKeyMismatch,
            KeyError::AlreadyReplaced { .. } => ProblemType::KeyReplaced,
            KeyError::NotReplaced { .. } => ProblemType::ReplacementNotFound,
            KeyError::GenerationExhausted { .. } => ProblemType::KeyConflict,
            KeyError::SignatureInvalid { .. }
            | KeyError::Material(_)
            | KeyError::Frost(_)
            | KeyError::Sign(_)
            | KeyError::Ceremony(_)
            | KeyError::Derivation(_)
            | KeyError::Tweak
            | KeyError::Bech32 => ProblemType::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_type_says_whose_mistake_it_was() {
        let id = KeyId::from_bytes([1; 22]);
        let field = InvalidField::new("/event/id", "that", "this");
        let kinds = [
            (KeyError::from(field), ProblemType::InvalidRequest),
            (KeyError::Disabled { id }, ProblemType::KeyDisabled),
            (KeyError::Deleted { id }, ProblemType::KeyDeleted),
            (KeyError::Enabled { id }, ProblemType::KeyEnabled),
            (
                KeyError::AlreadyReplaced { id, by: id },
                ProblemType::KeyReplaced,
            ),
            (KeyError::Tweak, ProblemType::Internal),
        ];
        for (error, kind) in kinds {
            assert_eq!(Problem::from(error).kind(), Some(kind));
        }
    }
}
