//! Why a KMS call gave no root secret.

use permafrost_common::kms::KeyArn;

use super::recipient::{RecipientError, RecipientKeyError};
use crate::attestor::AttestError;
use crate::aws;

/// A call that failed: which, with which key, after how many attempts, and why the last one did.
#[derive(Debug, thiserror::Error)]
#[error("kms:{call} with {key} failed ({attempts} of {attempts_max} attempts): {fault}")]
pub struct KmsError {
    /// `GenerateDataKey` or `Decrypt`.
    pub call: &'static str,
    /// The key of the measured configuration.
    pub key: KeyArn,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it may be tried.
    pub attempts_max: u32,
    /// Why the last attempt failed.
    pub fault: Fault,
}

/// Why one attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The call failed as that of any service may.
    #[error(transparent)]
    Aws(#[from] aws::Fault),
    /// The response is about another key.
    #[error(
        "the KMS response is about the key {found}, another {part} than that of the measured configuration"
    )]
    OtherKey {
        /// The key that the response names.
        found: String,
        /// The first part that differs: partition, region, account or key.
        part: &'static str,
    },
    /// The response carries the data key in the clear: what sent it knows the key.
    #[error(
        "the KMS response is refused: it carries a plaintext, so the Recipient was stripped or ignored"
    )]
    Plaintext,
    /// What KMS encrypted to this enclave does not open.
    #[error("CiphertextForRecipient is refused: {0}")]
    Recipient(#[from] RecipientError),
    /// The boot's RSA key could not be made.
    #[error(transparent)]
    RecipientKey(#[from] RecipientKeyError),
    /// The attestation document for the request could not be made.
    #[error("cannot make the attestation document: {0}")]
    Attestation(#[from] AttestError),
}

impl Fault {
    /// Whether a retry may help. It does not after a decision of KMS, or if the other side did not prove to be KMS.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Aws(fault) => fault.is_passing(),
            _ => false,
        }
    }
}
